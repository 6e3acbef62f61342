"""Commands `run`, `simulate` and `verify`: they parse, call the library, print."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import completing, giving, results, startup, streams, voice
from ostraka.cli.endings import endings
from ostraka.cli.options import (
    KeysOption,
    ListenOption,
    OutputOption,
    ProxyOption,
    ReceiptsOption,
    SessionArgument,
)
from ostraka.cli.table_options import (
    DecimalOption,
    DryRunOption,
    GroupOption,
    HeadsOption,
    QueryOption,
    SheetOption,
    SkipEmptyOption,
    SumOption,
    ThousandsOption,
    ValueOption,
    WeightOption,
    WhereOption,
    YesOption,
)

if TYPE_CHECKING:
    from ostraka.manifest import Manifest


def run(
    session: SessionArgument,
    as_: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="NAME",
            help="The party that runs here.",
            autocompletion=completing.complete_party,
        ),
    ],
    keys: KeysOption = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="Our input: JSON, .npy, or text with a value on each line; or a table, with the "
            "options below, also postgresql://USER@HOST/NAME; - is standard input; asked for "
            "without echo when left out.",
        ),
    ] = None,
    value: ValueOption = None,
    group: GroupOption = None,
    weight: WeightOption = None,
    heads: HeadsOption = None,
    sheet: SheetOption = None,
    where: WhereOption = None,
    query: QueryOption = None,
    decimal: DecimalOption = None,
    thousands: ThousandsOption = None,
    sum_: SumOption = False,
    skip_empty: SkipEmptyOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    receipts: ReceiptsOption = None,
    words: Annotated[
        str | None,
        typer.Option(
            metavar='"SIX WORDS"',
            help="The six words that another party read from its manifest: they confirm all keys.",
        ),
    ] = None,
    trust_new: Annotated[
        bool,
        typer.Option(
            "--trust-new",
            help="Take keys that this machine has not met on trust, never one that CHANGED; also "
            "OSTRAKA_TRUST_NEW=1.",
        ),
    ] = False,
    listen: ListenOption = None,
    proxy: ProxyOption = None,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Take part in a session as one party; ends when the result is there."""
    from ostraka import config, home
    from ostraka.cli import known
    from ostraka.cli.result import ResultKeeper
    from ostraka.party import take_seat
    from ostraka.progress import Progress

    streams.require_output()
    selection = giving.selected(
        value, group, weight, heads, sheet, where, query, decimal, thousands, sum_, skip_empty
    )
    if dry_run:
        giving.rehearse(session, as_, input_, selection, output)
        return
    keeper = ResultKeeper(home.results_directory(), output)
    voice.speaker.progress = progress = Progress(keeper)
    own_network = home.own_network(as_, config.keys_directory(keys), listen, proxy)
    trust = known.trust(trust_new, words)
    seat = take_seat(
        session, as_, keys=keys, receipts=receipts, own_network=own_network, trust=trust
    )
    keeper.heading = known.heading(seat.meeting)
    unfinished = seat.unfinished(keeper.warn)
    raw = None
    if not unfinished or input_ is not None:
        raw = giving.read(seat.protocol, seat.me, input_, selection, sure=yes)
    startup.loaded()
    with keeper.of(seat):
        endings.run(seat.run(raw, progress, unfinished))
    keeper.finish()


# --- simulate ----------------------------------------------------------------------------------


