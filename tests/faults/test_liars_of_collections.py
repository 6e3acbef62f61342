"""Collections among liars: mailboxes, contributors and compute parties that do what they like."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from polls import VOTES, Poll, answer, refusal

from ostraka.collection.closing import ReportAgreement
from ostraka.collection.counting import ReportStanding
from ostraka.collection.holdings import Holdings
from ostraka.errors import OstrakaError


@pytest.fixture
def poll(office: Any, tmp_path: Path) -> Any:
    def make(tables: str = VOTES, **options: Any) -> Poll:
        return Poll(office, tmp_path, tables, **options)

    return make


# --- a mailbox that lies ------------------------------------------------------------------------


async def test_a_report_that_a_party_gets_later_counts(poll: Any) -> None:
    one = poll()
    await one.accept()
    sent = one.vote("yes", "no", "yes")
    one.box.late_for = {"bob": {sent[0].digest}, "carlos": {sent[1].digest, sent[2].digest}}
    assert await answer(one) == {"yes": 2, "no": 1}
    assert one.said["left_out"] == 0


async def test_a_report_that_a_party_never_gets_is_left_out_and_counted(poll: Any) -> None:
    one = poll(collection="max_unopenable = 0.5\n")
    await one.accept()
    sent = one.vote("yes", "no", "yes")
    one.box.hidden = {"bob": {sent[0].digest}}
    assert await answer(one) == {"yes": 1, "no": 1}
    assert (one.said["left_out"], one.said["refused"]) == (1, [0, 1, 0])
    assert "1 of 3 reports were left out" in one.warned["alice"][0]


async def test_above_max_unopenable_nothing_is_opened(poll: Any) -> None:
    one = poll()
    await one.accept()
    sent = one.vote("yes", "no", "yes")
    one.box.hidden = {"bob": {sent[0].digest}}
    for error in (await refusal(one)).values():
        assert "bob does not have or cannot open 1 of 3 reports" in error.message
    one.box.hidden = {}
    assert await answer(one) == {"yes": 2, "no": 1}  # the reports are kept


async def test_a_mailbox_that_doubles_and_reorders_changes_nothing(poll: Any) -> None:
    one = poll()
    await one.accept()
    sent = one.vote("yes", "no", "yes")
    one.send(*sent)
    one.box.reversed = {"alice", "carlos"}
    assert await answer(one) == {"yes": 2, "no": 1}
    assert one.said["in_time"] == 3


async def test_without_the_mailbox_nothing_begins(poll: Any) -> None:
    one = poll()
    await one.accept()
    one.vote("yes", "no")
    one.box.down = True
    for error in (await refusal(one)).values():
        assert "mailbox does not answer" in error.message
        assert error.data_left is not True


# --- reports that are no reports ----------------------------------------------------------------


async def test_a_report_that_one_party_cannot_open(poll: Any) -> None:
    one = poll(collection="max_unopenable = 0.5\n")
    await one.accept()
    one.vote("yes", "no")
    good = one.shape.lengths
    one.send(one.sealed(2, [bytes(good[0]), b"\xff" * good[1], bytes(good[2])]))
    assert await answer(one) == {"yes": 1, "no": 1}
    assert one.said["refused"] == [0, 1, 0]


async def test_what_more_parties_refuse_than_may_lie_does_not_count_against_them(poll: Any) -> None:
    """So nobody who reports can stop a collection by reports that no honest party can open."""
    one = poll()
    await one.accept()
    one.vote("yes", "no")
    good = one.shape.lengths
    one.send(one.sealed(2, [bytes(good[0]), b"\xff" * good[1], b"\xff" * good[2]]))
    assert await answer(one) == {"yes": 1, "no": 1}
    assert (one.said["refused"], one.said["left_out"]) == ([0, 1, 1], 1)


async def test_shares_of_no_polynomial_are_found(poll: Any) -> None:
    one = poll(VOTES.replace("threshold = 1", 'threshold = 1\nsecurity = "active"'))
    await one.accept()
    one.vote("yes", "no")
    lengths = one.shape.lengths
    one.send(one.sealed(2, [bytes(lengths[0]), bytes(lengths[1]), bytes(8) * (lengths[2] // 8)]))
    found = await one.close()
    for outcome in found.values():
        if isinstance(outcome, BaseException):
            assert isinstance(outcome, OstrakaError)
        else:
            assert outcome.value("tally") == {"yes": 1, "no": 1}


# --- compute parties that lie -------------------------------------------------------------------


class Denying(Holdings):
    """Holdings that deny what they have."""

    def standing(self, digest: bytes) -> ReportStanding:
        return ReportStanding.REFUSED


class Inventing(Holdings):
    """Holdings that list reports which no contributor sent."""

    def listed(self) -> Any:
        return [*super().listed(), bytes(32), b"\1" * 32]


async def lying(one: Poll, monkeypatch: pytest.MonkeyPatch, kind: type[Holdings]) -> None:
    """Let bob lie."""
    from ostraka import collecting

    def make(custody: Any, *rest: Any) -> Holdings:
        return (kind if "bob" in custody.directory.name else Holdings)(custody, *rest)

    monkeypatch.setattr(collecting, "Holdings", make)
    await one.accept()
    one.vote("yes", "no", "yes")


async def test_false_refusals_stop_and_are_named(poll: Any, monkeypatch: Any) -> None:
    one = poll()
    await lying(one, monkeypatch, Denying)
    for error in (await refusal(one)).values():
        assert "bob does not have or cannot open 3 of 3" in error.message


async def test_invented_reports_are_in_no_answer(poll: Any, monkeypatch: Any) -> None:
    one = poll()
    await lying(one, monkeypatch, Inventing)
    assert await answer(one) == {"yes": 2, "no": 1}
    assert (one.said["in_time"], one.said["left_out"]) == (5, 2)


@pytest.mark.parametrize("step", [1, 3])
async def test_a_party_that_tells_others_different_things_is_found(
    poll: Any, monkeypatch: Any, step: int
) -> None:
    said = ReportAgreement._say

    def lie(self: ReportAgreement, at: int, message: Any) -> None:
        exchange = self._exchange
        if exchange.me != "bob" or at != step:
            said(self, at, message)
            return
        other = message.copy()
        other[:1] ^= 1
        exchange.send("alice", self._step.later(at), message)
        exchange.send("carlos", self._step.later(at), other)

    one = poll(collection="max_unopenable = 1\n")
    await one.accept()
    one.vote("yes", "no", "yes")
    monkeypatch.setattr(ReportAgreement, "_say", lie)
    errors = await refusal(one)
    told = [error.message for error in errors.values()]
    assert any("heard different things of the reports" in text for text in told), told


async def test_a_wrong_parcel_cannot_be_put_in(poll: Any, monkeypatch: Any) -> None:
    """With active security bob computes with another report's parcel, and nothing is opened."""
    one = poll(VOTES.replace("threshold = 1", 'threshold = 1\nsecurity = "active"'))
    await one.accept()
    sent = one.vote("yes", "no", "yes")
    true = Holdings.parcel

    def parcel(self: Holdings, digest: bytes) -> bytes:
        wrong = self._party == "bob" and digest == sent[0].digest
        return true(self, sent[1].digest if wrong else digest)

    monkeypatch.setattr(Holdings, "parcel", parcel)
    await refusal(one)
