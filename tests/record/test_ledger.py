"""A run from reservation to end, what budgets and rosters refuse, and what survives a kill."""

import json
import os
import signal
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from fractions import Fraction
from itertools import count
from time import perf_counter

import pytest

from ostraka import identity
from ostraka.errors import RefusedByLedger, UsageError
from ostraka.identity import fingerprint_text
from ostraka.record.budget import EXACT, Budget, Spend
from ostraka.record.ledger import Ledger
from ostraka.record.rules import Person, Rule
from ostraka.record.runs import Run, RunState

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ABCD = ("a", "b", "c", "d")
HALF = Spend.pure(Fraction(1, 2))
PAYROLL = Rule("payroll", ("raises-*",), Budget(Fraction(1)))


@pytest.fixture(scope="session")
def someone(tmp_path_factory):
    return identity.create("alice", tmp_path_factory.mktemp("alice"))


@pytest.fixture
def ledger(someone, tmp_path):
    """Opens the same file again each time."""

    def opened(*rules, now=lambda: NOW):
        found = Ledger(tmp_path, someone, rules, now=now)
        found.read()
        return found

    return opened


def run(cost=EXACT, series="raises-1", roster=ABCD, **more):
    more = {"contributes": True, **more}
    people = tuple(map(person, roster))
    return Run(f"About {series}", series, "secure-sum", "00" * 32, people, cost=cost, **more)


def person(name):
    return Person(name, f"key of {name}")


def names(record):
    return tuple(person.name for person in record.counted)


def complete(ledger, asked, counted=None, cost=None):
    """From reserve to result."""
    place = ledger.reserve(asked)
    counted = counted or [person.name for person in asked.roster]
    place.commit("ab" * 32, counted, cost or asked.cost)
    place.result("ab" * 32, counted, "noised", ["sum"])
    return place


def states(ledger):
    return [record.state for record in ledger.runs.values()]


# --- the life of a run ---------------------------------------------------------------------------


def test_a_run_is_written_down_step_by_step(ledger):
    first = ledger()
    place = first.reserve(run(HALF))
    assert states(ledger()) == [RunState.RESERVED]
    place.share("ab" * 32)
    assert states(ledger()) == [RunState.SHARING]
    assert next(iter(ledger().runs.values())).session == "ab" * 32
    place.commit("ab" * 32, ("a", "b", "c"), Spend.pure(Fraction(3, 4)))
    assert place.committed
    assert states(ledger()) == [RunState.COMMITTED]
    place.result("ab" * 32, ("a", "b", "c"), "noised", ["sum", "mean"])
    (record,) = ledger().runs.values()
    assert (record.id, record.at, record.session) == (place.id, NOW.isoformat(), "ab" * 32)
    assert record.run == run(HALF)
    assert names(record) == ("a", "b", "c")
    assert record.cost == Spend.pure(Fraction(3, 4))
    assert (record.status, record.outputs) == ("noised", ("sum", "mean"))
    assert list(first.runs) == list(ledger().runs)


def test_no_input_and_no_value_is_written(ledger):
    """Everything a line may hold, by name."""
    found = ledger()
    complete(found, run(HALF))
    place = found.reserve(run(HALF, roster="ab"))
    place.share("ab" * 32)
    place.hold("aborted")
    found.release(place.id, "by hand")
    words = {key for entry in found.chain.entries for key in entry}
    assert words == {
        "n", "prev", "ostraka_ledger", "party",
        "event", "id", "at", "title", "series", "protocol", "manifest_sha256", "roster",
        "contributes", "cost", "sources", "session", "without", "status", "outputs", "why",
        "same_roster_only", "min_difference", "dispensable", "needed",
    }  # fmt: skip


def test_a_roster_is_written_once(ledger):
    found = ledger()
    many = tuple(f"party-{i}" for i in range(500))
    for _ in range(20):
        complete(found, run(HALF, roster=many, series="x"), counted=many[1:])
    assert found.chain.path.stat().st_size < 60_000
    assert [names(r) for r in ledger().runs.values()] == [many[1:]] * 20


