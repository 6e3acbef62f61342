"""`check`: the manifest explained: who learns what, what it costs, what noise would do."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import voice

if TYPE_CHECKING:
    from ostraka.delivery.cost import Cost
    from ostraka.manifest import Manifest
    from ostraka.protocols.advice import Advice


def check(
    session: Annotated[Path, typer.Argument(metavar="SESSION.toml")],
    output: Annotated[
        voice.Output, typer.Option(metavar="text|json", help="What stdout gets.")
    ] = voice.Output.TEXT,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg|png", help="Draw the error against epsilon."),
    ] = None,
) -> None:
    """Say in words who learns what, against whom it is safe, what it costs, and what noise would
    do to the answer."""
    from ostraka import config
    from ostraka.protocols import advice

    manifest = config.load(session)
    protocol = config.protocol(manifest)
    explained, cost, advised = protocol.explain(), protocol.cost(), advice.advise(protocol)
    if plot is not None:
        _draw(plot, advised)
    if output is voice.Output.JSON:
        voice.emit(_as_json(manifest, explained, cost, advised))
        return
    print(f"{session} is valid.\n")
    figures = ", ".join(protocol.figures_asked())
    noise = (
        [*_wrapped(advice.in_words(protocol, advised)), *advice.table(advised)] if advised else []
    )
    print("\n".join(_as_text(manifest, figures, explained, noise, cost)))


def _draw(path: Path, advised: Advice | None) -> None:
    from ostraka.cli import plot
    from ostraka.errors import UsageError

    if advised is None:
        raise UsageError("there is nothing to plot: this protocol's answers take no noise")
    plot.errors(path, advised)


def _as_json(
    manifest: Manifest, explained: list[str], cost: Cost, advised: Advice | None
) -> dict[str, Any]:
    return {
        "manifest_sha256": manifest.digest.hex(),
        "title": manifest.session.title,
        "protocol": manifest.session.protocol,
        "contributors": manifest.contributors,
        "compute": manifest.compute,
        "recipients": manifest.recipients,
        "explain": explained,
        "cost": {
            "rounds": cost.rounds,
            "sent": {p: {"messages": s.messages, "bytes": s.bytes} for p, s in cost.sent.items()},
        },
    } | ({"noise": _noise_as_json(advised)} if advised else {})


def _noise_as_json(advised: Advice) -> dict[str, Any]:
    """`error95` against epsilon; an error that is absent: this kind of noise is not possible."""
    rows = [
        {"epsilon": str(row.epsilon)}
        | {p: e for p, e in (("local", row.local), ("central", row.central)) if e is not None}
        for row in advised.rows
    ]
    return {"figure": advised.figure, "change": advised.reach.change, "error95": rows}


def _as_text(
    manifest: Manifest, figures: str, explained: list[str], noise: list[str], cost: Cost
) -> list[str]:
    from ostraka.inputs import reading

    session, sharing = manifest.session, manifest.sharing
    relay = f"through {session.coordinator.address}" if session.coordinator else "direct"
    return [
        f"{session.title}",
        f"  protocol  {session.protocol}" + (f": {figures}" if figures else ""),
        f"  input     {reading.describe(manifest.input)}",
        f"  sharing   {sharing.scheme}, threshold {sharing.threshold}, {sharing.security} security",
        f"  links     {relay}; {_duration(session.deadline)} to gather everyone",
        *_party_lines(manifest),
        "\nWho learns what, and against whom it is safe",
        *_wrapped(explained),
        *(["\nWhat noise does to the answer (half of the 95% interval)", *noise] if noise else []),
        "\nWhat it costs",
        *_cost_lines(cost),
        f"\nmanifest sha256 {manifest.digest.hex()}",
        "Everybody must see this same line; parties compare it before anything is shared.",
    ]


def _party_lines(manifest: Manifest) -> list[str]:
    width = max(map(len, manifest.parties))
    shown = [
        f"  {'party':8}  {p.name:{width}}  {', '.join(p.roles)}"
        + (f"  at {p.address}" if p.address else "")
        for p in manifest.party[:12]
    ]
    hidden = len(manifest.party) - len(shown)
    return shown + ([f"  ... and {hidden} more parties"] if hidden else [])


def _wrapped(sentences: list[str]) -> list[str]:
    from shutil import get_terminal_size
    from textwrap import fill

    width = min(100, get_terminal_size().columns)
    return [fill(s, width, initial_indent="- ", subsequent_indent="  ") for s in sentences]


def _cost_lines(cost: Cost) -> list[str]:
    """Parties that send alike share a line."""
    alike: dict[tuple[int, int], list[str]] = {}
    for party, sent in cost.sent.items():
        alike.setdefault((sent.messages, sent.bytes), []).append(party)
    lines = [f"  {cost.rounds} rounds; payload, before TLS:"]
    for (messages, size), parties in alike.items():
        who = ", ".join(parties) if len(parties) <= 6 else f"{len(parties)} parties"
        verb = "each send" if len(parties) > 1 else "sends"
        lines.append(f"  {who} {verb} {_load(messages, size)}")
    return lines


def _load(messages: int, size: int) -> str:
    if not messages:
        return "nothing"
    return f"{messages} message{'s' * (messages > 1)}, {size:,} bytes in all"


def _duration(seconds: float) -> str:
    for unit, name in ((3600, "h"), (60, "min")):
        if seconds >= unit and seconds % unit == 0:
            return f"{seconds / unit:g} {name}"
    return f"{seconds:g} s"
