"""Collections for tests: manifests, a mailbox in memory, contributors, and sessions that close."""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import verify_receipt

from ostraka.arithmetic.randomness import OsDraw, SeededDraw
from ostraka.collecting import Collector
from ostraka.collection.credentials import Credential, CredentialRoster, SigningKey
from ostraka.collection.orders import write_publication
from ostraka.collection.report import Report, read_report, write_report
from ostraka.collection.shape import Shape
from ostraka.collection.terms import Terms
from ostraka.config import bind
from ostraka.errors import OstrakaError, Temporary, Unreachable
from ostraka.identity import fingerprint_text
from ostraka.manifest import Manifest, parse
from ostraka.names import PartyId
from ostraka.party import Seat
from ostraka.progress import Observer, Progress
from ostraka.record import receipt
from ostraka.record.ledger import Ledger


def key(i: int) -> str:
    return f'"sha256:{i:064x}"'


PARTIES = "".join(
    f'[[party]]\nname = "c{i}"\nkey = {key(i)}\nroles = ["compute", "recipient"]\n'
    for i in (1, 2, 3)
)
INVITED = f"""\
[session]
title = "Poll"
protocol = "secure-sum"
deadline = "5m"
coordinator = {{ address = "127.0.0.1:9440", key = {key(99)} }}
{PARTIES}
[input]
type = "int"
min = 0
max = 10

[sharing]
scheme = "shamir"
threshold = 1

[policy]
min_contributors = 10

[collection]
from = "invited"
organiser = {key(7)}
roster = {key(8)}
size = 50
closes = 2026-12-05T18:00:00Z
mailbox = "https://poll.example.org"
"""
OPEN = (
    INVITED.replace('"invited"', '"open"')
    .replace(f"roster = {key(8)}\nsize = 50", "max_reports = 1000")
    .replace(
        "[collection]", '[privacy]\nlocal = { mechanism = "laplace", epsilon = 1 }\n\n[collection]'
    )
)


def changed(text: str, *changes: tuple[str, str]) -> Manifest:
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return parse(text)


class Papers(NamedTuple):
    """Status of a collection at a mailbox in memory."""

    closes: int
    state: str
    statements: dict[str, bytes]


class Stored(NamedTuple):
    """Report that a mailbox in memory gives a compute party."""

    position: int
    minute: int
    view: bytes


class Box:
    """Mailbox of one collection in memory, as compute parties see it; it can be told to misbehave.

    Attributes:
        reports: with the minute at which each came.
        hidden: digests that a party is never given; `late_for`: those it is given when it asks
            again.
        shuffled: parties that are given reports in another order.
        down: whether it does not answer.
    """

    def __init__(self) -> None:
        self.statements: dict[str, bytes] = {}
        self.published = b""
        self.revoked: bytes | None = None
        self.closed: bytes | None = None
        self.reports: list[tuple[int, Report]] = []
        self.hidden: dict[str, set[bytes]] = {}
        self.late_for: dict[str, set[bytes]] = {}
        self.reversed: set[str] = set()
        self.down = False
        self.agreed: dict[str, bytes] = {}
        self.receipts: dict[str, bytes] = {}
        self.asked: Counter[str] = Counter()
        self.let_go = 0

    def _answers(self) -> None:
        if self.down:
            raise Unreachable("the mailbox does not answer")

    async def status(self) -> Papers:
        self._answers()
        return Papers(0, "closing", self.statements)

    async def publication(self) -> bytes:
        return self.published

    async def revocations(self) -> bytes | None:
        return self.revoked

    async def close_order(self) -> bytes | None:
        return self.closed

    async def fetch(self, party: str, after: int = 0) -> AsyncIterator[list[Stored]]:
        self._answers()
        self.asked[party] += 1
        hidden = self.hidden.get(party, set())
        if self.asked[party] == 1:
            hidden = hidden | self.late_for.get(party, set())
        place = sorted(self.statements).index(party)
        reports = self.reports[::-1] if party in self.reversed else self.reports
        for position, (minute, report) in enumerate(reports, 1):
            if position > after and report.digest not in hidden:
                yield [Stored(position, minute, report.view(place))]

    async def put_statement(self, party: str, octets: bytes) -> None:
        self._answers()
        self.statements.setdefault(party, octets)

    async def put_agreed(self, party: str, octets: bytes) -> None:
        self._answers()
        self.agreed[party] = octets

    async def put_receipt(self, party: str, octets: bytes) -> None:
        self._answers()
        self.receipts[party] = octets

    def close(self) -> None:
        self.let_go += 1


