"""Trust in a manifest's keys: they are known, or a person confirms them, or the run is refused.

A manifest pins the keys of all parties, so a manifest that was swapped on its way can pin keys of
one attacker in all places but one. It reaches the parties over a channel that ostraka does not
see; what protects it is that keys are met before, or that people compare six words of it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ostraka.errors import OstrakaError, UnconfirmedKey
from ostraka.manifest import Manifest
from ostraka.manifest.words import read_words, six_words
from ostraka.names import PartyId
from ostraka.record.known_keys import KeyBook, KeyStanding, MetKey

Ask = Callable[[Sequence[MetKey]], bool]
"""Function that asks a person whether the six words of the manifest are those of another party."""

Tell = Callable[[Manifest, Sequence[MetKey]], None]
"""Function that shows a manifest's keys, and its six words."""


@dataclass(frozen=True)
class Trust:
    """Answer of a party to keys that it has not met. None of it is an answer to one that CHANGED.

    Attributes:
        new: keys that are not in the book are taken on trust.
        words: six words that another party read from its manifest; "" if there are none.
        ask: asks a person; None where none can be asked.
        tell: is called before a person is asked, and before keys are refused.
        vouched: an invitation vouches for the keys: `ask` decides about all of them, known or not,
            and a yes learns them.
    """

    new: bool = False
    words: str = ""
    ask: Ask | None = None
    tell: Tell | None = None
    vouched: bool = False

    @classmethod
    def of(cls, given: Trust | bool | str) -> Trust:
        """Return the trust that `trust_new` of the library stands for: a flag, or six words."""
        if isinstance(given, Trust):
            return given
        return cls(words=given) if isinstance(given, str) else cls(new=given)


@dataclass(frozen=True)
class Meeting:
    """First look of a party at the keys of a manifest.

    Attributes:
        met: the keys, all parties'.
    """

    manifest: Manifest
    me: PartyId
    book: KeyBook
    met: tuple[MetKey, ...]

    @classmethod
    def of(cls, manifest: Manifest, me: PartyId, book: KeyBook) -> Meeting:
        """Compare a manifest's keys with the book."""
        return cls(manifest, me, book, book.meet(manifest, me))

    def require(self, trust: Trust) -> None:
        """Check that the keys are known, or confirmed; keys that people confirmed are learned.

        Raises:
            UnconfirmedKey: a key CHANGED, a key is new and neither confirmed nor taken on trust, or
                the words are those of another manifest.
            UsageError: the words are not six words of the list, or the book cannot be used.
        """
        changed = [met for met in self.met if met.standing is KeyStanding.CHANGED]
        new = [met for met in self.met if met.standing is KeyStanding.NEW]
        confirmed = not trust.vouched and (trust.words or trust.new or not new)
        if trust.tell is not None and (changed or not confirmed):
            trust.tell(self.manifest, self.met)
        if changed:
            raise _changed(changed)
        if trust.words:
            self._compare(trust.words)
        elif confirmed:
            return
        elif trust.ask is None or not trust.ask(new):
            raise _new(new)
        self.book.learn(self.manifest, self.me)

    def _compare(self, words: str) -> None:
        if read_words(words) != six_words(self.manifest.digest):
            raise UnconfirmedKey(
                "those are not the six words of this manifest: it is another than theirs",
                hint="do not go on with it: ask its author for the manifest again, another way",
                data_left=False,
            )

    def finished(self, session: str, warn: Callable[[str], None]) -> None:
        """Learn the keys that took part in a session which ended well.

        Args:
            session: its id, in hex.
            warn: is called with a text if the book cannot be written.
        """
        try:
            self.book.learn(self.manifest, self.me, session)
        except OstrakaError as error:
            warn(f"the other parties' keys were not noted down: {error.message}")


def _changed(changed: Sequence[MetKey]) -> UnconfirmedKey:
    met, *others = changed
    more = f"; so did those of {', '.join(other.name for other in others[:11])}" if others else ""
    return UnconfirmedKey(
        f"the key of {met.name} {met.in_words()}{more}",
        hint=f"ask {met.name} by voice whether it has a new key, and for {met.name}.succession: "
        f"ostraka known renew FILE; without such a file: ostraka known forget {met.name}. To try "
        "out names that are known here from elsewhere, give OSTRAKA_HOME a directory of its own",
        peer=met.name,
        data_left=False,
    )


def _new(new: Sequence[MetKey]) -> UnconfirmedKey:
    names = ", ".join(met.name for met in new[:12])
    more = f" and {len(new) - 12} more" if len(new) > 12 else ""
    return UnconfirmedKey(
        f"this machine has not met the keys of {names}{more}, and no invitation vouches for them",
        hint="have another party read you the six words of its manifest, by voice, and run with "
        '--words "..."; or take the keys on trust: --trust-new',
        peer=new[0].name if len(new) == 1 else None,
        data_left=False,
    )
