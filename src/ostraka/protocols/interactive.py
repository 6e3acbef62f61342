"""Protocols whose compute parties multiply and compare: an engine, between sharing and opening."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Coroutine, Mapping, Sequence
from typing import Any, Literal, NoReturn, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, ValidationError

from ostraka.arithmetic.randomness import Draw, OsDraw, Words
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import Backend, backend_of
from ostraka.engine.rounds import Operation, Random, Unreduced, alone
from ostraka.engine.shamir import offers
from ostraka.engine.shamir.audit import Auditor
from ostraka.engine.shamir.backend import ShamirBackend, start, start_active
from ostraka.engine.shamir.context import ENGINE_STEPS
from ostraka.engine.shamir.offers import Offers
from ostraka.errors import ManifestError, PeerViolation
from ostraka.exchange import Array, Exchange, Expected, type_codes, words
from ostraka.manifest import Manifest
from ostraka.names import PartyId, Step
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.sentences import names
from ostraka.protocols.shares import Shares
from ostraka.sharing.scheme import Explicit, Parcel
from ostraka.sharing.shamir import Shamir


class InputOptions(BaseModel):
    """What `[outputs]` may say about inputs that are checked.

    Attributes:
        invalid: what happens when one is not what the manifest asks for: everything stops, or it
            does not count.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    invalid: Literal["abort", "exclude"] = "abort"


