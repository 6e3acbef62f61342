"""Consent of all compute parties to the set of contributors that is counted, before it is opened.

Where every contributor must be there, compute parties have nothing to agree on. The set changes
only when inputs that are not valid are left out, at every compute party alike. But a compute party
may refuse a set, as its policy or its ledger forbids it, or it may be stopped; and what it sent
before may be enough for the others to go on. So each compute party tells the others that it
consents, again after each change of the set, and none announces a share of the result before it
heard the consents of all n to the last set. Silence is a no: then nothing is opened.

A consent is sent when it is given. It is read before the sender's next message, and before anything
that depends on inputs is opened to compute parties (`shamir.rounds`). So it costs no round where a
round of the computation comes after it: only n - 1 messages from each compute party.
"""

from __future__ import annotations

from functools import partial

from ostraka.delivery.agree import Allow, Mask, Set, mask_bytes, read_mask, refused, to_mask
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import OstrakaError, PeerViolation
from ostraka.exchange import octets
from ostraka.names import PartyId, Step
from ostraka.sharing.scheme import Scheme


def add_cost(scheme: Scheme, total: Cost) -> None:
    """Add the messages and bytes of one consent to `total`; no round, as others carry it."""
    for party in scheme.compute:
        total.send(party, scheme.compute, mask_bytes(scheme.contributors))


class Consent:
    """Consents of one run: making it begins its phase, at every party of the run alike."""

    def __init__(self, party: Party) -> None:
        self._party, self._next = party, party.begin_phase()

    async def give(self, counted: Set, allow: Allow) -> None:
        """Compute party: consent to a set of contributors. Every compute party names the same.

        Args:
            allow: asked first; where it raises OstrakaError, the others are told of the refusal.
        """
        party, scheme, step = self._party, self._party.scheme, self._next
        self._next = step.later(1)
        try:
            await allow(counted)
        except OstrakaError:
            self._say(step, ())
            raise
        self._say(step, counted)
        mask = octets(mask_bytes(scheme.contributors))
        party.expect_aside(scheme.compute, step, mask, partial(self._require, counted))

    def _say(self, step: Step, counted: Set) -> None:
        scheme = self._party.scheme
        mask = to_mask(counted, scheme.contributors)
        self._party.exchange.broadcast(scheme.compute, step, mask)

    def _require(self, counted: Set, name: PartyId, mask: Mask) -> None:
        theirs = read_mask(self._party, name, mask)
        if not theirs:
            raise refused([name])
        if theirs != counted:
            raise PeerViolation(
                f"{name} consents to count {', '.join(theirs)}, where {', '.join(counted)} are "
                "asked for; nothing was revealed",
                peer=name,
            )

    async def complete(self) -> None:
        """Compute party: return once all others consented to every set that this one consented to.

        Raises:
            Aborted: a party refused; nothing was opened. Any message that is awaited from that
                party raises it, too.
            PeerLost: a party is gone, and had not consented.
            PeerViolation: a party consented to another set.
        """
        await self._party.hear_all_asides()
