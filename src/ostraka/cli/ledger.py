"""Command `ledger`: shows what was spent and what is left, and checks the record."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import examples, voice
from ostraka.cli.options import KeysOption

if TYPE_CHECKING:
    from ostraka.errors import OstrakaError
    from ostraka.record.ledger import Ledger
    from ostraka.record.runs import Record

app = typer.Typer(name="ledger", add_completion=False, rich_markup_mode=None)

AsOption = Annotated[
    str, typer.Option("--as", metavar="NAME", help="The party; by default the only one there.")
]
_FIGURES = ("spent", "held", "left", "budget", "delta")

LAST = 12
"""Number of runs, the last ones, that the table for people shows."""


@app.callback(invoke_without_command=True)
def ledger(
    context: typer.Context,
    as_: AsOption = "",
    keys: KeysOption = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print all of it as one JSON object.")
    ] = False,
) -> None:
    """Show what this party's runs have told of its data, and what its budgets still allow."""
    if context.invoked_subcommand is not None:
        if as_ or keys or json:
            from ostraka.errors import UsageError

            hint = "such as: ostraka ledger show --as NAME; and --json needs none"
            raise UsageError("options go behind show, check or release", hint=hint)
        return
    own = _own(as_, keys)
    if json:
        from ostraka.record.standings import as_json

        voice.emit(as_json(own))
    else:
        _tell(own)


@app.command(cls=examples.Helped, short_help="Print it as a table, or draw it.")
def show(
    as_: AsOption = "",
    keys: KeysOption = None,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg|png", help="Draw the spending over time."),
    ] = None,
) -> None:
    """Print the budgets and the last runs; needs ostraka[plot] to draw."""
    own = _own(as_, keys)
    _tell(own)
    if plot is not None:
        from ostraka.cli import ledger_plot
        from ostraka.record.standings import standings

        ledger_plot.draw(plot, own, standings(own))
        voice.say(f"plot: {plot}")


@app.command(cls=examples.Helped, short_help="Check that it holds, and is the newest.")
def check(
    as_: AsOption = "",
    keys: KeysOption = None,
    receipts: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Receipts that it must know of.")
    ] = None,
) -> None:
    """Check that every entry is in its place and signed, and that no run with a receipt is
    missing."""
    from ostraka.errors import RefusedByLedger, UsageError
    from ostraka.record.reconcile import reconcile

    if receipts is not None and not receipts.is_dir():
        raise UsageError(f"there is no directory {receipts}", hint="--receipts: where they are")
    own = _own(as_, keys)
    print(f"{own.chain.path} holds: {len(own.chain.entries)} entries, head {own.chain.head}")
    if receipts is None:
        return
    found = reconcile(own, receipts)
    for path in found.missing:
        print(f"missing: {path}")
    if found.missing:
        raise RefusedByLedger(
            f"{len(found.missing)} receipts are of runs that this ledger does not know",
            hint="it was rolled back, or they were run beside another copy of it: put back the "
            "newest",
        )
    print(f"{found.ours} receipts are of runs in it")
    _raise_refused(found.refused)


def _raise_refused(refused: dict[Path, OstrakaError]) -> None:
    """Raise one error for receipts that do not hold or cannot be read: of the worst kind."""
    if refused:
        worst = max(refused.values(), key=lambda error: error.exit_code)
        lines = [f"{path} tells nothing: {error.message}" for path, error in refused.items()]
        raise type(worst)("\n".join(lines), hint=worst.hint)


