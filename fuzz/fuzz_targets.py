"""Targets of fuzzing: one function for each reader of bytes from peers, organisers and files.

A target takes any bytes. It returns where they are read or are refused by an error that the reader
documents, and raises anything else: that is a find. `REFUSED` counts refusals, for tests.
"""

from __future__ import annotations

import functools
import os
import struct
import tempfile
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import fuzz_collections
from fuzz_refusals import REFUSED, refused_by

from ostraka import identity, strict_json
from ostraka.addresses import Proxy
from ostraka.config import bind
from ostraka.coordinator.rooms import Rooms
from ostraka.errors import (
    InputError,
    ManifestError,
    PeerLost,
    PeerViolation,
    RefusedByLedger,
    UsageError,
)
from ostraka.exchange import octets, words
from ostraka.files import NotText, decode
from ostraka.inputs.encoding import Codec
from ostraka.inputs.reading import parse_input
from ostraka.manifest import parse
from ostraka.names import Step
from ostraka.record import own_rules, receipt, statements
from ostraka.record.commitments import canonical
from ostraka.record.journal import Journal, Unreadable
from ostraka.record.journal_entries import Heard
from ostraka.record.journal_entries import decode as decode_entry
from ostraka.record.journal_frames import Damaged
from ostraka.record.journal_session import SessionRecord
from ostraka.record.ledger import Ledger
from ostraka.record.statements import About, Roster
from ostraka.service.http import Answer, Responder
from ostraka.session.nonces import ResultNonces
from ostraka.transport.preamble import Preamble
from ostraka.transport.socks import request
from ostraka.wire import brokered, frames, link_state, messages, vectors

ROSTER = Roster(["alice", "bob", "carlos"], ["alice", "bob"], ["bob", "carlos"])


@functools.cache
def place():
    """Directory for files of this process: in memory, where there is such a place."""
    memory = Path("/dev/shm")
    made = tempfile.TemporaryDirectory(prefix="fuzz-", dir=memory if memory.is_dir() else None)
    place.kept = made  # until the process ends
    return Path(made.name)


@functools.cache
def alice():
    return identity.create("alice", place())


def fed(parser, data):
    """Feed a parser until it ends, or wants more than there is; return the rest, None then."""
    source = memoryview(data)
    try:
        view = next(parser)
        while True:
            if not isinstance(view, frames.Signal):
                if len(view) > len(source):
                    return None
                view[:] = source[: len(view)]
                source = source[len(view) :]
            view = next(parser)
    except StopIteration:
        return bytes(source)


# --- from peers ----------------------------------------------------------------------------------


def link(data):
    """A link: messages one after another, each in the state that the ones before it led to."""
    state, done = link_state.LinkState.HELLO, []

    def following():
        nonlocal state
        while state is not link_state.LinkState.CLOSED:
            message = messages.decode((yield from frames.read_control()))
            state = link_state.after(state, message)
            done.append(message)

    with refused_by(PeerViolation):
        fed(following(), data)
    sent = [frames.control(messages.encode(message)) for message in done]
    assert all(frame in data for frame in sent)


def message(data):
    """One message: it is refused, or has one encoding."""
    with refused_by(PeerViolation):
        assert messages.encode(messages.decode(data)) == data


def packet(data):
    """One packet through a broker: it is refused, or has one encoding."""
    with refused_by(PeerViolation):
        assert brokered.encode(brokered.decode(data)) == data


def frame(data):
    """Frames of any kind, as a party or a coordinator reads them."""

    def following():
        kind, length = yield from frames.read_header()
        if kind is frames.Kind.RELAY:
            whole = yield from frames.read_relay(length)
            frames.set_relay_slot(whole, frames.relay_slot(whole))
            slot, payload = frames.split_relay(memoryview(whole)[frames.HEADER :])
            assert frames.relay(slot, bytes(payload)) == whole
        else:
            yield from frames.read_body(length)

    rest = data
    with refused_by(PeerViolation):
        while rest:
            rest = fed(following(), rest)


def vector(data):
    """A vector that is due at a step; the first bytes say which."""
    if len(data) < 4:
        return
    phase, n, length, kind = data[0], data[1], data[2] * 65, data[3]
    expected = words(length) if kind & 1 else octets(length)
    with refused_by(PeerViolation, PeerLost):
        fed(vectors.unpack(Step(phase, n), expected), data[4:])


