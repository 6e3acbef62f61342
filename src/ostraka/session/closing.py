"""End of a session: the statements that its parties sign, and the receipt made of them."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple

from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.progress import Observer
from ostraka.record import collected, receipt, statements
from ostraka.record.commitments import Parts, group_commitments
from ostraka.session.nonces import Readers
from ostraka.session.session import Session
from ostraka.wire.messages import Statement

COMMIT_NS: Final = 100
"""Nanoseconds to commit to an integer of any size, about; one of 64 bits takes 6."""

ReadersOf = Callable[[str], Readers]
"""Function from the name of a figure that this party learned to the recipients entitled to it."""


class Confirmed(NamedTuple):
    """End of a session at one party.

    Attributes:
        receipt: whether its receipt was written.
        by_all: whether all parties that take part signed the same.
    """

    receipt: bool
    by_all: bool


async def confirm(
    session: Session,
    outcome: Outcome | None,
    consented: tuple[PartyId, ...] | None,
    readers_of: ReadersOf,
    directory: Path | None,
    observer: Observer,
) -> Confirmed:
    """Exchange signed statements with the other parties, and write the receipt.

    It is written with this party's own statement before the other parties' are waited for, and
    again with theirs. The observer is warned if it cannot be, and of parties that signed otherwise.

    Args:
        outcome, consented, readers_of: as for `sign_statement`.
        directory: of the receipt; None: none is written.
    """
    own = await sign_statement(session, outcome, consented, readers_of)
    counted = outcome.contributors if outcome is not None else consented or ()
    write = partial(_try_to_write, session, counted, directory)
    write({session.me: own}, Observer())
    heard = await exchange_statements(session, own)
    others = dissenters(session, heard)
    for party, what in others.items():
        signed = f"{party} signed {what} than {session.me}"
        observer.warn(f"{signed}: do not use the result, ask {party}")
    return Confirmed(write(heard, observer), set(heard) == set(session.hellos) and not others)


def _try_to_write(
    session: Session,
    counted: tuple[PartyId, ...],
    directory: Path | None,
    heard: dict[PartyId, Statement],
    observer: Observer,
) -> bool:
    if directory is None:
        return False
    try:
        write_receipt(session, heard, directory, counted)
    except OSError as error:
        observer.warn(f"the receipt was not written: {error.filename}: {error.strerror}")
        return False
    return True


async def sign_statement(
    session: Session,
    outcome: Outcome | None,
    consented: tuple[PartyId, ...] | None,
    readers_of: ReadersOf,
) -> Statement:
    """Sign this party's statement about the session.

    Args:
        outcome: None at a party that learned no result.
        consented: the contributors counted in the share that a compute party announced; None at
            other parties.
        readers_of: is asked for the readers of each figure of the outcome.
    """
    elements = sum(part.size for o in (outcome.outputs if outcome else ()) for part in o.parts)
    write = partial(_statement, session, outcome, consented, readers_of)
    body = await session.offload(COMMIT_NS * elements, write)
    return Statement(body, session.identity.sign(body))


async def exchange_statements(session: Session, own: Statement) -> dict[PartyId, Statement]:
    """Send this party's statement, and return the statements of all parties heard."""
    return await session.exchange_statements(own)


def dissenters(session: Session, heard: dict[PartyId, Statement]) -> dict[PartyId, str]:
    """Return the parties that signed otherwise than this one, and what they signed.

    Figures are compared only with recipients that are entitled to them, too.
    """
    read = {name: statements.read(s.body, name, session.about) for name, s in heard.items()}
    ours, recipients = read[session.me], session.manifest.recipients
    found = {name: statements.difference(ours, said, recipients) for name, said in read.items()}
    return {name: what for name, what in found.items() if what}


def receipt_path(session: Session, directory: Path) -> Path:
    """Return the path that `write_receipt` will write to."""
    return directory / f"receipt-{session.me}-{session.id.hex()[:12]}.json"


def write_receipt(
    session: Session,
    heard: dict[PartyId, Statement],
    directory: Path,
    counted: tuple[PartyId, ...] = (),
) -> Path:
    """Write receipt-NAME-SESSION.json into a directory; return its path.

    Args:
        counted: the places that count in a collection.

    Raises:
        OSError: the file cannot be written; `filename` is its path.
    """
    path = receipt_path(session, directory)
    try:
        receipt.write(path, _receipt(session, heard, counted))
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    return path


def _statement(
    session: Session,
    outcome: Outcome | None,
    consented: tuple[PartyId, ...] | None,
    readers_of: ReadersOf,
) -> bytes:
    sent = session.commitment.value()
    if outcome is None:
        return statements.write(session.me, session.about, sent, consented)
    groups: dict[Readers, dict[str, Parts]] = {}
    for output in outcome.outputs:
        figures = groups.setdefault(readers_of(output.name), {})
        figures[output.name] = (*figures.get(output.name, ()), *output.parts)
    committed = {
        readers: group_commitments(session.result_keys[readers], figures)
        for readers, figures in groups.items()
    }
    counted = outcome.contributors
    return statements.write(session.me, session.about, sent, consented, counted, committed)


def _collection(session: Session, counted: tuple[PartyId, ...]) -> dict[str, Any]:
    """Return the section of a receipt on a collection; {} in other sessions."""
    summary, places = session.about.collection, session.about.roster.places
    if summary is None:
        return {}
    return {"collection": collected.section(summary, collected.bits_of(counted, places))}


def _receipt(
    session: Session, heard: dict[PartyId, Statement], counted: tuple[PartyId, ...]
) -> dict[str, Any]:
    absent = list(session.absent)
    return {
        **({"absent": absent} if absent else {}),
        **_collection(session, counted),
        "ostraka_receipt": session.about.format,
        "manifest": session.manifest.canonical.decode(),
        "manifest_sha256": session.manifest.digest.hex(),
        "session": session.id.hex(),
        "written_by": session.me,
        "parties": {party: _entry(session, party, heard.get(party)) for party in session.hellos},
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
