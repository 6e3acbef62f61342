"""Screen that a person reads: its width, its letters, and whether it shows colours."""

from __future__ import annotations

import os
import shutil
from typing import IO, TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ostraka.presentation import textual

WIDEST: Final = 120
"""Columns up to which text is spread: longer lines are hard to follow."""

_COLOURS: Final = {"bold": "1", "red": "1;31", "yellow": "33", "green": "32", "faint": "2"}


def width() -> int:
    """Return the columns that text may take: those of the terminal, or of COLUMNS, or 80."""
    return max(20, min(WIDEST, shutil.get_terminal_size().columns))


def letters(stream: IO[str] | Any) -> textual.Signs:
    """Return the letters that a stream's encoding has for charts."""
    from ostraka.presentation import textual

    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("_", "-")
    return textual.UNICODE if encoding in ("utf-8", "utf8") else textual.ASCII


def coloured(stream: IO[str] | Any) -> bool:
    """Return whether a stream is a terminal that shows colours, and NO_COLOR is not set."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM", "dumb") == "dumb":
        return False
    try:
        return bool(stream.isatty())
    except (AttributeError, OSError, ValueError):
        return False


def paint(text: str, colour: str, stream: IO[str] | Any) -> str:
    """Return a text in a colour where the stream shows it: bold, red, yellow, green or faint.

    The text must say all without it.
    """
    return f"\x1b[{_COLOURS[colour]}m{text}\x1b[0m" if coloured(stream) else text
