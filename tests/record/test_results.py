"""Results on disk: written whole, found again, deleted when asked."""

import os
from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.record import results

RESULT = {"session": "ab" * 32, "status": "released", "outputs": [{"name": "sum", "value": 15}]}


def keep(directory, party="alice", session="ab" * 32):
    result = RESULT | {"session": session}
    return results.keep(directory, party, "2026-11-28T10:00:00+00:00", "Raises", result)


def test_what_is_kept_is_found_as_it_was(tmp_path):
    path = keep(tmp_path)
    assert path.stat().st_mode & 0o777 == 0o600
    found = results.find(tmp_path)
    assert found.read() == {
        "party": "alice", "at": "2026-11-28T10:00:00+00:00", "title": "Raises", "result": RESULT,
    }  # fmt: skip
    assert list(found.read()["result"]) == list(RESULT)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_it_is_on_disk_before_its_name_appears(tmp_path, monkeypatch):
    happened = []
    fsync, replace = os.fsync, os.replace
    monkeypatch.setattr(os, "fsync", lambda d: (happened.append("fsync"), fsync(d)))
    monkeypatch.setattr(os, "replace", lambda a, b: (happened.append("replace"), replace(a, b)))
    keep(tmp_path)
    assert happened == ["fsync", "replace", "fsync"]


def test_a_full_disk_leaves_nothing_behind(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        keep(tmp_path)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OSError, match="No such file"):
        keep(tmp_path / "none")


def test_the_last_that_of_a_session_and_that_of_a_party(tmp_path):
    for i, (party, session) in enumerate(
        [("alice", "ab" * 32), ("bob", "ab" * 32), ("alice", "ac" * 32)]
    ):
        os.utime(keep(tmp_path, party, session), ns=(i, i))
    assert [(k.party, k.session[:2]) for k in results.kept(tmp_path)] == [
        ("alice", "ac"),
        ("bob", "ab"),
        ("alice", "ab"),
    ]
    assert results.find(tmp_path).session == "ac" * 32
    assert results.find(tmp_path, party="bob").session == "ab" * 32
    assert results.find(tmp_path, "ac").party == "alice"
    for session, party, words in (
        ("ab", "", "alice, bob have results"),
        ("a", "", "several sessions"),
        ("ff", "", "no result of session ff"),
        ("", "carlos", "no result of carlos"),
    ):
        with pytest.raises(UsageError, match=words):
            results.find(tmp_path, session, party)
    results.forget(results.find(tmp_path, "ab", "bob"))
    assert results.find(tmp_path, "ab").party == "alice"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"result": 1}', '{"result": {}, "result": 1}'])
def test_a_file_of_another_kind_is_told(tmp_path: Path, content):
    (tmp_path / "ab.alice.json").write_text(content)
    with pytest.raises(UsageError, match="not a result"):
        results.find(tmp_path).read()
