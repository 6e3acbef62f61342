"""Rehearsal of a session with all its parties in one process: no network, no keys.

All randomness comes from the given seed. Every run can be repeated, and a person who has the seed
can read every share: this is for rehearsals and tests only.
"""

from __future__ import annotations

import asyncio
import random
from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Draw, SeededDraw, Words
from ostraka.blocking import run_to_end
from ostraka.collection.source import ReportSource
from ostraka.config import bind
from ostraka.delivery.cost import Sent
from ostraka.delivery.party import Party
from ostraka.delivery.source import LiveLinks, Source
from ostraka.errors import InputError, OstrakaError, PeerLost, PeerViolation
from ostraka.exchange import Array, Exchange, Expected, type_codes
from ostraka.manifest import Manifest
from ostraka.names import PartyId, Step
from ostraka.outcome import Outcome
from ostraka.progress import Observer, Progress
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.runner import SourceOf, run
from ostraka.sharing.scheme import Parcel
from ostraka.teaching import ShownShares

Rules = Callable[[tuple[PartyId, ...]], object]
"""Question whether to count these contributors; it raises an OstrakaError to refuse."""

Result = Outcome | OstrakaError | None
"""End of a party's run: a recipient's outcome, None at a party that learns nothing, or an error."""


class Crashed(OstrakaError):
    """Error of a party that was told to crash after so many messages."""

    code = "crashed"


class MemoryNet:
    """Network of queues between the parties of one process.

    Args:
        parties: all parties, by name.
        drop: for each party that crashes, how many messages it sends before (0: none).
        cut: for each link that a relay cuts, (sender, receiver), how many messages go through
            before. Then none goes through either way.
        seed: determines the order in which parties get to run, and the keys of pairs.
    """

    def __init__(
        self,
        parties: tuple[PartyId, ...],
        drop: Mapping[PartyId, int] | None = None,
        seed: int = 0,
        *,
        cut: Mapping[tuple[PartyId, PartyId], int] | None = None,
    ) -> None:
        self.parties = parties
        self.drop = dict(drop or {})
        self._left = dict(cut or {})
        self._severed: set[tuple[PartyId, PartyId]] = set()
        self.sent = {party: Sent() for party in parties}
        self.gone: set[PartyId] = set()
        self._queues: dict[tuple[PartyId, PartyId], deque[tuple[Step, Array]]] = defaultdict(deque)
        self._wake = {party: asyncio.Event() for party in parties}
        self._waiting: set[PartyId] = set()
        self.seed = seed
        self._order = random.Random(seed)  # noqa: S311 - a schedule, not a secret

    def exchange(self, me: PartyId) -> MemoryExchange:
        """Return the exchange of one party."""
        return MemoryExchange(self, me)

    def put(self, sender: PartyId, to: PartyId, step: Step, message: Array) -> None:
        """Deliver a message at once.

        Raises:
            Crashed: the sender has sent as many messages as it was to send before it crashes.
        """
        before = self.sent[sender]
        if before.messages >= self.drop.get(sender, before.messages + 1):
            raise Crashed(f"{sender} was told to crash after {before.messages} messages")
        self.sent[sender] = Sent(before.messages + 1, before.bytes + message.nbytes)
        if self._goes_through(sender, to):
            self._queues[sender, to].append((step, message))
        self._wake[to].set()

    def _goes_through(self, sender: PartyId, to: PartyId) -> bool:
        """Count a message on a link that will be cut; cut it once enough have gone through."""
        if (left := self._left.get((sender, to))) is not None:
            self._left[sender, to] = left - 1
            if left <= 0:
                self._severed |= {(sender, to), (to, sender)}
                self._wake[sender].set()
        return (sender, to) not in self._severed

    async def take(self, sender: PartyId, to: PartyId) -> tuple[Step, Array]:
        """Return the next message from `sender`, and its step; PeerLost when none can come any
        more."""
        await self.shuffle()
        queue = self._queues[sender, to]
        while not queue:
            if sender in self.gone or (sender, to) in self._severed:
                raise PeerLost(f"{sender} is gone", peer=sender)
            self._wake[to].clear()
            self._waiting.add(to)
            await self._wake[to].wait()
            self._waiting.discard(to)
        return queue.popleft()

    def leave(self, party: PartyId) -> None:
        """Note that `party` has ended; messages that it sent stay readable."""
        self.gone.add(party)
        for waiting in self._waiting:
            self._wake[waiting].set()

    async def shuffle(self) -> None:
        """Let other parties run first, for a random number of turns."""
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

    def pair_key(self, peer: PartyId) -> bytes:
        first, second = sorted((self.me, peer))
        return SeededDraw(f"{self.net.seed} {first} {second}").seed()

    async def flush(self) -> None:
        await self.net.shuffle()


