"""Parties as tasks of one event loop, over real sockets and real TLS."""

import asyncio
import gc
import json
import os
import socket
import sys
import time
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from importlib.util import module_from_spec, spec_from_file_location
from math import log, sqrt
from pathlib import Path

# Workers and parties share the cores; a matrix product would spin on all of them. Read by numpy.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np
import pytest
from hypothesis import settings

# How long an example takes is the machine's affair: a busy one must not fail a property.
settings.register_profile("quick", deadline=None, max_examples=6)
settings.register_profile("usual", deadline=None, max_examples=12)
settings.register_profile("many", deadline=None, max_examples=120)
settings.load_profile(os.environ.get("OSTRAKA_TESTS", "quick"))

# Bytecode is written: without it, each child compiles 130 modules (0.5 s), and each worker all
# tests (11 s).
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# What is there when the first test begins lives to the end: the collector need not look at it.
gc.disable()


FOUND = pytest.StashKey()


@pytest.hookimpl(tryfirst=True)  # before those that the options leave out are gone
def pytest_collection_modifyitems(config, items):
    """Note for each file whether tests of it that CI runs are thorough, default ones, or both."""
    found = config.stash.setdefault(FOUND, {})
    for item in items:
        if not any(item.get_closest_marker(name) for name in ("slow", "docker", "netns")):
            default = item.get_closest_marker("thorough") is None
            found.setdefault(item.nodeid.partition("::")[0], set()).add(default)


@pytest.fixture
def by_default(request):
    """Of each file that was collected, whether its tests run by default: {True}, {False}, both."""
    return request.config.stash[FOUND]


def pytest_collection_finish():
    gc.freeze()
    gc.enable()


ALL = ("contributor", "compute", "recipient")
NAMES = ("alice", "bob", "carlos", "david", "erin", "mallory", "coordinator")


@pytest.fixture(scope="session", autouse=True)
def home(tmp_path_factory):
    """A home of the tests' own, also for processes that they start: no user's files are touched.

    Keys that are not known are taken on trust, but for the tests about that.
    """
    made = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OSTRAKA_HOME", str(made))
        patch.setenv("OSTRAKA_TRUST_NEW", "1")
        yield made


@pytest.fixture(autouse=True)
def strangers(home):
    """Forget the keys that a test has met: parties of the next one may have its names."""
    yield
    (home / "known.toml").unlink(missing_ok=True)


class Watchdog:
    """Sees how long each callback of event loops in this process keeps its thread busy.

    Processor time of the thread: a machine that is busy with something else makes it no longer.
    The collector leaves alone what was there before: a test process has far more than a party's.
    """

    def __init__(self):
        self.longest, self.where = 0.0, ""

    @contextmanager
    def watching(self):
        run = asyncio.events.Handle._run

        def timed(handle):
            start = time.thread_time()
            run(handle)
            seconds = time.thread_time() - start
            if seconds > self.longest:
                self.longest, self.where = seconds, repr(handle)

        gc.collect()
        gc.freeze()
        asyncio.events.Handle._run = timed
        try:
            yield
        finally:
            asyncio.events.Handle._run = run


@pytest.fixture
def watchdog():
    return Watchdog()


@cache
def loaded(name, keys):
    """An identity, which is checked and parsed once."""
    from ostraka import identity

    return identity.load(name, keys)


