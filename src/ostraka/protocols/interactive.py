"""Protocols whose compute parties multiply and compare: an engine, between sharing and opening."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, ClassVar, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.binary import MOST_POINTS
from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Draw, OsDraw, Stream, Words
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.delivery.source import Parcels
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import FREE_NS, Backend, backend_of
from ostraka.engine.rounds import Operation, Random, Unreduced, alone
from ostraka.engine.shamir import offers
from ostraka.engine.shamir.audit import Auditor
from ostraka.engine.shamir.backend import ShamirBackend, start, start_active
from ostraka.engine.shamir.context import Counters
from ostraka.engine.shamir.offers import Offers
from ostraka.errors import PeerViolation
from ostraka.exchange import Array, Exchange, Expected, type_codes, words
from ostraka.inputs.encoding import Signed
from ostraka.manifest import Manifest
from ostraka.names import PartyId, Step
from ostraka.noise.shares import NoiseShares
from ostraka.protocols.forms.contradictions import Contradictions
from ostraka.protocols.options import InputOptions, refuse
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.sentences import names
from ostraka.protocols.shares import Shares
from ostraka.record.budget import Spend
from ostraka.sharing.scheme import Explicit
from ostraka.sharing.shamir import Shamir

COMPARISONS: Final = {"passive": 2_000_000, "three": 500_000, "active": 25_000}
"""Limit on the comparisons of a run where the manifest chooses their number, so that they take some
seconds and some hundred megabytes: with passive security; with active security among three compute
parties; among others."""


class Interactive(Protocol):
    """A protocol on Shamir shares among n >= 2t + 1 compute parties, who must all stay.

    With security = "active" the whole computation is proven right before its result is opened
    (`shamir.audit`); all must then have agreed on whom to count.

    Subclasses write `evaluate` where other protocols write `compute`.
    """

    securities: ClassVar[tuple[str, ...]] = ("passive", "active")
    proves = True
    all_take_part = True
    usual_scheme = "shamir"
    randomness: int = 0
    """Random elements that operations of the engine find at hand: `Backend.take_random`."""
    options: InputOptions
    noise: NoiseShares | None = None
    """Noise that compute parties deal; None for exact results."""

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        n, t = len(manifest.compute), manifest.sharing.threshold
        if not self.scheme.multiplies:
            refuse(
                f"sharing.scheme: {self.name} multiplies secrets, and {manifest.sharing.scheme} "
                "shares cannot be multiplied",
                hint=f'set scheme = "shamir" and threshold = {max(1, (n - 1) // 2)} in [sharing]',
            )
        if n > MOST_POINTS:
            refuse(
                f"party: {self.name} compares secrets among at most {MOST_POINTS} compute parties, "
                f"and there are {n}",
                hint="take the role of compute from some: they contribute and receive all the same",
            )
        if n < 2 * t + 1:
            enough = f"name {2 * t + 1} compute parties"
            lower = f"set threshold = {(n - 1) // 2}, or " if n >= 3 else ""
            refuse(
                f"sharing.threshold: {self.name} with a threshold of {t} needs {2 * t + 1} compute "
                f"parties, and there are {n}",
                hint=lower + enough,
            )

    def must_be_counted(self) -> tuple[PartyId, ...]:
        """Return the compute parties, whose messages an engine starts from, and all contributors,
        unless the policy lets a result go without some that may leave."""
        if self.manifest.policy.min_contributors < len(self.contributors):
            return self.scheme.compute
        return (*self.scheme.compute, *self.scheme.contributors)

    @property
    def may_leave(self) -> tuple[PartyId, ...]:
        some = self.manifest.policy.min_contributors < len(self.contributors)
        if some and self.options.invalid == "exclude":
            return self.contributors
        return super().may_leave

    @abstractmethod
    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        """Compute what is opened to the recipients from what contributors shared.

        Args:
            x: the vectors of the contributors counted, a row each. Where they differ in length
                there is one row, one vector after another: `apart` separates them.
            shares: whom x counts, in order; `exclude` leaves some of them out of the result.

        Returns:
            `opened` elements.
        """

    def dealt_noise(self, me: PartyId, draw: Draw) -> Signed | None:
        if self.noise is None or me not in self.scheme.compute:
            return None
        return self.noise.draw(Stream(draw.seed(), "dealt noise"))

    def spends(self, counted: Sequence[PartyId]) -> Spend:
        return self.noise.spends(self.noise.honest) if self.noise else super().spends(counted)

    def enclosure(self, me: PartyId, draw: Draw) -> Offers | None:
        scheme = self._shamir
        if me not in scheme.compute:
            return None
        return Offers(scheme, me, draw, self.randomness, active=self.active)

    @property
    def givers(self) -> tuple[PartyId, ...]:
        return tuple(dict.fromkeys(self.scheme.contributors + self.scheme.compute))

    def expected(self, giver: PartyId, receiver: PartyId) -> Expected:
        offered = self._offered(giver, receiver)
        if giver not in self.lengths:
            return words(offered)
        parcel = super().expected(giver, receiver)
        return words(parcel.nbytes // 8 + offered) if offered else parcel

    def _offered(self, giver: PartyId, receiver: PartyId) -> int:
        """Count the elements that `giver` sends `receiver` for the engine, behind any parcel."""
        return offers.words(self._shamir, giver, receiver, self.randomness, active=self.active)

    @property
    def active(self) -> bool:
        """Whether compute parties may lie."""
        return self.manifest.sharing.security == "active"

    def most_of(self, limits: Mapping[str, int]) -> int:
        """Return the limit that is meant for this run's security, such as of `COMPARISONS`."""
        three = (len(self.scheme.compute), self.scheme.colluders) == (3, 1)
        return limits["passive" if not self.active else "three" if three else "active"]

    @property
    def _shamir(self) -> Shamir:
        assert isinstance(self.scheme, Shamir)
        return self.scheme

    async def compute(self, party: Party, shares: Shares) -> Words:
        return await self._evaluated(await self._start(party, shares), shares)

    async def _start(self, party: Party, shares: Shares) -> ShamirBackend:
        offers = shares.enclosure
        assert offers is None or isinstance(offers, Offers)  # our own: see `enclosure`
        if self.manifest.sharing.security == "passive":
            return await start(party, shares.draw, offers)
        counted = " ".join(shares.counted).encode()
        return await start_active(party, shares.draw, counted, offers)

    async def _evaluated(self, engine: ShamirBackend, shares: Shares) -> Words:
        result = await self.result(engine, shares)
        await engine.prove()
        return engine.share_of(result)

    async def result(self, engine: ShamirBackend, shares: Shares) -> SecretArray:
        """Compute what is opened as `evaluate` does, which is given all vectors at once."""
        elements = sum(self.lengths[c] for c in shares.counted)
        joined = await engine.offload(FREE_NS * elements, shares.joined)
        if len(set(self.lengths.values())) == 1:
            joined = joined.reshape(len(shares.counted), -1)
        joined = await self._consistent(engine, shares, joined)
        return await self.evaluate(engine, engine.given(joined), shares)

    async def _consistent(self, engine: ShamirBackend, shares: Shares, rows: Elements) -> Elements:
        """Leave reports out whose shares contradict each other; elsewhere the proof finds these."""
        search = await Contradictions.begin(engine, self.manifest, rows.shape[-1])
        if search is None:
            return rows
        found = await search.consistent(rows)
        search.require_few(len(found))
        await self._leave_out(
            shares, [c for c, ok in zip(shares.counted, found, strict=True) if not ok]
        )
        return rows if found.all() else rows[found]

    async def reject_invalid(self, shares: Shares, valid: NDArray[np.bool_], what: str) -> None:
        """Reject the inputs that are not valid: stop, or leave their contributors out.

        Args:
            valid: for each contributor counted, whether its input is.
            what: what an input should be, such as "a valid ballot".

        Raises:
            PeerViolation: an input is not valid, and the manifest says to stop then.
            RefusedByPolicy: too few contributors are left.
        """
        liars = [c for c, ok in zip(shares.counted, valid, strict=True) if not ok]
        if liars and self.options.invalid == "abort":
            who = names(liars)
            inputs = "'s input is" if len(liars) == 1 else ": their inputs are each"
            raise PeerViolation(
                f"{who}{inputs} not {what}. Its content stays hidden; nothing was computed.",
                hint=f"run it again without {who}",
                peer=liars[0],
            )
        await self._leave_out(shares, liars)

    async def _leave_out(self, shares: Shares, those: Sequence[PartyId]) -> None:
        """Leave some contributors out; RefusedByPolicy where too few are left."""
        if those:
            left = set(those)
            self.check_policy([c for c in shares.counted if c not in left])
            await shares.exclude(left)

    def compute_cost(self, total: Cost) -> None:
        """Add what `compute` sends: run it on zeros, without peers, and count.

        What it sends does not depend on inputs. Of parties that send alike, one is run.
        """
        counted: dict[int, tuple[int, int]] = {}
        for me, name in enumerate(self.scheme.compute):
            kind = self._part(me)
            if kind not in counted:
                exchange = _NoPeers(name)
                done = _finish(self._rehearse(exchange))
                total.unsound = max(total.unsound, done.unsound())
                counted[kind] = exchange.messages, exchange.bytes
            messages, size = counted[kind]
            total.send(name, [_OTHERS], size, messages)
        total.rounds += done.rounds

    def _part(self, me: int) -> int:
        """Return which part the party of this place has in the engine's operations.

        The first, the other t that mask, the rest of those that reduce degrees, and the parties
        that are left send alike.
        """
        n, t = len(self.scheme.compute), self.scheme.colluders
        return sum(me >= start for start in (1, t + 1, 2 * t + 1)) if n > 3 else me

    async def _rehearse(self, exchange: Exchange) -> Counters:
        scheme = _OpensToZero(self.contributors, self.scheme.compute, self.scheme.colluders)
        zeros = {length: scheme.zeros(length) for length in set(self.lengths.values())}
        parcels: Parcels = {c: Explicit(zeros[k]) for c, k in self.lengths.items()}
        draw = OsDraw()
        given = Offers(scheme, exchange.me, draw, self.randomness, active=self.active)
        shares = Shares(scheme, self.lengths, parcels, exchange.me, draw, enclosure=given)
        for name in self.givers:
            length = self._offered(name, exchange.me)
            if length and name != exchange.me:
                given.take(name, scheme.zeros(length))
        engine = await self._start(Party(exchange, scheme), shares)
        if isinstance(engine.audit, Auditor):
            engine.audit.coin.trusting = True
        await self._evaluated(engine, shares)
        return engine.counters


