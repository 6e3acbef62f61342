"""Results, receipts and ledgers as the page lists them."""

import json

import pytest

from ostraka import identity
from ostraka.errors import UsageError
from ostraka.record import results
from ostraka.ui.keeping import Keeping
from ostraka.ui.settings import PageSettings


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """A home and keys of alice alone."""
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    (tmp_path / "home" / "results").mkdir(mode=0o700, parents=True)
    (tmp_path / "home").chmod(0o700)
    identity.create("alice", tmp_path)
    return tmp_path


def keep(directory, party, session, **more):
    result = {"session": session, "manifest_sha256": "a1" * 32, "status": "released", **more}
    return results.keep(
        directory / "home" / "results", party, "2026-11-27T10:00:00+00:00", "W", result
    )


def test_results_are_listed_without_their_figures(alone):
    figures = [{"name": "sum", "value": 5}]
    keep(alone, "alice", "5e" * 32, outputs=figures)
    keep(alone, "bob", "6e" * 32, outputs=figures)
    mine = Keeping(PageSettings((alone,), alone, alone, "alice"))
    (head,) = mine.results()
    assert head == {
        "party": "alice", "at": "2026-11-27T10:00:00+00:00", "title": "W", "session": "5e" * 32,
        "status": "released", "manifest": "a1" * 32,
    }  # fmt: skip
    assert mine.result("5e" * 32, "alice")["result"]["outputs"] == figures
    with pytest.raises(UsageError):
        mine.result("77" * 32, "alice")
    every = Keeping(PageSettings((alone,), alone, alone))
    assert {each["party"] for each in every.results()} == {"alice", "bob"}
    keep(alone, "alice", "5e" * 32, status="noised").write_text("{")
    assert "is not a result" in mine.results()[0]["title"]


def test_a_receipt_that_does_not_hold_hides_no_other(alone):
    (alone / "receipt-alice-1.json").write_text("{}")
    (alone / "receipt-alice-2.json").write_text("no json")
    found = Keeping(PageSettings((alone,), alone, alone)).receipts()
    assert {each["file"] for each in found} == {"receipt-alice-1.json", "receipt-alice-2.json"}
    assert all(each["error"]["error"] for each in found)


def test_a_ledger_that_was_altered_is_said_to_be(alone):
    assert Keeping(PageSettings((alone,), alone, alone)).ledger() == []
    (alone / "alice.ledger").write_text(json.dumps({"no": "entry"}) + "\n")
    (found,) = Keeping(PageSettings((alone,), alone, alone, "alice")).ledger()
    assert (found["party"], found["error"]["exit"]) == ("alice", 32)
