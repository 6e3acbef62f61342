"""What a person sees while a session runs: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ostraka.cli import voice
from ostraka.progress import Observer, Phase

if TYPE_CHECKING:
    from rich.progress import Progress as Bars

WORTH_A_BAR = 1 << 20
"""Bytes below which a bar would only flicker."""


class Progress(Observer):
    """Watches one party's session.

    Args:
        contributes: whether the start of sharing means that shares of our input leave.
    """

    def __init__(self, *, contributes: bool) -> None:
        self._contributes = contributes
        self._bars = _bars() if sys.stderr.isatty() else None
        self._task = self._bars.add_task("connecting", total=None) if self._bars else None
        voice.speaker.data_left = False

    def __enter__(self) -> Self:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bars:
            self._bars.stop()

    def gathering(self, present: int, total: int) -> None:
        """So many of the parties are here, ourselves included."""
        self._show(f"gathering {present}/{total}")

    def phase(self, phase: Phase) -> None:
        """A phase begins: sharing, computing, opening, done."""
        if phase is Phase.SHARING and self._contributes:
            voice.speaker.data_left = True
        voice.speaker.opening = voice.speaker.opening or phase is Phase.OPENING
        self._show(phase)

    def warn(self, text: str) -> None:
        """Something went wrong that does not touch the result."""
        voice.say(f"warning: {text}")

    def moved(self, done: int, total: int) -> None:
        """So many of the bytes that we are to send have left."""
        if self._bars and self._task is not None and total >= WORTH_A_BAR:
            self._bars.update(self._task, completed=done, total=total)

    def _show(self, text: str) -> None:
        if self._bars and self._task is not None:
            self._bars.update(self._task, description=text)
        else:
            voice.say(text)


def _bars() -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, SpinnerColumn, TextColumn

    class Large(DownloadColumn):
        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    class Bar(BarColumn):
        def render(self, task: Any) -> Any:
            return super().render(task) if task.total else ""

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        Bar(),
        Large(),
        console=Console(stderr=True),
        transient=True,
    )
