"""Command `result`: prints a result again; and how `run` keeps and prints one when it is known."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import typer

from ostraka.cli import completing, results, voice
from ostraka.cli.options import OutputOption
from ostraka.cli.progress import Watcher

if TYPE_CHECKING:
    from ostraka.outcome import Outcome
    from ostraka.party import Seat


class ResultKeeper(Watcher):
    """Observer that writes a result to disk as soon as it is known, and then prints it.

    A thread prints, so that a reader of stdout that is slow, or stopped, keeps no party waiting.
    """

    def __init__(self, directory: Path, output: voice.OutputFormat) -> None:
        super().__init__()
        self._directory, self._output = directory, output
        self._party = self._title = ""
        self._printing: threading.Thread | None = None
        self._problem: Exception | None = None

    def of(self, seat: Seat) -> Self:
        """Name the party whose run this is, and its session's title."""
        self._party, self._title = seat.me, seat.manifest.session.label
        return self

    def result(self, outcome: Outcome) -> None:
        self.stop()
        shown = outcome.as_dict()
        self._keep(shown)
        self._printing = threading.Thread(target=self._print, args=(shown,), daemon=True)
        self._printing.start()

    def finish(self) -> None:
        """Wait until the result is printed.

        Raises:
            Temporary: it could not be; the message says where it is.
        """
        from ostraka.errors import Temporary

        assert self._printing is not None
        self._printing.join()
        if self._problem is None:
            return
        why = getattr(self._problem, "strerror", None) or type(self._problem).__name__
        hint = "" if voice.speaker.kept else "ask another recipient: it is not on this machine"
        raise Temporary(f"the result is known and could not be printed: {why}", hint=hint)

    def _keep(self, shown: Mapping[str, Any]) -> None:
        from ostraka.record import results as kept

        now = datetime.now(UTC).isoformat(timespec="seconds")
        try:
            kept.keep(self._directory, self._party, now, self._title, shown)
        except OSError as error:
            self.warn(f"the result was not kept in {self._directory}: {error.strerror}")
        else:
            voice.speaker.kept = shown["session"]

    def _print(self, shown: Mapping[str, Any]) -> None:
        try:
            _show(shown, self._output)
        except Exception as error:
            self._problem = error


def _show(shown: Mapping[str, Any], output: voice.OutputFormat) -> None:
    if output is voice.OutputFormat.JSON:
        voice.emit(shown)
    else:
        results.show(shown)


def result(
    session: Annotated[
        str,
        typer.Argument(
            metavar="[SESSION]",
            help="The first digits of its id; else the last.",
            autocompletion=completing.complete_kept,
        ),
    ] = "",
    as_: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The party, where several run here.")
    ] = "",
    list_: Annotated[bool, typer.Option("--list", help="List what is kept, newest first.")] = False,
    forget: Annotated[
        bool, typer.Option("--forget", help="Delete that session's result from this machine.")
    ] = False,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Print a result again, as `run` printed it. It is kept in OSTRAKA_HOME until --forget."""
    from ostraka.errors import UsageError
    from ostraka.home import results_directory
    from ostraka.record import results as kept

    directory = results_directory()
    if list_:
        _list(kept.kept(directory))
        return
    if forget and not session:
        raise UsageError("--forget needs the session", hint="see: ostraka result --list")
    found = kept.find(directory, session, as_)
    if forget:
        kept.forget(found)
        voice.say(f"deleted {found.path}")
    else:
        _show(found.read()["result"], output)


def _list(found: list[Any]) -> None:
    for one in found:
        whole = one.read()
        status = whole["result"]["status"]
        print(f"{one.session[:12]}  {whole['at'][:16]}  {one.party}  {status}  {whole['title']}")
    if not found:
        voice.say("no result is kept")
