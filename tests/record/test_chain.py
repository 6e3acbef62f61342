"""The file on disk: what is written holds, and every way to spoil it is told."""

import json
import os
import stat
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka import identity
from ostraka.errors import RefusedByLedger, Temporary
from ostraka.record import chain as chains
from ostraka.record.chain import Chain


@pytest.fixture(scope="session")
def someone(tmp_path_factory):
    return identity.create("alice", tmp_path_factory.mktemp("alice"))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alice.ledger"


def head_of(path):
    return path.with_name(path.name + ".head")


@pytest.fixture
def filled(path, someone):
    """A file of five lines: the first says whose it is."""
    chain = Chain(path, someone)
    with chain.locked():
        for number in range(1, 5):
            chain.append({"event": "test", "number": number})
    return path


def read(path, someone):
    chain = Chain(path, someone)
    with chain.locked():
        pass
    return chain


def refused(path, someone, words):
    with pytest.raises(RefusedByLedger, match=words) as caught:
        read(path, someone)
    assert caught.value.data_left is False
    assert caught.value.hint


def lines(path):
    return path.read_bytes().splitlines(keepends=True)


# --- what is written -----------------------------------------------------------------------------


def test_entries_come_back_in_order(filled, someone):
    chain = read(filled, someone)
    assert [entry.get("number") for entry in chain.entries] == [None, 1, 2, 3, 4]
    assert chain.entries[0]["party"] == "alice"
    assert [entry["n"] for entry in chain.entries] == [0, 1, 2, 3, 4]
    assert head_of(filled).read_text() == f"{5:012d} {chain.head}\n"


def test_only_we_can_read_it(filled):
    for path in (filled, head_of(filled)):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_others_can_read_is_refused(filled, someone):
    filled.chmod(0o640)
    refused(filled, someone, "can be read or changed by others")


def test_a_link_to_somewhere_else_is_refused(filled, someone):
    filled.rename(filled.with_name("elsewhere"))
    filled.symlink_to(filled.with_name("elsewhere"))
    refused(filled, someone, "cannot be used")


def test_no_place_to_write(tmp_path, someone):
    refused(tmp_path / "nowhere" / "alice.ledger", someone, "cannot be used: No such file")


def test_every_line_is_on_disk_before_append_returns(path, someone, monkeypatch):
    synced = []
    fsync = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (synced.append(os.fstat(fd).st_size), fsync(fd)))
    chain = Chain(path, someone)
    with chain.locked():
        chain.append({"event": "test"})
        assert synced[-1] == path.stat().st_size
    assert chain.entries[-1]["event"] == "test"


def test_a_full_disk_is_a_refusal_and_leaves_no_half_line(filled, someone, monkeypatch):
    chain = read(filled, someone)
    write = os.write
    with chain.locked():
        with monkeypatch.context() as full, pytest.raises(RefusedByLedger, match="cannot be used"):
            full.setattr(os, "write", lambda fd, data: write(fd, data[:20]))
            chain.append({"event": "lost"})
        chain.append({"event": "kept"})
    assert [e.get("event") for e in read(filled, someone).entries[-2:]] == ["test", "kept"]


# --- two at once ---------------------------------------------------------------------------------


def test_two_that_write_in_turn_see_each_other(path, someone):
    one, other = Chain(path, someone), Chain(path, someone)
    for number in range(6):
        chain = (one, other)[number % 2]
        with chain.locked():
            chain.append({"event": "test", "number": number})
    assert [e["number"] for e in read(path, someone).entries[1:]] == list(range(6))


WRITER = """
import sys
from pathlib import Path
from ostraka.record.chain import Chain
from ostraka import identity
who = identity.load("alice", Path(sys.argv[1]))
chain = Chain(Path(sys.argv[2]), who)
for number in range(40):
    with chain.locked():
        chain.append({"event": "test", "who": sys.argv[3], "number": number})
"""


def test_two_processes_at_once_lose_nothing(nursery, path, someone):
    """Also when both find no file and make it."""
    arguments = ["-c", WRITER, someone.key_path.parent, path]
    children = [
        nursery.start([*arguments, who], path.parent, dict(os.environ), False) for who in "ab"
    ]
    assert [child.communicate(30) for child in children] == [("", "")] * 2
    assert [child.returncode for child in children] == [0, 0]
    entries = read(path, someone).entries[1:]
    for who in "ab":
        assert [e["number"] for e in entries if e["who"] == who] == list(range(40))


