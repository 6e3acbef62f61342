"""Reconciliation of a ledger with receipts: runs that the ledger should know."""

from __future__ import annotations

from pathlib import Path

from ostraka.record import receipt
from ostraka.record.ledger import Ledger


def missing_sessions(ledger: Ledger, receipts: Path) -> tuple[int, list[Path]]:
    """Find receipts of runs that this party signed at the end and the ledger does not know.

    Args:
        receipts: a directory; this party's own receipts and other parties' are read alike.

    Returns:
        The number of receipts of this party's runs, and the paths of the unknown ones.
    """
    known = {record.session for record in ledger.runs.values()}
    ours = 0
    missing = []
    for path in sorted(receipts.glob("receipt-*.json")):
        found = receipt.read(path)
        claims = receipt.verify(found)
        if ledger.party not in claims["signed"] or not ledger.wrote(found):
            continue
        ours += 1
        if claims["session"] not in known:
            missing.append(path)
    return ours, missing
