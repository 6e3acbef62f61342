"""Command `check`: explains a manifest, its cost, and the effect of noise on the answer."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import screen, voice
from ostraka.cli.options import OutputOption, SessionArgument

if TYPE_CHECKING:
    from ostraka.delivery.cost import Cost
    from ostraka.explanation import Explanation
    from ostraka.manifest import Manifest
    from ostraka.protocols.advice import Advice
    from ostraka.record.known_keys import MetKey


def check(
    session: SessionArgument,
    output: OutputOption = voice.OutputFormat.TEXT,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg|png", help="Draw the error against epsilon."),
    ] = None,
    explain: Annotated[
        bool,
        typer.Option("--explain", help="Say all: every sentence, the noise, each party's cost."),
    ] = False,
    against: Annotated[
        Path | None,
        typer.Option(metavar="OTHER.toml", help="Say how this manifest differs from another."),
    ] = None,
) -> None:
    """Explain a manifest: who learns what, the worst it can tell, what it costs; with --explain
    also against whom it is safe, and what noise does to the answer."""
    from ostraka import config
    from ostraka.explanation import Explanation
    from ostraka.manifest.words import six_words
    from ostraka.protocols import advice

    protocol = config.bind(session)
    other = None if against is None else config.load(against)
    found = Explanation.of(protocol)
    advised = found.advice
    if plot is not None:
        _draw(plot, advised)
    met, words = _met(found.manifest), six_words(found.manifest.digest)
    if output is voice.OutputFormat.JSON:
        keys = {"words": words, "keys": [key.as_dict() for key in met]}
        voice.emit(found.as_dict() | keys | _compared(found.manifest, other))
        return
    figures = ", ".join(protocol.figures_asked())
    print(f"{session} is valid.\n")
    print("\n".join([*_summary(found), "", *_agreement(found.manifest, figures)]))
    if explain:
        noise = [*sentences(found.noise), *advice.table(advised)] if advised else []
        print("\n".join(_explained(found, noise)))
    print("\n".join([*_digest_lines(found.manifest), *_key_lines(met, words)]))
    print("\n".join(_difference_lines(found.manifest, against, other)), end="")
    if not explain:
        voice.say(f"all of it: ostraka check {session} --explain")


def _summary(found: Explanation) -> list[str]:
    """Write who learns what, the worst that can be told, and the cost: a paragraph each."""
    from textwrap import fill

    gist = found.gist
    told = {"learns": gist.learns, "worst": gist.worst, "cost": (gist.cost,)}
    width = min(100, screen.width())
    space = " " * 8
    lines = []
    for name, said in told.items():
        text = fill(" ".join(said), width, initial_indent=space, subsequent_indent=space)
        lines.append(screen.paint(name, "bold", sys.stdout) + text[len(name) :])
    return lines


def _met(manifest: Manifest) -> Sequence[MetKey]:
    """Compare the manifest's keys with those known; none where the book cannot be used."""
    from ostraka import config, home
    from ostraka.errors import UsageError

    try:
        return home.known_keys().meet(manifest, _me(manifest, config.keys_directory()))
    except UsageError as problem:
        voice.warn(f"keys are not compared with those known: {problem.message}")
        return ()


def _me(manifest: Manifest, keys: Path) -> str | None:
    """Return the one party whose key is in the directory; None where there are several, or none."""
    from ostraka import config, identity
    from ostraka.errors import UsageError

    here = config.parties_here(manifest, keys)
    if len(here) != 1:
        return None
    try:
        own = identity.fingerprint(identity.certificate_from_pem(keys / f"{here[0].name}.crt"))
    except UsageError:
        return None
    return here[0].name if own == here[0].pin else None


def _key_lines(met: Sequence[MetKey], words: str) -> list[str]:
    from ostraka.cli import known

    return [
        *(["\nWhose keys these are", *known.key_lines(met)] if met else []),
        f"\nsix words: {words}",
        "Compare them by voice with another party: a manifest that was swapped has other words.",
    ]


def _compared(manifest: Manifest, other: Manifest | None) -> dict[str, Any]:
    from ostraka.manifest.comparing import differences

    if other is None:
        return {}
    same = manifest.digest == other.digest
    return {"against": {"same": same, "differences": differences(manifest, other)}}


def _difference_lines(manifest: Manifest, path: Path | None, other: Manifest | None) -> list[str]:
    if other is None:
        return []
    found = _compared(manifest, other)["against"]
    if found["same"]:
        return [f"\nThe same agreement as {path}", ""]
    return [f"\nHow it differs from {path}", *sentences(found["differences"]), ""]


def _draw(path: Path, advised: Advice | None) -> None:
    from ostraka.cli import plot
    from ostraka.errors import UsageError

    if advised is None:
        raise UsageError("there is nothing to plot: this protocol's answers take no noise")
    plot.errors(path, advised)


def _agreement(manifest: Manifest, figures: str) -> list[str]:
    """Write the title, the protocol, the input, the sharing, the links, and the parties."""
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
    ]


def _explained(found: Explanation, noise: list[str]) -> list[str]:
    return [
        _head("Who learns what, and against whom it is safe"),
        *sentences(found.sentences),
        *([_head("What noise does to the answer (half of the 95% interval)")] if noise else []),
        *noise,
        _head("What it costs"),
        *_cost_lines(found.cost),
    ]


def _head(text: str) -> str:
    return "\n" + screen.paint(text, "bold", sys.stdout)


def _digest_lines(manifest: Manifest) -> list[str]:
    return [
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


def sentences(found: Sequence[str]) -> list[str]:
    """Write sentences as a list, wrapped to the terminal."""
    from textwrap import fill

    width = min(100, screen.width())
    return [fill(s, width, initial_indent="- ", subsequent_indent="  ") for s in found]


def _cost_lines(cost: Cost) -> list[str]:
    """Write the rounds, then what each party sends; parties that send the same share a line."""
    alike: dict[tuple[int, int], list[str]] = {}
    for party, sent in cost.sent.items():
        alike.setdefault((sent.messages, sent.bytes), []).append(party)
    rounds = f"{cost.rounds} round{'s' * (cost.rounds != 1)}"
    lines = [f"  {rounds}; payload, before TLS:"]
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
