"""Sessions between parties of one event loop, over localhost sockets."""

import asyncio

import numpy as np
import pytest

from ostraka.errors import (
    Disagreement,
    InternalError,
    PeerLost,
    PeerViolation,
    PinMismatch,
    TimedOut,
    Unreachable,
)
from ostraka.exchange import octets, words
from ostraka.names import Step
from ostraka.session.lifecycle import SessionState
from ostraka.session.session import Session


async def opened(office, manifest):
    """{name: its sealed session}."""
    found = await asyncio.gather(*(office.open(manifest, name) for name in manifest.parties))
    return dict(zip(manifest.parties, found, strict=True))


async def closed(sessions):
    await asyncio.gather(*(session.close() for session in sessions.values()))


@pytest.fixture(params=["direct", "relayed", "mixed"])
async def place(request, office):
    """A function that makes manifests whose links are of one kind."""
    if request.param == "direct":
        yield office.manifest
        return
    async with office.coordinator() as address:
        direct = () if request.param == "relayed" else ("bob",)
        yield lambda *a, **k: office.manifest(*a, relay=address, direct=direct, **k)


async def test_everybody_agrees_on_the_session(office, place):
    sessions = await opened(office, place())
    assert len({session.id for session in sessions.values()}) == 1
    keys = [session.result_keys for session in sessions.values()]
    assert keys == [{("alice", "bob", "carlos"): keys[0]["alice", "bob", "carlos"]}] * 3
    assert all(session.lifecycle.state is SessionState.OPEN for session in sessions.values())
    again = await opened(office, place())
    assert again["alice"].id != sessions["alice"].id
    await closed(sessions)
    await closed(again)


async def test_no_share_leaves_before_the_session_is_sealed_nor_after_it_has_ended(office):
    manifest = office.manifest()
    unsealed = Session(manifest, office.identity("alice"), "alice")
    sessions = await opened(office, manifest)
    await closed(sessions)
    for session in (unsealed, sessions["alice"]):
        before = session.bytes_sent, session.commitment.value()
        with pytest.raises(InternalError, match=session.lifecycle.state.value):
            session.send("bob", 1, np.zeros(1, np.uint64))
        with pytest.raises(InternalError, match=session.lifecycle.state.value):
            session.broadcast(["bob"], 1, np.zeros(1, np.uint64))
        assert (session.bytes_sent, session.commitment.value()) == before
    await unsealed.close()


async def test_only_readers_hold_the_key_of_a_result(office):
    roles = {"alice": ("contributor", "compute"), "bob": ("contributor", "compute", "recipient"),
             "carlos": ("recipient",)}  # fmt: skip
    both, one = ("bob", "carlos"), ("carlos",)
    manifest = office.manifest(roles)
    found = [office.open(manifest, name, readers=(both, one)) for name in roles]
    alice, bob, carlos = await asyncio.gather(*found)
    assert alice.result_keys == {}
    assert tuple(bob.result_keys) == (both,)
    assert tuple(carlos.result_keys) == (both, one)
    assert bob.result_keys[both] == carlos.result_keys[both] != carlos.result_keys[one]
    assert alice.readies["bob"].result_nonces == alice.readies["carlos"].result_nonces == b""
    await asyncio.gather(*(session.close() for session in (alice, bob, carlos)))


async def test_messages_arrive_in_order_both_kinds_and_sizes(office, place):
    sessions = await opened(office, place())
    alice, bob = sessions["alice"], sessions["bob"]
    sent = [np.arange(size, dtype=np.uint64) for size in (0, 1, 1024, 1025, 400_000)]
    for step, vector in enumerate(sent, 1):
        alice.send("bob", Step(0, step), vector)
    alice.send("bob", Step(0, 6), np.frombuffer(b"bytes", np.uint8))
    for step, vector in enumerate(sent, 1):
        got = await bob.receive("alice", Step(0, step), words(len(vector)))
        assert got.dtype == np.uint64
        assert (got == vector).all()
    assert (await bob.receive("alice", Step(0, 6), octets(5))).tobytes() == b"bytes"
    assert alice.bytes_sent >= sum(vector.nbytes for vector in sent)
    await closed(sessions)