def test_what_is_released_no_longer_counts(ledger):
    found = ledger(PAYROLL)
    for _ in range(5):
        found.reserve(run(Spend.pure(Fraction(1)))).release("aborted")
    assert states(ledger()) == [RunState.RELEASED] * 5
    complete(ledger(PAYROLL), run(Spend.pure(Fraction(1))))


def test_only_what_is_held_can_be_released(ledger):
    found = ledger()
    held, committed = found.reserve(run()), complete(found, run())
    for share in (False, True):
        if share:
            held.share("ab" * 32)
        with pytest.raises(UsageError, match="only a run that is held") as caught:
            found.release(held.id, "by hand")
        assert "end it first" in caught.value.hint
    held.hold("peer-lost")
    assert [r.why for r in ledger().runs.values()] == ["peer-lost", ""]
    with pytest.raises(UsageError, match="committed: only a run that is held"):
        found.release(committed.id, "by hand")
    assert found.release(held.id[:6], "by hand").id == held.id
    with pytest.raises(UsageError, match="is released"):
        found.release(held.id, "again")
    for number in ("zz", ""):
        with pytest.raises(UsageError, match="no reservation starts"):
            found.release(number, "by hand")


def killed(opened, asked, *steps):
    """Kill -9 a process that has reserved a run and taken `steps`; return the number of the run."""
    reader, writer = os.pipe()
    if not os.fork():
        place = opened().reserve(asked)
        for step, arguments in steps:
            getattr(place, step)(*arguments)
        os.write(writer, place.id.encode())
        os.kill(os.getpid(), signal.SIGKILL)
    os.wait()
    os.close(writer)
    with os.fdopen(reader) as read:
        return read.read()


SHARE = ("share", ("ab" * 32,))
COMMIT = ("commit", ("ab" * 32, ABCD, HALF))


@pytest.mark.parametrize(
    ("steps", "needed", "state", "why"),
    [
        ([], False, RunState.RELEASED, "its process died before it shared"),
        ([SHARE], False, RunState.HELD, "its process died"),
        (
            [SHARE],
            True,
            RunState.RELEASED,
            "its process died before anything could be opened without it",
        ),
        ([SHARE, COMMIT], True, RunState.COMMITTED, ""),
        ([COMMIT], False, RunState.COMMITTED, ""),
    ],
)
def test_a_run_whose_process_died_is_settled_when_the_ledger_is_opened(
    ledger, tmp_path, steps, needed, state, why
):
    number = killed(ledger, run(HALF, needed=needed), *steps)
    (record,) = ledger().runs.values()
    assert (record.id, record.state, record.why) == (number, state, why)
    assert not list(tmp_path.glob("*.lock"))
    entries = len(ledger().chain.entries)
    assert len(ledger().chain.entries) == entries


def test_a_ledger_that_stays_open_settles_the_dead_before_it_refuses(ledger):
    found = ledger(PAYROLL)
    killed(ledger, run(Spend.pure(Fraction(1))))
    found.reserve(run(Spend.pure(Fraction(1))))


def test_a_run_that_is_going_on_is_not_released(ledger):
    """Its own process may open the ledger again, too: a service runs several sessions."""
    place = ledger().reserve(run(HALF))
    assert states(ledger()) == [RunState.RESERVED]
    place.close()
    assert states(ledger()) == [RunState.RELEASED]


@pytest.mark.parametrize("step", [SHARE, COMMIT])
def test_a_run_that_was_taken_for_dead_shares_and_commits_nothing(ledger, tmp_path, step):
    """A person removed its lock: then it is released, and must not go on."""
    place = ledger(PAYROLL).reserve(run(HALF))
    for lock in tmp_path.glob("*.lock"):
        lock.unlink()
    assert states(ledger()) == [RunState.RELEASED]
    with pytest.raises(RefusedByLedger, match="released while its run went on"):
        getattr(place, step[0])(*step[1])
    assert not place.committed


