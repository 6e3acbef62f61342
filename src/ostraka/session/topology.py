"""Topology: which parties one party has links to, which end opens each, and which party relays.

A compute party has a link to every party. Two other parties may have no link. Then the Hello, Ready
and Statement of one reach the other through a compute party, its relayer. The manifest alone
determines the relayer: the party's place, modulo the number of compute parties, spreads that work
evenly.
"""

from __future__ import annotations

from functools import cached_property

from ostraka.manifest import Manifest
from ostraka.manifest.links import needs_link
from ostraka.names import PartyId, Role


class Topology:
    """Links and relayers of the party `me`, as the manifest determines them."""

    def __init__(self, manifest: Manifest, me: PartyId) -> None:
        self.me = me
        self.parties = manifest.parties
        self.others = tuple(party for party in manifest.parties if party != me)
        self.place = {party: place for place, party in enumerate(manifest.parties)}
        self._compute = manifest.compute
        self._roles = {party.name: party.roles for party in manifest.party}
        self._addresses = {party.name: party.address for party in manifest.party}

    @cached_property
    def linked(self) -> tuple[PartyId, ...]:
        """Parties that this one has a link to, in the order of the manifest."""
        return tuple(party for party in self.others if self.has_link(self.me, party))

    @cached_property
    def compute(self) -> tuple[PartyId, ...]:
        """Compute parties other than this one."""
        return tuple(party for party in self._compute if party != self.me)

    @cached_property
    def computes(self) -> bool:
        """Whether this party computes."""
        return self.me in self._compute

    def stays(self, party: PartyId) -> bool:
        """Return whether a party stays to the end; one that only contributes leaves before."""
        return not {Role.COMPUTE, Role.RECIPIENT}.isdisjoint(self._roles[party])

    @cached_property
    def relayers(self) -> dict[PartyId, PartyId]:
        """The relayer of each party that this one has no link to."""
        linked = set(self.linked)
        return {party: self._relayer(party) for party in self.others if party not in linked}

    @cached_property
    def relayed_by(self) -> dict[PartyId, tuple[PartyId, ...]]:
        """The parties whose messages each relayer is to bring to this one, by relayer."""
        found: dict[PartyId, list[PartyId]] = {}
        for party, relayer in self.relayers.items():
            found.setdefault(relayer, []).append(party)
        return {relayer: tuple(parties) for relayer, parties in found.items()}

    @cached_property
    def audience(self) -> dict[PartyId, tuple[PartyId, ...]]:
        """The receivers to whom this party relays, for each party whose messages it relays."""
        if not self.computes:
            return {}
        idle = [party for party in self.others if party not in self._compute]
        mine = [party for party in idle if self._relayer(party) == self.me]
        return {
            party: tuple(other for other in idle if not self.has_link(party, other))
            for party in mine
        }

    def dials(self, party: PartyId, other: PartyId) -> bool:
        """Return whether `party` opens the direct link to `other`.

        Of the two, the party without an address does; of two with one, the later in the manifest.
        """
        ours, theirs = self._addresses[party], self._addresses[other]
        return theirs is not None and (ours is None or self.place[party] > self.place[other])

    def opens(self, party: PartyId, other: PartyId) -> bool:
        """Return whether `party` is the one of the two that opens all connections, direct or
        through a coordinator, as their TLS client."""
        if self._addresses[party] is None and self._addresses[other] is None:
            return self.place[party] > self.place[other]
        return self.dials(party, other)

    def through_coordinator(self, other: PartyId) -> bool:
        """Return whether the link to `other` needs the coordinator: neither has an address."""
        return self._addresses[self.me] is None and self._addresses[other] is None

    def has_link(self, one: PartyId, other: PartyId) -> bool:
        """Return whether two parties have a link, or are the same."""
        return one == other or needs_link(self._roles[one], self._roles[other])

    def _relayer(self, party: PartyId) -> PartyId:
        return self._compute[self.place[party] % len(self._compute)]