_OTHERS = PartyId("")
"""Receiver that stands for all others: what is counted is already a sum over them."""


class _NoPeers(Exchange):
    """Exchange without peers: counts what is sent, and receives zeros."""

    def __init__(self, me: PartyId) -> None:
        self.me = me
        self.messages = self.bytes = 0

    def send(self, to: PartyId, step: Step, message: Array) -> None:
        self.messages += 1
        self.bytes += message.nbytes

    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
        patience: int = 1,
    ) -> NDArray[Any]:
        if into is None:
            return np.zeros(expected.length, type_codes[expected.dtype])
        into[:] = 0
        return into

    def pair_key(self, peer: PartyId) -> bytes:
        return bytes(32)


class _OpensToZero(Shamir):
    """Shamir sharing of which all shares, consistent or not, open to zero."""

    def combine(self, shares: Mapping[PartyId, Words]) -> Words:
        return np.zeros(len(next(iter(shares.values()))), np.uint64)

    def contradictions(self, shares: Mapping[PartyId, Words]) -> NDArray[np.bool_]:
        return np.zeros(len(next(iter(shares.values()))), bool)

    def add(self, total: Words, share: Words) -> None:
        """Leave the total as it is: what is opened by adding up stays zero, too."""


_T = TypeVar("_T")


