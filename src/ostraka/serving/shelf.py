"""Manifests in a directory, each of which is read once while its file stays as it is."""

from __future__ import annotations

from pathlib import Path

from ostraka import config
from ostraka.errors import OstrakaError
from ostraka.manifest import Manifest

Stamp = tuple[int, int, int]


class Shelf:
    """Manifests in a directory.

    A manifest of 10^5 places takes seconds to read and check, so that a look reads only what
    changed since the look before.
    """

    def __init__(self) -> None:
        self._read: dict[Path, tuple[Stamp, Manifest | OstrakaError]] = {}

    def look(self, directory: Path) -> dict[Path, Manifest | OstrakaError]:
        """Return the manifest of each file, or why it is none, in the order of their names."""
        old, self._read = self._read, {}
        for path in sorted(directory.glob("*.toml")):
            stamp, known = _stamp(path), old.get(path)
            self._read[path] = known if known and known[0] == stamp else (stamp, _load(path))
        return {path: found for path, (_, found) in self._read.items()}


def _stamp(path: Path) -> Stamp:
    """Return what changes with a file's content; of a file that cannot be looked at, zeros."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0, 0
    return found.st_ino, found.st_mtime_ns, found.st_size


def _load(path: Path) -> Manifest | OstrakaError:
    try:
        return config.load(path)
    except OstrakaError as error:
        return error