class _Draws(dict[str, Draw]):
    """Each party's source of randomness, which all of its run draws from, noise included."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._seed = seed

    def __missing__(self, party: str) -> Draw:
        return self.setdefault(party, SeededDraw(f"{self._seed} {party}"))


async def run_all(
    protocol: Protocol,
    inputs: Mapping[PartyId, object],
    net: MemoryNet,
    *,
    seed: int = 0,
    observers: Mapping[PartyId, Observer] | None = None,
    gates: Mapping[PartyId, Rules] | None = None,
) -> dict[PartyId, Result]:
    """Run a protocol at every party over `net`; return the end of each party's run.

    A party that fails ends with its error; the other parties go on.

    Args:
        inputs: the raw input of each contributor.
        seed: of every party's randomness.
        observers: are told how far parties have come, by party.
        gates: are asked at parties before the result is opened, by party.
    """

    draws = _Draws(seed)

    def encoded(party: PartyId) -> Words | None:
        return protocol.input_of(party, inputs.get(party), draws[party])

    return await _run_all(protocol, encoded, net, draws, observers or {}, gates or {})


async def _run_all(
    protocol: Protocol,
    encoded: Callable[[PartyId], Words | None],
    net: MemoryNet,
    draws: _Draws,
    observers: Mapping[PartyId, Observer],
    gates: Mapping[PartyId, Rules],
    source: SourceOf = LiveLinks,
) -> dict[PartyId, Result]:
    results: dict[PartyId, Result] = {}

    async def one(party: PartyId) -> None:
        exchange, draw = net.exchange(party), draws[party]
        progress = Progress(observers.get(party))

        async def gate(counted: tuple[PartyId, ...]) -> None:
            if (rules := gates.get(party)) is not None:
                rules(counted)

        try:
            results[party] = await run(
                exchange,
                protocol,
                encoded(party),
                draw,
                progress,
                gate=gate,
                dealt=protocol.dealt_noise(party, draw),
                source=source,
            )
        except OstrakaError as error:
            results[party] = error
        finally:
            net.leave(party)

    async with asyncio.TaskGroup() as group:
        for party in net.parties:
            group.create_task(one(party), name=f"simulate {party}")
    return {party: results[party] for party in net.parties}


async def simulate(
    manifest: Manifest | Path | str,
    inputs: Mapping[str, object],
    *,
    seed: int = 0,
    drop: Mapping[str, int] | None = None,
    shares: ShownShares | None = None,
) -> dict[str, Outcome | OstrakaError]:
    """Rehearse a session at all its parties; return what each would get from `run`.

    There is no network, no key, and no secrecy.

    Args:
        manifest: the session's manifest, a path to it, or its TOML.
        inputs: each contributor's input, made up; in a collection those of the places that report.
        seed: the same seed gives the same run, message by message.
        drop: parties that crash, and after how many messages each.
        shares: takes all shares that are made and announced, for teaching.

    Returns:
        By party, in the order of the manifest: its outcome, or the error that its run ended with.

    Raises:
        ManifestError: the manifest asks for something its protocol cannot do.
        InputError: an input is missing, or is not what the manifest asks for; `run` would refuse
            it before it contacts another party.
    """
    protocol = bind(manifest)
    made = protocol.manifest
    crashes = {PartyId(party): count for party, count in (drop or {}).items()}
    draws = _Draws(seed)
    if made.collection is not None:
        there = set(inputs)
        protocol = protocol.without([c for c in made.contributors if c not in there])
    ready = _encode_all(protocol, inputs, crashes, draws)
    source = _reports(protocol, ready, draws) if made.collection is not None else LiveLinks

    def encoded(party: PartyId) -> Words | None:
        return ready.pop(party) if party in ready else protocol.input_of(party, None, draws[party])

    net = MemoryNet(made.parties, crashes, seed)
    watching = shares.observers(made.parties, protocol.scheme) if shares is not None else {}
    found = await _run_all(protocol, encoded, net, draws, watching, {}, source)
    return {party: _ended(made, end) for party, end in found.items()}


def _reports(protocol: Protocol, ready: dict[PartyId, Words | None], draws: _Draws) -> SourceOf:
    """Share the inputs of a collection's places; return the source of what compute parties open."""
    opened: dict[tuple[PartyId, PartyId], Parcel] = {}
    for place in protocol.scheme.contributors:
        x = ready.pop(place)
        assert x is not None
        for name, parcel in protocol.share(x, place, draws[place]).items():
            opened[name, place] = parcel

    def source(party: Party, step: Step) -> Source:
        places, links = protocol.scheme.contributors, LiveLinks(party, step)
        return ReportSource(lambda place: opened[party.me, place], places, links)

    return source


def simulate_sync(
    manifest: Manifest | Path | str,
    inputs: Mapping[str, object],
    *,
    seed: int = 0,
    drop: Mapping[str, int] | None = None,
    shares: ShownShares | None = None,
) -> dict[str, Outcome | OstrakaError]:
    """Do as `simulate` from code without `await`; also where an event loop runs in this thread."""
    return run_to_end(simulate(manifest, inputs, seed=seed, drop=drop, shares=shares))


def _ended(manifest: Manifest, end: Result) -> Outcome | OstrakaError:
    if isinstance(end, OstrakaError):
        return end
    return replace(
        end or Outcome(),
        protocol=manifest.session.protocol,
        manifest_sha256=manifest.digest.hex(),
    )


def _encode_all(
    protocol: Protocol,
    inputs: Mapping[str, object],
    crashes: Mapping[PartyId, int],
    draws: _Draws,
) -> dict[PartyId, Words | None]:
    """Encode every input once, and return them by contributor.

    Raises:
        InputError: an input is missing or not valid; a party that crashes may have none.
    """
    needed = [name for name in protocol.scheme.contributors if name not in crashes]
    ready: dict[PartyId, Words | None] = {}
    for name in map(PartyId, dict.fromkeys([*inputs, *needed])):
        try:
            ready[name] = protocol.input_of(name, inputs.get(name), draws[name])
        except InputError as error:
            raise InputError(f"{name}: {error.message}", hint=error.hint, data_left=False) from None
    return ready