class Poll:
    """Collection of three compute parties in one process, with its contributors.

    Args:
        office: makes identities.
        tables: of the manifest, besides session, parties and collection.
        home: a directory for each party's custody, ledgers and receipts.
    """

    COMPUTE = ("alice", "bob", "carlos")

    def __init__(
        self,
        office: Any,
        home: Path,
        tables: str,
        *,
        protocol: str = "tally",
        size: int = 6,
        collection: str = "",
        compute: tuple[str, ...] = COMPUTE,
        recipients: dict[str, str] | None = None,
        source: str = "invited",
        tables_of: Any = None,
        series: str = "",
    ) -> None:
        self.office, self.home, self.box = office, home, Box()
        self.organiser = office.identity("mallory")
        self.credentials = [SigningKey.of_credential(bytes([i]) * 16) for i in range(size)]
        entries = (Credential(key.public) for key in self.credentials)
        self.roster = CredentialRoster(tuple(entries))
        roles = dict.fromkeys(compute, '"compute", "recipient"') | (recipients or {})
        invited = f'roster = "{fingerprint_text(self.roster.digest)}"\nsize = {size}\n'
        more = invited if source == "invited" else f"max_reports = {size}\n"
        self.toml = (
            f'[session]\ntitle = "Poll{series}"\nseries = "polls"\nprotocol = "{protocol}"\n'
            'deadline = "5s"\ntimeout = "3s"\n'
            f'{(tables_of or office.tables)(roles)}{tables}\n[collection]\nfrom = "{source}"\n'
            f'organiser = "{fingerprint_text(self.organiser.fingerprint)}"\n{more}'
            f'closes = 2026-01-01T00:00:00Z\nmailbox = "http://127.0.0.1:1"\n{collection}'
        )
        self.protocol = bind(parse(self.toml))
        self.manifest = self.protocol.manifest
        self.shape = Shape.of(self.protocol)
        self.box.published = write_publication(
            self.roster.write() if source == "invited" else b"",
            self.manifest.digest,
            self.organiser,
        )
        self._contributors: dict[int, SigningKey] = {}

    def collector(self, name: str, **options: Any) -> Collector:
        return Collector(self.home / f"{name}-home", lambda *_: self.box, **options)

    async def accept(self) -> None:
        """All compute parties run it while it is open, which ends with `NotDue`."""
        for name in self.manifest.compute:
            collector = self.collector(name, now=lambda: 0.0)
            identity = self.office.identity(name)
            with suppress(Temporary):
                await collector.begin(self.protocol, PartyId(name), identity, Observer())

    @property
    def terms(self) -> Terms:
        statements = [self.box.statements[name] for name in self.shape.compute]
        roster = self.roster.write() if self.shape.invited else None
        return Terms.read(self.shape, statements, roster)

    def report(
        self, i: int, value: object, *, counter: int = 1, chain: int = 0, raw: Any = None
    ) -> Report:
        """Return the report of contributor i, from 0; `chain`: signed with another own key."""
        place, draw = self.manifest.contributors[0], SeededDraw(f"{i} {counter} {chain}")
        x = self.protocol.with_noise(self.protocol.encode(place, value), place, draw)
        if raw is not None:
            x[:] = raw
        split = self.protocol.share(x, place, draw)
        message = self.protocol.scheme.message
        parcels = [message(split[name]).tobytes() for name in self.shape.compute]
        return self.sealed(i, parcels, counter=counter, chain=chain)

    def sealed(self, i: int, parcels: list[bytes], *, counter: int = 1, chain: int = 0) -> Report:
        own = self._contributors.setdefault(i + 1000 * chain, SigningKey(os.urandom(32)))
        credential = (i, self.credentials[i]) if self.shape.invited else None
        octets = write_report(
            self.terms, parcels, own, OsDraw(), credential=credential, counter=counter
        )
        return read_report(octets, self.terms)

    def send(self, *reports: Report, minute: int = 1) -> None:
        self.box.reports += [(minute, report) for report in reports]

    def vote(self, *values: object) -> list[Report]:
        found = [self.report(i, value) for i, value in enumerate(values)]
        self.send(*found)
        return found

    def ledger(self, name: str) -> Ledger:
        directory = self.home / f"{name}-ledger"
        directory.mkdir(mode=0o700, exist_ok=True)
        clock = datetime(2026, 1, 2, tzinfo=UTC)
        return Ledger(directory, self.office.identity(name), now=lambda: clock)

    def ledger_runs(self, name: str) -> list[Any]:
        ledger = self.ledger(name)
        ledger.read()
        return list(ledger.counting())

    def seat(self, name: str, **options: Any) -> Seat:
        receipts = self.home / f"{name}-receipts"
        receipts.mkdir(exist_ok=True)
        return Seat(
            self.protocol,
            self.office.identity(name),
            PartyId(name),
            receipts,
            lambda _warn: self.ledger(name),
            collector=options.pop("collector", None) or self.collector(name),
            **options,
        )

    async def close(self, **seats: Any) -> dict[str, Any]:
        """All parties close; {name: outcome, or the error that ended it}."""
        names = self.manifest.parties
        given = [seats.get(name) or self.seat(name) for name in names]
        self.warned: dict[str, list[str]] = {name: [] for name in names}
        async with asyncio.timeout(60):
            found = await asyncio.gather(
                *(
                    seat.run(None, Progress(_Watcher(self.warned[name])))
                    for name, seat in zip(names, given, strict=True)
                ),
                return_exceptions=True,
            )
        return dict(zip(names, found, strict=True))


