"""Lock files that live as long as their process."""

import pytest

from ostraka.record import lifeline
from ostraka.record.lifeline import Lifeline


@pytest.fixture
def ledger(tmp_path):
    return tmp_path / "alice.ledger"


def test_a_lifeline_is_alive_until_it_is_dropped(ledger):
    assert not lifeline.is_alive(ledger, "ab")
    line = Lifeline.hold(ledger, "ab")
    assert lifeline.is_alive(ledger, "ab")
    assert not lifeline.is_alive(ledger, "abcd")
    line.drop()
    line.drop()
    assert not lifeline.is_alive(ledger, "ab")
    assert not list(ledger.parent.iterdir())


def test_a_lifeline_is_held_once(ledger):
    line = Lifeline.hold(ledger, "ab")
    with pytest.raises(BlockingIOError, match="held by another process"):
        Lifeline.hold(ledger, "ab")
    line.drop()
    Lifeline.hold(ledger, "ab").drop()


def test_the_file_is_for_its_owner_alone_and_is_no_link(ledger, tmp_path):
    line = Lifeline.hold(ledger, "ab")
    (path,) = tmp_path.iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    line.drop()
    path.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match=r"symbolic link"):
        Lifeline.hold(ledger, "ab")
    assert not (tmp_path / "elsewhere").exists()


def test_files_of_the_dead_are_swept_and_no_other(ledger, tmp_path):
    line = Lifeline.hold(ledger, "ab")
    for name in ("alice.ledger.cd.lock", "alice.ledger.ef.lock", "bob.ledger.cd.lock"):
        (tmp_path / name).touch()
    ledger.touch()
    lifeline.sweep(ledger, {"ef"})
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {
        "alice.ledger",
        "alice.ledger.ab.lock",
        "alice.ledger.ef.lock",
        "bob.ledger.cd.lock",
    }
    line.drop()
