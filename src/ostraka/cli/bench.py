"""`bench`: how fast it is here; each party its own process, TLS on."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from time import monotonic
from typing import Annotated, Any

import typer

from ostraka.cli import voice
from ostraka.cli.fleet import COORDINATOR, Fleet, make_keys
from ostraka.errors import UsageError

SECONDS = 600


class Work(StrEnum):
    """What is measured."""

    SUM = "sum"
    MUL = "mul"
    COMPARE = "compare"
    SORT = "sort"
    MATMUL = "matmul"
    VOTE = "vote"
    AUCTION = "auction"
    FIXED_MATMUL = "fixed-matmul"
    TRUNCATE = "truncate"
    DECOMPOSE = "decompose"
    THRESHOLD = "threshold"
    REVEAL = "reveal"
    NOISE = "noise"


PROTOCOLS = {
    Work.SUM: ("secure-sum", '[input]\ntype = "int"\nmin = 0\nmax = 1000000\n'),
    Work.VOTE: ("threshold-vote", '[input]\ntype = "bool"\n'),
    Work.NOISE: ("secure-sum", '[input]\ntype = "bool"\n'),
}
"""Works that are whole protocols, with their inputs; the others are in `bench_words.WORDS`."""

SUMS = (Work.SUM, Work.NOISE)
"""Additive sharing, two parties or more."""

OUTPUTS = {Work.VOTE: '[outputs]\npass_at = "1/2"\n'}


def noises(size: int) -> dict[str, str]:
    """What `noise` compares: no noise, that of a histogram at epsilon 1, that of a long vector."""
    laplace = f'central = {{ mechanism = "discrete-laplace", epsilon = {size / 2} }}'
    gaussian = 'central = { mechanism = "discrete-gaussian", epsilon = 1, delta = 1e-6 }'
    return {"none": "", "discrete Laplace": laplace, "discrete Gaussian": gaussian}


class Link(StrEnum):
    """How parties reach each other."""

    DIRECT = "direct"
    RELAY = "relay"


def bench(
    work: Annotated[
        Work,
        typer.Argument(metavar="WORK", help=f"{', '.join(list(Work)[:-1])} or {list(Work)[-1]}."),
    ],
    parties: Annotated[int, typer.Option(metavar="N", min=2, max=200, help="2 to 200.")] = 3,
    size: Annotated[
        int,
        typer.Option(
            metavar="D",
            min=1,
            max=1 << 28,
            help="Elements; of a matmul: rows; of vote: questions; of auction: bids.",
        ),
    ] = 1,
    security: Annotated[str, typer.Option(metavar="NAME", help="passive or active.")] = "passive",
    link: Annotated[
        Link, typer.Option(metavar="direct|relay", help="How parties reach each other.")
    ] = Link.DIRECT,
    runs: Annotated[
        int, typer.Option(metavar="R", min=1, max=100_000, help="So often, in one session.")
    ] = 5,
    output: Annotated[
        voice.OutputFormat, typer.Option(metavar="text|json", help="What stdout gets.")
    ] = voice.OutputFormat.TEXT,
) -> None:
    """Measure a protocol: a process for each party, TLS on, several runs within one session."""
    if security not in ("passive", "active"):
        raise UsageError(f"--security {security}: must be passive or active")
    if (work not in SUMS or security == "active") and parties < 3:
        raise UsageError(f"bench {work} needs three parties", hint="such as --parties 3")
    names = [f"p{i + 1}" for i in range(parties)]
    what = {"work": str(work), "parties": parties, "size": size}
    what |= {"security": security, "link": str(link)}
    kinds = noises(size) if work is Work.NOISE else {"none": ""}
    case = _Case(names, work, size, security, link, runs)
    found = {kind: _measured(case, privacy) for kind, privacy in kinds.items()}
    results: list[dict[str, Any]] = [what | figures for figures in found.values()]
    if work is Work.NOISE:
        for kind, result in zip(found, results, strict=True):
            result |= {"noise": kind, "times": result["seconds"] / results[0]["seconds"]}
    if output is voice.OutputFormat.JSON:
        without, *others = results
        voice.emit(others[0] | {"beside": [without, *others[1:]]} if others else without)
        return
    for result in results:
        _show(result)


@dataclass(frozen=True)
class _Case:
    """What is measured, among whom."""

    names: list[str]
    work: Work
    size: int
    security: str
    link: Link
    runs: int


def _measured(case: _Case, privacy: str) -> dict[str, Any]:
    """The figures of one session."""
    from tempfile import TemporaryDirectory

    start = monotonic()
    with TemporaryDirectory(prefix="ostraka-bench-") as directory, Fleet() as fleet:
        rounds = _start(fleet, Path(directory), case, privacy)
        measured = {
            who: event for who, event in fleet.events(SECONDS) if event["event"] == "measured"
        }
    return {
        **_figures(list(measured.values())),
        "rounds": max(m.get("rounds", rounds) for m in measured.values()),
        "wall_seconds": monotonic() - start,
    }


def _start(fleet: Fleet, directory: Path, case: _Case, privacy: str) -> int:
    """Start everybody; returns the protocol's rounds."""
    names, work = case.names, case.work
    relayed = case.link is Link.RELAY
    if relayed:
        fleet.start(COORDINATOR, "coordinator")
    for name in names:
        fleet.start(name, "bench" if work in PROTOCOLS else "words")
    pins = make_keys([*names, COORDINATOR], directory)
    relay = ""
    if relayed:
        own = {"keys": str(directory), "name": COORDINATOR, "listen": "127.0.0.1:0"}
        fleet.give(COORDINATOR, own)
        address = fleet.wait_for(COORDINATOR, "listening")["address"]
        relay = f'coordinator = {{ address = "{address}", key = "{pins[COORDINATOR]}" }}'
    protocol, schema = PROTOCOLS.get(work, PROTOCOLS[Work.SUM])
    schema += f"length = {case.size if work in PROTOCOLS else 1}\n"
    sharing = f'[sharing]\nsecurity = "{case.security}"\n'
    if work not in SUMS or case.security == "active":
        sharing += f'scheme = "shamir"\nthreshold = {(len(names) - 1) // 2}\n'
    text = _manifest(pins, names, protocol, relay) + schema + OUTPUTS.get(work, "") + sharing
    text += f"[privacy]\n{privacy}\n"
    for name in names:
        job = {"keys": str(directory), "name": name, "manifest": text, "runs": case.runs}
        fleet.give(name, {**job, "work": str(work), "size": case.size})
    from ostraka import config, manifest

    if work in PROTOCOLS:
        return config.bind_text(text, "bench").cost().rounds
    manifest.parse(text, "bench")
    return 0  # words count their own


