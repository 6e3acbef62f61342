"""Parties in one process whose links outlive them: killed at any point, they begin a new life.
And a book of keys, with a manifest to meet."""

import asyncio
import hashlib
import importlib.util
import os
import random
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from ostraka.arithmetic.randomness import RunDraw
from ostraka.errors import OstrakaError, PeerLost
from ostraka.exchange import LastingExchange, type_codes
from ostraka.protocols import protocol_for
from ostraka.protocols.runner import run
from ostraka.record.journal import Journal
from ostraka.record.journal_entries import Begun
from ostraka.record.journal_session import SessionRecord
from ostraka.record.known_keys import KeyBook
from ostraka.record.replay import ReplayingExchange

OWN = bytes(range(32))
WAYS = ("before", "torn", "after")


def _catalogue():
    path = Path(__file__).parents[1] / "protocols" / "test_catalogue.py"
    spec = importlib.util.spec_from_file_location("catalogue_of_examples", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


examples = _catalogue()


class Killed(BaseException):
    """As kill -9: nothing of ours runs after it."""


class LastingNet:
    """Streams between parties. A message sent again must be the one sent before.

    kills: for each party, at which of its moments it is killed, counted over all its lives.
    gone: parties that crash for good at a moment.
    """

    def __init__(self, parties, kills=None, gone=None, seed=0):
        self.parties, self.gone = parties, dict(gone or {})
        self.kills = {party: set(moments) for party, moments in (kills or {}).items()}
        self.streams = defaultdict(list)
        self.settled = defaultdict(int)
        self.moments, self.over = dict.fromkeys(parties, 0), set()
        self.lives = dict.fromkeys(parties, 0)
        self.order = random.Random(seed)
        self.resent = 0
        self.news = asyncio.Event()

    def moment(self, party):
        """Return whether the party is to be killed at this moment, one of many in its lives."""
        self.moments[party] += 1
        if self.moments[party] == self.gone.get(party):
            raise Gone(f"{party} is gone")
        return self.moments[party] in self.kills.get(party, ())

    def kill(self, party):
        if self.moment(party):
            raise Killed(party)

    def put(self, sender, to, place, message):
        stream = self.streams[sender, to]
        if place < len(stream):
            self.resent += 1
            assert stream[place] == message, f"{sender} sent {to} other bytes in another life"
        else:
            assert place == len(stream)
            stream.append(message)
            self.news.set()

    async def take(self, sender, to, place):
        for _ in range(self.order.randrange(4)):
            await asyncio.sleep(0)
        stream = self.streams[sender, to]
        assert place >= self.settled[sender, to], "what was settled is gone"
        while place >= len(stream):
            if sender in self.over:
                raise PeerLost(f"{sender} is gone", peer=sender)
            self.news.clear()
            await self.news.wait()
        return stream[place]

    def leave(self, party):
        self.over.add(party)
        self.news.set()


class Gone(OstrakaError):
    code = "gone"


class LastingEnd(LastingExchange):
    def __init__(self, net, me, positions):
        self.net, self.me = net, me
        self.positions, self.sent = defaultdict(int, positions), defaultdict(int)

    def send(self, to, step, message):
        self.net.kill(self.me)
        place, self.sent[to] = self.sent[to], self.sent[to] + 1
        self.net.put(self.me, to, place, (step, message.dtype.str, message.tobytes()))

    async def receive(self, sender, step, expected, into=None, patience=1):
        self.net.kill(self.me)
        sent, dtype, content = await self.net.take(sender, self.me, self.positions[sender])
        message = np.frombuffer(bytearray(content), dtype)
        assert (sent, dtype, len(message)) == (
            step,
            type_codes[expected.dtype].str,
            expected.length,
        )
        self.positions[sender] += 1
        self.net.kill(self.me)
        if into is None:
            return message
        into[:] = message
        return into

    def pair_key(self, peer):
        return hashlib.sha256("".join(sorted((self.me, peer))).encode()).digest()

    def position(self, sender):
        return self.positions[sender]

    def settle(self, sender, position):
        assert self.net.settled[sender, self.me] <= position
        self.net.settled[sender, self.me] = position

    def lose(self, sender, error):
        assert sender in self.net.over


class Mortal:
    """One party of a run, through as many lives as it takes."""

    def __init__(self, net, protocol, party, x, seed, directory, gate):
        self.net, self.protocol, self.party = net, protocol, party
        self.x, self.seed, self.gate = x, seed, gate
        self.path = directory / f"{party}.record"
        self.asked = []

    async def live(self):
        while True:
            self.net.lives[self.party] += 1
            self.journal = None
            try:
                record = self._record()
                outcome = await self._run(record)
                record.finish()
                record.erase()
                return outcome
            except Killed:
                if self.journal is not None and self.journal.alive:
                    os.close(self.journal._descriptor)
                    self.journal.alive = False
            except OstrakaError as error:
                self.journal.erase()
                return error

    def _record(self):
        if self.path.exists():
            self.journal = Journal.reopen(self.path, OWN)
            self._make_mortal(self.journal)
            return SessionRecord.reread(self.journal, powerless=lambda _boot: False)
        self.journal = Journal.create(self.path, OWN)
        length = -1 if self.x is None else len(self.x)
        begun = Begun("1", self.party, b"", "", 0.0, self.seed, length)
        record = SessionRecord.begin(self.journal, begun, self.x)
        self._make_mortal(self.journal)
        return record

    def _make_mortal(self, journal):
        append = journal._append

        def mortal(parts):
            way = self.net.order.choice(WAYS)
            killed = self.net.moment(self.party)
            if killed and way == "torn":
                whole = b"".join(parts)
                cut = self.net.order.randrange(len(whole))
                os.pwrite(journal._descriptor, whole[:cut], journal.size)
            if not killed or way == "after":
                append(parts)
            if killed:
                raise Killed

        journal._append = mortal

    async def _run(self, record):
        exchange = ReplayingExchange(LastingEnd(self.net, self.party, record.positions), record)
        return await run(
            exchange,
            self.protocol,
            None if record.x is None else record.x.copy(),
            RunDraw(record.begun.seed, "run"),
            gate=exchange.gate(self._ask),
            dealt=self.protocol.dealt_noise(self.party, RunDraw(record.begun.seed, "dealt")),
        )

    async def _ask(self, counted):
        self.net.kill(self.party)
        self.asked.append(counted)
        self.gate(self.party, counted)
        self.net.kill(self.party)


class Fates:
    """Runs a protocol among mortal parties."""

    examples = examples

    def __init__(self, directory):
        self.directory = directory
        self.runs = 0

    async def run(self, manifest, inputs, *, kills=None, gone=None, seed=0, gate=None):
        """Return each party's end, the net, and the mortals."""
        self.runs += 1
        directory = self.directory / str(self.runs)
        directory.mkdir()
        protocol = protocol_for(manifest)
        net = LastingNet(manifest.parties, kills, gone, seed)
        gate = gate or (lambda _party, _counted: None)
        mortals, ends = {}, {}
        for n, party in enumerate(manifest.parties):
            own = bytes([n, seed]) * 16
            x = protocol.input_of(party, inputs.get(party), RunDraw(own, "input"))
            mortals[party] = Mortal(net, protocol, party, x, own, directory, gate)

        async def one(party):
            ends[party] = await mortals[party].live()
            net.leave(party)

        async with asyncio.timeout(60), asyncio.TaskGroup() as group:
            for party in manifest.parties:
                group.create_task(one(party))
        assert not any(directory.iterdir()), "a record was left"
        return ends, net, mortals


@pytest.fixture
def book(tmp_path):
    return KeyBook(tmp_path / "known.toml")


@pytest.fixture
def manifest(office):
    return office.manifest()


@pytest.fixture
def fates(tmp_path):
    return Fates(tmp_path)


def shown(end):
    """A party's end, to compare."""
    if isinstance(end, OstrakaError):
        return type(end).__name__, re.sub(r" at .*", "", str(end))
    figures = (
        [(o.name, str(o.value) if o.parts else "withheld") for o in end.outputs] if end else []
    )
    return end and (end.contributors, figures)


@pytest.fixture(name="shown")
def _shown():
    return shown


async def digest(directory):
    """A hash of all that is sent in a run of each protocol."""
    from ostraka.protocols import catalogue

    fates, found = Fates(directory), hashlib.sha256()
    for name, kind in catalogue.items():
        for security in kind.securities:
            manifest = examples.example(name, security, 4)
            _, net, _ = await fates.run(manifest, examples.inputs_of(manifest, 1))
            found.update(repr(sorted(net.streams.items())).encode())
    return found.hexdigest()