def _finish(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """Run a coroutine that never has to wait, and return its result."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise RuntimeError("it waits for a message")


# --- what protocols share -----------------------------------------------------------------------


def apart(x: SecretArray, shares: Shares) -> dict[PartyId, SecretArray]:
    """Separate what `Shares.joined` put together: each counted contributor's own vector."""
    flat = x.reshape(-1)
    return {contributor: flat[place] for contributor, place in shares.places().items()}


async def all_zero(errors: SecretArray) -> NDArray[np.bool_]:
    """Tell which rows have zeros only; no party learns more of the other rows. Rounds: 2.

    What is opened, one element for each row, is a combination of the row with secret uniform
    coefficients: zero if the row is, uniform if it is not. Wrong with probability 1 / p.
    """
    return await alone(backend_of(errors), _zero(errors))


def _zero(errors: SecretArray) -> Operation[NDArray[np.bool_]]:
    (coefficients,) = yield [Random(errors.engine, errors.shape)]
    (opened,) = yield [Unreduced(errors, coefficients)]
    found: NDArray[np.bool_] = opened == 0
    return found


def name_of(names: Sequence[str], number: int) -> str:
    """Return the name that an opened number stands for, from 0.

    Raises:
        PeerViolation: it stands for none, as a compute party falsified it; only with passive
            security can that go unnoticed until here.
    """
    if 0 <= number < len(names):
        return names[number]
    raise PeerViolation(
        "the opened number stands for no name: a compute party did not follow the protocol, and "
        "there is no result",
        hint='find out which before running again, or agree on security = "active"',
        data_left=True,
    )
