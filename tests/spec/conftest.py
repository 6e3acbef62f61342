"""Sessions in which one party is the reference implementation, in the same event loop."""

import asyncio
import json
import socket
import sys
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

import ostraka
from ostraka import identity
from ostraka.manifest import parse
from ostraka.transport.reactor import Reactor

top = Path(__file__).resolve().parent.parent.parent
REFERENCE = top / "tests" / "reference"


class Room:
    """Parties of one test: keys, manifests, and sessions of ours with the reference."""

    def __init__(self, directory, keys):
        self.directory, self.keys = directory, keys

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

    async def run(self, reference, manifest, name, inputs, x=(), shown=None, beside=None, **ballot):
        """Let the other implementation play `name`; return what it found, and what ours did.

        `x`: the elements of its input. `shown`: another manifest, for the reference alone.

        `beside`: coroutines that play other parties.
        """
        document = manifest.canonical
        if shown is not None:
            document = json.dumps(shown, sort_keys=True, separators=(",", ":")).encode()
        ours = {
            party: ostraka.run(
                manifest, party, inputs.get(party), keys=self.keys, receipts=self.directory
            )
            for party in manifest.parties
            if party != name and party not in (beside or {})
        } | (beside or {})
        theirs = reference.take_part(document, name, self.keys, list(x), **ballot)
        found = await asyncio.gather(theirs, *ours.values(), return_exceptions=True)
        return found[0], dict(zip(ours, found[1:], strict=True))


MODULES = ("wire", "sharing", "session", "party", "vote", "receipt")


@pytest.fixture
def reference():
    """All names of the modules of the reference implementation, loaded afresh."""
    sys.path.insert(0, str(REFERENCE))
    try:
        modules = [import_module(name) for name in MODULES]
        yield SimpleNamespace(**{name: what for m in modules for name, what in vars(m).items()})
    finally:
        sys.path.remove(str(REFERENCE))
        for name in MODULES:
            sys.modules.pop(name, None)


@pytest.fixture
def room(tmp_path, keys, monkeypatch):
    monkeypatch.setattr(Reactor, "spin_until", lambda self, waiter, *_for: waiter.happened)
    ledgers = tmp_path / "ledgers"
    ledgers.mkdir(mode=0o700)
    monkeypatch.setenv("OSTRAKA_LEDGER", str(ledgers))
    return Room(tmp_path, keys)