WRONG = {
    "length": (Step(0, 1), np.zeros(3, np.uint64), words(2)),
    "element type": (Step(0, 1), np.zeros(16, np.uint8), words(2)),
    "step": (Step(0, 2), np.zeros(2, np.uint64), words(2)),
    "longer than inline": (Step(0, 1), np.zeros(5000, np.uint64), words(2)),
    "shorter than inline": (Step(0, 1), np.zeros(2, np.uint64), words(5000)),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_vector_of_the_wrong_kind_names_its_sender(office, case):
    step, vector, expected = WRONG[case]
    sessions = await opened(office, office.manifest())
    sessions["alice"].send("bob", step, vector)
    with pytest.raises(PeerViolation, match="alice") as error:
        await sessions["bob"].receive("alice", Step(0, 1), expected)
    assert error.value.peer == "alice"
    with pytest.raises(PeerViolation):  # and nothing more comes from alice
        await sessions["bob"].receive("alice", Step(0, 2), expected)
    await closed(sessions)


async def raw(session, to, data):
    """What no honest party writes."""
    session._channels[to].link.write(data)


def frame(kind, body, length=None):
    return bytes([kind]) + (len(body) if length is None else length).to_bytes(4, "little") + body


BROKEN = {
    "4 GiB by its header": frame(1, b"", 0xFFFFFFFF),
    "a data frame of 4 GiB": frame(2, b"", 0xFFFFFFFF),
    "unknown kind": frame(9, b"x"),
    "a data frame nobody announced": frame(2, bytes(8)),
    "a relay frame on a party's link": frame(3, bytes(8)),
    "no msgpack": frame(1, b"\xc1"),
    "empty": frame(1, b""),
    "nested": frame(1, b"\x91" * 4096 + b"\xc0"),
    "nested maps": frame(1, b"\x81\x01" * 4096 + b"\xc0"),
    "an array of 2^32 by its header": frame(1, b"\xdd\xff\xff\xff\xff"),
    "bytes of 4 GiB by their header": frame(1, b"\x94\x03\xc6\xff\xff\xff\xff"),
    "unknown type": frame(1, b"\x92\x7f\x01"),
    "a Hello again": None,
    "a Ready again": None,
    "a Statement before the end": None,
}


@pytest.mark.parametrize("case", BROKEN)
async def test_bytes_that_are_no_vector_name_their_sender(office, case):
    from ostraka.wire import frames
    from ostraka.wire.messages import Statement, encode

    sessions = await opened(office, office.manifest())
    alice, bob = sessions["alice"], sessions["bob"]
    data = BROKEN[case]
    if data is None:
        message = {"H": alice.hellos["alice"], "R": alice.readies["alice"],
                   "S": Statement(b"{}", bytes(64))}[case[2]]  # fmt: skip
        data = frames.control(encode(message))
    await raw(alice, "bob", data)
    with pytest.raises(PeerViolation) as error:
        await bob.receive("alice", Step(0, 1), words(1))
    assert error.value.peer == "alice"
    assert error.value.exit_code == 50
    await closed(sessions)


async def test_a_vector_where_the_statement_was_due_spoils_no_result(office):
    from ostraka.wire.messages import Statement

    sessions = await opened(office, office.manifest(("alice", "bob")))
    sessions["alice"].send("bob", Step(0, 1), np.zeros(1, np.uint64))
    statement = Statement(b"{}", bytes(64))
    heard = await sessions["bob"].exchange_statements(statement)
    assert set(heard) == {"bob"}
    await closed(sessions)


@pytest.mark.parametrize(
    ("signer", "change"),
    [
        ("mallory", {}),
        ("alice", {"party": "bob"}),
        ("alice", {"session": "00" * 32}),
        ("alice", {"manifest_sha256": "00" * 32}),
        ("alice", None),
    ],
)
async def test_a_statement_that_is_not_alices_or_not_of_this_session_is_left_out(
    office, signer, change
):
    """It would make everybody's receipt one that does not hold."""
    from ostraka.record.commitments import canonical
    from ostraka.wire.messages import Statement

    sessions = await opened(office, office.manifest(("alice", "bob")))
    session = sessions["alice"]
    right = {"party": "alice", "session": session.id.hex(),
             "manifest_sha256": session.manifest.digest.hex()}  # fmt: skip
    body = b"[" * 9000 if change is None else canonical(right | change)
    forged = Statement(body, office.identity(signer).sign(body))
    own = Statement(b"{}", bytes(64))
    _alice, bob = await asyncio.gather(
        sessions["alice"].exchange_statements(forged),
        sessions["bob"].exchange_statements(own),
    )
    assert set(bob) == {"bob"}
    assert "alice" in sessions["bob"].lost
    await closed(sessions)


async def test_whoever_is_gone_is_lost_by_name(office, place):
    sessions = await opened(office, place())
    await sessions.pop("carlos").close()
    for name in ("alice", "bob"):
        with pytest.raises(PeerLost, match="carlos") as error:
            await sessions[name].receive("carlos", Step(0, 1), words(1))
        assert error.value.peer == "carlos"
        assert error.value.exit_code == 40
    await closed(sessions)


async def test_whoever_is_silent_is_lost_after_the_timeout(office, place):
    sessions = await opened(office, place(timeout=0.2))
    with pytest.raises(PeerLost, match=r"carlos: silent for 0\.2 s"):
        await sessions["alice"].receive("carlos", Step(0, 1), words(1))
    await closed(sessions)


async def test_an_abort_tells_a_code_and_whom_it_blames_and_nothing_else(office, place):
    sessions = await opened(office, place())
    secret = PeerLost("a secret about my input", peer="carlos")
    await sessions.pop("bob").abort(secret)
    with pytest.raises(PeerLost, match=r"bob: .*peer-lost, naming carlos") as error:
        await sessions["alice"].receive("bob", Step(0, 1), words(1))
    assert "secret" not in error.value.message
    await closed(sessions)


async def test_sending_to_the_lost_is_no_error(office):
    sessions = await opened(office, office.manifest())
    await sessions.pop("carlos").close()
    with pytest.raises(PeerLost):
        await sessions["alice"].receive("carlos", Step(0, 1), words(1))
    sessions["alice"].send("carlos", Step(0, 2), np.zeros(10**6, np.uint64))
    await sessions["alice"].flush()
    await closed(sessions)


async def test_flush_gives_up_whoever_takes_nothing(office):
    sessions = await opened(office, office.manifest(("alice", "bob"), timeout=0.3))
    sessions["alice"].send("bob", Step(0, 1), np.zeros(4_000_000, np.uint64))
    async with asyncio.timeout(5):
        await sessions["alice"].flush()
    with pytest.raises(PeerLost, match=r"took nothing for 0\.3 s"):
        await sessions["alice"].receive("bob", Step(0, 1), words(1))
    await closed(sessions)


# Gathering


async def outcome(office, manifest, name, identity=None):
    try:
        session = await office.open(manifest, name, identity)
    except Exception as error:
        return error
    await session.close()
    return session.id


async def outcomes(office, manifest, names=None):
    names = names or manifest.parties
    found = await asyncio.gather(*(outcome(office, manifest, name) for name in names))
    return dict(zip(names, found, strict=True))


async def test_the_deadline_names_who_is_missing_and_why(office, place):
    manifest = place(deadline=0.5)
    async with asyncio.timeout(20):
        found = await outcomes(office, manifest, ["alice", "bob"])
    for error in found.values():
        assert isinstance(error, TimedOut)
        assert error.exit_code == 41
        assert "carlos did not come within 0.5 s" in error.message
        assert error.peer == "carlos"
        assert error.data_left is False


async def test_no_coordinator_is_unreachable(office):
    manifest = office.manifest(relay=office.ports(1)[0], deadline=0.3)
    error = await outcome(office, manifest, "alice")
    assert isinstance(error, Unreachable)
    assert error.exit_code == 10


async def test_our_own_key_is_another_than_the_manifests(office):
    error = await outcome(office, office.manifest(), "alice", office.identity("mallory"))
    assert isinstance(error, PinMismatch)
    assert error.exit_code == 11


async def test_somebody_else_answers_at_an_address(office):
    manifest = office.manifest(("alice", "bob"), deadline=2)
    pins = {"alice": office.fingerprint("mallory")}
    address = {p.name: p.address for p in manifest.party}
    theirs = office.manifest(("alice", "bob"), addresses=address, pins=pins, deadline=2)
    false, bob = await asyncio.gather(
        outcome(office, theirs, "alice", office.identity("mallory")),
        outcome(office, manifest, "bob"),
    )
    assert isinstance(bob, PinMismatch)
    assert "alice answered with the key" in bob.message
    assert isinstance(false, TimedOut)


async def test_two_manifests_end_everybody_that_is_told(office, place, monkeypatch):
    from ostraka.session import gather

    # Longer than a Hello takes: who hears of it from a witness first cannot tell both digests.
    monkeypatch.setattr(gather, "MANIFEST_GRACE_SECONDS", 1.0)
    manifest = place()
    addresses = {p.name: p.address for p in manifest.party if p.address}
    relays = [place.address for place in manifest.session.coordinators]
    other = office.manifest(title="Tesu", addresses=addresses, relay=relays or None)
    found = await asyncio.gather(
        outcome(office, manifest, "alice"),
        outcome(office, manifest, "bob"),
        outcome(office, other, "carlos"),
    )
    for error in found:
        assert isinstance(error, Disagreement)
        assert error.exit_code == 30
        assert manifest.digest.hex() in error.message
        assert other.digest.hex() in error.message
        assert error.data_left is False


async def test_parties_of_a_secret_room_meet_though_one_has_edited_its_manifest(
    office, monkeypatch
):
    """The edit names another set of parties, so the room that keys name would be another one."""
    from ostraka.session import gather, ways

    monkeypatch.setattr(gather, "MANIFEST_GRACE_SECONDS", 0.2)
    async with office.coordinator() as address:
        three = with_room(office.manifest(("alice", "bob", "carlos"), relay=address), "7" * 32)
        two = with_room(office.manifest(("alice", "bob"), relay=address), "7" * 32)
        assert ways.room_of(three) == ways.room_of(two)
        assert ways.room_of(three) != ways.room_of(with_room(three, None))
        found = await asyncio.gather(outcome(office, three, "alice"), outcome(office, two, "bob"))
    assert [type(error) for error in found] == [Disagreement, Disagreement]


def with_room(manifest, room):
    session = manifest.session.model_copy(update={"room": room})
    return manifest.model_copy(update={"session": session})


def when_present(count, event):
    """Sets the event once so many are gathered."""
    return lambda present, _total, _away: event.set() if present == count else None


async def test_a_party_that_comes_back_is_welcome(office, place):
    manifest = place()
    there = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        alice = group.create_task(office.open(manifest, "alice", gathered=when_present(2, there)))
        leaves = group.create_task(office.open(manifest, "carlos"))
        await there.wait()
        leaves.cancel()
        await asyncio.wait([leaves])
        carlos = group.create_task(office.open(manifest, "carlos"))
        bob = group.create_task(office.open(manifest, "bob"))
    assert alice.result().id == bob.result().id == carlos.result().id
    await closed({"a": alice.result(), "b": bob.result(), "c": carlos.result()})


async def test_a_party_twice_is_told_so_and_the_first_goes_on(office, place, monkeypatch):
    from ostraka.session import gather

    monkeypatch.setattr(gather, "MANIFEST_GRACE_SECONDS", 0.1)
    manifest = place(("bob", "alice", "carlos"))
    there = asyncio.Event()

    async with asyncio.TaskGroup() as group:
        bob = group.create_task(office.open(manifest, "bob", gathered=when_present(2, there)))
        first = group.create_task(office.open(manifest, "alice"))
        await there.wait()
        second = await outcome(office, manifest, "alice")
        assert not first.done()
        assert not bob.done()
        carlos = group.create_task(office.open(manifest, "carlos"))
    assert bob.result().id == first.result().id == carlos.result().id
    assert isinstance(second, Exception)
    assert second.exit_code == 30 or "listen" in second.message
    assert "another alice is there already" in second.message or "listen" in second.message
    await closed({"a": first.result(), "b": bob.result(), "c": carlos.result()})


async def test_strangers_at_the_door_change_nothing(office):
    """Bytes, silence, TLS 1.2, TLS 1.3 without a certificate, an unknown key."""
    import ssl

    manifest = office.manifest(("alice", "bob"))
    host, port = manifest.party[0].address.split(":")
    there = asyncio.get_running_loop().create_task(outcome(office, manifest, "alice"))

    async def knock(data, context=None):
        while True:
            try:
                reader, writer = await asyncio.open_connection(host, port, ssl=context)
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
            except (ssl.SSLError, OSError):
                return b""
        writer.write(data)
        try:
            return await reader.read()
        except OSError:
            return b""
        finally:
            writer.close()

    def client(version):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        context.minimum_version = context.maximum_version = version
        return context

    magic = b"OSTRAKA\x01"
    mallory = office.identity("mallory").certificate
    alices = office.identity("alice").certificate
    for data in (
        b"GET / HTTP/1.1\r\n\r\n",
        bytes(100_000),
        magic + b"\xff\xff",
        magic + b"\x00\x00",
        magic + len(mallory).to_bytes(2, "little") + mallory,
        magic + len(alices).to_bytes(2, "little") + alices,
        magic + (400).to_bytes(2, "little") + bytes(400),
    ):
        answer = await knock(data)
        assert len(answer) < 1000  # our own preamble, and nothing else
    for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
        await knock(b"hello", client(version))
    assert not there.done()
    bob = await outcome(office, manifest, "bob")
    assert bob == await there


@pytest.mark.parametrize("version", ["TLSv1_2", "TLSv1_3"])
async def test_after_the_preamble_only_tls13_with_the_pinned_certificate(office, version):
    """A peer that knows bob's (public) certificate but uses TLS 1.2, or has no certificate."""
    import ssl

    manifest = office.manifest(("alice", "bob"), deadline=2)
    host, port = manifest.party[0].address.split(":")
    there = asyncio.get_running_loop().create_task(outcome(office, manifest, "alice"))
    bobs = office.identity("bob").certificate
    while True:
        try:
            reader, writer = await asyncio.open_connection(host, port)
            break
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    writer.write(b"OSTRAKA\x01" + len(bobs).to_bytes(2, "little") + bobs)
    head = await reader.readexactly(10)
    await reader.readexactly(int.from_bytes(head[8:], "little"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    with pytest.raises((ssl.SSLError, OSError)):
        await writer.start_tls(context)
        assert await reader.read() == b""  # TLS 1.3: the refusal comes with the first read
        raise OSError
    writer.close()
    assert not there.done()
    assert await outcome(office, manifest, "bob") == await there
