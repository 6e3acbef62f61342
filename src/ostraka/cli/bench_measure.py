"""One party's side of `bench`: a case, several times over one session, timed and checked.

With active security the time of an operation ends when it is proven right.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from time import monotonic, process_time
from typing import Any

from ostraka.cli.bench_cases import ENGINE_CASES, EngineCase

# isort: split
import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import OsDraw
from ostraka.delivery.opening import Share, open_to
from ostraka.delivery.party import Party
from ostraka.delivery.source import Parcels
from ostraka.engine.array import SecretArray
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import ShamirBackend, start, start_active
from ostraka.errors import InternalError
from ostraka.exchange import octets
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId, Step
from ostraka.outcome import Outcome, Output
from ostraka.progress import Observer
from ostraka.protocols import protocol_for, protocol_named, runner
from ostraka.protocols.bench_case import BenchCase
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.shares import Shares
from ostraka.session.participation import taking_part
from ostraka.session.session import Session
from ostraka.sharing.scheme import Explicit
from ostraka.sharing.shamir import Shamir


@dataclass(frozen=True, slots=True)
class Timing:
    """Time and traffic of one repetition at one party.

    Attributes:
        begin, end: monotonic seconds; all processes of a machine share the clock.
        bytes_sent: framing included and TLS not.
        processor: seconds of processor time of the party's process.
    """

    begin: float
    end: float
    bytes_sent: int
    processor: float


@dataclass(frozen=True, slots=True)
class Job:
    """Part of one party in a bench: its key, the case, the size, and the number of runs."""

    manifest: Manifest
    identity: Identity
    case: str
    size: int
    runs: int

    @property
    def me(self) -> PartyId:
        """The party's own name."""
        return self.manifest.party_named(self.identity.name).name

    def session(self) -> AbstractAsyncContextManager[Session]:
        """Open a session with the other parties as a context; an error inside ends it for all."""
        return taking_part(self.manifest, self.identity, self.me, Observer())


@dataclass(frozen=True, slots=True)
class Measured:
    """Measurements of one party; `rounds` is None where the protocol's own cost is to be used."""

    timings: list[Timing]
    peak_mib: float
    rounds: int | None = None


async def measure(job: Job, peak: Callable[[], float]) -> Measured:
    """Run the job's case, time each run, and check the result of the last.

    `peak` returns the process's peak memory in MiB. It is called after the last run, before the
    result is checked.

    Raises:
        InternalError: the result is wrong.
    """
    if job.case in ENGINE_CASES:
        return await _operations(job, peak)
    case = protocol_named(job.manifest.session.protocol).bench_cases[job.case]
    return await (_absent if case.absent else _protocol)(job, case, peak)


# --- whole protocols -----------------------------------------------------------------------------


async def _protocol(job: Job, case: BenchCase, peak: Callable[[], float]) -> Measured:
    index = job.manifest.parties.index(job.me)
    timings, outcome = await repeat(job, lambda: case.value(index, job.size))
    most = peak()
    assert outcome is not None
    _require_right(job, outcome.outputs, case.expected(len(job.manifest.parties), job.size))
    return Measured(timings, most)


async def repeat(job: Job, make_input: Callable[[], object]) -> tuple[list[Timing], Outcome | None]:
    """Run the protocol `job.runs` times over one session; return timings and the last outcome."""
    protocol, timings = protocol_for(job.manifest), []
    outcome: Outcome | None = None
    async with job.session() as session:
        for _ in range(job.runs):
            x = outcome = None  # before the next input is made: vectors may be long
            draw = OsDraw()
            raw = make_input() if job.me in protocol.contributors else None
            x = await asyncio.to_thread(protocol.input_of, job.me, raw, draw)
            raw = None
            dealt = protocol.dealt_noise(job.me, draw)
            await _barrier(session)
            clocks, sent = _clocks(), session.bytes_sent
            outcome = await runner.run(session, protocol, x, draw, dealt=dealt)
            timings.append(_timing(clocks, session.bytes_sent - sent))
    return timings, outcome


def _clocks() -> tuple[float, float]:
    """Read the machine's clock and this process's processor time."""
    return monotonic(), process_time()


def _timing(since: tuple[float, float], sent: int) -> Timing:
    end, processor = _clocks()
    return Timing(since[0], end, sent, processor - since[1])


async def _barrier(session: Session) -> None:
    """Wait until the parties that this one has a link to are ready for the next repetition."""
    step = Step(session.begin_phase(), 0)
    session.broadcast(session.linked, step, np.zeros(1, np.uint8))
    await session.gather(session.linked, step, octets(1))