def test_whoever_holds_the_file_is_not_waited_for_without_end(filled, someone, monkeypatch):
    monkeypatch.setattr(chains, "LOCK_SECONDS", 0.05)
    holder, other = read(filled, someone), Chain(filled, someone)
    with holder.locked(), pytest.raises(Temporary, match="another process"), other.locked():
        pass


# --- a crash -------------------------------------------------------------------------------------


def test_a_last_line_that_was_never_finished_is_left_out_and_said(filled, someone):
    whole = filled.read_bytes()
    for cut in (1, 20, 200):
        filled.write_bytes(whole + lines(filled)[-1][:cut])
        chain = read(filled, someone)
        assert (len(chain.entries), chain.torn) == (5, cut)
        filled.write_bytes(whole)
    filled.write_bytes(whole + b'{"entry":')
    chain = Chain(filled, someone)
    with chain.locked():
        chain.append({"event": "next"})
        assert chain.torn == 0
    assert filled.read_bytes().startswith(whole + b'{"entry":{"event":"next"')
    assert read(filled, someone).torn == 0


def test_a_crash_between_the_line_and_the_head_is_no_harm(filled, someone):
    old = head_of(filled).read_bytes()
    chain = Chain(filled, someone)
    with chain.locked():
        chain.append({"event": "next"})
    head_of(filled).write_bytes(old)
    assert len(read(filled, someone).entries) == 6


@pytest.mark.parametrize("head", [None, b""])
def test_a_crash_while_the_files_are_made_is_no_harm(path, someone, head):
    for content in (b"", b'{"entry":{"n":0'):
        path.write_bytes(content)
        path.chmod(0o600)
        if head is not None:
            head_of(path).write_bytes(head)
        assert read(path, someone).entries[0]["party"] == "alice"
        assert read(path, someone).torn == 0
        path.unlink()
        head_of(path).unlink()


# --- tampering -----------------------------------------------------------------------------------


def resigned(line, someone, **changes):
    """A line changed by someone with that key."""
    from ostraka.record.commitments import canonical
    from ostraka.record.receipt import text

    entry = json.loads(line)["entry"] | changes
    signature = text(someone.sign(b"ostraka ledger\0" + canonical(entry)))
    return canonical({"entry": entry, "signature": signature}) + b"\n"


def test_a_changed_line_in_the_middle(filled, someone):
    for number in range(1, 4):
        whole = lines(filled)
        whole[number] = whole[number].replace(b'"number":', b'"number":1')
        original = filled.read_bytes()
        filled.write_bytes(b"".join(whole))
        refused(filled, someone, f"breaks between its lines {number + 1} and {number + 2}")
        filled.write_bytes(original)


def test_a_changed_last_line(filled, someone):
    filled.write_bytes(filled.read_bytes().replace(b'"number":4', b'"number":9'))
    refused(filled, someone, "not signed by this party's key at line 5")


@pytest.mark.parametrize("number", [0, 2, 4])
@pytest.mark.parametrize(
    "edit",
    [
        lambda line: line.replace(b'{"entry":', b'{"entry":{"n":9},"entry":', 1),
        lambda line: line.replace(b'"n":', b'"n":9,"n":', 1),
        lambda line: line.replace(b'"signature"', b'"more":1,"signature"', 1),
        lambda line: line.replace(b'"signature"', b'"sign"', 1),
        lambda line: b"[" * 100_000 + b"\n",
        lambda line: b"\xff" + line,
    ],
)
def test_a_line_that_readers_could_take_for_different_things(filled, someone, number, edit):
    whole = lines(filled)
    whole[number] = edit(whole[number])
    filled.write_bytes(b"".join(whole))
    refused(filled, someone, f"cannot be read at line {number + 1}")


def test_a_last_line_that_is_made_anew_without_the_key(filled, someone, tmp_path):
    mallory = identity.create("mallory", tmp_path)
    whole = lines(filled)
    for number in (3, 4):
        forged = [*whole[:number], resigned(whole[number], mallory, number=9)]
        filled.write_bytes(b"".join(forged))
        refused(filled, someone, "not signed by this party's key")


def test_an_added_line_without_the_key(filled, someone, tmp_path):
    mallory = identity.create("mallory", tmp_path)
    last = read(filled, someone)
    line = resigned(lines(filled)[-1], mallory, n=5, prev=last.head)
    filled.write_bytes(filled.read_bytes() + line)
    refused(filled, someone, "not signed by this party's key at line 6")


