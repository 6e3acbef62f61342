"""View of a run's progress: a bar in a notebook, a moving line on a terminal, lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable
from html import escape
from typing import TYPE_CHECKING, Any

from ostraka.progress import Observer, Phase

if TYPE_CHECKING:
    from ostraka.outcome import Outcome

Show = Callable[[str, str, bool], None]
"""Function that shows a text, the same as HTML, and whether it is the last."""


class ProgressView(Observer):
    """Observer that shows one run to a person, by what is there: IPython, a terminal, or a stream.

    Args:
        show: what shows it, in place of those.
    """

    def __init__(self, show: Show | None = None) -> None:
        own = _notebook() or (_terminal if _is_terminal() else _lines)
        self._show = own if show is None else show
        self._text, self._done, self._warnings = "starting", 0.0, list[str]()

    def gathering(self, present: int, total: int) -> None:
        self._tell(f"gathering {present}/{total}", 0.0)

    def phase(self, phase: Phase) -> None:
        self._tell(phase, 0.0 if phase is not Phase.DONE else 1.0)

    def collected(self, text: str) -> None:
        self._tell(text, self._done)

    def moved(self, done: int, total: int) -> None:
        part = done / total if total else 1.0
        if part == 1.0 or part - self._done >= 0.01:
            self._tell(self._text, part)

    def warn(self, text: str) -> None:
        self._warnings.append(text)
        self._tell(self._text, self._done)

    def result(self, outcome: Outcome) -> None:
        self._tell(outcome.status, 1.0, last=True)

    def _tell(self, text: str, done: float, *, last: bool = False) -> None:
        if (text, done) == (self._text, self._done) and not (last or self._warnings):
            return
        self._text, self._done = text, done
        percent = f" {done:.0%}" if 0 < done < 1 else ""
        warned = "".join(f"; warning: {warning}" for warning in self._warnings)
        self._show(f"{text}{percent}{warned}", self._html(), last)

    def _html(self) -> str:
        warned = "".join(f"<p>warning: {escape(warning)}</p>" for warning in self._warnings)
        bar = f'<progress max="1" value="{self._done:.2f}"></progress>'
        return f"<div>{bar} {escape(self._text)}{warned}</div>"


def _is_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()


def _terminal(text: str, _html: str, last: bool) -> None:
    sys.stderr.write(f"\r\x1b[K{text}" + "\n" * last)
    sys.stderr.flush()


def _lines(text: str, _html: str, _last: bool) -> None:
    if sys.stderr is not None:
        sys.stderr.write(f"{text}\n")


def _notebook() -> Show | None:
    """Return what shows HTML in the notebook that this program is a kernel of; None elsewhere."""
    ipython: Any = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    if shell is None or not hasattr(shell, "kernel"):
        return None
    from importlib import import_module

    display: Any = import_module("IPython.display")
    handle: list[Any] = []

    def show(_text: str, html: str, _last: bool) -> None:
        if handle:
            handle[0].update(display.HTML(html))
        else:
            handle.append(display.display(display.HTML(html), display_id=True))

    return show