def test_a_dead_run_is_resumed_under_its_own_reservation(ledger):
    number = killed(ledger, run(HALF), SHARE)
    place = ledger(PAYROLL).resume(number, run(HALF))
    assert (place.id, place.committed) == (number, False)
    with pytest.raises(RefusedByLedger, match="held by another process"):
        ledger(PAYROLL).resume(number, run(HALF))
    place.share("ab" * 32)
    place.commit("ab" * 32, ABCD, HALF)
    assert states(ledger()) == [RunState.COMMITTED]
    place.close()
    assert ledger(PAYROLL).resume(number, run(HALF)).committed


def test_a_released_run_is_resumed_only_within_the_budget(ledger):
    number = killed(ledger, run(HALF))
    place = ledger(PAYROLL).resume(number, run(HALF))
    assert place.id != number
    ledger(PAYROLL).reserve(run(HALF))
    other = killed(ledger, run(HALF))
    with pytest.raises(RefusedByLedger, match="reserved by a run that is going on"):
        ledger(PAYROLL).resume(other, run(HALF))


def test_a_reservation_of_an_earlier_version_is_held(ledger):
    """It did not say when it shared: it may have."""
    found = ledger()
    entry = {**run(HALF).to_json(), "event": "reserve", "id": "0a", "at": "x", "sources": []}
    entry["roster"] = [list(p) for p in run().roster]
    del entry["needed"]
    with found.chain.locked():
        found.chain.append(entry)
    found = ledger(PAYROLL)
    assert states(found) == [RunState.HELD]
    found.resume("0a", run(HALF)).share("cd" * 32)
    assert states(found) == [RunState.SHARING]


@pytest.mark.parametrize(
    ("ends", "words"),
    [
        ([], r"0\.5 of it is reserved by a run that is going on \((\w{8})\),"),
        ([SHARE, ("hold", ("x",))], r"0\.5 of it is held \((\w{8})\),"),
        ([COMMIT], r"0\.5 of it is spent,"),
    ],
)
def test_a_refusal_says_spent_only_of_what_is(ledger, ends, words):
    place = ledger(PAYROLL).reserve(run(HALF))
    for step, arguments in ends:
        getattr(place, step)(*arguments)
    with pytest.raises(RefusedByLedger, match=words) as caught:
        ledger(PAYROLL).reserve(run(Spend.pure(Fraction(3, 5))))
    named = f"ostraka ledger release {place.id[:8]}" in caught.value.hint
    assert named == (len(ends) == 2)


def test_what_is_held_is_named_where_an_exact_answer_or_a_roster_refuses(ledger):
    place = ledger().reserve(run(min_difference=2))
    place.share("ab" * 32)
    place.hold("x")
    with pytest.raises(RefusedByLedger, match="may have given an exact answer") as caught:
        ledger(PAYROLL).reserve(run(HALF))
    assert f"ostraka ledger release {place.id[:8]}" in caught.value.hint
    with pytest.raises(RefusedByLedger, match="this one would tell of d alone") as caught:
        ledger().reserve(run(roster=("a", "b", "c")))
    assert f"ostraka ledger release {place.id[:8]}" in caught.value.hint


def test_digits_that_fit_two_reservations_release_neither(someone, tmp_path):
    numbers = count()
    entropy = lambda: bytes([0xAB, next(numbers)])  # noqa: E731
    found = Ledger(tmp_path, someone, now=lambda: NOW, entropy=entropy)
    found.reserve(run())
    found.reserve(run())
    with pytest.raises(UsageError, match='2 reservations start with "ab"'):
        found.release("ab", "by hand")


def test_an_id_twice_is_not_believed(someone, tmp_path):
    twice = Ledger(tmp_path, someone, now=lambda: NOW, entropy=lambda: b"same")
    twice.reserve(run()).close()
    with pytest.raises(RefusedByLedger, match="something unknown in its line 4"):
        twice.reserve(run())


