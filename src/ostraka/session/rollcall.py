"""Roll call: agreement of the compute parties on the parties that a session begins without.

It takes place where the manifest says `start = "enough"`. The first compute party of the manifest,
the *proposer*, begins. At its deadline it says which parties are not here, in an Omission, to the
other compute parties. Each of these answers with the same set, and the parties that it lacks
itself, once all others are here with it. If an answer names more, the proposer proposes all of
them, and so on: sets only grow. When all answers are the proposal, the proposer says it to the
parties that do not compute, and then its Ready. Before its deadline the proposal is the empty set,
which is not said: each compute party answers it once all are here.

Only contributors that neither compute nor receive may be left out, and only as many as the policy
allows. The session id covers the set, so every party's Ready signs it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from ostraka.errors import PeerViolation
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.session.actions import Action, Say
from ostraka.wire.messages import Omission

Absent = frozenset[PartyId]
"""Set of parties that a session is to begin without."""

NONE: Absent = frozenset()


def omission_of(absent: Collection[PartyId], parties: Sequence[PartyId]) -> Omission:
    """Return the message that says a set of parties: a bit each, least significant first."""
    bits = sum(1 << place for place, party in enumerate(parties) if party in absent)
    return Omission(bits.to_bytes((len(parties) + 7) // 8, "little"))


def absent_of(omission: Omission, manifest: Manifest) -> Absent:
    """Return the set that a message says.

    Raises:
        PeerViolation: the session may not begin without these parties.
    """
    parties, bits = manifest.parties, int.from_bytes(omission.absent, "little")
    if len(omission.absent) != (len(parties) + 7) // 8 or bits >> len(parties):
        raise PeerViolation("an Omission of other parties than the manifest's")
    absent = frozenset(party for place, party in enumerate(parties) if bits >> place & 1)
    if not manifest.may_begin_without(absent):
        raise PeerViolation("an Omission without parties that the session may not begin without")
    return absent


class RollCall:
    """State of the agreement at one party; it knows no clock and no link.

    Attributes:
        proposer: the compute party that proposes; None where all parties must come.
        absent: the set that was proposed last.
    """

    def __init__(self, manifest: Manifest, me: PartyId) -> None:
        self._manifest, self._me = manifest, me
        enough = manifest.session.start == "enough"
        self.proposer = manifest.compute[0] if enough else None
        self.absent = NONE
        self._others = [p for p in manifest.compute if p != me] if me in manifest.compute else []
        self._may_be_absent = frozenset(manifest.may_be_absent)
        self._due = self._asked = False
        self._wanted = NONE
        self._answers: dict[PartyId, Absent] = {}
        self._answered: tuple[bool, Absent, Absent] | None = None

    @property
    def proposes(self) -> bool:
        """Whether this party is the proposer."""
        return self.proposer == self._me

    def lacking(self, away: Collection[PartyId]) -> Absent:
        """Return the parties without which the session does not begin, of those that are away."""
        return frozenset(away) - self.absent

    def may_begin(self, away: Collection[PartyId]) -> bool:
        """Return whether the session may begin without the parties that are away."""
        return self._manifest.may_begin_without(away)

    def agreed(self) -> bool:
        """Whether this party may seal, as far as the roll call goes: the proposer once all other
        compute parties have answered its proposal, other parties at any time."""
        return not self.proposes or all(
            self._answers.get(party) == self.absent for party in self._others
        )

    def begin(self) -> None:
        """Propose from now on to begin without those that are away: the deadline has passed."""
        self._due = True

    def advance(self, away: Collection[PartyId]) -> list[Action]:
        """Return the proposal or the answer that is due, given the parties that are away."""
        if self.proposes:
            return self._propose(away) if self._due else []
        return self._answer(away) if self.proposer and self._others else []

    def _propose(self, away: Collection[PartyId]) -> list[Action]:
        wanted = self.absent | self._wanted | self._may_be_absent.intersection(away)
        if (self._asked and wanted == self.absent) or not self.may_begin(wanted):
            return []
        self._asked, self.absent = True, wanted
        self._answers.clear()
        return [Say(tuple(self._others), self._omission(wanted))]

    def _answer(self, away: Collection[PartyId]) -> list[Action]:
        wanted = self.absent
        if self._due:
            wanted |= self._may_be_absent.intersection(away)
        answer = (self._due, self.absent, wanted)
        if set(away) - wanted or not self.may_begin(wanted) or answer == self._answered:
            return []
        self._answered = answer
        assert self.proposer is not None
        return [Say((self.proposer,), self._omission(wanted))]

    def _omission(self, absent: Absent) -> Omission:
        return omission_of(absent, self._manifest.parties)

    def heard(self, peer: PartyId, omission: Omission) -> None:
        """Take a proposal from the proposer, or an answer from another compute party.

        Raises:
            PeerViolation: the peer may not say this.
        """
        said = absent_of(omission, self._manifest)
        if self.proposes and peer in self._others:
            self._take_answer(peer, said)
        elif peer == self.proposer:
            if not said >= self.absent:
                raise PeerViolation("an Omission with fewer parties left out than before")
            self._due, self.absent = True, said
        else:
            raise PeerViolation("an Omission that it has no part in")

    def _take_answer(self, peer: PartyId, said: Absent) -> None:
        if said and not self._due:
            raise PeerViolation("an Omission that answers no proposal")
        if said >= self.absent:  # others answer an earlier proposal
            self._answers[peer] = said
            self._wanted |= said

    def met(self, peer: PartyId) -> list[Action]:
        """Begin anew with a run of a peer that has heard and said nothing yet."""
        self._answers.pop(peer, None)
        if peer == self.proposer:
            self._due, self.absent, self._answered = False, NONE, None
        if self.proposes and self._due and peer in self._others:
            return [Say((peer,), self._omission(self.absent))]
        return []

    def conclude(self, audience: Collection[PartyId]) -> list[Action]:
        """Return what the proposer says to the linked parties before its Ready."""
        idle = tuple(party for party in audience if party not in self._others)
        if not (self.proposes and self.absent and idle):
            return []
        return [Say(idle, self._omission(self.absent))]
