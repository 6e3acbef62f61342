"""All parties of a session in one process: no network, no keys, every run repeatable.

Randomness comes from the given seed, so whoever has the seed could read every share: this is for
rehearsals and tests.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.cost import Sent
from ostraka.errors import OstrakaError, PeerLost, PeerViolation
from ostraka.exchange import Array, Exchange, Expected, type_codes
from ostraka.manifest import Manifest
from ostraka.names import PartyId, Step
from ostraka.outcome import Outcome
from ostraka.progress import Observer, Progress
from ostraka.protocols import protocol_for
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.runner import Gate, open_gate, run

Result = Outcome | OstrakaError | None
"""An outcome for a recipient, None for who learns nothing, or the error a party ended with."""


class Crashed(OstrakaError):
    """The party was told to stop here."""

    code = "crashed"


class MemoryNet:
    """The queues between the parties of one process.

    Args:
        parties: everybody.
        drop: how many messages a party sends before it crashes (0: it never says anything).
        seed: in which order parties get to run.
    """

    def __init__(
        self, parties: tuple[PartyId, ...], drop: Mapping[PartyId, int] | None = None, seed: int = 0
    ) -> None:
        self.parties = parties
        self.drop = dict(drop or {})
        self.sent = {party: Sent() for party in parties}
        self.gone: set[PartyId] = set()
        self._queues: dict[tuple[PartyId, PartyId], deque[tuple[Step, Array]]] = defaultdict(deque)
        self._wake = {party: asyncio.Event() for party in parties}
        self._waiting: set[PartyId] = set()
        self._order = random.Random(seed)  # noqa: S311 - a schedule, not a secret

    def exchange(self, me: PartyId) -> MemoryExchange:
        """One party's end."""
        return MemoryExchange(self, me)

    def put(self, sender: PartyId, to: PartyId, step: Step, message: Array) -> None:
        """Deliver at once, or crash the sender."""
        before = self.sent[sender]
        if before.messages >= self.drop.get(sender, before.messages + 1):
            raise Crashed(f"{sender} was told to crash after {before.messages} messages")
        self.sent[sender] = Sent(before.messages + 1, before.bytes + message.nbytes)
        self._queues[sender, to].append((step, message))
        self._wake[to].set()

    async def take(self, sender: PartyId, to: PartyId) -> tuple[Step, Array]:
        """The next message from `sender`; PeerLost when none can come any more."""
        await self.shuffle()
        queue = self._queues[sender, to]
        while not queue:
            if sender in self.gone:
                raise PeerLost(f"{sender} is gone", peer=sender)
            self._wake[to].clear()
            self._waiting.add(to)
            await self._wake[to].wait()
            self._waiting.discard(to)
        return queue.popleft()

    def leave(self, party: PartyId) -> None:
        """`party` has ended; what it sent stays readable."""
        self.gone.add(party)
        for waiting in self._waiting:
            self._wake[waiting].set()

    async def shuffle(self) -> None:
        """Let others go first, at random."""
        for _ in range(self._order.randrange(4)):
            await asyncio.sleep(0)


class MemoryExchange(Exchange):
    """An exchange whose other ends are in this process."""

    def __init__(self, net: MemoryNet, me: PartyId) -> None:
        self.net, self.me = net, me

    def send(self, to: PartyId, step: Step, message: Array) -> None:
        if message.ndim != 1 or message.dtype not in type_codes.values():
            raise TypeError("a message is a one-dimensional uint64 or uint8 array")
        self.net.put(self.me, to, step, message)

    async def receive(
        self,
        sender: PartyId,
        step: Step,
        expected: Expected,
        into: NDArray[Any] | None = None,
        patience: int = 1,
    ) -> NDArray[Any]:
        sent_at, message = await self.net.take(sender, self.me)
        want = type_codes[expected.dtype]
        if (sent_at, message.dtype, message.shape) != (step, want, (expected.length,)):
            raise PeerViolation(
                f"{sender} sent {message.shape} {message.dtype} at step {sent_at} where "
                f"{expected} was due at step {step}",
                peer=sender,
            )
        if into is None:
            return np.frombuffer(bytearray(message.tobytes()), want)
        into[:] = message
        return into

    async def flush(self) -> None:
        await self.net.shuffle()


async def run_all(
    protocol: Protocol,
    inputs: Mapping[PartyId, object],
    net: MemoryNet,
    *,
    seed: int = 0,
    observers: Mapping[PartyId, Observer] | None = None,
    gates: Mapping[PartyId, Gate] | None = None,
) -> dict[PartyId, Result]:
    """Run every party over `net`; a party that fails ends with its error, others go on."""
    results: dict[PartyId, Result] = {}

    async def one(party: PartyId) -> None:
        exchange, draw = net.exchange(party), SeededDraw(f"{seed} {party}")
        progress = Progress((observers or {}).get(party))
        gate = (gates or {}).get(party, open_gate)
        try:
            x = protocol.input_of(party, inputs.get(party))
            results[party] = await run(exchange, protocol, x, draw, progress, gate=gate)
        except OstrakaError as error:
            results[party] = error
        finally:
            net.leave(party)

    async with asyncio.TaskGroup() as group:
        for party in net.parties:
            group.create_task(one(party), name=f"simulate {party}")
    return {party: results[party] for party in net.parties}


def simulate(
    manifest: Manifest,
    inputs: Mapping[PartyId, object],
    *,
    seed: int = 0,
    drop: Mapping[PartyId, int] | None = None,
) -> dict[PartyId, Result]:
    """What every party would get from `run`.

    Args:
        inputs: each contributor's raw input.
        seed: the same seed gives the same run, message by message.
        drop: parties that crash, and after how many messages each.

    Raises:
        ManifestError: the manifest asks for something its protocol cannot do.
    """
    protocol = protocol_for(manifest)

    async def main() -> dict[PartyId, Result]:
        return await run_all(protocol, inputs, MemoryNet(manifest.parties, drop, seed), seed=seed)

    return asyncio.run(main())