@pytest.mark.parametrize(
    "entry",
    [
        {"event": "invented", "id": "i", "at": "x"},
        {"event": "commit", "id": "unknown", "session": "", "without": [], "cost": {}},
        {"event": "reserve", "id": "r"},
        {"ostraka_ledger": 2},
    ],
)
def test_lines_of_a_newer_version_are_not_skipped(ledger, entry):
    found = ledger()
    with found.chain.locked():
        found.chain.append(entry)
    with pytest.raises(RefusedByLedger, match="something unknown in its line 2") as caught:
        ledger()
    assert "another version" in caught.value.hint


# --- budgets -------------------------------------------------------------------------------------


def test_epsilons_add_up_and_the_budget_ends_at_exactly_the_right_run(ledger):
    """S9: epsilon_1, then epsilon_2, cost epsilon_1 + epsilon_2."""
    found = ledger(Rule("payroll", ("raises-*",), Budget(Fraction(1))))
    for tenths in (3, 5, 2):
        complete(found, run(Spend.pure(Fraction(tenths, 10))))
    with pytest.raises(RefusedByLedger) as caught:
        found.reserve(run(Spend.pure(Fraction(1, 10**12))))
    assert "payroll (raises-*) is epsilon 1, 1 of it is spent" in caught.value.message
    assert caught.value.exit_code == 32
    assert caught.value.data_left is False
    assert len(found.runs) == 3


def test_a_run_that_was_only_reserved_counts(ledger):
    ledger(PAYROLL).reserve(run(HALF))
    ledger(PAYROLL).reserve(run(HALF))
    with pytest.raises(RefusedByLedger):
        ledger(PAYROLL).reserve(run(HALF))


def test_what_dropouts_cost_is_checked_at_commit(ledger):
    place = ledger(PAYROLL).reserve(run(HALF))
    with pytest.raises(RefusedByLedger, match=r"costs 1\.2"):
        place.commit("ab" * 32, ("a", "b"), Spend.pure(Fraction(6, 5)))
    assert not place.committed
    place.commit("ab" * 32, ("a", "b", "c"), Spend.pure(Fraction(9, 10)))
    with pytest.raises(RefusedByLedger):
        ledger(PAYROLL).reserve(run(Spend.pure(Fraction(1, 5))))
    place.commit("ab" * 32, ("a", "b"), Spend.pure(Fraction(1)))  # again, once somebody is excluded
    assert [names(r) for r in ledger().runs.values()] == [("a", "b")]


def test_an_exact_answer_under_a_budget_is_refused(ledger):
    with pytest.raises(RefusedByLedger, match="exact answer, and payroll") as caught:
        ledger(PAYROLL).reserve(run())
    assert "[privacy]" in caught.value.hint
    ledger(PAYROLL).reserve(run(series="other"))


def test_a_rule_counts_the_runs_that_may_have_told_something_exact_ones_too(ledger):
    rule = Rule("model", ("*",), most_runs=2)
    complete(ledger(rule), run())
    ledger(rule).reserve(run(contributes=False))
    released = ledger(rule).reserve(run(series="other"))
    with pytest.raises(RefusedByLedger, match=r"allows most_runs = 2, and 2 are spent or reserved"):
        ledger(rule).reserve(run())
    released.release("nothing was sent")
    complete(ledger(rule), run())
    with pytest.raises(RefusedByLedger, match="2 are spent") as caught:
        ledger(rule).reserve(run())
    assert caught.value.data_left is False


def test_an_exact_answer_of_the_past_exhausts_a_budget_of_today(ledger):
    complete(ledger(), run())
    with pytest.raises(RefusedByLedger, match="an exact answer was given before"):
        ledger(PAYROLL).reserve(run(HALF))


def test_a_budget_counts_all_its_series_however_they_are_written(ledger):
    rule = Rule("payroll", ("raises-*", "bonus"), Budget(Fraction(1)))
    complete(ledger(rule), run(HALF, series="raises-2025"))
    complete(ledger(rule), run(HALF, series="BONUS"))
    complete(ledger(rule), run(HALF, series="weather"))
    with pytest.raises(RefusedByLedger):
        ledger(rule).reserve(run(HALF, series="Raises-2026"))


