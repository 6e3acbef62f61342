"""Book of the sessions that a service has seen: what became of each, and which are approved.

One small file for each session, by the manifest's digest, in the party's home: the service reads it
again after a restart, and `ostraka approve` writes into it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Final

from ostraka.errors import UsageError
from ostraka.files import read_text, replacing

WAITING, APPROVED, DONE, FAILED, REFUSED = "waiting", "approved", "done", "failed", "refused"
"""States of a session: it waits for approval, may begin, has ended, or does not begin."""

PREFIX: Final = 8
"""Digits of a digest that name a session, at least."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Knowledge of one session.

    Attributes:
        manifest: the manifest's digest, 64 hex digits.
        title: its title; `state`: one of those above.
        why: why it is so, in words; "" where there is nothing to say.
    """

    manifest: str
    title: str
    state: str
    why: str = ""


class SessionBook:
    """Book of one party.

    Args:
        directory: of all books.
        party: the party's name.
    """

    def __init__(self, directory: Path, party: str) -> None:
        self._directory, self._party = directory, party

    def find(self, manifest: str) -> Entry | None:
        """Return what is known of a session, by its manifest's digest; None if nothing is."""
        path = self._path(manifest)
        if not path.exists():
            return None
        try:
            return Entry(**json.loads(read_text(path)))
        except (TypeError, ValueError):
            raise UsageError(f"{path} is damaged", hint="remove it, and approve again") from None

    def write(self, entry: Entry) -> None:
        """Write what is known of a session."""
        with replacing(self._path(entry.manifest)) as file:
            json.dump(asdict(entry), file)

    def entries(self) -> Iterator[Entry]:
        """Yield all sessions."""
        for path in sorted(self._directory.glob(f"{self._party}-*.json")):
            if entry := self.find(path.stem.removeprefix(f"{self._party}-")):
                yield entry

    def approve(self, prefix: str) -> Entry:
        """Allow the session to begin that waits, or failed, and whose manifest's digest begins so.

        Raises:
            UsageError: no session that waits or failed does, or several.
        """
        waiting = [entry for entry in self.entries() if entry.state in (WAITING, FAILED)]
        found = [entry for entry in waiting if entry.manifest.startswith(prefix.lower())]
        if len(prefix) < PREFIX or len(found) != 1:
            known = ", ".join(f"{entry.manifest[:16]} ({entry.title})" for entry in waiting)
            raise UsageError(
                f"no session that waits for approval begins with {prefix}",
                hint=f"waiting: {known}" if known else "none waits; see the service's log",
                data_left=False,
            )
        approved = replace(found[0], state=APPROVED, why="")
        self.write(approved)
        return approved

    def _path(self, manifest: str) -> Path:
        return self._directory / f"{self._party}-{manifest}.json"
