"""Command `check`: explains a manifest, its cost, and the effect of noise on the answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostraka.cli import voice

if TYPE_CHECKING:
    from ostraka.delivery.cost import Cost
    from ostraka.manifest import Manifest
    from ostraka.protocols.advice import Advice


def check(
    session: Annotated[Path, typer.Argument(metavar="SESSION.toml")],
    output: Annotated[
        voice.OutputFormat,
        typer.Option(metavar="text|json", help="Format of the result on stdout."),
    ] = voice.OutputFormat.TEXT,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg|png", help="Draw the error against epsilon."),
    ] = None,
) -> None:
    """Explain a manifest: who learns what, against whom it is safe, what it costs, and what noise
    does to the answer."""
    from ostraka import config
    from ostraka.explanation import Explanation
    from ostraka.protocols import advice

    protocol = config.bind(session)
    found = Explanation.of(protocol)
    advised = found.advice
    if plot is not None:
        _draw(plot, advised)
    if output is voice.OutputFormat.JSON:
        voice.emit(found.as_dict())
        return
    print(f"{session} is valid.\n")
    figures = ", ".join(protocol.figures_asked())
    noise = [*_wrapped(found.noise), *advice.table(advised)] if advised else []
    print("\n".join(_as_text(found.manifest, figures, found.sentences, noise, found.cost)))


def _draw(path: Path, advised: Advice | None) -> None:
    from ostraka.cli import plot
    from ostraka.errors import UsageError

    if advised is None:
        raise UsageError("there is nothing to plot: this protocol's answers take no noise")
    plot.errors(path, advised)


def _as_text(
    manifest: Manifest, figures: str, explained: Sequence[str], noise: list[str], cost: Cost
) -> list[str]:
    from ostraka.inputs import reading

    session, sharing = manifest.session, manifest.sharing
    places = " or ".join(place.address for place in session.coordinators)
    relay = f"through {places}" if places else "direct"
    return [
        f"{session.title}",
        f"  protocol  {session.protocol}" + (f": {figures}" if figures else ""),
        *(f"  input     {line}" for line in reading.describe_all(manifest)),
        f"  sharing   {sharing.scheme}, threshold {sharing.threshold}, {sharing.security} security",
        f"  links     {relay}; {_duration(session.deadline)} to gather all parties",
        *_party_lines(manifest),
        "\nWho learns what, and against whom it is safe",
        *_wrapped(explained),
        *(["\nWhat noise does to the answer (half of the 95% interval)", *noise] if noise else []),
        "\nWhat it costs",
        *_cost_lines(cost),
        f"\nmanifest sha256 {manifest.digest.hex()}",
        "All parties must see this same line; they compare it before anything is shared.",
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


def _wrapped(sentences: Sequence[str]) -> list[str]:
    from shutil import get_terminal_size
    from textwrap import fill

    width = min(100, get_terminal_size().columns)
    return [fill(s, width, initial_indent="- ", subsequent_indent="  ") for s in sentences]


def _cost_lines(cost: Cost) -> list[str]:
    """Write the rounds, then what each party sends; parties that send the same share a line."""
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
