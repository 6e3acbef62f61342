"""Start and end of a process: no search for garbage in modules that load, or in all at the end."""

from __future__ import annotations

import gc


def hold_collections() -> None:
    """Stop the garbage collector, which would look through every module again as others load."""
    gc.disable()


def loaded() -> None:
    """Start the collector again, if it was held; it leaves what is loaded by now alone.

    Commands that take part in a session, relay or simulate call this before they begin.
    """
    if not gc.isenabled():
        gc.freeze()
        gc.enable()


def leave_to_the_system() -> None:
    """Freeze all objects: the interpreter need not search them for garbage as the process ends."""
    gc.freeze()