@pytest.mark.parametrize("gone", [0, 1, 3])
def test_a_missing_line(filled, someone, gone):
    whole = lines(filled)
    del whole[gone]
    filled.write_bytes(b"".join(whole))
    refused(filled, someone, "breaks between its lines")


def test_a_line_twice_or_lines_swapped(filled, someone):
    whole = lines(filled)
    filled.write_bytes(b"".join([*whole, whole[-1]]))
    refused(filled, someone, "breaks between its lines 5 and 6")
    whole[2], whole[3] = whole[3], whole[2]
    filled.write_bytes(b"".join(whole))
    refused(filled, someone, "breaks")


@pytest.mark.parametrize(
    "line", [b"\n", b"null\n", b"{}\n", b"\xff\n", b'{"entry":[]}\n', b"[" * 99999 + b"\n"]
)
def test_a_line_that_is_none(filled, someone, line):
    filled.write_bytes(filled.read_bytes() + line)
    refused(filled, someone, "cannot be read at line 6")


@given(st.data())
@examples(40)
def test_no_changed_byte_is_believed(someone, data):
    """Whatever byte, whatever it becomes: a refusal, or, where that cannot matter, the same."""
    with TemporaryDirectory() as directory:
        path = Path(directory) / "alice.ledger"
        chain = Chain(path, someone)
        with chain.locked():
            for number in range(3):
                chain.append({"event": "test", "number": number})
        content = bytearray(path.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1))
        content[place] ^= data.draw(st.integers(1, 255))
        path.write_bytes(content)
        with pytest.raises(RefusedByLedger):
            read(path, someone)
        head_of(path).unlink()  # without it the last line alone could still be cut short
        content[place:] = b""
        path.write_bytes(content)
        if content.count(b"\n") > 1:
            refused(path, someone, "has lost alice.ledger.head")


def test_somebody_else_s_ledger(filled, someone, tmp_path):
    other = identity.create("mallory", tmp_path)
    refused(filled, other, "not signed by this party's key")


# --- older copies --------------------------------------------------------------------------------


@pytest.mark.parametrize("kept", [0, 1, 4])
def test_an_older_copy_of_the_file(filled, someone, kept):
    filled.write_bytes(b"".join(lines(filled)[:kept]))
    refused(filled, someone, "is not the one last written")


def test_a_file_that_is_gone(filled, someone):
    filled.unlink()
    refused(filled, someone, "is gone, and alice.ledger.head is not")
    assert not filled.exists()


def test_a_head_that_is_gone_or_unreadable(filled, someone):
    head = head_of(filled)
    for content in (b"x", b"1 2 3", b"five " + b"0" * 64, b"\xff\xfe"):
        head.write_bytes(content)
        refused(filled, someone, "unreadable")
    for spoil in (lambda: head.write_bytes(b""), head.unlink):
        spoil()
        refused(filled, someone, "has lost alice.ledger.head")


def test_a_copy_that_went_on_elsewhere(filled, someone, tmp_path):
    """Two copies of file and head, both used: each holds by itself, and neither has the other's
    head."""
    copy = tmp_path / "copy" / "alice.ledger"
    copy.parent.mkdir(mode=0o700)
    copy.write_bytes(filled.read_bytes())
    copy.chmod(0o600)
    head_of(copy).write_bytes(head_of(filled).read_bytes())
    for path, number in ((filled, 5), (copy, 6)):
        chain = Chain(path, someone)
        with chain.locked():
            chain.append({"event": "test", "number": number})
        assert len(read(path, someone).entries) == 6
    filled.write_bytes(copy.read_bytes())
    refused(filled, someone, "or others")


def test_an_older_copy_of_both_files_is_not_told(filled, someone):
    """Nothing on this disk could: receipts can. Written down here so that nobody believes more."""
    old = filled.read_bytes(), head_of(filled).read_bytes()
    chain = Chain(filled, someone)
    with chain.locked():
        chain.append({"event": "forgotten"})
    filled.write_bytes(old[0])
    head_of(filled).write_bytes(old[1])
    assert len(read(filled, someone).entries) == 5


def test_a_file_cut_short_while_it_is_in_use(filled, someone):
    chain = read(filled, someone)
    filled.write_bytes(b"".join(lines(filled)[:2]))
    with pytest.raises(RefusedByLedger, match="lost lines while it was in use"), chain.locked():
        pass


def test_nothing_prints_a_key(someone, path):
    assert "PRIVATE" not in repr(vars(Chain(Path(path), someone)))
