"""Libraries of the extra `data`: imported when a file needs one, and named where it is missing."""

from __future__ import annotations

from importlib import import_module
from typing import Any, Final

from ostraka.errors import UsageError

INSTALL: Final = "pip install 'ostraka[data]'"


def need(module: str, what: str) -> Any:
    """Import a library.

    Args:
        what: is done with it, for the message: "Parquet".

    Raises:
        UsageError: it is not installed; the hint is the command that installs it.
    """
    try:
        return import_module(module)
    except ImportError:
        message = f"{what} needs the library {module}, which is not installed here"
        raise UsageError(message, hint=INSTALL, data_left=False) from None
