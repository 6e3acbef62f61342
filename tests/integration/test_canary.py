"""A coordinator's memory and all its traffic, searched for inputs that exist nowhere else.

The inputs are unique numbers. After a relayed session, while the coordinator still runs, all of its
readable memory is read, and all bytes that passed between it and the parties (recorded by a proxy
in front of it) are searched for every form an input could take. The same search over a party that
holds the input has to find it, or it would prove nothing.
"""

import base64
import selectors
import signal
import socket
import threading
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest

CANARIES = {"alice": "71938402.57", "bob": "60417295.83", "carlos": "85026137.91"}
MEMORY = pytest.mark.skipif(not Path("/proc/self/mem").exists(), reason="no /proc/PID/mem")


def forms(text):
    """Every way to write an input, and the integer it is scaled to."""
    scaled = int(text.replace(".", ""))
    found = {text.encode(), str(scaled).encode(), text.replace(".", ",").encode()}
    for number in (scaled, scaled // 100):
        for size in (4, 8):
            for order in ("little", "big"):
                raw = (number % (1 << 8 * size)).to_bytes(size, order)
                found |= {raw, raw.hex().encode(), raw.hex().upper().encode()}
                # In base64, at each of the three alignments, without the characters that
                # neighbours would decide.
                for pad in range(3):
                    encoded = base64.b64encode(bytes(pad) + raw)
                    found.add(encoded[(0, 2, 3)[pad] : len(encoded) // 4 * 4 - 4])
        found |= {f"{number:x}".encode(), f"{number:X}".encode(), f"{number:o}".encode()}
    found |= {base64.b64encode(text.encode()).rstrip(b"="), text.encode("utf-16-le")}
    return {form for form in found if len(form) >= 4}


def test_forms_cover_what_they_should():
    found = forms("71938402.57")
    value = 7193840257
    assert value.to_bytes(8, "little") in found
    assert value.to_bytes(8, "big") in found
    assert (value % 2**32).to_bytes(4, "little") in found
    assert value.to_bytes(8, "big").hex().encode() in found
    for pad in range(3):
        text = base64.b64encode(b"x" * pad + value.to_bytes(8, "little") + b"yyy")
        assert any(form in text for form in found)


def search(data, hunted):
    """The forms in `data`: one look at each pair of its bytes, not one for each form."""
    common = {form for form in hunted if form[0] == form[1]}  # zeros are everywhere
    rare = hunted - common
    begins = np.zeros(1 << 16, bool)
    begins[[int.from_bytes(form[:2], "little") for form in rare]] = True
    heads = {}
    for form in rare:
        heads.setdefault(form[:4], []).append(form)
    found = {form for form in common if form in data}
    for odd in (0, 1):
        pairs = np.frombuffer(data, "<u2", max(0, len(data) - odd) // 2, min(odd, len(data)))
        for where in (2 * np.flatnonzero(begins[pairs]) + odd).tolist():
            forms_there = heads.get(data[where : where + 4], ())
            found |= {form for form in forms_there if data.startswith(form, where)}
    return found


def test_the_search_finds_each_form_wherever_it_is():
    hunted = forms("71938402.57")
    for form in hunted:
        for before in range(3):
            for data in (bytes(before) + form, bytes(before) + form + b"xy"):
                assert search(data, hunted) == {other for other in hunted if other in data}
                assert form in search(data, hunted)
            assert form not in search(bytes(before) + form[:-1], hunted)
    assert search(b"", hunted) == set()


def memory(pid):
    """Readable private memory of a live process, mapping by mapping."""
    with open(f"/proc/{pid}/mem", "rb", buffering=0) as file:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            span, mode, *_ = line.split()
            if not mode.startswith("rw"):
                continue  # what cannot be written to is code
            start, end = (int(part, 16) for part in span.split("-"))
            try:
                file.seek(start)
                yield file.read(end - start)
            except (OSError, OverflowError):
                continue


def found_in_memory(pid, hunted):
    """Forms found, and how many bytes were searched."""
    found, size, tail = set(), 0, b""
    for region in memory(pid):
        found |= search(tail + region, hunted)
        size += len(region)
        tail = region[-64:]
    return found, size


class Wire:
    """A proxy in front of the coordinator that keeps all that passes."""

    def __init__(self, target):
        host, port = target.rsplit(":", 1)
        self._target = host, int(port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self.kept = []
        self._ends = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._stop, stopper = socket.socketpair()
        self._selector.register(stopper, selectors.EVENT_READ)
        self._stopper = stopper
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self):
        while True:
            for key, _ in self._selector.select():
                if key.fileobj is self._stopper:
                    return
                if key.fileobj is self._listener:
                    self._join(self._listener.accept()[0], socket.create_connection(self._target))
                else:
                    self._carry(key.fileobj)

    def _join(self, one, other):
        for this, that in ((one, other), (other, one)):
            self._ends[this] = that, bytearray()
            self.kept.append(self._ends[this][1])
            self._selector.register(this, selectors.EVENT_READ)

    def _carry(self, this):
        that, kept = self._ends[this]
        try:
            data = this.recv(1 << 16)
            that.sendall(data)
        except OSError:
            data = b""
        kept += data
        if not data:
            self._selector.unregister(this)
            with suppress(OSError):
                that.shutdown(socket.SHUT_WR)

    def close(self):
        self._stop.close()
        self._thread.join()
        for sock in (self._listener, self._stopper, *self._ends):
            sock.close()
        self._selector.close()


@pytest.fixture
def wired(fleet, nursery):
    """A coordinator, an interpreter of its own, and the wire to it."""
    fleet.nursery = None
    relay = fleet.coordinator()
    fleet.nursery = nursery
    wire = Wire(relay.address)
    yield relay, wire
    wire.close()


@MEMORY
@pytest.mark.parametrize(
    "sharing",
    [
        'scheme = "additive"',
        pytest.param('scheme = "shamir"\nthreshold = 1', marks=pytest.mark.slow),
    ],
)
def test_the_coordinator_never_holds_an_input(fleet, wired, sharing):
    relay, wire = wired
    hunted = set().union(*map(forms, CANARIES.values()))
    session = fleet.manifest(
        tuple(CANARIES), wire.address, sharing=sharing, bounds="min = 0\nmax = 100000000"
    )
    parties = fleet.run_all(session, CANARIES)
    assert {party.values["sum"] for party in parties.values()} == {"217381836.31"}
    hunted |= forms("217381836.31")
    found, size = found_in_memory(relay.pid, hunted)
    assert relay.alive
    assert size > 10_000_000
    assert not found
    traffic = [bytes(kept) for kept in wire.kept]
    assert len(traffic) == 2 * len(CANARIES)
    assert min(map(len, traffic)) > 2000
    assert not set().union(*(search(part, hunted) for part in traffic))


@MEMORY
def test_the_same_search_finds_an_input_where_it_is(fleet, wired):
    """The control: alice, stopped before she shares, and a wire that carries an input."""
    _, wire = wired
    session = fleet.manifest(
        tuple(CANARIES), wire.address, bounds="min = 0\nmax = 100000000", deadline="5s"
    )
    alice = fleet.run(session, "alice", CANARIES["alice"], armed=("gathering", signal.SIGSTOP, 0))
    alice.says("phase gathering")
    found, _ = found_in_memory(alice.pid, forms(CANARIES["alice"]))
    assert CANARIES["alice"].encode() in found
    with socket.create_connection(tuple(wire.address.split(":"))) as plain:
        plain.sendall(b"input=" + CANARIES["alice"].encode())
        plain.shutdown(socket.SHUT_WR)
        plain.recv(1 << 16)
        while plain.recv(1 << 16):
            pass
    hunted = forms(CANARIES["alice"])
    assert set().union(*(search(bytes(kept), hunted) for kept in wire.kept))
