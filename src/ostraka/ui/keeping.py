"""Kept papers on a party's page: results, receipts and the ledger, as JSON."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from ostraka import config, home, identity
from ostraka.errors import OstrakaError, UsageError
from ostraka.record import receipt as receipts
from ostraka.record import results, standings
from ostraka.ui.settings import PageSettings
from ostraka.ui.watching import failure

LISTED: Final = 200
"""Number of results and receipts that the page lists, the newest ones."""

STEPS: Final = 200
"""Number of steps in a picture of a budget."""


class Keeping:
    """Papers that a party keeps: read anew each time, as other processes write them, too."""

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings
        self._heads: dict[Path, tuple[int, dict[str, Any]]] = {}

    # Results

    def results(self) -> list[dict[str, Any]]:
        """List the results of this page's party, the newest first, without their figures."""
        name = self._settings.name
        kept = [r for r in results.kept(home.results_directory()) if name in (None, r.party)]
        found = []
        for one in kept[:LISTED]:
            written, head = self._heads.get(one.path, (0, {}))
            if written != one.written:
                head = _head(one)
                self._heads[one.path] = one.written, head
            found.append(head)
        return found

    def by_manifest(self) -> dict[tuple[str, str], str]:
        """Return the session of the newest result for each manifest's digest and party."""
        heads = reversed(self.results())
        return {(one["manifest"], one["party"]): one["session"] for one in heads if one["status"]}

    def result(self, session: str, party: str) -> dict[str, Any]:
        """Return a result as `ostraka result` prints it, with its title and time.

        Raises:
            UsageError: it is not kept here.
        """
        return results.find(home.results_directory(), session, party).read()

    # Receipts

    def receipts(self) -> list[dict[str, Any]]:
        """List the receipts, the newest first, with what each proves or why it does not hold."""
        paths = self._settings.receipts.glob("receipt-*.json")
        newest = sorted(paths, key=lambda path: path.stat().st_mtime_ns, reverse=True)
        return [_verified(path) for path in newest[:LISTED]]

    # The ledger

    def ledger(self) -> list[dict[str, Any]]:
        """Return each ledger of this page's party: what `ledger --json` has, and over time."""
        keys, name = self._settings.keys, self._settings.name
        names = [n for n in home.ledger_names(config.ledger_directory(keys)) if name in (None, n)]
        return [self._ledger(each, keys) for each in names]

    def _ledger(self, name: str, keys: Path) -> dict[str, Any]:
        warnings: list[str] = []
        try:
            own = home.own_ledger(identity.load(name, keys), keys, warnings.append)
        except OstrakaError as error:
            return {"party": name, "error": failure(error)}
        found = standings.as_json(own)
        for budget, standing in zip(found["budgets"], standings.standings(own), strict=True):
            steps = standings.history(standing, STEPS)
            budget["steps"] = [{"at": at, "epsilon": float(epsilon)} for at, epsilon in steps]
            budget["exact"] = [r.at for r in standing["runs"] if r.cost.exact]
        return found | {"warnings": warnings}


def _head(one: results.Kept) -> dict[str, Any]:
    try:
        whole = one.read()
    except UsageError as error:
        return {"session": one.session, "party": one.party, "title": error.message, "status": ""}
    result = whole["result"]
    head = {key: whole.get(key, "") for key in ("party", "at", "title")}
    digest = result.get("manifest_sha256", "")
    return head | {"session": one.session, "status": result["status"], "manifest": digest}


def _verified(path: Path) -> dict[str, Any]:
    """Return what a receipt proves, or why it does not hold."""
    try:
        found = receipts.verify(receipts.read(path))
    except OstrakaError as error:
        return {"file": path.name, "error": failure(error)}
    return {"file": path.name, **found}
