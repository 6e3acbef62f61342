"""Record of one party's session while it lasts: what a new process needs to go on with it.

A run is deterministic in its input, its seed and the events that it saw, in order. So those are
kept, and a new process that plays the run again from them sends the same bytes and comes to the
same point. An event is written before the run acts on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Words
from ostraka.names import PartyId
from ostraka.record.journal import Journal
from ostraka.record.journal_entries import (
    INLINE,
    Begun,
    Entry,
    Event,
    Finished,
    Heard,
    Lost,
    Met,
    Reserved,
    Sealed,
    Verdict,
    decode,
    encode,
    encode_piece,
)
from ostraka.record.journal_frames import PIECE, Damaged

Failed = Callable[[OSError], None]
"""Function that is called once, with the reason why a record cannot be written any more."""


class SessionRecord:
    """Record of one session. Made by `begin` or `reread`.

    A record that cannot be written once the run has begun is erased: a new process must not go on
    from a part of what happened. The run goes on without.

    Attributes:
        begun: the beginning of the run.
        x: the encoded input, None at a party without one.
        reservation: the run's number in the ledger, "" for none.
        age: seconds since the run began, when this process took it over; 0 where it began it.
        past: events while the session was made.
        sealed: None until the session was sealed.
        positions: of each sender's stream, after its last message on record.
        finished: whether the result is known.
        resume_for: seconds for which the record is kept.
        power_lost: whether events that the run saw last may be missing.
        on_failure: is called if the record cannot be written any more.
    """

    def __init__(self, journal: Journal, begun: Begun, x: Words | None) -> None:
        self.begun, self.x = begun, x
        self.reservation, self.age = "", 0.0
        self.past: list[Met] = []
        self.sealed: Sealed | None = None
        self.positions: dict[PartyId, int] = {}
        self.finished = self.power_lost = False
        self.resume_for = 0.0
        self.on_failure: Failed = lambda _error: None
        self._journal = journal
        self._events: Iterator[Event] = iter(())
        self._next: Event | None = None
        self._pieces: Iterator[memoryview] = iter(())

    def __repr__(self) -> str:
        return f"SessionRecord({self.begun.party}, {self._journal.path})"

    @classmethod
    def begin(cls, journal: Journal, begun: Begun, x: Words | None) -> SessionRecord:
        """Write the beginning of a run to disk.

        Raises:
            OSError: it cannot be written; the journal is erased.
        """
        made = cls(journal, begun, x)
        try:
            journal.append(encode(begun))
            made._write_pieces(x)
            journal.sync()
        except OSError:
            journal.erase()
            raise
        return made

    @classmethod
    def reread(cls, journal: Journal, *, powerless: Callable[[str], bool]) -> SessionRecord:
        """Read a record again, to go on with it.

        Args:
            powerless: tells whether the machine was started since the boot that a record names.
                Then the last frames may be damaged, and are dropped.

        Raises:
            Damaged: it is not as it was written.
        """
        entries = _Entries(journal)
        begun, x = entries.beginning()
        found = cls(journal, begun, x)
        found.power_lost = entries.lenient = powerless(begun.boot)
        size = found._scan(entries)
        journal.go_on(size)
        found._events = found._replayed(_Entries(journal, size))
        found._step()
        return found

    # --- reading --------------------------------------------------------------------------------

    def _scan(self, entries: _Entries) -> int:
        """Note what all entries say; return where the last whole one ends."""
        for entry in entries.rest():
            match entry:
                case Reserved(number):
                    self.reservation = number
                case Met():
                    self._met(entry)
                case Sealed():
                    self.sealed = entry
                case Heard(sender=sender, position=position):
                    self.positions[PartyId(sender)] = position
                case Finished():
                    self.finished = True
        return entries.end

    def _met(self, met: Met) -> None:
        self.past.append(met)
        if met.what in ("greeted", "heard"):
            self.positions[PartyId(met.peer)] = met.position

    def _replayed(self, entries: _Entries) -> Iterator[Event]:
        entries.beginning()
        for entry in entries.rest(into=self._take_pieces):
            if isinstance(entry, Heard | Lost | Verdict):
                yield entry

    def _take_pieces(self, pieces: Iterator[memoryview]) -> None:
        self._pieces = pieces

    def _step(self) -> None:
        self._next = next(self._events, None)

    @property
    def replaying(self) -> bool:
        """Whether events are left that the run has not seen again."""
        return self._next is not None

    def next_event(self) -> Event | None:
        """Return the next event that the run saw before; None once it has seen all."""
        return self._next

    def take(self, event: Event, out: NDArray[Any] | None = None) -> None:
        """Go on to the event after this one; `out` is filled with the elements of a `Heard`."""
        if isinstance(event, Heard) and out is not None and event.length:
            target = out.data.cast("B")
            if len(target) <= INLINE:
                target[:] = event.inline
            else:
                _fill(target, self._pieces)
        self._step()

    # --- writing --------------------------------------------------------------------------------

    def reserve(self, number: str) -> None:
        """Note the run's number in the ledger."""
        self.reservation = number
        self._note(Reserved(number))
        self._guard(self._journal.push)

    def meet(self, met: Met) -> None:
        """Note an event of the session's beginning, before this party answers it."""
        self._note(met)
        self.push()

    def seal(self, sealed: Sealed) -> None:
        """Note that the session is sealed; on disk when this returns: a share may leave.

        Raises:
            OSError: it cannot be written.
        """
        self.sealed = sealed
        self._journal.append(encode(sealed))
        self._journal.sync()

    def hear(self, heard: Heard, message: NDArray[Any]) -> None:
        """Note a message that the run is about to see; a long one is written at once."""
        if not self._journal.alive:
            return
        self.positions[PartyId(heard.sender)] = heard.position
        self._note(heard)
        if message.nbytes > INLINE:
            self._guard(lambda: self._write_pieces(message))

    def note(self, entry: Lost | Verdict) -> None:
        """Note another event that the run is about to see."""
        self._note(entry)

    def push(self) -> None:
        """Write all events to the file: call it before the run acts on them."""
        self._guard(self._journal.push)

    def sync(self) -> None:
        """Write all events to the disk, where they survive a loss of power."""
        self._guard(self._journal.sync)

    def finish(self) -> None:
        """Note that the result is known, and on disk."""
        self.finished = True
        self._note(Finished())
        self.sync()

    def erase(self) -> None:
        """Remove the record, its key first: the session is over. Idempotent."""
        self._journal.erase()

    def close(self) -> None:
        """Keep the record for another process. Idempotent."""
        self._journal.close()

    def _note(self, entry: Entry) -> None:
        if self._journal.alive:
            self._journal.append(encode(entry))

    def _write_pieces(self, vector: NDArray[Any] | None) -> None:
        if vector is None or not vector.size:
            return
        view = np.ascontiguousarray(vector).data.cast("B")
        for start in range(0, len(view), PIECE):
            self._journal.append(encode_piece(view[start : start + PIECE]))
            self._journal.push()

    def _guard(self, write: Callable[[], None]) -> None:
        """Write; if that fails erase the record, and go on without."""
        if not self._journal.alive:
            return
        try:
            write()
        except OSError as error:
            self._journal.erase()
            self.on_failure(error)


