import os
import stat
import subprocess
import sys
import threading
from contextlib import suppress

import pytest

from ostraka.record import journal
from ostraka.record.journal import InUse, Journal, Unreadable, erase
from ostraka.record.journal_frames import MAGIC, Damaged

OWN = bytes(range(32))
BODIES = [b"one", b"two" * 50, b"three" * 1000]


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alice.record"


def written(path, bodies=BODIES):
    made = Journal.create(path, OWN)
    for body in bodies:
        made.append(body)
    made.close()
    return path.read_bytes()


def read(path):
    found = Journal.reopen(path, OWN)
    try:
        return [body for body, _ in found.read()]
    finally:
        found.close()


def test_what_is_written_comes_back(path):
    written(path)
    assert read(path) == BODIES


def test_both_files_are_private_and_tell_nothing(path):
    content = written(path)
    for file in (path, path.with_suffix(".key")):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert b"three" not in content
    assert content.startswith(MAGIC)


def test_a_file_cut_anywhere_gives_the_whole_frames_before_the_cut(path):
    content = written(path, [b"one", b"two"])
    found = Journal.reopen(path, OWN)
    ends = [end for _, end in found.read()]
    found.close()
    for size in range(len(MAGIC), len(content)):
        path.write_bytes(content[:size])
        assert len(read(path)) == sum(end <= size for end in ends)


def test_a_changed_byte_is_not_taken_for_a_torn_frame(path):
    content = written(path, [b"one", b"two"])
    start = len(MAGIC) + 4  # the salt
    for place in range(start, len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        path.write_bytes(bytes(changed))
        with suppress(Damaged):
            assert len(read(path)) < 2  # a length that reaches beyond the file looks torn


def test_lives_follow_each_other(path):
    written(path)
    for n in range(3):
        again = Journal.reopen(path, OWN)
        *_, (_, size) = again.read()
        again.go_on(size)
        again.append(b"life %d" % n)
        again.close()
    assert read(path) == [*BODIES, b"life 0", b"life 1", b"life 2"]


def test_a_torn_frame_is_dropped_and_its_nonce_not_used_again(path):
    content = written(path)
    path.write_bytes(content[:-1])
    again = Journal.reopen(path, OWN)
    ends = [end for _, end in again.read()]
    again.go_on(ends[-1])
    again.append(BODIES[-1])
    again.close()
    assert read(path) == BODIES
    assert path.read_bytes()[-32:] != content[-32:]  # the same body, sealed otherwise


def test_erasing_takes_the_key_first(path, monkeypatch):
    made, removed = Journal.create(path, OWN), []
    unlink = type(path).unlink
    monkeypatch.setattr(
        type(path), "unlink", lambda p: (removed.append((p.suffix, p.read_bytes())), unlink(p))
    )
    made.append(b"one")
    made.erase()
    made.erase()
    (first, key), (second, _) = removed
    assert (first, second) == (".key", ".record")
    assert not any(key)  # overwritten
    assert not list(path.parent.iterdir())
    made.append(b"nothing comes of it")
    made.push()
    made.sync()


def test_without_its_key_it_is_unreadable(path):
    written(path)
    with pytest.raises(Unreadable, match="another party's"):
        Journal.reopen(path, bytes(32))
    key = path.with_suffix(".key")
    for content in (b"", key.read_bytes()[:-1], b"x" + key.read_bytes()[1:]):
        key.write_bytes(content)
        with pytest.raises(Unreadable, match="damaged"):
            Journal.reopen(path, OWN)
    key.unlink()
    with pytest.raises(Unreadable, match="erased"):
        Journal.reopen(path, OWN)
    erase(path)
    assert not list(path.parent.iterdir())


def test_no_two_hold_it(path):
    made = Journal.create(path, OWN)
    for again in (Journal.create, Journal.reopen):
        with pytest.raises(InUse):
            again(path, OWN)
    with pytest.raises(InUse):
        erase(path)
    made.close()
    Journal.reopen(path, OWN).close()


def test_no_other_process_opens_it_and_a_killed_one_lets_go(path):
    hold = (
        "import pathlib, sys, time; from ostraka.record.journal import Journal\n"
        "made = Journal.create(pathlib.Path(sys.argv[1]), bytes(range(32)))\n"
        "made.append(b'one'); made.push(); print('there', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", hold, str(path)], stdout=subprocess.PIPE) as held:
        assert held.stdout.readline() == b"there\n"
        with pytest.raises(InUse):
            Journal.reopen(path, OWN)
        held.kill()
    assert read(path) == [b"one"]


def test_a_new_one_takes_the_place_of_an_old_one(path):
    written(path)
    Journal.create(path, OWN).close()
    assert read(path) == []


def test_a_link_is_not_followed(path, tmp_path):
    (tmp_path / "other").write_bytes(b"precious")
    path.symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic"):
        Journal.create(path, OWN)
    assert (tmp_path / "other").read_bytes() == b"precious"


def test_a_short_write_is_gone_on_with(path, monkeypatch):
    write = os.pwritev
    monkeypatch.setattr(
        journal.os, "pwritev", lambda fd, parts, at: write(fd, [b"".join(parts)[:7]], at)
    )
    written(path)
    monkeypatch.undo()
    assert read(path) == BODIES


def test_more_frames_than_one_call_takes(path):
    bodies = [b"%d" % n for n in range(2000)]
    written(path, bodies)
    assert read(path) == bodies


def test_closing_waits_for_what_another_thread_writes(path, monkeypatch):
    made, writing, go = Journal.create(path, OWN), threading.Event(), threading.Event()
    write = os.pwritev

    def slow(descriptor, parts, at):
        writing.set()
        go.wait(5)
        return write(descriptor, parts, at)

    monkeypatch.setattr(journal.os, "pwritev", slow)
    made.append(b"one")
    thread = threading.Thread(target=made.push)
    thread.start()
    writing.wait(5)
    threading.Timer(0.05, go.set).start()
    made.close()
    thread.join()
    monkeypatch.undo()
    assert read(path) == [b"one"]
