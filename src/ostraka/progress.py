"""Progress of a party's run: its phase, whether its data has left, and its observer."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from ostraka.names import PartyId

if TYPE_CHECKING:
    from ostraka.arithmetic.randomness import Words


class Phase(StrEnum):
    """Phases of a run, in order; parties without a role in one pass through it."""

    GATHERING = "gathering"
    SHARING = "sharing"
    COMPUTING = "computing"
    OPENING = "opening"
    DONE = "done"


Kind = Literal["made", "got", "announced"]
"""Of a share: made for a party, got from a contributor, announced by a compute party."""


class Observer:
    """Watches one run from outside; every method does nothing unless a subclass overrides it.

    Attributes:
        wants_shares: whether `share` is called: for teaching with toy inputs only, as it is told
            real shares, written out in full. Everything else it is told is not secret.
    """

    wants_shares: bool = False

    def gathering(self, present: int, total: int) -> None:
        """Hear how many of the parties are here, ourselves included."""

    def phase(self, phase: Phase) -> None:
        """Hear that a phase begins."""

    def share(self, kind: Kind, party: PartyId, vector: Words) -> None:
        """Hear of a share that we made for `party`, got from it, or saw it announce."""

    def moved(self, done: int, total: int) -> None:
        """Hear how many of the bytes that this party is to send are sent."""

    def warn(self, text: str) -> None:
        """Hear of trouble that does not touch the result."""


class Progress:
    """State of one party's run; tells an observer of every change.

    Attributes:
        phase: the phase that began last.
        data_left: whether anything derived from this party's input has left its machine.
        watched: whether the run has an observer, so that what is only told is worth working out.
    """

    def __init__(self, observer: Observer | None = None) -> None:
        self.watched = observer is not None
        self.observer = observer or Observer()
        self.phase = Phase.GATHERING
        self.data_left = False

    @property
    def gathering(self) -> bool:
        """Whether no phase has begun in which a share may be sent."""
        return self.phase is Phase.GATHERING

    @property
    def opening(self) -> bool:
        """Whether other parties may have the result already."""
        return self.phase in (Phase.OPENING, Phase.DONE)

    def enter(self, phase: Phase) -> None:
        """Begin a phase."""
        self.phase = phase
        self.observer.phase(phase)

    def input_leaves(self) -> None:
        """Note that shares of this party's input are about to be sent."""
        self.data_left = True
