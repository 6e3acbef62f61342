"""Sessions of real processes on this machine: a coordinator and parties, started by their CLI.

Ports are chosen by the system, nothing sleeps for a fixed time, and every process that a test
started is gone when the test is over, whatever happened.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import pytest
from busy_machine import within

from ostraka import identity

PATIENCE = 40
"""Seconds after which a process counts as hung. Deadlines in the manifests are far below it."""

ALL = ("contributor", "compute", "recipient")
ENTRY = Path(__file__).with_name("party_entry.py")


def started_afresh(arguments, directory, environment, stdin):
    """Start an interpreter of its own. `stdin`: whether it has one."""
    return subprocess.Popen(
        [sys.executable, *arguments],
        cwd=directory,
        env=environment,
        stdin=subprocess.PIPE if stdin else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def own_environment():
    """The environment of a child: of our variables only those that keep a user's files apart."""
    kept = ("OSTRAKA_HOME", "OSTRAKA_TRUST_NEW")
    return {k: v for k, v in os.environ.items() if k in kept or not k.startswith("OSTRAKA_")}


class Process:
    """A child whose output is read as it comes."""

    def __init__(self, name, arguments, directory, stdin=None, nursery=None):
        self.name = name
        start = started_afresh if nursery is None else nursery.start
        self._child = start(arguments, directory, own_environment(), stdin is not None)
        if stdin is not None:
            self._child.stdin.write(stdin)
            self._child.stdin.close()
        self.started, self.seconds = time.monotonic(), None
        self._lines = {"out": [], "err": []}
        self._news = threading.Condition()
        self._readers = [
            threading.Thread(target=self._read, args=(kind, stream), daemon=True)
            for kind, stream in (("out", self._child.stdout), ("err", self._child.stderr))
        ]
        for reader in self._readers:
            reader.start()

    def _read(self, kind, stream):
        for line in stream:
            with self._news:
                self._lines[kind].append(line)
                self._news.notify_all()
        with self._news:
            self._lines[kind].append("")
            self._news.notify_all()

    @property
    def pid(self):
        return self._child.pid

    @property
    def alive(self):
        return self._child.poll() is None

    @property
    def out(self):
        return "".join(self._lines["out"])

    @property
    def err(self):
        return "".join(self._lines["err"])

    def says(self, pattern):
        """Wait until stderr matches; the match."""
        until = time.monotonic() + PATIENCE
        with self._news:
            while (found := re.search(pattern, self.err)) is None:
                left = until - time.monotonic()
                if left <= 0 or "" in self._lines["err"]:
                    pytest.fail(f"{self.name} never said {pattern!r}:\n{self.err}")
                self._news.wait(left)
        return found

    def signal(self, number):
        self._child.send_signal(number)

    def _wait(self):
        try:
            self._child.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._child.wait(within(PATIENCE) - PATIENCE)

    def finish(self):
        """Wait for its end, once; itself."""
        if self.seconds is not None:
            return self
        try:
            self._wait()
        except subprocess.TimeoutExpired:
            pytest.fail(f"{self.name} hangs:\n{self.out}\n{self.err}")
        for reader in self._readers:
            reader.join(PATIENCE)
        self.seconds = time.monotonic() - self.started
        return self

    @property
    def code(self):
        return self.finish()._child.returncode

    @property
    def result(self):
        """The JSON on stdout of a process that succeeded."""
        assert self.code == 0, f"{self.name}: exit {self.code}\n{self.out}\n{self.err}"
        return json.loads(self.out)

    @property
    def values(self):
        return {output["name"]: output["value"] for output in self.result["outputs"]}

    def end(self):
        if self.alive:
            self._child.kill()
        self._child.wait(PATIENCE)
        for reader in self._readers:
            reader.join(PATIENCE)
        self._child.stdout.close()
        self._child.stderr.close()


@dataclass
class Session:
    """A manifest on disk."""

    path: Path
    parties: tuple


