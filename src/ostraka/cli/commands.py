"""Table of the commands; only the module of the command that is called is imported."""

from __future__ import annotations

import os
from functools import cache, cached_property
from importlib import import_module
from typing import Annotated, Any, Final, NamedTuple

import typer
import typer.core
import typer.main

import ostraka as ostraka_package
from ostraka.cli import screen, voice

# Pydantic looks through every installed distribution for plugins otherwise: 13 ms a process.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


class _Entry(NamedTuple):
    """Command of the table.

    Attributes:
        where: the module in `ostraka.cli`, and in it the function, or the app of a group.
        cls: the module and the class that prints its help, if it is one of our own.
    """

    summary: str
    where: str
    cls: str = ""


TABLE: Final = {
    "keygen": _Entry("Make a key, and print its fingerprint.", "keys:keygen"),
    "rekey": _Entry("Replace a key by a new one.", "keys:rekey"),
    "protocols": _Entry("List what can be computed.", "protocols:protocols"),
    "new": _Entry("Write a manifest: what parties agree on.", "new:new", "protocols:NewHelp"),
    "join": _Entry("Answer an invitation.", "invitations:join"),
    "seal": _Entry("End a draft: its manifest, for all.", "invitations:seal"),
    "invite": _Entry("Invite people to report to a collection.", "collections:invite"),
    "contribute": _Entry("Report to a collection, and leave.", "contribute:contribute"),
    "page": _Entry("Write the page that asks for reports.", "page:page"),
    "status": _Entry("Show how a collection stands.", "collections:status"),
    "close": _Entry("Close a collection early.", "collections:close"),
    "check": _Entry("Explain what a manifest means.", "check:check"),
    "run": _Entry("Take part in a session.", "session:run"),
    "ui": _Entry("Open a page of one's own on this machine.", "ui:ui"),
    "learn": _Entry("Train one model in rounds.", "learn:learn"),
    "template": _Entry("Write a table to fill in.", "giving:template"),
    "result": _Entry("Print a result again.", "result:result"),
    "report": _Entry("Write a result as a page.", "report:report"),
    "model": _Entry("Write a model as predict takes it.", "model:app"),
    "coordinator": _Entry("Relay between parties; it reads nothing.", "coordinator:coordinator"),
    "serve": _Entry("Stay, and take part in what is due.", "serve:serve"),
    "approve": _Entry("Approve a session that `serve` waits with.", "serve:approve"),
    "simulate": _Entry("Rehearse with toy inputs, no network.", "session:simulate"),
    "verify": _Entry("Check a receipt, offline.", "session:verify"),
    "doctor": _Entry("Look for what may go wrong.", "keys:doctor"),
    "bench": _Entry("Measure, a process for each party.", "bench:bench", "protocols:BenchHelp"),
    "demo": _Entry("Run an example on this machine.", "demos:app"),
    "known": _Entry("Keys of others that this machine met.", "known:app"),
    "ledger": _Entry("Show what was spent, and what is left.", "ledger:app"),
}


def _found(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(import_module(f"ostraka.cli.{module}"), name)


class _Later(typer.core.TyperCommand):
    """Command of which the name and the summary are known; its module is imported to parse it."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """Import the command, and parse its arguments."""
        return self._command.make_context(*args, **kwargs)

    @cached_property
    def _command(self) -> Any:
        assert self.name is not None
        entry = TABLE[self.name]
        found = _found(entry.where)
        if not isinstance(found, typer.Typer):
            alone = typer.Typer(add_completion=False, rich_markup_mode=None)
            alone.command(self.name, cls=_found(entry.cls or "examples:Helped"))(found)
            found = alone
        return typer.main.get_command(found)


class _Commands(typer.core.TyperGroup):
    """The commands of the table."""

    def __init__(self, **settings: Any) -> None:
        commands = {n: _Later(n, short_help=entry.summary) for n, entry in TABLE.items()}
        super().__init__(**{**settings, "commands": commands})


app = typer.Typer(
    name="ostraka",
    cls=_Commands,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": screen.WIDEST,
    },
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"ostraka {ostraka_package.__version__}")
        raise typer.Exit


@app.callback()
def ostraka(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it and exit.")
    ] = False,
) -> None:
    """Compute together on private data: all get the answer, and no party sees another's input.

    Try it: ostraka demo average
    """


@cache
def _parser() -> Any:
    """Return the parser of command lines, made once: a command that was imported stays in it."""
    return typer.main.get_command(app)


def run() -> int:
    """Parse the command line, run its command, and return the exit code."""
    try:
        code: Any = _parser()(prog_name="ostraka", standalone_mode=False)
    except typer.Abort:
        return voice.interrupted()
    except _UsageError as error:
        return _usage(error)
    if code == voice.INTERRUPTED:  # typer's newer way to say it
        return voice.interrupted()
    return code if isinstance(code, int) else 0


# The parser's own errors; typer does not export their base class.
_UsageError: type[Any] = typer.BadParameter.__bases__[0]


def _usage(error: Any) -> int:
    """Print what the parser refused as our `error:` and `hint:`; return the exit code, 2."""
    if type(error).__name__ == "NoArgsIsHelpError":
        voice.say(error.ctx.get_help())
        return 2
    path = error.ctx.command_path if error.ctx is not None else "ostraka"
    voice.fail(_sentence(error.format_message().replace("Value error, ", "")))
    voice.say(f"hint: {path} --help")
    return 2


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:]
