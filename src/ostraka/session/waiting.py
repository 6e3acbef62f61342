"""Words for a wait at a session's beginning: the parties to blame, and why each is missing."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from ostraka.errors import OstrakaError
from ostraka.names import PartyId
from ostraka.session import blame
from ostraka.session.acquaintance import HERE, Acquaintance, PeerState
from ostraka.session.topology import Topology


class Waiting:
    """Answers, from what one party knows of the others, on whom it waits for.

    Args:
        others: what is known of each other party.
        cut_off: parties that were here and are away; they may return.
    """

    def __init__(
        self,
        topology: Topology,
        others: Mapping[PartyId, Acquaintance],
        cut_off: Collection[PartyId],
    ) -> None:
        self._topology, self._others, self._cut_off = topology, others, cut_off

    def missing(self) -> list[PartyId]:
        """List the parties to blame for the wait: those not here, or else those not ready.

        Parties that gave up waiting, or that we could not know of, are listed only for lack of
        others.
        """
        away = self.away()
        awake = [party for party in away if not self._others[party].tired] or away
        late = [
            party
            for party, other in self._others.items()
            if other.state not in (PeerState.READY, PeerState.ABSENT)
        ]
        return [party for party in awake or late if self._could_know(party)] or awake or late

    def away(self) -> list[PartyId]:
        """List the parties that are not here, or not any more, in the order of the manifest."""
        return [
            party
            for party, other in self._others.items()
            if other.state is not PeerState.ABSENT
            and (other.state not in HERE or party in self._cut_off)
        ]

    def late(self, seconds: float) -> OstrakaError:
        """Return the error for a deadline of so many seconds; it names the parties to blame."""
        for other in self._others.values():
            if other.state is PeerState.DOUBTED and other.doubt is not None:
                return other.doubt
        return blame.too_late({party: self.trouble(party) for party in self.missing()}, seconds)

    def trouble(self, party: PartyId) -> str:
        """Say why a party is missing, or not ready; "" if that is not known."""
        here = self._others[party].state in HERE
        if party in self._topology.relayers:
            word = "its Ready" if here else "it"
            return f"{self._topology.relayers[party]} has not told us of {word}"
        if party in self._cut_off:
            return "it was cut off"
        if here:
            return "it is here, and still waits for another party"
        return self._others[party].trouble

    def words(self, missing: list[PartyId], left: float) -> str:
        """Say whom the session waits for, for how many seconds more, and why each is missing."""
        why = [
            f"{party}: {why}" for party in missing[: blame.NAMES] if (why := self.trouble(party))
        ]
        reasons = f" ({'; '.join(why)})" if why else ""
        return f"waiting for {blame.named(missing)}, {max(0.0, left):.0f} s left{reasons}"

    def _could_know(self, party: PartyId) -> bool:
        """Return whether we would know of the party: its relayer, if it has one, is here."""
        relayer = self._topology.relayers.get(party)
        return relayer is None or self._others[relayer].state in HERE
