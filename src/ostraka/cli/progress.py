"""Progress of a run as a person sees it: one moving line on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from ostraka.cli import voice
from ostraka.progress import Observer, Phase

if TYPE_CHECKING:
    from rich.progress import Progress as Bars
    from rich.progress import TaskID

WORTH_A_BAR = 1 << 20
"""Bytes below which a bar would only flicker."""


class Watcher(Observer):
    """Observer that shows one party's run on stderr; its moving line ends with the context.

    Attributes:
        heading: lines that are shown once, before all others.
    """

    def __init__(self) -> None:
        self.heading: Sequence[str] = ()
        self._bars: Bars | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if sys.stderr.isatty():
            self._bars = _bars()
            self._task = self._bars.add_task("connecting", total=None)
            self._bars.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the moving line; may be called again."""
        if self._bars:
            self._bars.stop()

    def resuming(self, session: str, seconds: float) -> None:
        from ostraka.life import duration

        named = f"session {session[:12]}" if session else "a run that had not yet gathered all"
        voice.say(f"resuming {named}, begun {duration(seconds)} ago")

    def gathering(self, present: int, total: int) -> None:
        self._show(f"gathering {present}/{total}")

    def phase(self, phase: Phase) -> None:
        self._show(phase)

    def collected(self, text: str) -> None:
        self._show(text)

    def warn(self, text: str) -> None:
        voice.warn(text)

    def moved(self, done: int, total: int) -> None:
        if self._bars and self._task is not None and total >= WORTH_A_BAR:
            self._bars.update(self._task, completed=done, total=total)

    def _show(self, text: str) -> None:
        heading, self.heading = self.heading, ()
        for line in heading:
            voice.say(line)
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