class Interactive(Protocol):
    """A protocol on Shamir shares among n >= 2t + 1 compute parties, who must all stay.

    With security = "active" everything is proven right before it is opened (`shamir.audit`); all
    must then have agreed on whom to count.

    Subclasses write `evaluate` where other protocols write `compute`.
    """

    securities = ("passive", "active")
    proves = True
    compute_steps = ENGINE_STEPS
    randomness: int = 0
    """Random elements that operations of the engine find at hand: `Backend.take_random`."""
    options: InputOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        n, t = len(manifest.compute), manifest.sharing.threshold
        if manifest.sharing.scheme != "shamir":
            refuse(
                f"sharing.scheme: {self.name} multiplies secrets, and {manifest.sharing.scheme} "
                "shares cannot be multiplied",
                hint=f'set scheme = "shamir" and threshold = {max(1, (n - 1) // 2)} in [sharing]',
            )
        if n < 2 * t + 1:
            enough = f"name {2 * t + 1} compute parties"
            lower = f"set threshold = {(n - 1) // 2}, or " if n >= 3 else ""
            refuse(
                f"sharing.threshold: {self.name} with a threshold of {t} needs {2 * t + 1} compute "
                f"parties, and there are {n}",
                hint=lower + enough,
            )

    @property
    def agrees(self) -> bool:
        """Not where everybody must be counted, as who computes must: then there is one set only
        that can be opened."""
        may_leave = set(self.contributors) - set(self.scheme.compute)
        return bool(may_leave) and self.manifest.policy.min_contributors < len(self.contributors)

    @property
    def certain(self) -> tuple[PartyId, ...]:
        """Those who compute: what an engine starts from comes with their shares."""
        return self.scheme.compute

    @abstractmethod
    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        """From what contributors shared to what is opened to the recipients.

        Args:
            x: shape (contributors counted, `length`).
            shares: whom x counts, in order; `exclude` leaves somebody out of the result.
        """

    def offers(self, me: PartyId, draw: Draw) -> Offers | None:
        scheme = self._shamir
        if me not in scheme.compute:
            return None
        return Offers(scheme, me, draw, self.randomness, active=self.active)

    @property
    def givers(self) -> tuple[PartyId, ...]:
        return tuple(dict.fromkeys(self.contributors + self.scheme.compute))

    def expected(self, giver: PartyId, receiver: PartyId) -> Expected:
        parcel = super().expected(giver, receiver)
        offered = self._offered(giver, receiver)
        if not offered:
            return parcel
        return words(parcel.nbytes // 8 * (giver in self.contributors) + offered)

    def _offered(self, giver: PartyId, receiver: PartyId) -> int:
        """Words."""
        return offers.words(self._shamir, giver, receiver, self.randomness, active=self.active)

    @property
    def active(self) -> bool:
        """Whether compute parties may lie."""
        return self.manifest.sharing.security == "active"

    @property
    def _shamir(self) -> Shamir:
        assert isinstance(self.scheme, Shamir)
        return self.scheme

    async def compute(self, party: Party, shares: Shares) -> Words:
        return await self._evaluated(await self._start(party, shares), shares)

    async def _start(self, party: Party, shares: Shares) -> ShamirBackend:
        if self.manifest.sharing.security == "passive":
            return await start(party, shares.draw, shares.offers)
        counted = " ".join(shares.counted).encode()
        return await start_active(party, shares.draw, counted, shares.offers)

    async def _evaluated(self, engine: ShamirBackend, shares: Shares) -> Words:
        x = engine.given(np.stack([shares.of(c) for c in shares.counted]))
        result = await self.evaluate(engine, x, shares)
        await engine.prove()
        return engine.share_of(result)

    def turn_away(self, shares: Shares, valid: NDArray[np.bool_], what: str) -> None:
        """Nobody's input counts that is not what the manifest asks for.

        Raises:
            PeerViolation: there is one, and the manifest says to stop then.
            RefusedByPolicy: too few are left.
        """
        liars = [c for c, ok in zip(shares.counted, valid, strict=True) if not ok]
        if liars and self.options.invalid == "abort":
            who = names(liars)
            raise PeerViolation(
                f"what {who} shared is no {what}; what it is stays hidden, nothing was counted",
                hint=f"run it again without {who}",
                peer=liars[0],
            )
        if liars:
            self.check_policy([c for c in shares.counted if c not in liars])
            shares.exclude(liars)

    def compute_cost(self, total: Cost) -> None:
        """What `compute` sends does not depend on inputs: it runs, against nobody, and is counted.

        Of parties that send alike, one does.
        """
        counted: dict[int, tuple[int, int]] = {}
        for me, name in enumerate(self.scheme.compute):
            kind = self._part(me)
            if kind not in counted:
                exchange = _Nobody(name)
                rounds = _finish(self._rehearse(exchange))
                counted[kind] = exchange.messages, exchange.bytes
            messages, size = counted[kind]
            total.send(name, [_OTHERS], size, messages)
        total.rounds += rounds

    def _part(self, me: int) -> int:
        """Return which part the party of this place has in the engine's operations.

        The first, the other t that mask, the rest of those that reduce degrees, and the parties
        that are left send alike.
        """
        n, t = len(self.scheme.compute), self.scheme.colluders
        return sum(me >= start for start in (1, t + 1, 2 * t + 1)) if n > 3 else me

    async def _rehearse(self, exchange: Exchange) -> int:
        scheme = _Careless(self.contributors, self.scheme.compute, self.scheme.colluders)
        zero = scheme.zeros(self.length)
        parcels: dict[PartyId, Parcel] = {c: Explicit(zero) for c in self.contributors}
        draw = OsDraw()
        given = Offers(scheme, exchange.me, draw, self.randomness, active=self.active)
        shares = Shares(scheme, self.length, parcels, exchange.me, draw, offers=given)
        for name in self.givers:
            length = self._offered(name, exchange.me)
            if length and name != exchange.me:
                given.take(name, scheme.zeros(length))
        engine = await self._start(Party(exchange, scheme), shares)
        if isinstance(engine.audit, Auditor):
            engine.audit.coin.trusting = True
        await self._evaluated(engine, shares)
        return engine.counters.rounds


_OTHERS = PartyId("")
"""All others together: what is counted is already a sum over them."""


class _Nobody(Exchange):
    """Whatever is sent is counted, whatever is due is zero."""

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


class _Careless(Shamir):
    """Everything opens to zero."""

    def combine(self, shares: Mapping[PartyId, Words]) -> Words:
        return np.zeros(len(next(iter(shares.values()))), np.uint64)

    def add(self, total: Words, share: Words) -> None:
        """What is opened by adding up stays zero, too."""


_T = TypeVar("_T")


def _finish(coroutine: Coroutine[Any, Any, _T]) -> _T:
    """The result of a coroutine that waits for nobody."""
    try:
        coroutine.send(None)
    except StopIteration as end:
        return end.value  # type: ignore[no-any-return]
    raise RuntimeError("it waits for somebody")


# --- operations that protocols share -------------------------------------------------------------


async def all_zero(errors: SecretArray) -> NDArray[np.bool_]:
    """Tell which rows have zeros only; no party learns more of the others. Rounds: 2.

    What is opened, one element for each row, is a combination of the row with secret uniform
    coefficients: zero if the row is, uniform if it is not. Wrong with probability 1 / p.
    """
    return await alone(backend_of(errors), _zero(errors))


def _zero(errors: SecretArray) -> Operation[NDArray[np.bool_]]:
    (coefficients,) = yield [Random(errors.engine, errors.shape)]
    (opened,) = yield [Unreduced(errors, coefficients)]
    found: NDArray[np.bool_] = opened == 0
    return found


# --- options -------------------------------------------------------------------------------------

_Model = TypeVar("_Model", bound=BaseModel)


def read_options(model: type[_Model], manifest: Manifest) -> _Model:
    """`[outputs]` as a model; ManifestError with the path of what is wrong first."""
    try:
        return model.model_validate(manifest.outputs)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, ("outputs", *first["loc"])))
        refuse(f"{where}: {_words(first['type'], first['msg'], model)}")


def _words(kind: str, message: str, model: type[BaseModel]) -> str:
    if kind == "extra_forbidden":
        return f"unknown key; known here: {', '.join(model.model_fields)}"
    return message.removeprefix("Value error, ").replace("Input should be", "must be", 1)


def name_of(names: Sequence[str], number: int) -> str:
    """The name that an opened number stands for, from 0.

    Raises:
        PeerViolation: none, as somebody falsified it; unnoticed before only if security is passive.
    """
    if 0 <= number < len(names):
        return names[number]
    raise PeerViolation(
        "what was opened names nothing there is: a compute party did not follow the protocol, and "
        "there is no result",
        hint='find out which before running again, or agree on security = "active"',
        data_left=True,
    )


def refuse(problem: str, hint: str = "correct the manifest at every party") -> NoReturn:
    """The manifest asks for something that cannot be done."""
    raise ManifestError(problem, hint=hint, data_left=False)