def test_every_budget_that_covers_a_run_must_have_enough(ledger):
    narrow = Rule("payroll", ("raises-*",), Budget(Fraction(2)))
    everything = Rule("all", ("*",), Budget(Fraction(1)))
    complete(ledger(narrow, everything), run(HALF, series="weather"))
    complete(ledger(narrow, everything), run(HALF))
    with pytest.raises(RefusedByLedger, match="the budget of all"):
        ledger(narrow, everything).reserve(run(HALF))
    complete(ledger(narrow), run(HALF))


def test_who_does_not_contribute_spends_nothing(ledger):
    for _ in range(9):
        complete(ledger(PAYROLL), run(HALF, contributes=False))
    complete(ledger(PAYROLL), run(EXACT, contributes=False))
    complete(ledger(PAYROLL), run(HALF))


def test_concentrated_privacy_lets_a_budget_last_longer(ledger):
    tenth = Spend.pure(Fraction(1, 10))
    lasted = {}
    for way in ("basic", "zcdp"):
        budget = Budget(Fraction(3), Fraction("1e-5"))
        found = ledger(Rule(way, (f"{way}-*",), budget, way))
        with pytest.raises(RefusedByLedger, match="at delta 1e-5"):
            for number in count():
                complete(found, run(tenth, series=f"{way}-{number}"))
        lasted[way] = number
    assert lasted["basic"] == 30
    assert lasted["zcdp"] > 35


# --- rosters -------------------------------------------------------------------------------------


def test_only_the_same_contributors_may_ask_again(ledger):
    found = ledger()
    complete(found, run(same_roster_only=True))
    complete(found, run(same_roster_only=True))
    with pytest.raises(RefusedByLedger, match="this run is without d and with e, f") as caught:
        found.reserve(run(roster="abcef", same_roster_only=True))
    assert caught.value.exit_code == 32
    found.reserve(run(roster="abcef", series="raises-2", same_roster_only=True))


def test_dropouts_make_another_roster(ledger):
    found = ledger()
    complete(found, run(same_roster_only=True))
    place = found.reserve(run(same_roster_only=True))
    with pytest.raises(RefusedByLedger, match="without d"):
        place.commit("ab" * 32, ("a", "b", "c"), EXACT)


def test_two_runs_reserved_at_once_are_compared_when_they_commit(ledger):
    """Nothing was wrong with either when it was reserved, for the rule came with the second."""
    one = ledger().reserve(run(roster="abcdef"))
    other = ledger(Rule("all", ("*",))).reserve(run(roster="abcde"))
    strict = ledger(Rule("all", ("*",), min_difference=2))
    one.commit("ab" * 32, list("abcdef"), EXACT)
    with pytest.raises(RefusedByLedger, match="would tell of f alone"):
        strict.commit(other.id, run(roster="abcde"), "ab" * 32, list("abcde"), EXACT)


def test_a_commit_as_reserved_is_not_searched_twice(ledger, monkeypatch):
    from ostraka.record import refusals as module

    place = ledger().reserve(run(min_difference=2))
    asked = []
    monkeypatch.setattr(module, "check_roster", lambda *arguments: asked.append(arguments))
    place.commit("ab" * 32, ABCD, EXACT)
    assert not asked
    place.commit("ab" * 32, ABCD[:3], EXACT)
    assert len(asked) == 1
    ledger().reserve(run(series="another", min_difference=2))
    place.commit("ab" * 32, ABCD, EXACT)
    assert len(asked) == 3  # that reservation asked once, too


