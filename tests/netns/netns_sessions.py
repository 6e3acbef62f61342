"""Sessions between hosts of a rig: their manifest and keys, their parties, and what is required."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from pathlib import Path

from ostraka import home, identity
from ostraka.record.runs import RunState

NAMES = ("alice", "bob", "carlos")
HELD = Path(__file__).with_name("held_entry.py")
PATIENCE = 60
"""Seconds after which a process counts as hung; times of the manifests are far below."""


class Running:
    """A process on a host, whose output is read while it runs."""

    def __init__(self, host, directory, *arguments, **options):
        directory.mkdir(exist_ok=True)
        number = len(list(directory.iterdir()))
        self._out, self._err = directory / f"{number}.out", directory / f"{number}.err"
        with self._out.open("w") as out, self._err.open("w") as err:
            self.process = host.start(*arguments, out=(out, err), **options)
        self.name = host.name

    @property
    def err(self):
        return self._err.read_text()

    def says(self, pattern, within=PATIENCE):
        """Wait until stderr matches."""
        until = time.monotonic() + within
        while re.search(pattern, self.err) is None:
            left = time.monotonic() < until and self.process.poll() is None
            assert left, f"{self.name} never said {pattern!r}:\n{self.err}"
            time.sleep(0.02)

    def code(self):
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} hangs:\n{self.err}") from None

    def result(self):
        assert self.code() == 0, f"{self.name}: exit {self.process.returncode}\n{self.err}"
        return json.loads(self._out.read_text())


class Meeting:
    """One session of alice, bob and carlos, on hosts of their names.

    Args:
        addresses: of the parties that have one.
        relay: the coordinator's host, if there is one.
        port: of the coordinator.
        timeout: of the manifest, in seconds.
    """

    def __init__(
        self, rig, place, *, addresses, relay=None, port=9440, timeout=16, scheme="shamir"
    ):
        self.rig, self.place, self.relay, self.port = rig, place, relay, port
        self.hosts = {name: rig.hosts[name] for name in NAMES}
        self.parties = {}
        for name in (*NAMES, "hub"):
            identity.create(name, place)
        for number, name in enumerate(NAMES):
            (place / name).write_text(str(10**number))
        (place / "hub.toml").write_text(f'listen = "0.0.0.0:{port}"\nname = "hub"\n')
        (place / "session.toml").write_text(self._manifest(addresses, timeout, scheme))

    def _manifest(self, addresses, timeout, scheme):
        text = '[session]\ntitle = "Rig"\nprotocol = "secure-sum"\ndeadline = "40s"\n'
        text += f'timeout = "{timeout}s"\n'
        if self.relay is not None:
            at = f'{{ address = "{self.relay.v4}:{self.port}", key = "{self._pin("hub")}" }}'
            text += f"coordinator = {at}\n"
        for name in NAMES:
            text += f'[[party]]\nname = "{name}"\nkey = "{self._pin(name)}"\n'
            text += 'roles = ["contributor", "compute", "recipient"]\n'
            text += f'address = "{addresses[name]}"\n' if name in addresses else ""
        text += '[input]\ntype = "int"\nmin = 0\nmax = 1000\n[outputs]\nstatistics = ["sum"]\n'
        text += f'[sharing]\nscheme = "{scheme}"\n'
        text += "threshold = 1\n" if scheme == "shamir" else ""
        return text + "[policy]\nmin_contributors = 2\n"

    def _pin(self, name):
        return identity.fingerprint_text(identity.load(name, self.place).fingerprint)

    def coordinator(self):
        found = Running(self.relay, self.place / "hub.log", "coordinator", "--config", "hub.toml")
        found.says("listening on")
        return found

    def run(self, name, *options, held=False):
        """Start a party on its host; `held`: it waits before it shares its input, for `go`."""
        entry = (HELD, self.place / "go") if held else ("-m", "ostraka.cli.main")
        arguments = ("run", "session.toml", "--as", name, "--keys", ".", "--input", name)
        self.parties[name] = Running(
            self.hosts[name], self.place / f"{name}.log",
            *arguments, "--output", "json", *options, entry=entry,
        )  # fmt: skip
        return self.parties[name]

    def open(self, **options):
        """Start all, and return when the session is open; carlos's input is not shared yet."""
        for name in NAMES:
            self.run(name, *options.get(name, ()), held=name == "carlos")
        self.parties["carlos"].says("held")

    def go(self):
        (self.place / "go").touch()

    def require_same_answer(self):
        """All have one answer, of one session, with one run in each ledger; no record is left."""
        results = [party.result() for party in self.parties.values()]
        assert [r["outputs"][0]["value"] for r in results] == [111] * 3, results
        assert len({r["session"] for r in results}) == 1
        for name in NAMES:
            own = identity.load(name, self.place)
            runs = home.own_ledger(own, self.place, print).counting()
            states = [run.state for run in runs]
            assert states == [RunState.COMMITTED], (name, states)
        assert not list((Path(os.environ["OSTRAKA_HOME"]) / "sessions").glob("*"))
