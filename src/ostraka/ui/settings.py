"""Settings of a party's page: where its sessions, keys and receipts are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class PageSettings:
    """Settings of one party's page.

    Attributes:
        sessions: directories of manifests, and manifests; manifests of invitations are written
            into the first directory.
        keys: the directory of NAME.key and NAME.crt.
        receipts: the directory of receipts.
        name: the party; None: the one of a manifest whose key is here.
        proxy, listen: of the options, for runs.
        say: tells the terminal a line.
    """

    sessions: tuple[Path, ...]
    keys: Path
    receipts: Path
    name: str | None = None
    proxy: str | None = None
    listen: str | None = None
    say: Callable[[str], None] = lambda _: None

    @property
    def inbox(self) -> Path:
        """Directory that manifests of invitations are written into."""
        return next((path for path in self.sessions if path.is_dir()), Path())
