"""End of a session: the statements that its parties sign, and the receipt made of them."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.record import receipt
from ostraka.session.session import Session
from ostraka.wire.messages import Statement


async def exchange_statements(
    session: Session, outcome: Outcome | None
) -> dict[PartyId, Statement]:
    """Sign this party's statement about the session; return the statements of all parties heard.

    Args:
        outcome: None at a party that learned no result.
    """
    parts = [part for output in outcome.outputs for part in output.parts] if outcome else []
    opened = sum(part.size for part in parts)
    body = receipt.canonical(await session.aside(opened, partial(_statement, session, outcome)))
    own = Statement(body, session.identity.sign(body))
    return await session.exchange_statements(own, wait=_stays(session))


def with_other_results(statements: dict[PartyId, Statement]) -> list[PartyId]:
    """List the recipients that signed another result than this party, the first of `statements`."""
    signed = {party: json.loads(s.body).get("result") for party, s in statements.items()}
    ours = next(iter(signed.values()))
    return [party for party, result in signed.items() if result not in (None, ours)]


def write_receipt(session: Session, statements: dict[PartyId, Statement], directory: Path) -> Path:
    """Write receipt-NAME-SESSION.json into a directory; return its path.

    Raises:
        OSError: the file cannot be written; `filename` is its path.
    """
    path = directory / f"receipt-{session.me}-{session.id.hex()[:12]}.json"
    try:
        receipt.write(path, _receipt(session, statements))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def _stays(session: Session) -> bool:
    """Whether this party stays to the end: one that only contributes leaves after sharing."""
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