def _manifest(pins: dict[str, str], names: list[str], protocol: str, relay: str) -> str:
    """The session and its parties."""
    ports = [] if relay else _free_ports(len(names))
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "{pins[name]}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        + (f'address = "127.0.0.1:{ports[i]}"\n' if ports else "")
        for i, name in enumerate(names)
    )
    return f"""\
[session]
title = "bench"
protocol = "{protocol}"
deadline = "2m"
{relay}
{parties}
"""


def _free_ports(count: int) -> list[int]:
    """Ports that nobody listened on a moment ago: manifests name them before parties listen."""
    import socket
    from contextlib import ExitStack

    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def _figures(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """A run lasts from the first party's start to the last one's end: they share a clock."""
    rounds = list(zip(*(m["runs"] for m in measured), strict=True))
    seconds = [max(r[1] for r in run) - min(r[0] for r in run) for run in rounds]
    return {
        "seconds": median(seconds),
        "seconds_all": seconds,
        "bytes_sent_per_party": max(median(r[2] for r in m["runs"]) for m in measured),
        "peak_rss_mib": max(m["peak_rss_mib"] for m in measured),
    }


def _show(result: dict[str, Any]) -> None:
    rate = result["size"] / result["seconds"]
    if "noise" in result:
        print(f"{'noise':15}  {result['noise']}: {result['times']:.2f} times as long as without")
    for name, value in (
        (
            "in protocol",
            f"{result['seconds'] * 1e3:.3f} ms, median of {len(result['seconds_all'])}",
        ),
        ("elements/s", f"{rate:,.0f}"),
        ("start to finish", f"{result['wall_seconds']:.2f} s, with all processes"),
        ("rounds", result["rounds"]),
        ("bytes sent", f"{result['bytes_sent_per_party']:,.0f} by a party, without TLS"),
        ("peak memory", f"{result['peak_rss_mib']:.0f} MiB a process"),
    ):
        print(f"{name:15}  {value}")