def _require_right(
    job: Job, outputs: tuple[Output, ...], expected: tuple[NDArray[Any], ...]
) -> None:
    """Compare outputs with what they must be; a noised one may differ by 20 times its error.

    Raises:
        InternalError: an output is wrong.
    """
    for output, wanted in zip(outputs, expected, strict=True):
        error = 0 if output.error95 is None else np.max(np.asarray(output.error95))
        if np.abs(output.parts[0] - wanted).max() > 20 * error:
            raise InternalError(f"the bench computed a wrong {job.case}")


# --- operations of the engine --------------------------------------------------------------------


async def _engine(job: Job, session: Session) -> ShamirBackend:
    names = job.manifest.compute
    scheme = Shamir(names, names, job.manifest.sharing.threshold)
    begin = start_active if job.manifest.sharing.security == "active" else start
    return await begin(Party(session, scheme), OsDraw())


async def _operations(job: Job, peak: Callable[[], float]) -> Measured:
    async with job.session() as session:
        engine = await _engine(job, session)
        case = await ENGINE_CASES[job.case](engine, job.size)
        timings, rounds, result = await _timed(job, session, engine, case)
        most = peak()
        opened = await reveal(result) if isinstance(result, SecretArray) else result
        if opened is None or not np.array_equal(opened, case.expected):
            raise InternalError(f"the bench computed a wrong {job.case}")
    return Measured(timings, most, rounds)


async def _timed(
    job: Job, session: Session, engine: ShamirBackend, case: EngineCase
) -> tuple[list[Timing], int, SecretArray | NDArray[Any] | None]:
    """Run a case; return its timings, the rounds of a run, and the last result."""
    timings, before = [], replace(engine.counters)
    result: SecretArray | NDArray[Any] | None = None
    for _ in range(job.runs):
        await _barrier(session)
        before, clocks, sent = replace(engine.counters), _clocks(), session.bytes_sent
        result = await case.run()
        await engine.prove()
        await session.flush()
        timings.append(_timing(clocks, session.bytes_sent - sent))
    return timings, engine.counters.rounds - before.rounds, result


# --- protocols from the shares of absent contributors ---------------------------------------------


async def _absent(job: Job, case: BenchCase, peak: Callable[[], float]) -> Measured:
    """Time a protocol from the moment `job.size` absent contributors have shared."""
    protocol = protocol_for(with_absent(job.manifest, job.size))
    async with job.session() as session:
        engine = await _engine(job, session)
        timed = EngineCase(_from_rows(session, protocol, await _rows(engine, protocol, case)), None)
        timings, _, opened = await _timed(job, session, engine, timed)
        most = peak()
        assert isinstance(opened, np.ndarray)
        outputs = protocol.combine_for(job.me, opened, protocol.contributors)
        _require_right(job, outputs, case.expected(job.size, job.size))
    return Measured(timings, most, protocol.cost().rounds - 1)


def _from_rows(
    session: Session, protocol: Protocol, rows: NDArray[np.uint64]
) -> Callable[[], Awaitable[NDArray[Any] | None]]:
    """Return a function that runs the protocol once on this party's shares of all inputs."""

    async def run() -> NDArray[Any] | None:
        party = Party(session, protocol.scheme, protocol.attendance)
        parcels: Parcels = {
            c: Explicit(row) for c, row in zip(protocol.contributors, rows, strict=True)
        }
        shares = Shares(protocol.scheme, protocol.lengths, parcels, party.me, OsDraw())
        result = await protocol.compute(party, shares)
        own = Share(result, shares.counted)
        opened = await open_to(party, protocol.recipients, len(result), own)
        return None if opened is None else opened[0]

    return run


async def _rows(engine: ShamirBackend, protocol: Protocol, case: BenchCase) -> NDArray[np.uint64]:
    """Deal the inputs of absent contributors, and return this party's shares, a row for each."""
    k = len(protocol.contributors)
    inputs = np.stack(
        [protocol.encode(c, case.value(i, k)) for i, c in enumerate(protocol.contributors)]
    )
    x = await engine.share(0, protocol.scheme.to_signed(inputs), inputs.shape)
    rows: NDArray[np.uint64] = engine.share_of(x).reshape(k, -1)
    return rows


def with_absent(manifest: Manifest, count: int) -> Manifest:
    """Return the manifest with the places of a collection in place of those who contribute."""
    present = [
        {"name": party.name, "key": party.key, "roles": ["compute", "recipient"]}
        for party in manifest.party
    ]
    collection = {
        "from": "invited",
        "organiser": manifest.party[0].key,
        "roster": manifest.party[0].key,
        "size": count,
        "closes": "2100-01-01T00:00:00Z",
        "mailbox": "https://localhost",
    }
    raw = manifest.model_dump(mode="python")
    raw["session"] |= {
        "coordinator": {"address": "127.0.0.1:1", "key": f"sha256:{2**256 - 1:064x}"}
    }
    return Manifest.model_validate(
        raw | {"party": present, "collection": collection, "policy": {"min_contributors": count}}
    )
