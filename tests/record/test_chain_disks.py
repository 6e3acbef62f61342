"""Disks that are full, or lose power, under a ledger: it never shuts its party out."""

import os
from pathlib import Path

import pytest

from ostraka import identity
from ostraka.errors import RefusedByLedger
from ostraka.record.chain import Chain


@pytest.fixture
def someone(keys):
    return identity.load("alice", keys)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alice.ledger"


def head_of(path):
    return path.with_name(path.name + ".head")


def read(path, someone):
    chain = Chain(path, someone)
    with chain.locked():
        pass
    return chain


def test_no_second_line_without_a_head_on_disk(path, someone, monkeypatch):
    """A full disk, or a loss of power, while the ledger was new shut its party out for good."""
    pwrite, synced = os.pwrite, []
    chain = read(path, someone)
    with chain.locked(), monkeypatch.context() as full:
        full.setattr(os, "pwrite", lambda fd, data, at: pwrite(fd, data[:20], at))
        for _ in range(2):
            with pytest.raises(RefusedByLedger, match="the disk is full"):
                chain.append({"event": "lost"})
    head_of(path).write_bytes(bytes(78))  # as some file systems leave a file that was never synced
    fsync, kinds = os.fsync, {path: "line", head_of(path): "head", path.parent: "names"}

    def on_disk(descriptor):
        synced.append(kinds[Path(os.readlink(f"/proc/self/fd/{descriptor}"))])
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", on_disk)
    chain = read(path, someone)
    with chain.locked():
        chain.append({"event": "kept"})
        chain.append({"event": "kept"})
    assert synced == ["head", "names", "line", "line"]
    assert len(read(path, someone).entries) == 3


def test_a_disk_without_room_for_a_newer_head_is_no_harm(path, someone, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    chain = read(path, someone)
    with chain.locked():
        chain.append({"event": "test"})
    with chain.locked(), monkeypatch.context() as patch:
        patch.setattr(os, "pwrite", full)
        chain.append({"event": "kept"})
    assert [e.get("event") for e in read(path, someone).entries[-2:]] == ["test", "kept"]


def test_a_head_that_was_cut_short_while_the_ledger_was_new_is_no_harm(path, someone):
    """At any byte: with half of the hash it read as another ledger's, and shut its party out."""
    read(path, someone)
    chain = read(path, someone)
    whole = f"{1:012d} {chain.head}\n".encode()
    for length in range(len(whole)):
        head_of(path).write_bytes(whole[:length])
        assert len(read(path, someone).entries) == 1
