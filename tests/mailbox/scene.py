"""A collection with its organiser, its compute parties and reports, and a mailbox that runs."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from time import time

from ostraka import identity
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.collection import orders
from ostraka.collection.credentials import Credential, CredentialRoster, SigningKey
from ostraka.collection.report import HEAD, cut_view, report_digest, write_report
from ostraka.collection.sealing import SealingKey, SealingSuite
from ostraka.collection.terms import Terms
from ostraka.config import bind
from ostraka.mailbox.app import Mailbox
from ostraka.mailbox.client import MailboxClient
from ostraka.mailbox.desk import Desk
from ostraka.mailbox.rules import read_rules
from ostraka.mailbox.serving import HttpServer
from ostraka.service.arrivals import Arrivals

COMPUTE = ("c1", "c2", "c3")
MANIFEST = """\
[session]
title = "{title}"
protocol = "secure-sum"
deadline = "5m"
coordinator = {{ address = "{address}", key = "{coordinator}" }}
{parties}
[input]
type = "int"
length = {length}
min = 0
max = 10

[sharing]
scheme = "shamir"
threshold = 1

[policy]
min_contributors = 3
{privacy}
[collection]
from = "{source}"
organiser = "{organiser}"
{places}
closes = {closes}
early_close = {early}
mailbox = "{url}"
"""
PARTY = '[[party]]\nname = "{}"\nkey = "{}"\nroles = ["compute", "recipient"]\n'


class Collecting:
    """A collection: its manifest, and whatever its parties sign."""

    def __init__(
        self,
        keys: Path,
        *,
        size=5,
        invited=True,
        closes=None,
        early=True,
        title="Poll",
        length=1,
        address="127.0.0.1:9440",
        url="http://127.0.0.1:8080",
    ):
        self.people = {name: _identity(name, keys) for name in ("olga", "coordinator", *COMPUTE)}
        self.closes = int(closes or time() + 3600)
        self.secrets = [i.to_bytes(16) for i in range(size)]
        self.credentials = [SigningKey.of_credential(secret) for secret in self.secrets]
        self.roster = CredentialRoster(tuple(Credential(k.public, 1) for k in self.credentials))
        self.invited = invited
        places = f"max_reports = {size}"
        if invited:
            digest = identity.fingerprint_text(self.roster.digest)
            places = f'roster = "{digest}"\nsize = {size}'
        noise = '[privacy]\nlocal = { mechanism = "laplace", epsilon = 1 }\n'
        self.toml = MANIFEST.format(
            title=title,
            length=length,
            address=address,
            url=url,
            coordinator=self.people["coordinator"].pin,
            parties="".join(PARTY.format(name, self.people[name].pin) for name in COMPUTE),
            privacy="" if invited else noise,
            source="invited" if invited else "open",
            organiser=self.people["olga"].pin,
            places=places,
            closes=datetime.fromtimestamp(self.closes, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            early=str(early).lower(),
        ).encode()
        self.rules = read_rules(self.toml)
        self.shape = self.rules.shape
        self.id = self.shape.manifest
        self.sealing = [SealingKey.new() for _ in COMPUTE]

    @cached_property
    def publication(self) -> bytes:
        roster = self.roster.write() if self.invited else b""
        return orders.write_publication(roster, self.id, self.people["olga"])

    @cached_property
    def statements(self) -> list[bytes]:
        owners = [self.people[name] for name in COMPUTE]
        pairs = zip(self.sealing, owners, strict=True)
        return [key.public.write(self.id, own) for key, own in pairs]

    @cached_property
    def terms(self) -> Terms:
        roster = self.roster.write() if self.invited else None
        return Terms.read(self.shape, self.statements, roster)

    def shares(self, number: int, value: int) -> list[bytes]:
        """The parcels of an input, for each compute party."""
        protocol, draw = bind(self.toml.decode()), SeededDraw(f"shares {number}")
        place = protocol.manifest.contributors[0]
        split = protocol.share(protocol.encode(place, value), place, draw)
        return [protocol.scheme.message(split[name]).tobytes() for name in self.shape.compute]

    def report(
        self, number=0, *, counter=1, contributor=None, suite=SealingSuite.CLASSIC, value=None
    ):
        """A report, and its digest; of the same contributor for the same number. Without a value
        its parcels mean nothing."""
        parcels = [bytes([number % 256]) * length for length in self.shape.lengths]
        if value is not None:
            parcels = self.shares(number, value)
        who = SigningKey((contributor or number).to_bytes(32))
        octets = write_report(
            self.terms,
            parcels,
            who,
            SeededDraw(f"{number} {counter}"),
            credential=(number, self.credentials[number]) if self.invited else None,
            counter=counter,
            suite=suite,
        )
        view = cut_view(octets, self.terms, 0)
        digests = view[-32 * 3 - self.terms.sealed_lengths(suite)[0] :][: 32 * 3]
        return octets, report_digest(octets[:HEAD], [digests[i : i + 32] for i in (0, 32, 64)])


def _identity(name: str, keys: Path) -> identity.Identity:
    if (keys / f"{name}.key").exists():
        return identity.load(name, keys)
    return identity.create(name, keys)


class Place:
    """A mailbox that runs, and a client of one collection there."""

    def __init__(self, collecting: Collecting, mailbox: Mailbox, desk: Desk, url: str) -> None:
        self.collecting, self.mailbox, self.desk, self.url = collecting, mailbox, desk, url
        self.clients: list[MailboxClient] = []

    def client(self, party=None, collecting=None, **options) -> MailboxClient:
        its = collecting or self.collecting
        options = {"patience": 0.0, "environ": {}, "own": its.people.get(party), **options}
        self.clients.append(MailboxClient(self.url, its.id, **options))
        return self.clients[-1]

    async def open(self, collecting=None) -> None:
        its, client = collecting or self.collecting, self.client(collecting=collecting)
        await client.publish(its.toml, its.publication)
        for name, statement in zip(COMPUTE, its.statements, strict=True):
            await client.put_statement(name, statement)


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time() + self.ahead


@asynccontextmanager
async def running(collecting, connect, *, most_bytes=1 << 40, clock=time, pace=None, **options):
    desk = Desk(connect, most_bytes, clock)
    await desk.open()
    own = collecting.people["coordinator"]
    pace = Arrivals(10**9, 10**9) if pace is None else pace
    mailbox = Mailbox(desk, own, pace=pace, clock=clock, **options)
    server = HttpServer(mailbox.app, "127.0.0.1:0")
    server.listen()
    task = asyncio.create_task(server.run())
    place = Place(collecting, mailbox, desk, f"http://{server.address}")
    try:
        yield place
    finally:
        for client in place.clients:
            client.close()
        server.stop()
        await task
        await desk.close()


async def raw(place, verb, path, body=b"", headers=()):
    """Status, headers and body of one request, written by hand."""
    host, port = place.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    lines = [f"{verb} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers]
    if body or verb == "PUT":
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)
    answer = await reader.read()
    writer.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), head.decode().lower(), content


async def code(place, verb, path, body=b"", headers=()):
    status, _, content = await raw(place, verb, path, body, headers)
    return status, json.loads(content)["code"]


def path_of(place, rest=""):
    return f"/v1/collections/{place.collecting.id.hex()}{rest}"


async def fetched(client, party, after=0):
    return [one async for block in client.fetch(party, after) for one in block]