def test_two_runs_that_differ_by_too_few_are_refused(ledger):
    found = ledger()
    complete(found, run(roster="abcdef", min_difference=2))
    with pytest.raises(RefusedByLedger, match="would tell of g alone, fewer than 2"):
        found.reserve(run(roster="abcdefg", min_difference=2))
    complete(found, run(roster="abcdefgh", min_difference=2))
    with pytest.raises(RefusedByLedger, match="would tell of a, b alone, fewer than 3"):
        found.reserve(run(roster="cdefgh", min_difference=3))


def test_runs_are_refused_that_tell_too_much_only_in_combination(ledger):
    """{a, b, c} and {d, e} and {a, b, c, d}: no two differ by one person."""
    found = ledger()
    complete(found, run(roster="abc", min_difference=2))
    complete(found, run(roster="de", min_difference=2))
    with pytest.raises(RefusedByLedger, match="fewer than 2 contributors"):
        found.reserve(run(roster="abde", min_difference=2))
    with pytest.raises(RefusedByLedger, match=r"would tell of [de] alone"):
        found.reserve(run(roster="abcd", min_difference=2))


def test_another_name_for_the_same_key_is_the_same_contributor(ledger):
    """Or an organiser would name everybody anew, and rosters would have nobody in common."""
    complete(ledger(), run(roster="abcdef", min_difference=2))
    others = tuple(Person(name.upper(), f"key of {name}") for name in "abcde")
    asked = replace(run(min_difference=2), roster=others)
    with pytest.raises(RefusedByLedger, match="would tell of f alone"):
        ledger().reserve(asked)
    anew = tuple(Person(name, f"other key of {name}") for name in "abcde")
    ledger().reserve(replace(asked, roster=anew))  # other people, as far as anybody can tell


def test_a_party_s_own_rule_holds_whatever_the_manifest_says(ledger):
    own = Rule("payroll", ("*",), min_difference=2)
    complete(ledger(own), run(roster="abcdef", series="one"))
    with pytest.raises(RefusedByLedger, match=r"payroll \(\*\), this one would tell of f"):
        ledger(own).reserve(run(roster="abcde", series="another"))
    ledger().reserve(run(roster="abcde", series="another"))


@pytest.mark.parametrize("rule", [{"same_roster_only": True}, {"min_difference": 2}])
def test_the_same_people_with_another_weight_are_refused(ledger, rule):
    """The difference of the two tallies would be c's ballot."""
    heavier = tuple(person(name)._replace(weight=1 + (name == "c")) for name in ABCD)
    complete(ledger(), run(**rule))
    with pytest.raises(RefusedByLedger, match="has counted c with another weight"):
        ledger().reserve(replace(run(**rule), roster=heavier))
    ledger().reserve(run(**rule))
    complete(ledger(), replace(run(series="other", **rule), roster=heavier))
    ledger().reserve(replace(run(series="other", **rule), roster=heavier))


@pytest.mark.parametrize("rule", [{"same_roster_only": True}, {"min_difference": 2}])
def test_what_one_run_was_promised_a_later_manifest_cannot_drop(ledger, rule):
    complete(ledger(), run(series="Raises", **rule))
    for series in ("Raises", "raises"):
        with pytest.raises(RefusedByLedger, match="contributors"):
            ledger().reserve(run(series=series, roster=("a", "b", "c")))
    ledger().reserve(run(series="Raises"))
    ledger().reserve(run(series="another", roster=("a", "b", "c")))


def test_a_run_that_may_have_been_revealed_counts_as_if_all_were_in_it(ledger):
    ledger().reserve(run(roster="abcdef", min_difference=2))
    with pytest.raises(RefusedByLedger):
        ledger().reserve(run(roster="abcde", min_difference=2))


@pytest.mark.parametrize("limit", [{"same_roster_only": True}, {"min_difference": 2}])
def test_of_a_run_that_may_have_gone_on_without_us_we_do_not_take_part_again(
    ledger, someone, limit
):
    """The sum of the others may be known, and with the second one our input would be."""
    us = Person("alice", fingerprint_text(someone.fingerprint))
    asked = replace(run(dispensable=True), roster=(us, *map(person, ABCD)))
    own = Rule("payroll", ("*",), **limit)
    place = ledger(own).reserve(asked)
    with pytest.raises(RefusedByLedger, match="alice"):
        ledger(own).reserve(asked)
    place.commit("ab" * 32, [p.name for p in asked.roster], EXACT)
    ledger(own).reserve(replace(asked, dispensable=False)).release("known to have told nothing")
    ledger(own).reserve(replace(asked, dispensable=False))
    ledger(own).reserve(asked)


