"""Command `bench`: times a case on this machine, each party its own process, TLS on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from statistics import median
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import voice
from ostraka.cli.bench_broker import running_broker
from ostraka.cli.fleet import COORDINATOR, Fleet, make_keys, workplace
from ostraka.errors import UsageError

if TYPE_CHECKING:
    from ostraka.protocols.bench_case import BenchCase

SECONDS = 600


class Link(StrEnum):
    """Ways in which the parties of a bench reach each other."""

    DIRECT = "direct"
    RELAY = "relay"
    MQTT = "mqtt"


def bench(
    work: Annotated[str, typer.Argument(metavar="WORK", help="One of the cases named below.")],
    parties: Annotated[
        int, typer.Option(metavar="N", min=2, max=200, help="Number of parties, 2 to 200.")
    ] = 3,
    size: Annotated[
        int,
        typer.Option(
            metavar="D",
            min=1,
            max=1 << 28,
            help="Elements; of a matmul: rows; of a protocol: what its case counts.",
        ),
    ] = 1,
    security: Annotated[
        str, typer.Option(metavar="NAME", help="Security: passive or active.")
    ] = "passive",
    link: Annotated[
        Link,
        typer.Option(
            metavar="direct|relay|mqtt",
            help="Links between parties: direct, through a coordinator, or through Mosquitto.",
        ),
    ] = Link.DIRECT,
    runs: Annotated[
        int,
        typer.Option(metavar="R", min=1, max=100_000, help="Number of runs, all in one session."),
    ] = 5,
    output: Annotated[
        voice.OutputFormat,
        typer.Option(metavar="text|json", help="Format of the result on stdout."),
    ] = voice.OutputFormat.TEXT,
) -> None:
    """Measure a protocol: a process for each party, TLS on, several runs within one session."""
    if security not in ("passive", "active"):
        raise UsageError(f"--security {security}: must be passive or active")
    case = _find(work)
    if (case.shamir or security == "active") and parties < 3:
        raise UsageError(f"bench {work} needs three parties", hint="such as --parties 3")
    what: dict[str, Any] = {"work": work, "parties": parties, "size": size}
    what |= {"security": security, "link": str(link)}
    plan = _Plan([f"p{i + 1}" for i in range(parties)], case, size, security, link, runs)
    found = {kind: _measured(plan, privacy) for kind, privacy in case.privacy(size).items()}
    results: list[dict[str, Any]] = [what | figures for figures in found.values()]
    if len(results) > 1:
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
    """One case of `bench`: an operation of the engine, or one that a protocol brings."""

    name: str
    protocol: str = ""
    of: BenchCase | None = None
    shamir: bool = True

    @property
    def owners(self) -> int | None:
        """Number of parties that contribute; None for all."""
        return self.of.owners if self.of else None

    def privacy(self, size: int) -> Mapping[str, Mapping[str, Any]]:
        """Return the table `[privacy]` of each session to compare, by the name of its noise."""
        return self.of.privacy(size) if self.of else {"none": {}}


def cases() -> Iterator[_Case]:
    """Yield all cases: operations, built-in protocols', then those of installed packages."""
    from ostraka.cli.bench_cases import ENGINE_CASES
    from ostraka.protocols import every_protocol, protocol_named

    yield from map(_Case, ENGINE_CASES)
    for name in (each.name for each in every_protocol() if not each.problem):
        kind = protocol_named(name)
        for case, of in kind.bench_cases.items():
            yield _Case(case, name, of, of.absent or kind.usual_scheme == "shamir")


def _find(name: str) -> _Case:
    found = next((case for case in cases() if case.name == name), None)
    if found is None:
        from ostraka.manifest import suggest

        known = list(dict.fromkeys(case.name for case in cases()))
        hint = f"one of {', '.join(known)}"
        raise UsageError(f'there is no case "{name}" to bench' + suggest(name, known), hint=hint)
    return found


@dataclass(frozen=True)
class _Plan:
    """Session to measure: its parties, case, size, security and links, and how often it runs."""

    names: list[str]
    case: _Case
    size: int
    security: str
    link: Link
    runs: int


