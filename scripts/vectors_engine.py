"""Engines of fixed randomness, for scripts/vectors: what parties send and find."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from typing import Any

import numpy as np

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw, Stream
from ostraka.delivery.agree import Agreement
from ostraka.delivery.party import Party
from ostraka.engine.array import SecretArray
from ostraka.engine.shamir.backend import ShamirBackend, start, start_active
from ostraka.engine.shamir.gates import Gates
from ostraka.errors import OstrakaError, RefusedByPolicy
from ostraka.exchange import Array
from ostraka.names import PartyId, Step
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

LONG = 128
"""Bytes above which a message is given by its SHA-256."""

Program = Callable[[ShamirBackend], Awaitable[Any]]


def seed(number: int) -> bytes:
    return hashlib.sha256(f"test vector {number}".encode()).digest()


def numbers(array: Any) -> list[int]:
    return [int(v) for v in np.asarray(array).reshape(-1)]


def elements(name: str, count: int) -> Any:
    return P61.uniform(Stream(SeededDraw(name).seed(), "vector"), np.empty(count, np.uint64))


class Recorder(MemoryNet):
    """Net that keeps all messages, and may replace one on its way."""

    def __init__(self, parties: tuple[PartyId, ...]) -> None:
        super().__init__(parties)
        self.messages: list[tuple[Step, PartyId, PartyId, bytes]] = []
        self.change: Callable[[Step, PartyId, PartyId, Array], Array] = lambda _s, _a, _b, m: m

    def put(self, sender: PartyId, to: PartyId, step: Step, message: Array) -> None:
        message = self.change(step, sender, to, message)
        self.messages.append((step, sender, to, message.tobytes()))
        super().put(sender, to, step, message)

    def listed(self, least: int = 0) -> list[list[Any]]:
        return [
            [a, b, str(step), data.hex() if len(data) <= LONG else f"sha256:{sha256(data)}"]
            for step, a, b, data in sorted(self.messages)
            if step.n >= least
        ]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def together(
    n: int, t: int, program: Program, *, active: bool = False, change: Any = None
) -> tuple[list[Any], Recorder]:
    """Run a program at n parties of fixed randomness; their results, and the net."""
    names = tuple(PartyId(f"p{j}") for j in range(n))
    net, found = Recorder(names), dict[PartyId, Any]()
    if change:
        net.change = change

    async def one(name: PartyId) -> None:
        party = Party(net.exchange(name), Shamir((), names, t))
        begin = start_active if active else start
        try:
            engine = await begin(party, SeededDraw(f"vector {name}"))
            found[name] = await program(engine)
        except OstrakaError as error:
            found[name] = error.message
        finally:
            net.leave(name)

    _at_all(names, one)
    return [found[name] for name in names], net


def _at_all(names: Iterable[PartyId], one: Callable[[PartyId], Coroutine[Any, Any, None]]) -> None:
    """Run a coroutine for each party, side by side, to their ends."""

    async def all_() -> None:
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name))

    asyncio.run(all_())


def with_seeds(n: int, t: int, program: Program, *, least: int = 1, active: bool = False) -> Any:
    """Run a program; what parties hold before it, the messages of it, and what they found."""

    async def seeded(engine: ShamirBackend) -> Any:
        return [s.hex() for s in engine.seeds], await program(engine)

    results, net = together(n, t, seeded, active=active)
    return {
        "n": n,
        "t": t,
        "seeds": [seeds for seeds, _ in results],
        "messages": net.listed(least),
        "found": [found for _, found in results],
    }


def shared_numbers(engine: ShamirBackend, x: list[int]) -> SecretArray:
    """Return a party's shares: x_k + (k + 1) X_j + ... + (k + t) X_j^t at its point X_j."""
    p, at = engine.field.p, engine.points[engine.me]
    shares = [
        (v + sum((k + i) * at**i for i in range(1, engine.t + 1))) % p for k, v in enumerate(x)
    ]
    return engine.given(np.array(shares, np.uint64))


def agreeing(
    held: dict[PartyId, tuple[PartyId, ...]], refuses: str = "", change: Any = None
) -> tuple[dict[PartyId, Any], Recorder]:
    """Let compute parties, who hold these contributors' shares, agree on whom to count.

    Returns:
        The set that each party finds, or the text of its error; and the net.
    """
    names = tuple(held)
    net, found = Recorder(names), dict[PartyId, Any]()
    if change:
        net.change = change

    async def one(name: PartyId) -> None:
        async def allow(_: tuple[PartyId, ...]) -> None:
            if name == refuses:
                raise RefusedByPolicy("its rules say no")

        scheme = Shamir(tuple(PartyId(f"c{i}") for i in range(9)), names, 1)
        agreement = Agreement(Party(net.exchange(name), scheme))
        try:
            found[name] = list(await agreement.reach(held[name], allow))
        except OstrakaError as error:
            found[name] = error.message
        finally:
            net.leave(name)

    _at_all(names, one)
    return found, net


async def one_fold(engine: ShamirBackend) -> Any:
    """Prove 64 ANDs of fixed bits: what is left of the claim."""
    gates = Gates(engine)
    gates.add(*gate_of(engine.me))
    left, right, claims = await gates.claims(engine.audit.coin)  # type: ignore[union-attr]
    return {"f": sha256(left.tobytes()), "h": sha256(right.tobytes()), "claims": numbers(claims)}


def gate_of(me: int) -> tuple[Any, ...]:
    """Return components me and me + 1 of x, y, z; and what a party's neighbours and it know."""
    x, y, zero = (words_of(name, 3) for name in ("x", "y", "zero"))
    z = [ands(x, y, zero, j) for j in range(3)]
    after, before = (me + 1) % 3, (me - 1) % 3
    rows = [(v[me], v[after]) for v in (x, y, z)]
    return tuple(np.array(row, np.uint64)[:, None] for row in [*rows, (zero[before], zero[me])])


def words_of(name: str, count: int) -> list[int]:
    return numbers(Stream(SeededDraw(name).seed(), "vector").fill(np.empty(count, np.uint64)))


def ands(x: list[int], y: list[int], zero: list[int], j: int) -> int:
    """Return z_j; `zero[j]` is the stream of parties j and j + 1."""
    k = (j + 1) % 3
    return (x[j] & y[j]) ^ (x[j] & y[k]) ^ (x[k] & y[j]) ^ zero[(j - 1) % 3] ^ zero[j]


def claim_of(me: int, n: int, t: int) -> list[Any]:
    """Return one party's shares of x, y and x y, three elements each."""
    values = [elements(name, 3) for name in ("factor x", "factor y")]
    values.append(P61.product(*values))
    rows = []
    for k, value in enumerate(values):
        total = value.copy()
        for degree in range(1, t + 1):
            c = elements(f"coefficient {k} {degree}", 3)
            total = P61.add(total, P61.scale(c, pow(1 << me, degree, P61.p)))
        rows.append(total)
    return rows


async def a_product(engine: ShamirBackend, wrong: int = 0) -> Any:
    assert engine.audit is not None
    x, y, z = claim_of(engine.me, engine.n, engine.t)
    engine.audit.products(x, y, P61.add(z, np.full(3, wrong, np.uint64)))
    await engine.audit.settle()
    return "right"
