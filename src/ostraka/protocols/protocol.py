"""The base class of every protocol: copy `secure_sum.py` to write another.

A protocol is three methods named by who runs them: `share` (a contributor), `compute` (a compute
party), `combine` (a recipient), and what surrounds them: how inputs are encoded, a plaintext twin
to test against, and what `ostraka check` says before anything runs. `runner.run` does the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import ClassVar

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.delivery import agree, opening
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.engine.shamir.offers import Offers
from ostraka.errors import InputError, ManifestError, RefusedByPolicy
from ostraka.exchange import Expected
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.shares import Shares
from ostraka.record.budget import Spend, cost_of
from ostraka.sharing.additive import Additive
from ostraka.sharing.scheme import Parcel, Scheme
from ostraka.sharing.shamir import Shamir


class Protocol(ABC):
    """One protocol under one manifest; knows no network and keeps no state between calls.

    Raises:
        ManifestError: the manifest asks this protocol for something it cannot do.
    """

    name: ClassVar[str]
    securities: ClassVar[tuple[str, ...]] = ("passive",)
    """What [sharing] security may say."""
    noises: ClassVar[frozenset[str]] = frozenset()
    """Which of "local" and "central" [privacy] may ask for."""
    rules: ClassVar[frozenset[str]] = frozenset()
    """Which rules of [policy] that only a computation can check are checked."""
    length: int
    """Words in the vector that every contributor shares."""
    opened: int
    """Words in the vector that is opened to the recipients."""
    proves: ClassVar[bool] = False
    """Whether with active security all that compute parties hold is proven before it is opened."""
    compute_steps: int = 0
    """Steps `compute` takes at every compute party."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.contributors = manifest.contributors
        self.recipients = manifest.recipients
        if manifest.sharing.security not in self.securities:
            raise ManifestError(
                f'{self.name} under security = "active" is not available yet: nothing would catch '
                "a contributor or compute party that sends wrong shares",
                hint='use security = "passive" among parties that follow the protocol',
                data_left=False,
            )
        self._refuse_what_nobody_would_notice(manifest)
        self._refuse_what_is_not_kept(manifest)

    @staticmethod
    def _refuse_what_nobody_would_notice(manifest: Manifest) -> None:
        """With active security the shares of the honest alone must determine the result."""
        n, t = len(manifest.compute), manifest.sharing.threshold
        if manifest.sharing.security == "active" and n < 2 * t + 1:
            raise ManifestError(
                f'sharing.security = "active": where {t} of {n} compute parties may lie, '
                "the shares of the others do not determine the result, and nobody would notice",
                hint='set scheme = "shamir" in [sharing], and '
                + (f"threshold = {(n - 1) // 2}" if n > 2 else "name more compute parties"),
                data_left=False,
            )

    def _refuse_what_is_not_kept(self, manifest: Manifest) -> None:
        """No noise and no rule is agreed upon that would then not be there."""
        privacy = manifest.privacy
        asked = {"local": privacy.local, "central": privacy.central}
        for place in (p for p, noise in asked.items() if noise and p not in self.noises):
            raise ManifestError(
                f"privacy.{place}: {self.name} adds no {place} noise",
                hint="leave it out, or ask for something that can be noised, such as a sum",
                data_left=False,
            )
        for rule in (r for r in manifest.policy.inside if r not in self.rules):
            raise ManifestError(
                f"policy.{rule}: {self.name} does not check it",
                hint="leave it out, or use a protocol that does: table",
                data_left=False,
            )

    @cached_property
    def scheme(self) -> Scheme:
        """The sharing scheme among the compute parties."""
        manifest = self.manifest
        if manifest.sharing.scheme == "additive":
            return Additive(self.contributors, manifest.compute)
        scheme = Shamir(self.contributors, manifest.compute, manifest.sharing.threshold)
        if manifest.sharing.security == "active":
            scheme.proven = self.proves
            scheme.lying = scheme.threshold if self.proves else len(scheme.compute) - scheme.needed
        return scheme

    # --- the figure ---------------------------------------------------------------------------

    def input_of(self, me: PartyId, raw: object) -> Words | None:
        """The input of `me`, checked and encoded; None where the manifest asks `me` for none.

        Raises:
            InputError: it is not what the manifest asks for, or is given though none is asked.
        """
        if me in self.contributors:
            return self.encode(raw)
        if raw is None:
            return None
        raise InputError(
            f"the manifest does not ask {me} for an input, and one was given",
            hint="run without an input",
            data_left=False,
        )

    @abstractmethod
    def encode(self, raw: object) -> Words:
        """Contributor: check the input and write it as `length` elements. Sends nothing.

        Raises:
            InputError: the input is not what the manifest asks for.
        """

    def share(self, x: Words, me: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        """Contributor: one parcel for every compute party. Consumes `x`."""
        return self.scheme.split(x, me, draw)

    @abstractmethod
    async def compute(self, party: Party, shares: Shares) -> Words:
        """Compute party: from shares of the inputs to a share of the vector to be opened."""

    @abstractmethod
    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        """Recipient: from the opened vector to named results."""

    def combine_for(
        self, me: PartyId, opened: Words, counted: Sequence[PartyId]
    ) -> tuple[Output, ...]:
        """The same, where recipients learn different things: `opened` is what `me` may learn."""
        return self.combine(opened, counted)

    # --- around it ----------------------------------------------------------------------------

    @abstractmethod
    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        """The same results by the textbook, from everybody's raw inputs: for tests."""

    @abstractmethod
    def explain(self) -> list[str]:
        """In words: who learns what, how many colluders break it, who may go missing."""

    def offers(self, me: PartyId, draw: Draw) -> Offers | None:
        """Compute party: what travels with the shares of inputs, where an engine is used."""
        return None

    @property
    def givers(self) -> tuple[PartyId, ...]:
        """Who sends something to compute parties in the sharing step."""
        return self.contributors

    def expected(self, giver: PartyId, receiver: PartyId) -> Expected:
        """What `receiver` must expect from `giver` in the sharing step."""
        return self.scheme.expected(giver, receiver, self.length)

    @property
    def agrees(self) -> bool:
        """Whether compute parties must agree on whom to count: when some may go missing."""
        return not isinstance(self.scheme, Additive)

    @property
    def certain(self) -> tuple[PartyId, ...]:
        """Without whose shares no compute party goes on: so nobody can have these left out."""
        return self.scheme.compute if self.scheme.lying else ()

    @property
    def openings(self) -> tuple[tuple[tuple[PartyId, ...], slice], ...]:
        """Which part of the vector is opened to whom; every recipient is named once."""
        return ((self.recipients, slice(0, self.opened)),)

    @property
    def steps(self) -> int:
        """Step numbers one run takes."""
        in_opening = sum(opening.steps(self.scheme, p.stop - p.start, r) for r, p in self.openings)
        return 1 + agree.STEPS * self.agrees + self.compute_steps + in_opening

    def check_policy(self, counted: Sequence[PartyId]) -> None:
        """Refuse a result over fewer contributors than the manifest's policy allows."""
        least = self.manifest.policy.min_contributors
        if len(counted) < least:
            missing = [c for c in self.contributors if c not in counted]
            some = "1 contributor" if len(counted) == 1 else f"{len(counted)} contributors"
            raise RefusedByPolicy(
                f"only {some} would be counted and the policy asks for {least} "
                f"(missing: {', '.join(missing)}); nothing was revealed",
                hint="run it again with everybody, or agree on a lower min_contributors",
            )

    def spends(self, counted: Sequence[PartyId]) -> Spend:
        """What one run tells of one contributor at most, once it is known who is counted."""
        return cost_of(self.manifest)

    def cost(self) -> Cost:
        """Exactly what one run without faults sends."""
        total = Cost(rounds=1)
        for party in self.manifest.parties:
            total.send(party, [], 0)
        for giver in self.givers:
            for receiver in self.scheme.compute:
                total.send(giver, [receiver], self.expected(giver, receiver).nbytes)
        if self.agrees:
            agree.cost(self.scheme, total)
        self.compute_cost(total)
        for recipients, part in self.openings:
            opening.cost(self.scheme, part.stop - part.start, recipients, total)
        return total

    def compute_cost(self, total: Cost) -> None:  # noqa: B027 - most sums are local
        """Add what `compute` sends; nothing when it is local."""
