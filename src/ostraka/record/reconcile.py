"""Reconciliation of a ledger with receipts: runs that the ledger should know."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

from ostraka.errors import OstrakaError
from ostraka.record import receipt
from ostraka.record.ledger import Ledger


class Reconciled(NamedTuple):
    """Comparison of a ledger with receipts.

    Attributes:
        ours: number of receipts of this party's runs.
        missing: receipts of runs that this party was in and that the ledger does not know.
        refused: receipts that do not hold or cannot be read, each with its error; a run may hide
            behind one.
    """

    ours: int
    missing: list[Path]
    refused: dict[Path, OstrakaError]


def reconcile(ledger: Ledger, receipts: Path) -> Reconciled:
    """Compare a ledger with all receipts in a directory.

    Args:
        receipts: this party's own receipts and other parties' are read alike, complete or not.

    A party reserves a run before it signs anything. So it was also in a run that it signed no
    statement of, or whose statement was taken out of the receipt: then a reservation of the same
    manifest must be there that has no session.
    """
    runs = ledger.runs.values()
    known = {run.session for run in runs}
    begun = Counter(run.run.manifest for run in runs if not run.session)
    found = Reconciled(0, [], {})
    without_statement: set[str] = set()
    for path in sorted(receipts.glob("receipt-*.json")):
        try:
            claims = _claims(ledger, path)
        except OstrakaError as error:
            found.refused[path] = error
            continue
        if claims is None:
            continue
        found = found._replace(ours=found.ours + 1)
        session, manifest = claims["session"], claims["manifest_sha256"]
        if session in known or session in without_statement:
            continue
        if ledger.party not in claims["signed"] and begun[manifest]:
            begun[manifest] -= 1
            without_statement.add(session)
            continue
        found.missing.append(path)
    return found


def _claims(ledger: Ledger, path: Path) -> dict[str, Any] | None:
    """Return what a receipt proves; None where it is of a run that this party was not in."""
    read = receipt.read(path)
    claims = receipt.verify(read)
    return claims if ledger.wrote(read) else None
