import os
import stat
import time

import numpy as np
import pytest

from ostraka.errors import Temporary
from ostraka.record import journal_store
from ostraka.record.journal_store import RecordStore

DIGEST, SEED = b"\x01" * 32, b"s" * 32
X = np.arange(3, dtype=np.uint64)


@pytest.fixture
def store(keys, tmp_path):
    from ostraka import identity

    return RecordStore(tmp_path / "sessions", identity.load("alice", keys), 3600.0)


@pytest.fixture
def warned():
    return []


def test_an_unfinished_run_is_found_again(store, warned):
    made = store.begin(DIGEST, SEED, X)
    assert stat.S_IMODE(store.directory.stat().st_mode) == 0o700
    made.close()
    found = store.unfinished(DIGEST, warned.append)
    assert (found.begun.seed, found.x.tolist(), found.power_lost) == (SEED, [0, 1, 2], False)
    assert not warned
    assert store.unfinished(bytes(32), warned.append) is None


def test_a_finished_run_is_not(store, warned):
    store.begin(DIGEST, SEED, X).erase()
    assert store.unfinished(DIGEST, warned.append) is None
    assert not list(store.directory.iterdir())


def test_a_run_that_goes_on_is_another_process(store, warned):
    made = store.begin(DIGEST, SEED, X)
    for again in (
        lambda: store.begin(DIGEST, SEED, X),
        lambda: store.unfinished(DIGEST, warned.append),
    ):
        with pytest.raises(Temporary, match="another process") as error:
            again()
        assert error.value.data_left is False
    made.close()


def test_another_party_cannot_read_it(store, keys, warned):
    from ostraka import identity

    store.begin(DIGEST, SEED, X).close()
    path = store.path(DIGEST)
    bob = RecordStore(store.directory, identity.load("bob", keys), 3600.0)
    for file in (path, path.with_suffix(".key")):
        file.rename(bob.path(DIGEST).with_suffix(file.suffix))
    assert bob.unfinished(DIGEST, warned.append) is None
    assert "another party's" in warned[0]
    assert not list(store.directory.iterdir())


@pytest.mark.parametrize("what", ["version", "power"])
def test_another_version_or_start_of_the_machine(store, warned, monkeypatch, what):
    store.begin(DIGEST, SEED, X).close()
    if what == "version":
        monkeypatch.setattr(journal_store, "RELEASE", "9.9")
        assert store.unfinished(DIGEST, warned.append) is None
        assert "9.9" in warned[0]
    else:
        for now in ("", "another"):
            monkeypatch.setattr(journal_store, "boot", lambda now=now: now)
            found = store.unfinished(DIGEST, warned.append)
            assert found.power_lost
            found.close()


def test_a_record_expires(store, warned):
    store.begin(DIGEST, SEED, X).close()
    held = store.begin(bytes(32), SEED, None)
    for path in store.directory.glob("*.record"):
        os.utime(path, (time.time() - 4000, time.time() - 4000))
    assert store.unfinished(DIGEST, warned.append) is None
    assert not warned
    left = {path.stem for path in store.directory.iterdir()}
    assert left == {store.path(bytes(32)).stem}  # a process holds it
    held.close()


def test_a_directory_that_cannot_be_written_costs_nothing_but_the_run(store):
    store.directory.write_text("in the way")
    with pytest.raises(Temporary, match="nothing was sent") as error:
        store.begin(DIGEST, SEED, X)
    assert "durable = false" in error.value.hint


def test_damage_is_told_and_the_run_begins_anew(store, warned):
    store.begin(DIGEST, SEED, X).close()
    path = store.path(DIGEST)
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert store.unfinished(DIGEST, warned.append) is None
    assert "damaged" in warned[0]


@pytest.mark.skipif(not journal_store._BOOT.exists(), reason="this system tells no boot id")
def test_a_boot_has_a_name():
    assert journal_store.boot() == journal_store.boot() != ""


def test_a_record_that_cannot_go_on_for_lack_of_room_is_kept(store, warned, monkeypatch):
    """The error said "nothing was sent", of a run whose earlier process may have sent shares."""

    def full(*_):
        raise OSError(28, "No space left on device")

    store.begin(DIGEST, SEED, X).close()
    with monkeypatch.context() as patch, pytest.raises(Temporary, match="it is kept") as error:
        patch.setattr(os, "pwritev", full)
        store.unfinished(DIGEST, warned.append)
    assert error.value.data_left is True
    store.unfinished(DIGEST, warned.append).erase()
