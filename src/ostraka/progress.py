"""Progress of a party's run: its phase, whether its data has left, and its observer."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Final, Literal

from ostraka.names import PartyId

if TYPE_CHECKING:
    from ostraka.arithmetic.randomness import Words
    from ostraka.outcome import Outcome


class Phase(StrEnum):
    """Phases of a run, in order; a party that has no part in a phase passes through it."""

    GATHERING = "gathering"
    SHARING = "sharing"
    COMPUTING = "computing"
    OPENING = "opening"
    DONE = "done"


Kind = Literal["made", "got", "announced"]
"""Origin of a share: made for a party, got from a contributor, announced by a compute party."""


Settled = Literal["", "released", "held", "committed"]
"""End of a reservation in a ledger; "" while its run goes on."""


def data_in_words(left: bool | None, *, opening: bool) -> str:
    """Say whether data of this party has left its machine; "" where that is not known.

    Args:
        opening: whether other parties may have the result already.
    """
    if left is None:
        return ""
    if not left:
        return "nothing of yours has left this machine"
    more = "others may have the result already" if opening else "alone they reveal nothing"
    return f"shares of your input have left this machine; {more}"


_SETTLED: Final[Mapping[Settled, str]] = {
    "": "",
    "released": "nothing is spent or held for this run",
    "held": "run {0} is held, as others may have gone on; it counts until you find out that they "
    "have no result, then: ostraka ledger release {0}",
    "committed": "run {0} counts as spent, as others may have the result",
}


class Observer:
    """Receiver of a run's events; every method does nothing unless a subclass overrides it.

    Attributes:
        wants_shares: whether `share` is called. It is given real shares, so this is for teaching
            with toy inputs only. The arguments of all other methods are not secret.
    """

    wants_shares: bool = False

    def resuming(self, session: str, seconds: float) -> None:
        """Take note that this run goes on with one that an earlier process began.

        Args:
            session: its id in hex; "" where no session had been made.
            seconds: how long ago it began.
        """

    def gathering(self, present: int, total: int) -> None:
        """Take note that `present` of `total` parties are here, this party included."""

    def away(self, parties: tuple[PartyId, ...]) -> None:
        """Take note of which other parties are not here; comes with every `gathering`."""

    def phase(self, phase: Phase) -> None:
        """Take note that a phase begins."""

    def share(self, kind: Kind, party: PartyId, vector: Words) -> None:
        """Take note of a share that this party made for `party`, got from it or saw it announce."""

    def moved(self, done: int, total: int) -> None:
        """Take note that `done` of the `total` bytes that this party will send are sent."""

    def collected(self, text: str) -> None:
        """Take note of how far fetching and opening of a collection's reports has come."""

    def warn(self, text: str) -> None:
        """Take note of a problem that does not change the result."""

    def result(self, outcome: Outcome) -> None:
        """Take note of what `run` will return, as soon as it is known.

        The party then tells the others what it signs, and writes the receipt whose path the outcome
        has already. Long results come in another thread than that of the event loop, which waits.
        """


class Progress:
    """State of one party's run; reports every change of phase to an observer.

    Attributes:
        phase: the phase that began last.
        data_left: whether anything derived from this party's input has left its machine.
        consented: the contributors that a share of the result counts which this party, a compute
            party, announced; None before.
        watched: whether the run has an observer; if not, figures only for it need no computing.
        reservation: the number, in the party's ledger, of a run that failed; "" before.
        settled: how that reservation ended; "committed" counts as spent.
    """

    def __init__(self, observer: Observer | None = None) -> None:
        self.watched = observer is not None
        self.observer = observer or Observer()
        self.phase = Phase.GATHERING
        self.data_left = False
        self.consented: tuple[PartyId, ...] | None = None
        self.reservation = ""
        self.settled: Settled = ""

    @property
    def gathering(self) -> bool:
        """Whether no phase has begun in which a share may be sent."""
        return self.phase is Phase.GATHERING

    @property
    def opening(self) -> bool:
        """Whether other parties may have the result already."""
        return self.phase in (Phase.OPENING, Phase.DONE)

    def resume(self, *, shared: bool) -> None:
        """Note that a run goes on which began in an earlier process, whose session was open.

        Args:
            shared: whether the party contributes: then its data may have left already.
        """
        self.phase, self.data_left = Phase.SHARING, shared

    def enter(self, phase: Phase) -> None:
        """Set the phase that begins, and tell the observer."""
        self.phase = phase
        self.observer.phase(phase)

    @property
    def settled_in_words(self) -> str:
        """Sentence on the reservation of a run that failed; "" where there is none."""
        return _SETTLED[self.settled].format(self.reservation[:8])

    def input_leaves(self) -> None:
        """Note that shares of this party's input are about to be sent."""
        self.data_left = True
