"""The `ostraka` command."""

from __future__ import annotations

import os
from typing import Annotated, Any

# Pydantic looks through every installed distribution for plugins otherwise: 13 ms a process.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

import typer

import ostraka as ostraka_package
from ostraka.cli import (
    bench,
    check,
    demo,
    demo_choices,
    keys,
    ledger,
    new,
    protocols,
    result,
    session,
    voice,
)
from ostraka.cli.endings import endings

app = typer.Typer(
    name="ostraka",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
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


demo_choices.add_to(demo.app)
app.add_typer(demo.app, name="demo", short_help="Run an example on this machine.")
app.command(short_help="Make a key, and print its fingerprint.")(keys.keygen)
app.command(short_help="List what can be computed.")(protocols.protocols)
app.command(cls=protocols.NewHelp, short_help="Write a manifest: what parties agree on.")(new.new)
app.command(short_help="Explain what a manifest means.")(check.check)
app.command(short_help="Take part in a session.")(session.run)
app.command(short_help="Print a result again.")(result.result)
app.command(short_help="Relay between parties; it reads nothing.")(session.coordinator)
app.command(short_help="Rehearse with toy inputs, no network.")(session.simulate)
app.command(short_help="Check a receipt, offline.")(session.verify)
app.add_typer(ledger.app, name="ledger", short_help="Show what was spent, and what is left.")
app.command(short_help="Look for what may go wrong.")(keys.doctor)
app.command(cls=protocols.BenchHelp, short_help="Measure, a process for each party.")(bench.bench)


def main() -> None:
    """Run the command line and exit with its exit code; the console script calls this."""
    _no_core_dumps()
    voice.prepare()
    endings.watch()
    endings.leave(voice.guarded(_run))


def _run() -> int:
    try:
        code: Any = app(prog_name="ostraka", standalone_mode=False)
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
    voice.say(f"error: {_sentence(error.format_message().replace('Value error, ', ''))}")
    voice.say(f"hint: {path} --help")
    return 2


def _sentence(text: str) -> str:
    text = text.strip().rstrip(".")
    return text[:1].lower() + text[1:]


def _no_core_dumps() -> None:
    """Forbid core dumps: a dump of this process would hold keys and inputs."""
    try:
        import resource
    except ImportError:  # not on this system
        return
    hard = resource.getrlimit(resource.RLIMIT_CORE)[1]
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))


if __name__ == "__main__":
    main()