def _measured(plan: _Plan, privacy: Mapping[str, Any]) -> dict[str, Any]:
    """Run one session with this table `[privacy]`, and return its figures."""
    start = monotonic()
    with workplace("bench") as directory, Fleet() as fleet, ExitStack() as stack:
        place = None
        if plan.link is Link.MQTT:
            place = stack.enter_context(running_broker(Path(directory)))
        text = _start(fleet, Path(directory), plan, privacy, place)
        measured = {
            who: event for who, event in fleet.events(SECONDS) if event["event"] == "measured"
        }
    told = [m["rounds"] for m in measured.values() if m["rounds"] is not None]
    return {
        **_figures(list(measured.values())),
        "rounds": max(told) if told else _rounds(text),
        "wall_seconds": monotonic() - start,
    }


def _rounds(text: str) -> int:
    from ostraka.manifest import parse
    from ostraka.protocols import protocol_for

    return protocol_for(parse(text, "bench")).cost().rounds


def _start(
    fleet: Fleet,
    directory: Path,
    plan: _Plan,
    privacy: Mapping[str, Any],
    place: dict[str, str] | None,
) -> str:
    """Start a process for each party, and for the coordinator if links are relayed; hand out the
    jobs, and return the text of the manifest they hold.

    Args:
        place: the broker at which the parties meet, if there is one.
    """
    from ostraka.config import bind_text
    from ostraka.manifest import parse

    relayed = plan.link is Link.RELAY
    if relayed:
        fleet.start(COORDINATOR, "coordinator")
    pins = make_keys([*plan.names, COORDINATOR], directory)
    if relayed:
        own = {"keys": str(directory), "name": COORDINATOR, "listen": "127.0.0.1:0"}
        fleet.give(COORDINATOR, own)
        address = fleet.wait_for(COORDINATOR, "listening")["address"]
        place = {"address": address, "key": pins[COORDINATOR]}
    text = _manifest(plan, pins, place, privacy)
    # What reading loads and builds, all parties have. A case of the engine names no protocol.
    (bind_text if plan.case.protocol else parse)(text, "bench")
    for name in plan.names:
        fleet.start(name, "bench")
        job = {"keys": str(directory), "name": name, "manifest": text, "runs": plan.runs}
        fleet.give(name, {**job, "case": plan.case.name, "size": plan.size})
    return text


def _manifest(
    plan: _Plan, pins: dict[str, str], place: dict[str, str] | None, privacy: Mapping[str, Any]
) -> str:
    from ostraka.manifest.writing import party_in_all_roles, without_input, write_manifest

    names, case, sharing = plan.names, plan.case, {"security": plan.security}
    if case.shamir or plan.security == "active":
        threshold = (len(names) - 1) // 2
        sharing |= {"scheme": "shamir", "threshold": threshold}  # type: ignore[dict-item]
    addresses = [None] * len(names) if place else _free_addresses(len(names))
    session = {"title": "bench", "protocol": case.protocol or "bench", "deadline": "2m"}
    tables = case.of.tables(plan.size) if case.of else {"input": {"type": "bool"}}
    parties = [
        party_in_all_roles(name, pins[name], address)
        for name, address in zip(names, addresses, strict=True)
    ]
    owners = len(names) if case.owners is None else case.owners
    return write_manifest(
        {
            "session": {**session, "coordinator": place},
            **tables,
            "sharing": sharing,
            "privacy": privacy,
        },
        [*parties[:owners], *map(without_input, parties[owners:])],
    )


def _free_addresses(count: int) -> list[str]:
    """Return `count` addresses on localhost where nothing listened a moment ago.

    A manifest names the ports before its parties listen on them.
    """
    import socket
    from contextlib import ExitStack

    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [f"127.0.0.1:{one.getsockname()[1]}" for one in sockets]


def _figures(measured: list[dict[str, Any]]) -> dict[str, Any]:
    """Combine what all parties measured: time, bytes and memory of the session.

    A run lasts from the first party's start to the last party's end: all share one clock.
    """
    rounds = list(zip(*(m["runs"] for m in measured), strict=True))
    seconds = [max(r[1] for r in run) - min(r[0] for r in run) for run in rounds]
    return {
        "seconds": median(seconds),
        "seconds_all": seconds,
        "bytes_sent_per_party": max(median(r[2] for r in m["runs"]) for m in measured),
        "processor_seconds_per_party": median(sum(r[3] for r in run) / len(run) for run in rounds),
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
        ("processor time", f"{result['processor_seconds_per_party'] * 1e3:.3f} ms a party"),
        ("peak memory", f"{result['peak_rss_mib']:.0f} MiB a process"),
    ):
        print(f"{name:15}  {value}")
