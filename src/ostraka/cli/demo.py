"""`demo`: a coordinator and every party, each its own process on this machine, with real TLS."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from shutil import get_terminal_size
from textwrap import fill
from typing import Annotated, Any

import typer

from ostraka.cli import examples, results, voice
from ostraka.cli.fleet import COORDINATOR, Fleet, make_keys, workplace

app = typer.Typer(name="demo", no_args_is_help=True, add_completion=False, rich_markup_mode=None)

NAMES = (
    "alice", "bob", "carlos", "david", "erin", "frank", "grace", "heidi", "ivan", "judy",
    "kim", "leo", "mallory", "niaj", "olivia", "peggy", "quinn", "rupert", "sybil", "trent",
)  # fmt: skip

SECONDS = 60
"""Longest that a demo may take; after it the demo has failed."""


@app.callback()
def demo() -> None:
    """Run an example on this machine in seconds: one process for each party, real TLS."""


@dataclass
class Seen:
    """Shares that one party's process saw, by party: those it made, got, and heard announced."""

    made: dict[str, int] = field(default_factory=dict)
    got: dict[str, int] = field(default_factory=dict)
    announced: dict[str, int] = field(default_factory=dict)


@app.command(cls=examples.Helped)
def average(
    values: Annotated[
        str,
        typer.Option(
            metavar="A,B,...", help="Each party's raise, with commas: toys, so they may be options."
        ),
    ] = "3800,2514,2982,3390",
    output: Annotated[
        voice.OutputFormat,
        typer.Option(metavar="text|json", help="Format of the result on stdout."),
    ] = voice.OutputFormat.TEXT,
) -> None:
    """Compute the average raise of engineers; no engineer sees the raise of another."""
    raises = _numbers(values)
    inputs = dict(zip(party_names(len(raises)), raises, strict=True))
    found, seen = play(inputs, lambda keys, address: _manifest(inputs, keys, address))
    first = next(iter(inputs))
    if output is voice.OutputFormat.JSON:
        views = {p: vars(seen[p]) | {"outputs": found[p]["outputs"]} for p in inputs}
        voice.emit(found[first] | {"parties": views})
        return
    for line in results.lines(found[first]["outputs"]):
        print(line)
    print(f"\nEach of {len(inputs)} parties was a process of its own. What each of them saw:")
    print(_views(inputs, seen, _columns()))


def _columns() -> int | None:
    """Return how wide a line may be; None when stdout is not a terminal, so wraps no line."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def _views(inputs: dict[str, str], seen: dict[str, Seen], columns: int | None) -> str:
    """Write the table of each party in the article's layout, or a narrow one where it is too wide.

    Args:
        columns: the widest line that fits; None: any does.
    """
    tables, legend = [_view(p, inputs, seen[p]) for p in inputs], _LEGEND
    if columns and max(len(line) for table in tables for line in table.splitlines()) > columns:
        tables, legend = [_narrow(p, inputs, seen[p]) for p in inputs], _NARROW_LEGEND
    words = fill(legend.format(unit=_unit(inputs)), min(100, columns or 100))
    return "\n" + "\n\n".join([*tables, words])


_LEGEND = """\
Rows are owners, columns are who received the share; "?" was never on that party's machine.
Shares are whole numbers modulo 2^64, counted in {unit}: each row sums to its owner's raise, each
column to what that party announced, and the announced numbers to the sum of all raises."""

_NARROW_LEGEND = """\
Nothing else was on that party's machine. Shares are whole numbers modulo 2^64, counted in {unit}:
what a party made adds up to its raise, what it got to what it announced, and the announced numbers
to the sum of all raises. A wider terminal shows the whole table."""


def _numbers(text: str) -> list[str]:
    """Split the toy inputs at commas, and check that they are numbers.

    Numbers stay text, so that they stay exact.
    """
    from ostraka.errors import InputError, UsageError

    hint = "such as --values 3800,2514,2982,3390"
    numbers = [part.strip() for part in text.split(",")]
    for i, number in enumerate(numbers, 1):
        if not re.fullmatch(r"[+-]?[0-9]{1,12}(\.[0-9]{1,4})?", number):
            message = f"value {i} is not a number of at most 12 digits, and 4 after the point"
            raise InputError(message, hint=hint, data_left=False)
    if not 2 <= len(numbers) <= 100:
        raise UsageError(f"{len(numbers)} values: a demo takes 2 to 100", hint=hint)
    return numbers


def party_names(count: int) -> list[str]:
    """Return `count` names of parties: people's names, then numbered ones."""
    return [NAMES[i] if i < len(NAMES) else f"party-{i + 1}" for i in range(count)]


def _places(inputs: dict[str, str]) -> int:
    return max(len(v.partition(".")[2]) for v in inputs.values())


def _unit(inputs: dict[str, str]) -> str:
    places = _places(inputs)
    return f"{Decimal(1).scaleb(-places):f} USD" if places else "USD"