class Fleet:
    """The processes of one test."""

    def __init__(self, directory, keys, nursery):
        self.directory, self.keys, self.nursery = directory, keys, nursery
        self.processes = []

    def fingerprint(self, name):
        return identity.fingerprint_text(identity.load(name, self.keys).fingerprint)

    def coordinator(self, name="coordinator"):
        config = self.directory / f"{name}.toml"
        config.write_text(f'listen = "127.0.0.1:0"\nname = "{name}"\nkeys = "{self.keys}"\n')
        relay = self.start(name, ["-m", "ostraka.cli.main", "coordinator", "--config", config])
        relay.address = relay.says(r"listening on (\S+) as")[1]
        return relay

    def start(self, name, arguments, stdin=None):
        arguments = [str(a) for a in arguments]
        process = Process(name, arguments, self.directory, stdin, self.nursery)
        self.processes.append(process)
        return process

    def ports(self, count):
        """Addresses that nobody listened on a moment ago."""
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
        addresses = [f"127.0.0.1:{s.getsockname()[1]}" for s in sockets]
        for s in sockets:
            s.close()
        return addresses

    def manifest(
        self,
        parties=("alice", "bob", "carlos"),
        relay=None,
        direct=(),
        name="session",
        deadline="15s",
        timeout="10s",
        type="decimal(2)",
        bounds="min = 0\nmax = 1000000",
        length=1,
        statistics=("sum", "mean"),
        sharing='scheme = "additive"',
        policy="",
        addresses=None,
        title="Average raise",
    ):
        """Write a manifest. `parties`: names, or {name: roles}; `direct`: who gets an address."""
        roles = parties if isinstance(parties, dict) else dict.fromkeys(parties, ALL)
        addresses = addresses or dict(zip(direct, self.ports(len(direct)), strict=True))
        text = f'[session]\ntitle = "{title}"\nprotocol = "secure-sum"\n'
        text += f'deadline = "{deadline}"\ntimeout = "{timeout}"\n'
        if relay is not None:
            address = relay if isinstance(relay, str) else relay.address
            key = self.fingerprint("coordinator")
            if "://" in address:
                text += f'coordinator = {{ mqtt = "{address}", topic = "ostraka" }}\n'
            else:
                text += f'coordinator = {{ address = "{address}", key = "{key}" }}\n'
        for party, its in roles.items():
            text += f'[[party]]\nname = "{party}"\nkey = "{self.fingerprint(party)}"\n'
            text += f"roles = {json.dumps(list(its))}\n"
            text += f'address = "{addresses[party]}"\n' if party in addresses else ""
        text += f"[input]\ntype = {json.dumps(type)}\nlength = {length}\n{bounds}\n"
        text += f"[outputs]\nstatistics = {json.dumps(list(statistics))}\n[sharing]\n{sharing}\n"
        if policy:
            text += f"[policy]\n{policy}\n"
        path = self.directory / f"{name}.toml"
        path.write_text(text)
        return Session(path, tuple(roles))

    def run(self, session, name, value=None, *, keys=None, armed=None, receipts=None):
        """Start `ostraka run`. `value`: text for its stdin, a path, or None for no input.

        `armed`: (phase, signal, pid): that signal goes to that pid (0: itself) at that phase.
        """
        entry = ["-m", "ostraka.cli.main"]
        if armed is not None:
            phase, number, pid = armed
            entry = [ENTRY, phase, int(number), pid]
        path = session.path if isinstance(session, Session) else session
        arguments = [*entry, "run", path, "--as", name, "--keys", keys or self.keys]
        arguments += ["--receipts", receipts or self.directory, "--output", "json"]
        if isinstance(value, Path):
            return self.start(name, [*arguments, "--input", value])
        if value is None:
            return self.start(name, arguments)
        return self.start(name, [*arguments, "--input", "-"], stdin=str(value))

    def run_all(self, session, inputs, armed=None):
        """Start everybody; {name: process}. `armed`: {name: (phase, signal, pid)}."""
        armed = armed or {}
        return {
            name: self.run(session, name, inputs.get(name), armed=armed.get(name))
            for name in session.parties
        }

    def finish(self, processes):
        return {name: process.finish() for name, process in processes.items()}

    def close(self):
        for process in self.processes:
            if process.alive:
                process.signal(signal.SIGCONT)
            process.end()


@pytest.fixture
def fleet(tmp_path, keys, nursery):
    """Its processes are forked from one that has loaded the package."""
    fleet = Fleet(tmp_path, keys, nursery)
    yield fleet
    fleet.close()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("chromium is not installed")
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def environment():
    """The environment of a child that a test starts itself."""
    return own_environment()


@pytest.fixture
def afresh(fleet):
    """The fleet, each of its processes an interpreter of its own."""
    fleet.nursery = None
    return fleet
