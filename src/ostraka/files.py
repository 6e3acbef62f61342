"""Files on this machine: read whole within a bound, and checked for who may change them."""

from __future__ import annotations

import stat
from pathlib import Path

from ostraka import limits
from ostraka.errors import UsageError


def read_bounded(path: Path, most: int = limits.MANIFEST) -> bytes:
    """Return the content of a file of at most `most` bytes.

    Raises:
        UsageError: the file is unreadable, or larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", data_left=False) from None
    if len(content) > most:
        raise UsageError(f"{path} is larger than {most} bytes", data_left=False)
    return content


def loose_modes(path: Path, wanted: int) -> str | None:
    """Describe how the mode of `path` allows more than `wanted`; None when it does not."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    if mode & ~wanted:
        return f"{path} has mode {mode:04o}; it should be {wanted:04o}"
    return None
