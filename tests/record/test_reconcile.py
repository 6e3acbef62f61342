"""A ledger against receipts: false ones, such of other parties, and such without a statement."""

import asyncio
import json
from datetime import UTC, datetime
from fractions import Fraction

import pytest

from ostraka.errors import PeerViolation, UsageError
from ostraka.record.budget import Spend
from ostraka.record.ledger import Ledger, Run
from ostraka.record.reconcile import reconcile

PARTIES = ("alice", "bob", "carlos")


@pytest.fixture
def receipts(office, tmp_path):
    """Receipts of two sessions, by three parties each."""
    directory = tmp_path / "receipts"
    directory.mkdir()
    manifest = office.manifest()
    for _ in range(2):
        asyncio.run(office.run(manifest, dict.fromkeys(PARTIES, 1), receipts=directory))
    return manifest, directory


def ledger(office, tmp_path, manifest, states):
    """alice's, with a run of the manifest for each of `states`: "held", or a session's id."""
    made = Ledger(tmp_path, office.identity("alice"), now=lambda: datetime.now(UTC))
    made.read()
    cost = Spend.pure(Fraction(1))
    run = Run.of(manifest, "alice", cost, weights=dict.fromkeys(PARTIES, 1))
    for state in states:
        place = made.reserve(run)
        if state != "held":
            place.commit(state, PARTIES, cost)
    return made


def sessions(directory):
    return sorted({json.loads(path.read_text())["session"] for path in directory.iterdir()})


def cut(directory, name, session):
    """Take a party's statement out of all receipts of a session."""
    for path in directory.iterdir():
        receipt = json.loads(path.read_text())
        if receipt["session"] == session:
            del receipt["parties"][name]["statement"]
            del receipt["parties"][name]["statement_signature"]
            path.write_text(json.dumps(receipt))


def test_every_run_with_a_receipt_must_be_known(office, tmp_path, receipts):
    manifest, directory = receipts
    one, two = sessions(directory)
    assert reconcile(ledger(office, tmp_path, manifest, [one, two]), directory) == (6, [], {})


def test_a_run_that_is_not_known_is_missing(office, tmp_path, receipts):
    manifest, directory = receipts
    one, two = sessions(directory)
    found = reconcile(ledger(office, tmp_path, manifest, [one, "held"]), directory)
    assert found.ours == 6
    assert [path.name for path in found.missing] == [
        f"receipt-{n}-{two[:12]}.json" for n in PARTIES
    ]


def test_without_this_party_s_statement_a_reservation_must_be_there(office, tmp_path, receipts):
    """It was in the run: its Ready is signed. It may have been lost, or cut out."""
    manifest, directory = receipts
    one, two = sessions(directory)
    cut(directory, "alice", two)
    held = ledger(office, tmp_path, manifest, [one, "held"])
    assert reconcile(held, directory) == (6, [], {})
    (tmp_path / "other").mkdir()
    unknown = reconcile(ledger(office, tmp_path / "other", manifest, [one]), directory)
    assert len(unknown.missing) == 3


def test_one_reservation_does_not_speak_for_two_runs(office, tmp_path, receipts):
    manifest, directory = receipts
    for session in sessions(directory):
        cut(directory, "alice", session)
    assert len(reconcile(ledger(office, tmp_path, manifest, ["held"]), directory).missing) == 3


def test_a_receipt_that_does_not_hold_hides_no_other(office, tmp_path, receipts):
    manifest, directory = receipts
    one, two = sessions(directory)
    false = directory / f"receipt-alice-{one[:12]}.json"
    false.write_text(false.read_text().replace(one, two))
    garbage = directory / "receipt-zoe.json"
    garbage.write_text("{}")
    found = reconcile(ledger(office, tmp_path, manifest, [two]), directory)
    assert {path: type(error) for path, error in found.refused.items()} == {
        false: PeerViolation, garbage: UsageError,
    }  # fmt: skip
    assert (found.ours, len(found.missing)) == (5, 2)