class _Entries:
    """Reader of a journal's entries, which joins pieces to the entry before them.

    Attributes:
        end: bytes of the file up to the end of the last entry that is whole, pieces included.
        lenient: whether a frame that does not open ends the journal, as if it were torn.
    """

    def __init__(self, journal: Journal, size: int | None = None) -> None:
        self.end = self._at = 0
        self.lenient = size is not None
        self._journal, self._size = journal, size
        self._bodies = self._read()

    def _read(self) -> Iterator[Entry | memoryview]:
        try:
            for body, end in self._journal.read():
                if self._size is not None and end > self._size:
                    return
                self._at = end
                yield decode(body)
        except Damaged:
            if not self.lenient:
                raise
        except ValueError as problem:
            raise Damaged(str(problem)) from None

    def beginning(self) -> tuple[Begun, Words | None]:
        """Read the first entry and the input that follows it; Damaged if they are not there."""
        begun = next(self._bodies, None)
        if not isinstance(begun, Begun):
            raise Damaged("it does not say how the run began")
        if begun.elements < 0:
            self.end = self._at
            return begun, None
        x = np.empty(begun.elements, np.uint64)
        if begun.elements and not _fill(x.data.cast("B"), self._pieces()):
            raise Damaged("it does not hold the whole input")
        self.end = self._at
        return begun, x

    def rest(self, into: Callable[[Iterator[memoryview]], None] | None = None) -> Iterator[Entry]:
        """Yield the entries that are whole.

        Args:
            into: is given the pieces of an entry before that is yielded, and must use them up
                before the next one; by default they are skipped.
        """
        for entry in self._bodies:
            if isinstance(entry, memoryview):
                raise Damaged("elements without their message")
            if isinstance(entry, Heard) and not entry.inline and entry.length:
                if into is not None:
                    into(self._pieces())
                elif not self._skip(entry):
                    return
            self.end = self._at
            yield entry

    def _skip(self, heard: Heard) -> bool:
        left = heard.nbytes
        for piece in self._pieces():
            left -= len(piece)
            if left < 0:
                raise Damaged("more elements than the message has")
            if left == 0:
                return True
        return False

    def _pieces(self) -> Iterator[memoryview]:
        for piece in self._bodies:
            if not isinstance(piece, memoryview):
                raise Damaged("a message without its elements")
            yield piece


def _fill(target: memoryview, pieces: Iterator[memoryview]) -> bool:
    """Fill a view with pieces; return whether there were enough. Raises Damaged if one is larger
    than what is left of the view."""
    done = 0
    while done < len(target):
        piece = next(pieces, None)
        if piece is None:
            return False
        if len(piece) > len(target) - done:
            raise Damaged("more elements than there is room for")
        target[done : done + len(piece)] = piece
        done += len(piece)
    return True
