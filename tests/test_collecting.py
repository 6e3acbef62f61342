"""Closing of collections: compute parties over real sockets, with a mailbox in memory."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from polls import VOTES, Poll, answer, refusal

from ostraka.collecting import Collecting
from ostraka.collection.counting import ReportStanding
from ostraka.collection.holdings import Holdings
from ostraka.collection.merkle import Tree
from ostraka.collection.orders import write_close, write_revocations
from ostraka.errors import (
    Aborted,
    InputError,
    OstrakaError,
    RefusedByLedger,
    RefusedByPolicy,
    Temporary,
)
from ostraka.inputs.reading import read_inputs
from ostraka.mailbox.papers import read_agreed
from ostraka.names import PartyId
from ostraka.sharing.scheme import Explicit, Parcel
from ostraka.simulation import simulate_sync

SUM = (
    '[input]\ntype = "int"\nmin = 0\nmax = 10\n[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    "[policy]\nmin_contributors = 2\n"
)


@pytest.fixture
def poll(office: Any, tmp_path: Path) -> Any:
    def make(tables: str = VOTES, **options: Any) -> Poll:
        return Poll(office, tmp_path, tables, **options)

    return make


async def test_a_tally_of_reports(poll: Any) -> None:
    one = poll()
    await one.accept()
    sent = one.vote("yes", "no", "yes", "yes")
    assert await answer(one) == {"yes": 3, "no": 1}
    for outcome in one.outcomes.values():
        assert outcome.contributors == ("#1", "#2", "#3", "#4")
    assert one.warned == {"alice": [], "bob": [], "carlos": []}
    root = Tree.of([(i, report.digest) for i, report in enumerate(sent, 1)]).root.hex()
    assert one.said == {
        "root": root, "in_time": 4, "left_out": 0, "revoked": 0, "replaced": 0, "agreed": 4,
        "refused": [0, 0, 0], "counted": 4, "places": 6,
    }  # fmt: skip
    counted = read_agreed(one.box.agreed["bob"], one.shape, 1)
    assert counted.tree.root.hex() == root
    assert counted.proof(sent[2].digest).place == 3


@pytest.mark.parametrize("security", ["passive", "active"])
async def test_a_sum_counts_what_is_valid(poll: Any, security: str) -> None:
    one = poll(SUM.replace("threshold = 1", f'threshold = 1\nsecurity = "{security}"'),
               protocol="secure-sum")  # fmt: skip
    await one.accept()
    one.send(one.report(0, 3), one.report(1, 10), one.report(2, 0, raw=11), one.report(4, 4))
    assert await answer(one, "sum") == 17
    assert one.outcomes["alice"].contributors == ("#1", "#2", "#5")
    assert (one.said["agreed"], one.said["counted"]) == (4, 3)
    assert one.warned["bob"] == ["1 of 4 reports are not valid: not counted"]


async def test_a_recipient_that_does_not_compute(poll: Any) -> None:
    one = poll(SUM, protocol="secure-sum", recipients={"david": '"recipient"'})
    await one.accept()
    one.send(one.report(0, 3), one.report(5, 10), one.report(2, 0, raw=11))
    assert await answer(one, "sum") == 13
    assert one.outcomes["david"].contributors == ("#1", "#6")
    assert set(one.box.receipts) == {"alice", "bob", "carlos"}


async def test_two_compute_parties_add_up_unchecked(poll: Any) -> None:
    tables = SUM.replace('"shamir"\nthreshold = 1', '"additive"')
    one = poll(tables, protocol="secure-sum", compute=("alice", "bob"))
    await one.accept()
    one.send(one.report(0, 3), one.report(5, 10))
    assert await answer(one, "sum") == 13


async def test_open_to_all_with_noise(poll: Any) -> None:
    noise = '[privacy]\ncentral = { mechanism = "laplace", epsilon = 4 }\n'
    one = poll(VOTES + noise, source="open")
    await one.accept()
    sent = [one.report(i, "yes") for i in range(5)]
    one.send(*sent)
    found = await answer(one)
    assert -30 < found["no"] < 30
    ranked = sorted(report.digest for report in sent)
    assert one.said["root"] == Tree.of(list(enumerate(ranked, 1))).root.hex()


async def test_a_public_result_is_at_the_mailbox(poll: Any) -> None:
    one = poll(collection='recipients = "public"\n')
    await one.accept()
    one.vote("yes", "no")
    await answer(one)
    for octets in one.box.receipts.values():
        said = json.loads(octets[octets.index(b'{"result"') :])
        assert said["result"]["outputs"][0]["value"] == {"yes": 1, "no": 1}


# --- which report counts ------------------------------------------------------------------------


async def test_the_highest_counter_counts_in_whatever_order_they_come(poll: Any) -> None:
    one = poll()
    await one.accept()
    first, second = one.report(0, "yes"), one.report(0, "no", counter=2)
    one.send(second, one.report(1, "yes"), first)
    one.box.reversed.add("bob")
    assert await answer(one) == {"yes": 1, "no": 1}
    assert (one.said["in_time"], one.said["replaced"]) == (3, 1)


async def test_the_key_that_reported_first_counts(poll: Any) -> None:
    """A thief of the code has a higher counter, and another key."""
    one = poll()
    await one.accept()
    one.send(one.report(0, "yes"), one.report(1, "yes"))
    one.send(one.report(0, "no", counter=9, chain=1))
    one.box.reversed.add("carlos")
    assert await answer(one) == {"yes": 2, "no": 0}


async def test_reports_of_codes_that_were_taken_back_do_not_count(poll: Any) -> None:
    one = poll()
    await one.accept()
    one.vote("yes", "no", "no")
    one.box.revoked = write_revocations([1, 4], one.manifest.digest, one.organiser)
    assert await answer(one) == {"yes": 1, "no": 1}
    assert (one.said["revoked"], one.said["agreed"]) == (1, 2)


async def test_late_reports_do_not_count(poll: Any) -> None:
    one = poll()
    await one.accept()
    one.vote("yes", "no")
    one.send(one.report(2, "yes"), minute=int(one.manifest.collection.closes.timestamp()) // 60)
    assert await answer(one) == {"yes": 1, "no": 1}


async def test_too_few_valid_ones_give_no_answer(poll: Any) -> None:
    one = poll()
    await one.accept()
    one.vote("yes")
    errors = await refusal(one)
    assert all(isinstance(error, RefusedByPolicy | Aborted) for error in errors.values())
    assert "policy asks for 2" in errors["alice"].message


# --- when, and how often ------------------------------------------------------------------------


async def test_before_it_closes_a_party_only_accepts(poll: Any) -> None:
    one = poll()
    early = one.collector("alice", now=lambda: 0.0)
    for _ in range(2):
        with pytest.raises(Temporary, match="open until 2026-01-01 00:00:00 UTC") as caught:
            await one.seat("alice", collector=early).run()
        assert caught.value.exit_code == 75
    assert list(one.box.statements) == ["alice"]
    with pytest.raises(OstrakaError, match="bob did not accept this collection"):
        await one.seat("bob").run()


async def test_the_organiser_may_close_it_before_where_that_is_agreed(poll: Any) -> None:
    for allowed in (True, False):
        one = poll(collection="early_close = true\n" * allowed)
        await one.accept()
        one.vote("yes", "no")
        one.box.closed = write_close(100, one.manifest.digest, one.organiser)
        seats = {
            name: one.seat(name, collector=one.collector(name, now=lambda: 200.0))
            for name in one.manifest.compute
        }
        found = await one.close(**seats)
        for outcome in found.values():
            if allowed:
                assert outcome.value("tally") == {"yes": 1, "no": 1}
            else:
                assert isinstance(outcome, Temporary)


async def test_it_is_answered_once(poll: Any) -> None:
    one = poll()
    await one.accept()
    one.vote("yes", "no")
    await answer(one)
    for name, error in (await refusal(one)).items():
        assert isinstance(error, RefusedByLedger)
        assert "has been answered" in error.message
        left = {path.name for path in (one.home / f"{name}-home").glob("*/*")}
        assert left == {"lock", "state"}
        assert [run.state for run in one.ledger_runs(name)] == ["committed"]


async def test_an_answer_that_not_all_confirmed_comes_again_the_same(
    poll: Any, monkeypatch: Any
) -> None:
    """With the same noise, in another session, and as one run in each ledger."""
    from ostraka.session import closing

    noise = '[privacy]\ncentral = { mechanism = "laplace", epsilon = 1 }\n'
    one = poll(VOTES + noise)
    await one.accept()
    one.vote("yes", "no")
    confirm = closing.confirm

    async def cut_off(*given: Any) -> Any:
        return replace_all(await confirm(*given))

    def replace_all(confirmed: Any) -> Any:
        return confirmed._replace(by_all=False)

    with monkeypatch.context() as patch:
        patch.setattr(closing, "confirm", cut_off)
        first, session = await answer(one), one.outcomes["bob"].session
    one.send(one.report(2, "yes"))  # a mailbox that takes more now changes nothing
    assert await answer(one) == first
    assert one.outcomes["bob"].session != session
    for name in one.manifest.parties:
        assert [run.state for run in one.ledger_runs(name)] == ["committed"]


async def test_other_reports_than_were_agreed_on_before_are_refused(
    poll: Any, monkeypatch: Any
) -> None:
    from ostraka.session import closing

    one = poll(collection="max_unopenable = 1\n")
    await one.accept()
    sent = one.vote("yes", "no", "yes")
    confirm = closing.confirm

    async def cut_off(*given: Any) -> Any:
        return (await confirm(*given))._replace(by_all=False)

    with monkeypatch.context() as patch:
        patch.setattr(closing, "confirm", cut_off)
        await answer(one)
    held = Holdings.standing

    def forget(self: Holdings, digest: bytes) -> ReportStanding:
        lost = self._party == "bob" and digest == sent[0].digest
        return ReportStanding.MISSING if lost else held(self, digest)

    monkeypatch.setattr(Holdings, "standing", forget)
    errors = await refusal(one)
    assert any("other reports were agreed on" in error.message for error in errors.values())


async def test_a_second_session_counts_no_others_than_an_answer_did(
    poll: Any, monkeypatch: Any
) -> None:
    """A compute party that has the answer says that not, and spoils its shares of one report, so
    that it is left out: the difference would be that input."""
    from ostraka.session import closing

    active = SUM.replace("threshold = 1", 'threshold = 1\nsecurity = "active"')
    one = poll(active, protocol="secure-sum", collection="max_unopenable = 0.5\n")
    await one.accept()
    one.send(*[one.report(i, 3 + i) for i in range(4)])
    confirm = closing.confirm

    async def cut_off(*given: Any) -> Any:
        return (await confirm(*given))._replace(by_all=False)

    with monkeypatch.context() as patch:
        patch.setattr(closing, "confirm", cut_off)
        assert await answer(one, "sum") == 18
    honest = Collecting._parcel

    def spoiled(self: Collecting, name: PartyId) -> Parcel:
        found = honest(self, name)
        if (self.me, name) != ("carlos", "#1"):
            return found
        assert isinstance(found, Explicit)
        return Explicit(found.vector ^ np.uint64(1 << 56))

    with monkeypatch.context() as patch:
        patch.setattr(Collecting, "_parcel", spoiled)
        for error in (await refusal(one)).values():
            assert "counted" in error.message or isinstance(error, Aborted)
    assert await answer(one, "sum") == 18


async def test_who_was_counted_is_compared_across_a_series_by_credential(
    office: Any, tmp_path: Path
) -> None:
    """The second answer, of the same series, would tell of one contributor."""
    rules = VOTES.replace("contributors = 2", "contributors = 2\nmin_difference = 2")
    for i, votes in enumerate((("yes", "no", "yes"), ("yes", "no"))):
        one = Poll(office, tmp_path, rules, series=f"{i}")
        await one.accept()
        one.vote(*votes)
        if i == 0:
            await answer(one)
            continue
        for error in (await refusal(one)).values():
            assert isinstance(error, RefusedByLedger | Aborted)
        (first, _) = one.ledger_runs("alice")[0].run.roster[:2]
        assert (first.name, first.key) == ("#1", one.credentials[0].public.hex())


def test_a_rehearsal_takes_a_list_of_reports_or_some_places(poll: Any, tmp_path: Path) -> None:
    one = poll(SUM, protocol="secure-sum")
    path = tmp_path / "toy.json"
    for text, total in (("[3, 4, 5]", 12), ('{"#2": 3, "#6": 10}', 13)):
        path.write_text(text)
        inputs = read_inputs(path, one.manifest)
        for outcome in simulate_sync(one.manifest, inputs).values():
            assert outcome.value("sum") == total
            assert len(outcome.contributors) == len(inputs)
    path.write_text("[1, 2, 3, 4, 5, 6, 7]")
    with pytest.raises(InputError, match='"#7" is not a contributor'):
        read_inputs(path, one.manifest)


def test_seats_of_other_sessions_close_nothing(office: Any) -> None:
    seat = office.seat(office.manifest(), "alice")
    assert replace(seat).collector is None