def preamble(data):
    """The cleartext start of a link, and the certificate in it."""
    with refused_by(PeerViolation, PeerLost):
        reader, found = Preamble(), None
        for start in range(0, len(data), 7):
            if (found := reader.feed(data[start : start + 7])) is not None:
                identity.check_certificate(found[0])
                break


def statement(data):
    """A closing statement; the first byte says whose, and in which format."""
    if not data:
        return
    about = About(bytes(32), bytes(32), ROSTER, 1 + data[0] // 3 % 2)
    with refused_by(PeerViolation):
        said = statements.read(data[1:], ROSTER.contributors[data[0] % 3], about)
        assert canonical(said) == data[1:]


def nonces(data):
    """Nonces of results that a Ready shows."""
    ours = ResultNonces("alice", [("alice", "bob"), ("alice",), ("bob", "carlos")], bytes(32))
    with refused_by(PeerViolation):
        ours.take("bob", data[32:], data[:32])


def rooms(data):
    """A coordinator's rooms: events of five connections, each behind its length."""
    held, now, at = Rooms(), 0.0, 0
    while at + 2 <= len(data):
        who, what, rest = data[at] % 5, (data[at] >> 4) % 5, data[at + 2 : at + 2 + data[at + 1]]
        at, now = at + 2 + len(rest), now + who
        try:
            _happens(held, who, what, rest, now)
        except PeerViolation:
            REFUSED["PeerViolation"] += 1
            held.left(who, now)
    for who in range(5):
        held.left(who, now)
    assert len(held) == held.members == 0


def _happens(held, who, what, rest, now):
    if what == 0 or who not in held:
        held.join(who, rest[:1] * 32, messages.decode(rest), now)
    elif what == 1:
        held.said(who, rest)
    elif what == 2 and len(rest) >= 2:
        held.relayed(who, bytearray(frames.relay(rest[0] % 5, rest[2 : 2 + rest[1]])))
    elif what == 3:
        held.left(who, now)
    else:
        held.heard(who, now)
        held.tick(now)


def http(data):
    """The head of a request to a coordinator's pages."""
    pages = {"/healthz": lambda: Answer("200 OK", "ok\n")}
    answer = Responder(pages).answer(data + b"\r\n\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 ")
    assert not body or f"Content-Length: {len(body)}".encode() in head


def socks(data):
    """The answers of a proxy, to a party with a password and to one without."""
    known = data[:1] == b"\1"
    proxy = Proxy("proxy:1080", *(("user", "password") if known else ()))
    answers, asked = data[1:], request(proxy, "peer.example", 9440)
    with refused_by(ConnectionError), suppress(StopIteration):
        wanted = next(asked)
        while True:
            size = wanted if isinstance(wanted, int) else 0
            if size > len(answers):
                return
            given, answers = answers[:size], answers[size:]
            wanted = asked.send(given)


# --- from organisers and files -------------------------------------------------------------------


def manifest(data):
    """A manifest: refused with its mistakes, or bound to a protocol, with one canonical form."""
    with refused_by(ManifestError, NotText):
        found = parse(decode(data), "fuzz.toml")
        assert strict_json.parse(found.canonical.decode())
        bind(found)


def rules(data):
    """A party's NAME.toml."""
    path = place() / "rules" / "alice.toml"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(data)
    path.chmod(0o600)
    with refused_by(UsageError):
        for rule in own_rules.load_rules("alice", path.parent):
            rule.covers("any")
        own_rules.load_durability("alice", path.parent)


SCHEMAS = (
    'type = "int"\nmin = -5\nmax = 5000',
    'type = "decimal(2)"\nlength = 3\nmin = 0\nmax = 10',
    'type = "float(8)"\nlength = 12\nmin = -1\nmax = 1\noutside = "clip"',
    'type = "bool"\nlength = 2',
    'type = "choice([\\"a\\", \\"b c\\"])"\nlength = 9',
)


@functools.cache
def schemas():
    head = '[session]\ntitle = "t"\nprotocol = "secure-sum"\ndeadline = "1m"\n'
    for i, name in enumerate(("a", "b")):
        head += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "h:{i + 1}"\n'
        head += 'roles = ["contributor", "compute", "recipient"]\n'
    return [parse(f"{head}[input]\n{text}\n").input for text in SCHEMAS]


def given(data):
    """A contributor's input file; the first byte says what the manifest asks for."""
    schema = schemas()[data[0] % len(SCHEMAS)] if data else schemas()[0]
    with refused_by(InputError):
        codec = Codec(schema)
        x = codec.encode(parse_input(data[1:], schema, "fuzz"))
        assert codec.low <= x.min() <= x.max() <= codec.high


def receipts(data):
    """A receipt, as `verify` reads it."""
    with refused_by(UsageError, PeerViolation, ValueError):
        found = strict_json.parse(data)
        if isinstance(found, dict):
            receipt.incomplete(receipt.verify(found))


def ledger(data):
    """A ledger: as it is in the file, or entries that this party signs and chains."""
    path = place() / "ledger" / "alice.ledger"
    path.parent.mkdir(exist_ok=True)
    for old in path.parent.iterdir():
        old.unlink()
    lines = data.splitlines()
    if data[:1] == b"+":
        lines = _signed(lines[1:])
    path.touch(0o600)
    path.write_bytes(b"".join(line + b"\n" for line in lines))
    if lines and data[:1] == b"+":
        identities = f"{len(lines):012d} {_hash(lines[-1])}\n"
        path.with_name(path.name + ".head").write_text(identities)
    with refused_by(RefusedByLedger):
        found = Ledger(path.parent, alice(), now=lambda: datetime(2026, 1, 1, tzinfo=UTC))
        found.read()
        for record in found.counting():
            assert record.cost is not None


def _hash(line):
    import hashlib

    return hashlib.sha256(line).hexdigest()


def _signed(lines):
    """Sign and chain the entries that are JSON objects."""
    made, before = [], "0" * 64
    for line in (b'{"ostraka_ledger":1,"party":"alice"}', *lines):
        try:
            entry = strict_json.parse(line)
        except ValueError:
            continue
        if isinstance(entry, dict):
            whole = {**entry, "n": len(made), "prev": before}
            try:
                body = canonical(whole)
            except RecursionError:
                continue
            signature = receipt.text(alice().sign(b"ostraka ledger\0" + body))
            made.append(canonical({"entry": whole, "signature": signature}))
            before = _hash(made[-1])
    return made


def entries(data):
    """Entries of a session's record, sealed by this party, as a resumed run reads them."""
    path = place() / "alice-fuzz.record"
    _write_record(path, data)
    with refused_by(Damaged, Unreadable):
        found = Journal.reopen(path, bytes(32))
        try:
            record = SessionRecord.reread(found, powerless=lambda _boot: bool(data[:1] == b"\1"))
            while (event := record.next_event()) is not None:
                out = _elements(event)
                record.take(event, out)
        finally:
            found.close()


def _elements(event):
    import numpy as np

    from ostraka.exchange import type_codes

    return np.empty(event.length, type_codes[event.dtype]) if isinstance(event, Heard) else None


def _write_record(path, data):
    """Write bodies, each behind its length (u16), and then damage the file if the data says so."""
    path.unlink(missing_ok=True)
    made, at = Journal.create(path, bytes(32)), 2
    while at + 2 <= len(data):
        (length,) = struct.unpack_from("<H", data, at)
        made.append(data[at + 2 : at + 2 + length])
        at += 2 + length
    made.close()
    if len(data) > 1 and data[1]:
        size = path.stat().st_size
        with path.open("r+b") as file:
            file.seek(size * data[1] // 256)
            file.write(data[:1])


def entry(data):
    """One entry of a session's record."""
    with refused_by(ValueError):
        decode_entry(data)


__all__ = ["REFUSED", "TARGETS"]

TARGETS = {
    target.__name__: target
    for target in (
        link, message, packet, frame, vector, preamble, statement, nonces, rooms, http, socks,
        manifest, rules, given, receipts, ledger, entries, entry, *fuzz_collections.TARGETS,
    )
}  # fmt: skip


def without_waiting_for_disks():
    """Make fsync do nothing, for many executions a second."""
    os.fsync = lambda _descriptor: None
