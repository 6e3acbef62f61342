"""Run of a session as a party's page sees it: its phases, the parties, what was said, its end."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from time import time
from typing import Any

from ostraka import home
from ostraka.errors import OstrakaError
from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.progress import Observer, Phase, Progress, data_in_words
from ostraka.record import results

Clock = Callable[[], float]

SHOWN = 2000
"""Values of a vector that the page shows; saved as JSON it has all."""

WARNINGS = 100
"""Number of warnings that are kept, the first ones."""

WAITING = "waiting for "
"""Beginning of what is said while a session gathers; only the last of it counts, until it ends."""


class PageRun(Observer):
    """Observer of one run, which keeps its result as soon as it is known.

    Attributes:
        state: "running", "done" or "failed".
        error: why it failed, as `failure` has it; None where it did not.
    """

    def __init__(self, me: PartyId, title: str, clock: Clock = time) -> None:
        self._me, self._title, self._clock = me, title, clock
        self.began = clock()
        self.state = "running"
        self.error: dict[str, Any] | None = None
        self.result_shown: dict[str, Any] | None = None
        self._phases: list[tuple[str, float]] = []
        self._here = (0, 0)
        self._away: tuple[PartyId, ...] | None = None
        self._moved = (0, 0)
        self._warnings: list[str] = []
        self._ended = 0.0

    # Events of the run

    def resuming(self, session: str, seconds: float) -> None:
        self.warn(f"this goes on with a run that was begun {seconds:.0f} seconds ago")

    def gathering(self, present: int, total: int) -> None:
        self._enter(Phase.GATHERING)
        self._here = (present, total)

    def away(self, parties: tuple[PartyId, ...]) -> None:
        self._away = parties

    def phase(self, phase: Phase) -> None:
        if phase is not Phase.GATHERING:
            self._forget_waiting()
        self._enter(phase)

    def moved(self, done: int, total: int) -> None:
        self._moved = (done, total)

    def collected(self, text: str) -> None:
        self.warn(text)

    def warn(self, text: str) -> None:
        if text.startswith(WAITING):
            self._forget_waiting()
        if text not in self._warnings and len(self._warnings) < WARNINGS:
            self._warnings.append(text)

    def result(self, outcome: Outcome) -> None:
        shown = outcome.as_dict()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        directory = home.results_directory()
        try:
            results.keep(directory, self._me, at, self._title, shown)
        except OSError as error:
            self.warn(f"the result was not kept in {directory}: {error.strerror}")
        self.result_shown = shown

    def _forget_waiting(self) -> None:
        self._warnings = [text for text in self._warnings if not text.startswith(WAITING)]

    def _enter(self, phase: Phase) -> None:
        if not self._phases or self._phases[-1][0] != phase.value:
            self._phases.append((phase.value, self._clock()))

    # Its end

    def done(self) -> None:
        """Note that the run has ended well."""
        self.state, self._ended = "done", self._clock()

    def failed(self, error: BaseException, progress: Progress) -> None:
        """Note that the run has ended by an error."""
        self.error = failure(error, progress)
        self.state, self._ended = "failed", self._clock()

    def as_json(self) -> dict[str, Any]:
        """Return the run's state for the page."""
        present, total = self._here
        return {
            "state": self.state,
            "seconds": round((self._ended or self._clock()) - self.began, 1),
            "phases": [
                {"name": name, "after": round(at - self.began, 2)} for name, at in self._phases
            ],
            "present": present,
            "total": total,
            "away": None if self._away is None else list(self._away),
            "moved": list(self._moved),
            "warnings": list(self._warnings),
            "error": self.error,
            "result": None if self.result_shown is None else shortened(self.result_shown),
        }


def shortened(result: Mapping[str, Any]) -> dict[str, Any]:
    """Return a result whose vectors have `SHOWN` values at most; "of" says how many there were."""
    if "outputs" not in result:
        return dict(result)
    return {**result, "outputs": [_short(output) for output in result["outputs"]]}


def _short(output: Mapping[str, Any]) -> dict[str, Any]:
    value = output["value"]
    if not isinstance(value, list) or len(value) <= SHOWN:
        return dict(output)
    cut = {k: v[:SHOWN] if isinstance(v, list) else v for k, v in output.items()}
    return {**cut, "of": len(value)}


def failure(error: BaseException, progress: Progress | None = None) -> dict[str, Any]:
    """Return an error as the page shows it: the command line's words, and its exit code."""
    if not isinstance(error, OstrakaError):
        return _unforeseen(error)
    left, opening = error.data_left, bool(progress and progress.opening)
    if left is None and progress is not None:
        left = progress.data_left
    return {
        "error": error.message,
        "hint": error.hint,
        "code": error.code,
        "exit": error.exit_code,
        "data": data_in_words(left, opening=opening),
        "ledger": progress.settled_in_words if progress else "",
    }


def _unforeseen(error: BaseException) -> dict[str, Any]:
    """Return an error of the system, or a bug without its message, which may hold an input."""
    if isinstance(error, OSError) and error.strerror:
        name = f"cannot use {error.filename}: " if isinstance(error.filename, str) else ""
        return {"error": f"{name}{error.strerror}", "hint": "", "code": "system", "exit": 75}
    text = "this is a bug in ostraka, not something you did"
    frames = traceback.extract_tb(error.__traceback__)
    where = f" at {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    hint = f"report this: {type(error).__name__}{where}, from: ostraka ui"
    return {"error": text, "hint": hint, "code": "internal", "exit": 70}
