"""One party, both stems joined: a session over the network, a protocol run over it, a receipt."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from ostraka.arithmetic.randomness import OsDraw
from ostraka.errors import Aborted, OstrakaError, PeerLost
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.progress import Observer, Phase, Progress
from ostraka.protocols import protocol_for, runner
from ostraka.protocols.protocol import Protocol
from ostraka.record import receipt
from ostraka.record.budget import Spend
from ostraka.record.ledger import Ledger, Reservation, Run
from ostraka.session.lifecycle import Event
from ostraka.session.session import Session
from ostraka.wire.messages import Statement

PROGRESS_SECONDS = 0.1


async def run_party(
    manifest: Manifest,
    identity: Identity,
    me: PartyId,
    raw_input: object,
    *,
    directory_for_receipt: Path | None,
    observer: Observer | None = None,
    ledger: Ledger | None = None,
) -> dict[str, Any]:
    """Take part in one session, from gathering to receipt.

    Args:
        raw_input: a contributor's input, None for others.
        directory_for_receipt: where receipt-NAME-SESSION.json is written; None for nowhere.
        ledger: where the run is written down, and what may refuse it; None: nowhere, nothing.

    Returns:
        The result as `cli.md` gives it; without outputs for a party that is not a recipient.

    Raises:
        OstrakaError: with `data_left` saying whether anything derived from the input was sent.
    """
    protocol = protocol_for(manifest)
    # A protocol on an engine is rehearsed for this: not while the others wait, nor for nobody.
    total = protocol.cost().sent[me].bytes if observer is not None else 0
    x = protocol.input_of(me, raw_input)
    observer = observer or Observer()
    with _booked(ledger, protocol, me, observer) as booking:
        async with taking_part(manifest, identity, me, observer) as session:
            progress = _Phases(session, observer, booking)

            def gate(counted: tuple[PartyId, ...]) -> None:
                booking.commit(session, counted, protocol.spends(counted))

            with _Bytes(session, observer, total):
                outcome = await runner.run(session, protocol, x, OsDraw(), progress, gate=gate)
            session.lifecycle.happen(Event.REVEALED)
            if outcome is not None:
                booking.result(session, outcome, observer)
                _warn(manifest, outcome, observer)
            path = await _sign(session, outcome, directory_for_receipt, observer)
    return result_of(session, outcome, path)


def _warn(manifest: Manifest, outcome: Outcome, observer: Observer) -> None:
    counted = set(outcome.contributors)
    if without := [c for c in manifest.contributors if c not in counted]:
        observer.warn(f"not counted: {', '.join(without)}")
    for liar in outcome.liars:
        observer.warn(f"{liar} announced wrong shares of the result; they were corrected")


@asynccontextmanager
async def taking_part(
    manifest: Manifest, identity: Identity, me: PartyId, observer: Observer
) -> AsyncGenerator[Session]:
    """An open session; an error inside ends it for everybody, with a code."""
    session = await Session.open(
        manifest,
        identity,
        me,
        os.urandom(32),
        os.urandom(32),
        gathered=observer.gathering,
        troubled=observer.warn,
    )
    try:
        yield session
    except BaseException as error:
        await asyncio.shield(session.abort(error))
        if isinstance(error, Aborted) and not isinstance(error, PeerLost):
            error.message += "".join(f"; {lost.message}" for lost in session.lost.values())
        raise
    await session.close()


def result_of(session: Session, outcome: Outcome | None, path: Path | None) -> dict[str, Any]:
    """What `run` prints: what a role may not learn is absent."""
    result: dict[str, Any] = {
        "session": session.id.hex(),
        "protocol": session.manifest.session.protocol,
        "manifest_sha256": session.manifest.digest.hex(),
        "status": "no-output",
    }
    if outcome is not None:
        result |= outcome.as_json()
    if path is not None:
        result["receipt"] = str(path)
    return result


class _Phases(Progress):
    """Moves the session's lifecycle along with the protocol's phases."""

    def __init__(self, session: Session, observer: Observer, booking: _Booking) -> None:
        super().__init__(observer)
        self._session, self._booking = session, booking

    def enter(self, phase: Phase) -> None:
        self._booking.sharing = True  # the first of all phases
        if phase is Phase.COMPUTING:
            self._session.lifecycle.happen(Event.COMPUTING)
        super().enter(phase)


# The ledger


class _Booking:
    """A run's place in this party's ledger, if it keeps one."""

    def __init__(self, place: Reservation | None, manifest: Manifest, me: PartyId) -> None:
        self._place = place
        self.sharing = False
        self._contributes = me in manifest.contributors
        # Additive shares cannot be opened without every compute party.
        self._needed = manifest.sharing.scheme == "additive" and me in manifest.compute

    def commit(self, session: Session, counted: tuple[PartyId, ...], cost: Spend) -> None:
        """Before anything can become known."""
        if self._place:
            self._place.commit(session.id.hex(), counted, cost)

    def result(self, session: Session, outcome: Outcome, observer: Observer) -> None:
        """What became known: too late to refuse."""
        if self._place:
            names = [output.name for output in outcome.outputs if output.parts]
            try:
                self._place.result(session.id.hex(), outcome.contributors, outcome.status, names)
            except OstrakaError as problem:
                observer.warn(problem.message)

    def failed(self, error: BaseException) -> None:
        """What was not committed is released, if it is certain that nothing was revealed."""
        if self._place is None or self._place.committed:
            return
        kept = self._contributes and getattr(error, "data_left", None) is False
        if kept or self._needed or not self.sharing:
            self._place.release(_why(error))


def _why(error: BaseException) -> str:
    if isinstance(error, OstrakaError):
        return error.code
    return "interrupted" if isinstance(error, asyncio.CancelledError) else type(error).__name__


@contextmanager
def _booked(
    ledger: Ledger | None, protocol: Protocol, me: PartyId, observer: Observer
) -> Iterator[_Booking]:
    manifest, cost = protocol.manifest, protocol.spends(protocol.contributors)
    run = Run.of(manifest, me, cost, weights=protocol.roster_weights())
    place = ledger.reserve(run) if ledger else None
    booking = _Booking(place, manifest, me)
    try:
        yield booking
    except BaseException as error:
        try:
            booking.failed(error)
        except OstrakaError as problem:
            observer.warn(problem.message)
        raise


class _Bytes:
    """Tells an observer, now and then, how many bytes have left."""

    def __init__(self, session: Session, observer: Observer, total: int) -> None:
        self._session, self._observer, self._total = session, observer, total
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._tick()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._observer.moved(min(self._session.bytes_sent, self._total), self._total)
        self._timer = asyncio.get_running_loop().call_later(PROGRESS_SECONDS, self._tick)


async def _sign(
    session: Session, outcome: Outcome | None, directory: Path | None, observer: Observer
) -> Path | None:
    """Sign what happened, hear what the others sign, write it all down.

    A receipt that cannot be written does not take the result with it.
    """
    body = receipt.canonical(_statement(session, outcome))
    own = Statement(body, session.identity.sign(body))
    statements = await session.exchange_statements(own, wait=_stays(session))
    for party in _with_other_results(statements) if outcome is not None else ():
        observer.warn(f"{party} signed another result than we did: do not use it, ask {party}")
    if directory is None:
        return None
    path = directory / f"receipt-{session.me}-{session.id.hex()[:12]}.json"
    try:
        receipt.write(path, _receipt(session, statements))
    except OSError as error:
        observer.warn(f"the receipt was not written: {path}: {error.strerror}")
        return None
    return path


def _with_other_results(statements: dict[PartyId, Statement]) -> list[PartyId]:
    """Recipients who say they learned something else than whoever comes first, which is us."""
    signed = {party: json.loads(s.body).get("result") for party, s in statements.items()}
    ours = next(iter(signed.values()))
    return [party for party, result in signed.items() if result not in (None, ours)]


def _stays(session: Session) -> bool:
    """Whether this party is there to the end: who only contributes leaves after sharing."""
    return session.me in session.manifest.compute or session.me in session.manifest.recipients


def _statement(session: Session, outcome: Outcome | None) -> dict[str, Any]:
    statement: dict[str, Any] = {
        "party": session.me,
        "session": session.id.hex(),
        "manifest_sha256": session.manifest.digest.hex(),
        "sent": session.commitment.value(),
    }
    if outcome is not None:
        place = {party: i for i, party in enumerate(session.manifest.contributors)}
        statement["counted"] = [place[party] for party in outcome.contributors]
        statement["result"] = receipt.result_commitment(
            session.result_key, [(output.name, output.parts) for output in outcome.outputs]
        )
    return statement


def _receipt(session: Session, statements: dict[PartyId, Statement]) -> dict[str, Any]:
    return {
        "ostraka_receipt": receipt.FORMAT,
        "manifest": session.manifest.canonical.decode(),
        "manifest_sha256": session.manifest.digest.hex(),
        "session": session.id.hex(),
        "written_by": session.me,
        "parties": {
            party: _entry(session, party, statements.get(party))
            for party in session.manifest.parties
        },
    }


def _entry(session: Session, party: PartyId, statement: Statement | None) -> dict[str, Any]:
    hello, ready = session.hellos[party], session.readies[party]
    entry = {
        "certificate": receipt.text(session.certificate(party)),
        "version": hello.version,
        "nonce": receipt.text(hello.nonce),
        "hello": receipt.text(hello.signature),
        "ready": receipt.text(ready.signature),
    }
    if statement is not None:
        entry["statement"] = statement.body.decode()
        entry["statement_signature"] = receipt.text(statement.signature)
    return entry