def _manifest(inputs: dict[str, str], keys: dict[str, str], address: str) -> str:
    """Write the agreement of the demo's parties."""
    from ostraka.manifest.writing import Bare

    largest = max(Decimal(1_000_000), *(abs(Decimal(v)) for v in inputs.values()))
    low = -largest if any(Decimal(v) < 0 for v in inputs.values()) else Decimal(0)
    places, bounds = _places(inputs), {"min": Bare(f"{low:f}"), "max": Bare(f"{largest:f}")}
    kind = f"decimal({places})" if places else "int"
    tables: dict[str, dict[str, Any]] = {
        "input": {"type": kind, **bounds, "unit": "USD"},
        "outputs": {"statistics": ["sum", "mean"]},
    }
    return agreement("Average raise", "secure-sum", tables, keys, address)


def agreement(
    title: str,
    protocol: str,
    tables: dict[str, dict[str, Any]],
    keys: dict[str, str],
    address: str,
) -> str:
    """Write a manifest of parties that each contribute, compute and receive.

    Args:
        keys: fingerprints by name, the coordinator's among them.
        address: the coordinator's.
    """
    from ostraka.manifest.writing import party_in_all_roles, write_manifest

    relay = {"address": address, "key": keys[COORDINATOR]}
    session = {"title": title, "protocol": protocol, "deadline": f"{SECONDS}s"}
    return write_manifest(
        {"session": {**session, "coordinator": relay}, **tables},
        [party_in_all_roles(name, key) for name, key in keys.items() if name != COORDINATOR],
    )


def play(
    inputs: Mapping[str, Any], write: Callable[[dict[str, str], str], str]
) -> tuple[dict[str, Any], dict[str, Seen]]:
    """Run a session; return each party's result, and the shares that its process saw.

    Args:
        inputs: the input of each party, by name; None for none.
        write: makes the manifest from the fingerprints by name and the coordinator's address.
    """
    from ostraka.config import bind_text

    with workplace("demo") as directory, Fleet() as fleet:
        keys = Path(directory)
        pid = fleet.start(COORDINATOR, "coordinator")
        pins = make_keys([COORDINATOR, *inputs], keys)
        own = {"keys": directory, "name": COORDINATOR, "listen": "127.0.0.1:0"}
        fleet.give(COORDINATOR, own)
        address = fleet.wait_for(COORDINATOR, "listening")["address"]
        manifest = write(pins, address)
        bind_text(manifest, "demo")  # what that loads and builds, all parties have
        pids = {party: fleet.start(party, "party") for party in inputs}
        # What is said starts a thread, which no fork should have to leave behind.
        voice.say(f"{COORDINATOR}: process {pid}, on {address}")
        for party, value in inputs.items():
            voice.say(f"{party}: process {pids[party]}")
            fleet.give(
                party, {"keys": directory, "name": party, "manifest": manifest, "input": value}
            )
        return _watch(fleet, list(inputs))


def _watch(fleet: Fleet, parties: list[str]) -> tuple[dict[str, Any], dict[str, Seen]]:
    found: dict[str, Any] = {}
    seen = {party: Seen() for party in parties}
    shown: set[str] = set()
    for who, event in fleet.events(SECONDS):
        if event["event"] == "share":
            getattr(seen[who], event["kind"])[event["party"]] = event["values"][0]
        elif event["event"] == "result":
            found[who] = event["result"]
        elif (stage := _stage(event)) not in shown:
            shown.add(stage)
            voice.say(stage)
    return found, seen


def _stage(event: dict[str, Any]) -> str:
    if event["event"] == "gathering":
        return f"gathering {event['present']}/{event['total']}"
    return str(event.get("name", event["event"]))


def _view(me: str, inputs: dict[str, str], seen: Seen) -> str:
    """Write the article's table as far as party `me` saw it: owners in rows, receivers in columns.

    A share that the party did not see is "?".
    """
    parties = list(inputs)
    rows = [[me.upper(), *parties, "raise"]]
    for owner in parties:
        cells = [_cell(me, owner, to, seen) for to in parties]
        rows.append([owner, *cells, inputs[owner] if owner == me else "?"])
    heard = [str(seen.announced.get(to, "?")) for to in parties]
    rows.append(["announced", *heard, _total(seen, parties, _places(inputs))])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_row(row, widths) for row in rows)


def _narrow(me: str, inputs: dict[str, str], seen: Seen) -> str:
    """Write what party `me` saw in three columns: shares it made, shares it got, announcements.

    They are the party's own row, its own column, and the last row of the article's table.
    """
    rows = [[me.upper(), "made for them", "got from them", "they announced"]]
    for party in inputs:
        cells = (seen.made, seen.got if party != me else seen.made, seen.announced)
        rows.append([party, *(str(numbers.get(party, "?")) for numbers in cells)])
    own = str(seen.announced.get(me, "?"))
    rows.append(["together", inputs[me], own, _total(seen, list(inputs), _places(inputs))])
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(_row(row, widths) for row in rows)


def _cell(me: str, owner: str, to: str, seen: Seen) -> str:
    if owner == me:
        return str(seen.made.get(to, "?"))
    return str(seen.got.get(owner, "?")) if to == me else "?"


def _total(seen: Seen, parties: list[str], places: int) -> str:
    """Add up the announced numbers, as a decimal; "?" if this party did not see all of them."""
    if set(seen.announced) != set(parties):
        return "?"
    total = (sum(seen.announced.values()) + 2**63) % 2**64 - 2**63
    return f"{Decimal(total).scaleb(-places):f}"


def _row(cells: list[str], widths: list[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    return "  ".join([f"{first[0]:{first[1]}}", *(f"{c:>{w}}" for c, w in others)])
