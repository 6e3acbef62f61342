"""Sessions in which one party is the reference implementation, a process of its own."""

import asyncio
import json
import os
import socket
import sys
from importlib import import_module
from pathlib import Path

import pytest

import ostraka
from ostraka import identity
from ostraka.manifest import parse

top = Path(__file__).resolve().parent.parent.parent
REFERENCE = top / "tests" / "reference"


class Room:
    """Parties of one test: keys, manifests, and sessions of ours with the reference."""

    def __init__(self, directory, keys):
        self.directory, self.keys, self.reference = directory, keys, REFERENCE

    def manifest(self, protocol, input, outputs, sharing, roles):
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in roles]
        text = f'[session]\ntitle = "spec"\nprotocol = "{protocol}"\n'
        text += 'deadline = "15s"\ntimeout = "10s"\n'
        for (name, its), place in zip(roles.items(), sockets, strict=True):
            text += f'[[party]]\nname = "{name}"\nroles = {json.dumps(list(its))}\n'
            text += f'key = "{identity.load(name, self.keys).pin}"\n'
            text += f'address = "127.0.0.1:{place.getsockname()[1]}"\n'
            place.close()
        return parse(f"{text}[input]\n{input}\n[outputs]\n{outputs}\n[sharing]\n{sharing}\n")

    async def run(self, manifest, reference, inputs, shown=None):
        """Let the other implementation play `reference`; return what it found, and what ours did.

        `shown`: another manifest, for the reference alone.
        """
        path = self.directory / "manifest.json"
        path.write_bytes(manifest.canonical)
        if shown is not None:
            path.write_text(json.dumps(shown, sort_keys=True, separators=(",", ":")))
        arguments = [self.reference / "party.py", path, "--as", reference, "--keys", self.keys]
        arguments += ["--input", inputs[reference]] if reference in inputs else []
        environment = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
        process = await asyncio.create_subprocess_exec(
            sys.executable, *map(str, arguments), env=environment, stdout=-1, stderr=-1
        )
        ours = {
            name: ostraka.run(
                manifest, name, inputs.get(name), keys=self.keys, receipts=self.directory
            )
            for name in manifest.parties
            if name != reference
        }
        try:
            found = await asyncio.gather(*ours.values(), return_exceptions=True)
            out, err = await asyncio.wait_for(process.communicate(), 20)
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        theirs = json.loads(out) if process.returncode == 0 else err.decode()
        return theirs, dict(zip(ours, found, strict=True))


@pytest.fixture(scope="module")
def reference():
    """The modules of the reference implementation."""
    place = str(top / "tests" / "reference")
    sys.path.insert(0, place)
    try:
        yield import_module("party")
    finally:
        sys.path.remove(place)
        for name in ("party", "wire"):
            sys.modules.pop(name, None)


@pytest.fixture
def room(tmp_path, keys, monkeypatch):
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir(mode=0o700)
    monkeypatch.setenv("OSTRAKA_LEDGER", str(ledgers))
    return Room(tmp_path, keys)