class _Watcher(Observer):
    def __init__(self, warned: list[str]) -> None:
        self.warned = warned

    def warn(self, text: str) -> None:
        self.warned.append(text)


VOTES = (
    '[input]\ntype = \'choice(["yes", "no"])\'\n[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    "[policy]\nmin_contributors = 2\n"
)


def held(outcome: Any) -> dict[str, Any]:
    """What the receipt of an outcome says of the collection, to ostraka and to the script."""
    found = receipt.verify(receipt.read(outcome.receipt))
    lines, missing = verify_receipt.verify(verify_receipt.parsed(outcome.receipt.read_text()))
    said = found["collection"]
    assert f"counted   {said['counted']} of {said['places']} places" in lines
    assert not missing
    assert found["complete"]
    return dict(found["collection"])


async def answer(one: Poll, name: str = "tally") -> Any:
    """The one value that all parties have, with receipts that hold and say the same."""
    found = await one.close()
    for outcome in found.values():
        assert not isinstance(outcome, BaseException), found
    values = [outcome.value(name) for outcome in found.values()]
    assert values.count(values[0]) == len(values)
    said = [held(outcome) for outcome in found.values()]
    assert said.count(said[0]) == len(said)
    one.said, one.outcomes = said[0], found  # type: ignore[attr-defined]
    return values[0]


async def refusal(one: Poll, **seats: Any) -> dict[str, OstrakaError]:
    """The errors that all parties end with."""
    found = await one.close(**seats)
    assert all(isinstance(error, OstrakaError) for error in found.values()), found
    return found