class Office:
    """Makes manifests and runs their parties in this process.

    Every exception of a party is returned, not raised; a hang is a failed test.
    """

    def __init__(self, keys):
        self.keys = keys

    def identity(self, name):
        return loaded(name, self.keys)

    def fingerprint(self, name):
        from ostraka import identity

        return identity.fingerprint_text(self.identity(name).fingerprint)

    def ports(self, count):
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
        for s in sockets:
            s.close()
        return addresses

    def tables(self, roles):
        """[[party]] for each name, with roles as TOML has them, at addresses of their own."""
        return "".join(
            f'[[party]]\nname = "{name}"\nkey = "{self.fingerprint(name)}"\nroles = [{words}]\n'
            f'address = "{address}"\n'
            for (name, words), address in zip(roles.items(), self.ports(len(roles)), strict=True)
        )

    def manifest(
        self,
        parties=("alice", "bob", "carlos"),
        *,
        relay=None,
        direct=None,
        deadline=5.0,
        timeout=2.0,
        sharing='scheme = "additive"',
        length=1,
        title="Test",
        pins=None,
        addresses=None,
        least=None,
    ):
        """`parties`: names or {name: roles}; direct links unless `relay` gives an address.

        `least`: as few contributors are enough to begin with."""
        from ostraka import manifest

        roles = parties if isinstance(parties, dict) else dict.fromkeys(parties, ALL)
        if addresses is None:
            direct = (tuple(roles) if relay is None else ()) if direct is None else direct
            addresses = dict(zip(direct, self.ports(len(direct)), strict=True))
        text = f'[session]\ntitle = "{title}"\nprotocol = "secure-sum"\n'
        text += 'deadline = "1s"\n' + 'start = "enough"\n' * (least is not None)
        if relay is not None:
            key = self.fingerprint("coordinator")
            several = [relay] if isinstance(relay, str) else relay
            places = [
                f'{{ mqtt = "{place}", topic = "ostraka" }}'
                if "://" in place
                else f'{{ address = "{place}", key = "{key}" }}'
                for place in several
            ]
            text += f"coordinator = [{', '.join(places)}]\n"
        for party, its in roles.items():
            key = (pins or {}).get(party) or self.fingerprint(party)
            text += f'[[party]]\nname = "{party}"\nkey = "{key}"\nroles = {json.dumps(list(its))}\n'
            text += f'address = "{addresses[party]}"\n' if party in addresses else ""
        text += f'[input]\ntype = "int"\nlength = {length}\nmin = -1000000\nmax = 1000000\n'
        text += f'[outputs]\nstatistics = ["sum"]\n[sharing]\n{sharing}\n'
        text += f"[policy]\nmin_contributors = {least}\n" if least is not None else ""
        parsed = manifest.parse(text)
        # A manifest on disk counts in whole seconds.
        times = {"deadline": float(deadline), "timeout": float(timeout)}
        return parsed.model_copy(update={"session": parsed.session.model_copy(update=times)})

    async def open(self, manifest, name, identity=None, **options):
        """A sealed session."""
        from ostraka.session.session import Session

        identity = identity or self.identity(name)
        return await Session.open(manifest, identity, name, os.urandom(32), **options)

    async def take_part(
        self, manifest, name, value=None, *, receipts=None, identity=None, observer=None
    ):
        """One party's run; its outcome as JSON has it, or the exception that ended it."""
        from ostraka.progress import Progress

        try:
            seat = self.seat(manifest, name, receipts=receipts, identity=identity)
            return (await seat.run(value, Progress(observer))).as_dict()
        except Exception as error:
            return error

    def seat(self, manifest, name, *, receipts=None, identity=None, ledger=None):
        """A party's seat, without a look at its key; `ledger`: one that is open."""
        from ostraka.config import bind
        from ostraka.party import Seat

        opened = None if ledger is None else lambda _warn: ledger
        return Seat(bind(manifest), identity or self.identity(name), name, receipts, opened)

    async def run(self, manifest, inputs, *, receipts=None, observer=None, within=20):
        """Everybody takes part; {name: result or exception}."""
        async with asyncio.timeout(within):
            found = await asyncio.gather(
                *(
                    self.take_part(
                        manifest, name, inputs.get(name), receipts=receipts, observer=observer
                    )
                    for name in manifest.parties
                )
            )
        return dict(zip(manifest.parties, found, strict=True))

    @asynccontextmanager
    async def coordinator(self, kind=None):
        """The address of a coordinator in this process; `kind`: a class to use instead of ours."""
        from ostraka.coordinator.server import Coordinator

        relay = (kind or Coordinator)(self.identity("coordinator"))
        ready = asyncio.get_running_loop().create_future()
        serving = asyncio.get_running_loop().create_task(
            relay.serve("127.0.0.1:0", ready.set_result)
        )
        try:
            yield await ready
        finally:
            serving.cancel()
            await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture(scope="session")
def keys(tmp_path_factory):
    """One identity for each of NAMES."""
    from ostraka import identity

    directory = tmp_path_factory.mktemp("keys")
    directory.chmod(0o700)
    for name in NAMES:
        identity.create(name, directory)
    return directory


@pytest.fixture
def office(keys, monkeypatch):
    """Several parties share this event loop, so nobody may poll for himself."""
    from ostraka.transport.reactor import Reactor

    monkeypatch.setattr(Reactor, "spin_until", lambda self, waiter, *_for: waiter.happened)
    return Office(keys)


@pytest.fixture(scope="session")
def nursery():
    """Forks processes from one that has loaded the package."""
    place = Path(__file__).with_name("integration") / "nursery.py"
    spec = spec_from_file_location("nursery", place)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    nursery = module.Nursery()
    yield nursery
    nursery.close()


@pytest.fixture(scope="session", name="told_at_least")
def _told_at_least():
    return told_at_least


def told_at_least(one, two, delta=0.0):
    """A bound that epsilon exceeds, but for one chance in 10^5: samples of what is said of two
    neighbours.

    Half of the samples find the event that tells most, the other half measure it.
    """
    (seek_one, one), (seek_two, two) = (np.split(reports, 2) for reports in (one, two))
    low = min(seek_one.min(), seek_two.min())
    top = max(seek_one.max(), seek_two.max()) - low + 1
    first, second = (np.bincount(seek - low, minlength=top) for seek in (seek_one, seek_two))
    first, second = (np.append(c, np.cumsum(c)) for c in (first, second))
    event = int(
        np.argmax([bound(a, b, len(one), delta) for a, b in zip(first, second, strict=True)])
    )
    inside = (lambda y: y - low == event) if event < top else (lambda y: y - low <= event - top)
    return bound(inside(one).sum(), inside(two).sum(), len(one), delta)


def bound(a, b, n, delta):
    """Below log((p - delta) / q) at 4.4 standard deviations on either side. [Wilson's interval]"""
    z2 = 4.4**2
    middle = (np.array([a, b]) + z2 / 2) / (n + z2)
    spread = sqrt(z2) / (n + z2) * np.sqrt(np.array([a * (n - a), b * (n - b)]) / n + z2 / 4)
    p, q = middle[0] - spread[0], middle[1] + spread[1]
    return log((p - delta) / q) if p > delta else -1.0


@pytest.fixture
def frames(monkeypatch):
    """A stand-in for pandas: a frame keeps its rows and the names of its columns."""
    import sys
    from types import ModuleType

    class Frame:
        def __init__(self, rows, columns):
            self.rows, self.columns = rows, columns

    module = ModuleType("pandas")
    module.DataFrame = Frame
    monkeypatch.setitem(sys.modules, "pandas", module)
