"""Files of a person's own, read whole and never without a bound."""

from __future__ import annotations

import stat
from pathlib import Path

from ostraka import limits
from ostraka.errors import UsageError


def read_bounded(path: Path, most: int = limits.MANIFEST) -> bytes:
    """Read a file of at most `most` bytes.

    Raises:
        UsageError: unreadable, or larger.
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
    """Say in words how the path's mode allows more than `wanted`; None when it does not."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    if mode & ~wanted:
        return f"{path} has mode {mode:04o}; it should be {wanted:04o}"
    return None
