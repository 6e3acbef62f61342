"""Custody: what survives a process, who may read it, and what is erased."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from ostraka.collection import custody as module
from ostraka.collection.custody import ClosingState, Custody
from ostraka.errors import Temporary, UsageError

DIGEST = bytes(range(32))


@pytest.fixture
def custody(office: Any, tmp_path: Path) -> Any:
    opened: list[Custody] = []

    def make(name: str = "alice") -> Custody:
        opened.append(Custody.open(tmp_path, office.identity(name), DIGEST))
        return opened[-1]

    yield make
    for one in opened:
        one.close()


def report(position: int, view: bytes) -> Any:
    return SimpleNamespace(position=position, minute=7, view=view)


def test_keys_state_papers_and_reports_survive(custody: Any) -> None:
    one = custody()
    assert not one.has_keys
    key = one.make_keys()
    assert one.make_keys().secret == key.secret
    one.set(ClosingState("ab", 2, 3, "cd"))
    one.keep_papers({"close": b"\0\1"})
    assert not list(one.load())
    places = one.append([report(1, b"one"), report(4, b"")])
    places += one.append([report(5, b"three")])
    one.close()
    again = custody()
    assert again.keys()[0].secret == key.secret
    assert again.state == ClosingState("ab", 2, 3, "cd")
    assert again.papers() == {"close": b"\0\1"}
    found = again.load()
    assert list(found) == places
    assert list(again.views(found, 1)) == [b"", b"three"]
    assert [again.read(place) for place in places] == [b"one", b"", b"three"]
    assert [(place.position, place.minute) for place in places] == [(1, 7), (4, 7), (5, 7)]


def test_a_report_that_was_half_written_is_dropped(custody: Any) -> None:
    one = custody()
    one.load()
    (place,) = one.append([report(1, b"whole")])
    one.close()
    path = one.directory / "reports"
    path.write_bytes(path.read_bytes() + bytes(8) + b"\x09\0\0\0" + b"\x05\0\0\0" + b"hal")
    again = custody()
    assert list(again.load()) == [place]
    assert again.append([report(2, b"next")])[0].at == place.at + 5 + 16


def test_one_process_at_a_time_and_only_its_party(custody: Any, office: Any) -> None:
    one = custody()
    one.make_keys()
    with pytest.raises(Temporary, match="another process"):
        custody()
    one.close()
    path = one.directory / "keys"
    assert path.stat().st_mode & 0o777 == 0o600
    path.rename(custody("bob").directory / "keys")
    with pytest.raises(UsageError, match="cannot be read"):
        Custody.open(one.directory.parent, office.identity("carlos"), DIGEST).keys()


def test_what_was_answered_is_erased_but_for_that(custody: Any) -> None:
    one = custody()
    one.make_keys()
    one.keep_papers({})
    one.load()
    one.append([report(1, b"view")])
    one.finish("ef")
    one.erase()
    assert {path.name for path in one.directory.iterdir()} == {"lock", "state"}
    assert one.state.done == "ef"


def test_a_state_of_another_kind_is_refused(custody: Any, office: Any) -> None:
    one = custody()
    (one.directory / "state").write_text('{"other": 1}')
    one.close()
    with pytest.raises(UsageError, match="not one that ostraka wrote"):
        custody()


def test_views_are_read_in_chunks(custody: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CHUNK", 20)
    one = custody()
    one.load()
    sent = [bytes([i]) * (7 * i % 50) for i in range(20)]
    one.append([report(i, view) for i, view in enumerate(sent, 1)])
    assert list(one.views(one.load(), 0)) == sent
    assert list(one.views(one.load(), 17)) == sent[17:]