def test_rosters_that_cannot_be_searched_are_refused(ledger, monkeypatch):
    from ostraka.record import differencing

    complete(ledger(), run(roster="abcdef"))
    monkeypatch.setattr(differencing, "WORK", 0)
    with pytest.raises(RefusedByLedger, match="it cannot be ruled out"):
        ledger().reserve(run(roster="abc", min_difference=3))


# --- two at once, and a kill ---------------------------------------------------------------------

CHILD = """
import sys
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from ostraka.errors import RefusedByLedger
from ostraka.record.budget import Budget, Spend
from ostraka.record.ledger import Ledger
from ostraka.record.runs import Run
from ostraka.record.rules import Person, Rule
from ostraka import identity

who = identity.load("alice", Path(sys.argv[1]))
rule = Rule("payroll", ("*",), Budget(Fraction(3)))
ledger = Ledger(Path(sys.argv[2]), who, [rule], now=lambda: datetime.now(UTC))
both = (Person("a", "ka"), Person("b", "kb"))
run = Run("t", "t", "p", "00", both, True, Spend.pure(Fraction(1, 10)))
done = 0
try:
    for _ in range(int(sys.argv[3])):
        place = ledger.reserve(run)
        place.commit("ab", ("a", "b"), run.cost)
        done += 1
except RefusedByLedger:
    pass
print(done)
"""


def child(nursery, someone, tmp_path, runs):
    command = ["-c", CHILD, someone.key_path.parent, tmp_path, runs]
    return nursery.start(command, tmp_path, dict(os.environ), False)


def test_two_processes_at_once_do_not_spend_more_than_the_budget(
    nursery, someone, tmp_path, ledger
):
    children = [child(nursery, someone, tmp_path, 30) for _ in range(2)]
    done = [int(one.communicate(timeout=30)[0]) for one in children]
    assert sum(done) == 30
    assert Counter(states(ledger())) == {RunState.COMMITTED: 30}


# --- size ----------------------------------------------------------------------------------------


@pytest.mark.slow
def test_a_thousand_past_runs_are_checked_within_a_second(someone, tmp_path, monkeypatch):
    with monkeypatch.context() as quick:
        quick.setattr(os, "fsync", lambda _: None)
        found = Ledger(tmp_path, someone, now=lambda: NOW)
        people = [f"party-{i}" for i in range(100)]
        for number in range(1000):
            group = people[: 50 + 5 * (number % 11)]
            complete(found, run(Spend.pure(Fraction(1, 1000)), roster=group, series="x"))
    own = Rule("all", ("*",), Budget(Fraction(2), Fraction("1e-6")), "zcdp", min_difference=5)
    start = perf_counter()
    fresh = Ledger(tmp_path, someone, [own], now=lambda: NOW)
    fresh.reserve(run(Spend.pure(Fraction(1, 1000)), roster=people[:95], series="x"))
    taken = perf_counter() - start
    assert len(fresh.runs) == 1001
    assert taken < 1, f"{taken:.2f} s"


def test_a_line_is_plain_json(ledger):
    found = ledger()
    complete(found, run(HALF))
    for line in found.chain.path.read_text().splitlines():
        assert set(json.loads(line)) == {"entry", "signature"}


def test_a_reservation_that_is_not_written_leaves_no_lock(ledger, tmp_path, monkeypatch):
    found = ledger()
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda _descriptor, _data: 0)
        with pytest.raises(RefusedByLedger, match="the disk is full"):
            found.reserve(run())
    assert not list(tmp_path.glob("*.lock"))