def simulate(
    session: SessionArgument,
    inputs: Annotated[
        Path, typer.Option(metavar="FILE", help='JSON: {"alice": 3800, "bob": [1, 2], ...}.')
    ],
    seed: Annotated[
        int,
        typer.Option(metavar="N", help="Seed of all randomness; the same seed gives the same run."),
    ] = 0,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=N]",
            help="That party crashes after N messages, at once by default; may be repeated.",
        ),
    ] = None,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Rehearse a session with toy inputs: one process, no network, no keys, no secrets."""
    from ostraka import config
    from ostraka.errors import OstrakaError
    from ostraka.inputs import reading
    from ostraka.simulation import simulate_sync

    manifest = config.load(session)
    drops = dict(_drop(text, manifest) for text in drop or [])
    values: Any = reading.read_inputs(inputs, manifest, missing_ok=tuple(drops))
    startup.loaded()
    found = simulate_sync(manifest, values, seed=seed, drop=drops)
    shown = {name: results.of_party(result) for name, result in found.items()}
    if output is voice.OutputFormat.JSON:
        voice.emit({"results": shown})
    else:
        results.show_all(shown)
    failed = [r for name, r in found.items() if isinstance(r, OstrakaError) and name not in drops]
    if failed:
        failed[0].data_left = False  # there was no network, so no party's data left
        raise typer.Exit(voice.report(failed[0]))


def _drop(text: str, manifest: Manifest) -> tuple[str, int]:
    from ostraka.errors import UsageError

    name, _, count = text.partition("=")
    if count and not count.isdecimal():
        raise UsageError(f"--drop {text}: not a number of messages", hint="such as --drop bob=2")
    return manifest.party_named(name).name, int(count or 0)


_INCLUSION = {
    True: "ours is counted, in the form in which we sent it",
    False: "ours was there in the form in which we sent it; not counted, as it was not valid",
}

# --- verify ------------------------------------------------------------------------------------


def verify(
    receipt: Annotated[
        Path,
        typer.Argument(metavar="RECEIPT.json", autocompletion=completing.complete_file(".json")),
    ],
    report: Annotated[
        Path | None,
        typer.Option(
            metavar="REPORT-RECEIPT.json",
            help="Receipt of our report to a collection: was it counted? `ostraka status` has "
            "fetched its proof.",
        ),
    ] = None,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Check a receipt offline: complete (exit 0), or incomplete as statements are missing (51)."""
    from ostraka.record import receipt as receipts

    whole = receipts.read(receipt)
    found = receipts.verify(whole)
    if report is not None:
        found["report"] = _included(report, whole, found)
    if output is voice.OutputFormat.JSON:
        voice.emit({"valid": True, **found})
    else:
        _show_receipt(receipt, found)
    if found["missing"]:
        raise receipts.incomplete(found)


def _included(path: Path, receipt: dict[str, Any], found: dict[str, Any]) -> dict[str, Any]:
    from ostraka.collection import inclusion
    from ostraka.record.kept_report import load_receipt

    return inclusion.check_included(load_receipt(path), receipt, found)._asdict()


def _show_receipt(path: Path, found: dict[str, Any]) -> None:
    there = [party for party in found["parties"] if party not in found["absent"]]
    print(f"{path} holds, and is {'complete' if found['complete'] else 'incomplete'}.")
    print(f"  title     {found['title']}")
    print(f"  session   {found['session']}")
    print(f"  manifest  sha256 {found['manifest_sha256']}")
    print(f"  parties   {', '.join(there)}: each signed this manifest and session")
    if found["absent"]:
        print(f"  absent    {', '.join(found['absent'])}: the session began without")
    print(f"  ended     {', '.join(found['signed']) or 'no party'}: signed what they did")
    if found["missing"]:
        print(f"  missing   {', '.join(found['missing'])}: no closing statement")
    print(f"  counted   {_counted(found)}")
    for figure in found.get("figures", ()):
        print(f"  figure    {figure['name'] or 'all'}: {', '.join(figure['readers'])}")
    if "report" in found:
        print(f"  report    {_INCLUSION[found['report']['counted']]}")
    if "weakness" in found:
        print(f"  weakness  {found['weakness']}")


def _counted(found: dict[str, Any]) -> str:
    if "collection" in found:
        said = found["collection"]
        refused = ", ".join(map(str, said["refused"]))
        return (
            f"{said['counted']} of {said['in_time']} reports in time, at {said['places']} places; "
            f"{said['left_out']} left out (refused by each compute party: {refused}), "
            f"{said['revoked']} revoked, {said['replaced']} replaced, "
            f"{said['agreed'] - said['counted']} not valid"
        )
    counted = found["counted"]
    return ", ".join(counted) if counted else "no party says"