@app.command(cls=examples.Helped, short_help="Give back what a run holds.")
def release(
    run: Annotated[str, typer.Argument(metavar="ID", help="As `ledger show` names it.")],
    as_: AsOption = "",
    keys: KeysOption = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Release the budget that a run holds. Only when you know that no party learned anything from
    it: ask the other parties before."""
    own = _own(as_, keys)
    record = own.held(run)
    voice.say(_risk(record))
    if not yes and not _agreed(f"Release {record.id[:8]}?"):
        voice.say(f"{record.id[:8]} stays held")
        raise typer.Exit(1)
    own.release(record.id, "by hand")
    print(f"released {record.id}: {record.run.title}")


def _risk(record: Record) -> str:
    """Return what a person should know before a run is released."""
    from ostraka.record.budget import short

    cost = record.cost.epsilon
    answer = "the exact answer" if cost is None else f"an answer of epsilon {short(cost)}"
    when = record.at[:16].replace("T", " ")
    return (
        f'{record.id[:8]} is the run "{record.run.title}" of {when}. Shares may have left before '
        f"it ended; other parties may then have opened {answer}. Ask them whether they have a "
        "result: if they do, this ledger would say less than was told."
    )


def _agreed(question: str) -> bool:
    """Ask a person at the terminal.

    Raises:
        UsageError: there is no terminal.
    """
    import sys

    from ostraka.errors import UsageError

    if not sys.stdin.isatty():
        raise UsageError("there is no terminal to ask at", hint="--yes releases it without asking")
    return typer.confirm(question, default=False, err=True)


# --- the ledger ----------------------------------------------------------------------------------


def _own(name: str, keys: Path | None) -> Ledger:
    from ostraka import config, home, identity
    from ostraka.errors import UsageError

    directory = config.keys_directory(keys)
    where = config.ledger_directory(directory)
    there = home.ledger_names(where)
    found = [name] if name else there
    if len(found) > 1:
        raise UsageError(f"{where} has ledgers of {', '.join(found)}", hint="choose: --as NAME")
    if not found or found[0] not in there:
        raise UsageError(
            f"{where} has no ledger" + (f" of {name}" if name else ""),
            hint="`ostraka run` makes it; it is beside the key, or in OSTRAKA_LEDGER",
        )
    return home.own_ledger(identity.load(found[0], directory), directory, voice.warn)


# --- for people --------------------------------------------------------------------------------


def _tell(own: Ledger) -> None:
    from rich.console import Console

    from ostraka.record.standings import standings

    console = Console()
    console.print(_budgets(standings(own)))
    console.print(_runs(list(own.runs.values())))
    held = [r for r in own.runs.values() if r.state.value == "held"]
    if held:
        voice.say(
            f"{len(held)} held: such a run ended, or its process died, before it was known what it "
            "told; `ostraka ledger release ID` if you know that it told nothing"
        )


def _table(title: str, *columns: str) -> Any:
    from rich import box
    from rich.table import Table

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        right = column in (*_FIGURES, "runs", "counted", "epsilon")
        table.add_column(column, justify="right" if right else "left")
    return table


def _budgets(found: list[dict[str, Any]]) -> Any:
    from ostraka.record.budget import short

    table = _table("Budgets", "source", "series", "runs", *_FIGURES)
    for standing in found:
        rule, limit = standing["rule"], standing["limit"]
        table.add_row(
            rule.source or "-",
            ", ".join(rule.series),
            str(len(standing["runs"])) + (f" of {most}" if (most := rule.most_runs) else ""),
            *("no bound" if (f := standing[kind]) is None else short(f) for kind in _FIGURES[:2]),
            "no limit" if limit is None else _down(standing["left"]),
            "-" if limit is None else short(limit),
            short(standing["delta"]) if standing["delta"] else "0",
        )
    return table


def _down(value: Fraction) -> str:
    """Write what is left of a budget, to six digits behind the point, rounded down.

    The text never claims more than there is.
    """
    from math import floor

    from ostraka.record.budget import short

    return short(Fraction(floor(value * 10**6), 10**6))


def _runs(runs: list[Record]) -> Any:
    from ostraka.record.budget import short

    title = f"The last {LAST} of {len(runs)} runs" if len(runs) > LAST else "Runs"
    table = _table(title, "id", "when", "series", "state", "counted", "epsilon")
    for record in runs[-LAST:]:
        cost = record.cost.epsilon
        table.add_row(
            record.id[:8],
            record.at[:16].replace("T", " "),
            record.run.series,
            record.state.value,
            str(len(record.counted)),
            "exact" if cost is None else short(cost),
        )
    return table
