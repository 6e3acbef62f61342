"""Entries of a session's journal: a closed set of types, each as bytes. Pure.

An entry is one byte for its type and a flat msgpack array of its fields; a `Piece` is its type and
raw bytes. The elements of a long vector follow their entry in pieces, of `journal_frames.PIECE`
bytes but for the last.
"""

from __future__ import annotations

from typing import Any, Final, NamedTuple, get_type_hints

import msgpack

from ostraka import errors
from ostraka.errors import OstrakaError
from ostraka.exchange import type_codes
from ostraka.limits import VECTOR
from ostraka.names import PartyId, Step

INLINE: Final = 1 << 15
"""Bytes of the longest vector that is kept in its entry."""


class Begun(NamedTuple):
    """Beginning of a run.

    Attributes:
        version: of this package; another one might compute otherwise.
        boot: which start of the machine it was; see `journal_store.boot`.
        at: seconds since 1970.
        seed: 32 bytes, of all randomness of the run.
        elements: length of the encoded input, whose pieces follow; -1: none.
    """

    version: str
    party: str
    manifest: bytes
    boot: str
    at: float
    seed: bytes
    elements: int


class Reserved(NamedTuple):
    """Reservation of the run in the party's ledger."""

    number: str


class Met(NamedTuple):
    """Event while the session was made, as `session.introductions` saw it.

    Attributes:
        what: the name of the event, such as "greeted".
        message: what the peer said, encoded.
        certificate: the peer's, with its Hello.
        position: of the peer's stream after a message.
    """

    what: str
    peer: str
    message: bytes = b""
    certificate: bytes = b""
    position: int = 0


class Sealed(NamedTuple):
    """Sealing of the session: all parties have agreed on its id."""

    session: bytes


class Heard(NamedTuple):
    """Message that the run was given.

    Attributes:
        position: of the sender's stream after it.
        inline: the elements, unless they are more than `INLINE` bytes: then pieces follow.
    """

    sender: str
    phase: int
    n: int
    dtype: str
    length: int
    position: int
    inline: bytes

    @property
    def step(self) -> Step:
        """Step at which it was sent."""
        return Step(self.phase, self.n)

    @property
    def nbytes(self) -> int:
        """Size of the elements in bytes."""
        return type_codes[self.dtype].itemsize * self.length


class Lost(NamedTuple):
    """Error that the run was given in place of a message, and went on after."""

    sender: str
    phase: int
    n: int
    error: str
    message: str
    hint: str
    peer: str

    @property
    def step(self) -> Step:
        """Step of the message that was awaited."""
        return Step(self.phase, self.n)


class Verdict(NamedTuple):
    """Answer of the gate on the contributors counted; `error` is empty where it allowed them."""

    counted: str
    error: str
    message: str
    hint: str


class Finished(NamedTuple):
    """End of the run: its result is known, and on disk if this party learns one."""


Entry = Begun | Reserved | Met | Sealed | Heard | Lost | Verdict | Finished

Event = Heard | Lost | Verdict
"""Entry that the run's coroutine saw."""

_types: Final[dict[int, type[Entry]]] = dict(
    enumerate((Begun, Reserved, Met, Sealed, Heard, Lost, Verdict, Finished), 1)
)
_numbers: Final = {kind: bytes([number]) for number, kind in _types.items()}
_forms: Final = {kind: tuple(get_type_hints(kind).values()) for kind in _types.values()}
_PIECE: Final = b"\0"


def encode(entry: Entry) -> bytes:
    """Return the bytes of an entry."""
    packed: bytes = msgpack.packb(tuple(entry))
    return _numbers[type(entry)] + packed


def encode_piece(part: memoryview) -> bytes:
    """Return the bytes of a piece."""
    return b"".join((_PIECE, part))


def decode(body: bytes) -> Entry | memoryview:
    """Return the entry that bytes encode, or the elements of a piece.

    Raises:
        ValueError: they encode none; another version wrote them.
    """
    if body[:1] == _PIECE:
        return memoryview(body)[1:]
    try:
        kind = _types[body[0]]
        fields: list[Any] = msgpack.unpackb(body[1:])
        return _well_formed(kind(*fields))
    except (LookupError, TypeError, ValueError, msgpack.UnpackException) as problem:
        raise ValueError(f"an unknown entry: {problem}") from None


def _well_formed(entry: Entry) -> Entry:
    """Return an entry whose fields are of their types and within bounds; ValueError otherwise."""
    fine = tuple(map(type, entry)) == _forms[type(entry)]
    if fine and isinstance(entry, Begun):
        fine = -1 <= entry.elements <= VECTOR
    if fine and isinstance(entry, Heard):
        fine = entry.dtype in type_codes and 0 <= entry.length <= VECTOR
        size = entry.nbytes if fine else 0
        fine &= len(entry.inline) == (size if size <= INLINE else 0)
    if not fine:
        raise ValueError(f"a {type(entry).__name__} with other fields")
    return entry


def loss(sender: PartyId, step: Step, error: OstrakaError) -> Lost:
    """Return the entry for an error that was raised in place of a message."""
    kind = type(error).__name__
    return Lost(sender, *step, kind, error.message, error.hint, error.peer or "")


def verdict(counted: tuple[PartyId, ...], error: OstrakaError | None = None) -> Verdict:
    """Return the entry for the gate's answer; `error`: its refusal."""
    names = "\0".join(counted)
    if error is None:
        return Verdict(names, "", "", "")
    return Verdict(names, type(error).__name__, error.message, error.hint)


def error_of(entry: Lost | Verdict) -> OstrakaError:
    """Return the error that an entry tells of, of the same class."""
    kind = getattr(errors, entry.error, OstrakaError)
    peer = PartyId(entry.peer) if isinstance(entry, Lost) and entry.peer else None
    found: OstrakaError = kind(entry.message, hint=entry.hint, peer=peer)
    return found
