"""Contributors that runs may have counted: what a party that only contributes must allow for."""

from datetime import UTC, datetime

import pytest

from ostraka import identity
from ostraka.errors import RefusedByLedger
from ostraka.identity import fingerprint_text
from ostraka.record.budget import EXACT
from ostraka.record.ledger import Ledger
from ostraka.record.rules import Person, Rule
from ostraka.record.runs import MOST, Record, Run, RunState, possible_rosters, possible_worlds

NOW = datetime(2026, 11, 28, tzinfo=UTC)
OURS = "key of d"


def people(names):
    return tuple(Person(name, f"key of {name}") for name in names)


def run(roster="abcd", series="raises", may_leave="", least=2, **more):
    return Run("t", series, "secure-sum", "00", people(roster), True, EXACT,
               may_leave=tuple(may_leave), least=least, **more)  # fmt: skip


def record(asked, state=RunState.COMMITTED, status=""):
    return Record("1", "", asked, state, asked.roster, EXACT, status=status)


def shown(rosters):
    return ["".join(p.name for p in roster) for roster in rosters]


def test_what_a_party_is_told_is_all_there_is():
    assert shown(possible_rosters(run(), people("abcd"), OURS)) == ["abcd"]
    assert shown(possible_rosters(run(), people("abd"), OURS)) == ["abd"]


def test_who_may_leave_may_be_missing_down_to_the_fewest_but_never_this_party():
    asked = run(may_leave="abd", least=3)
    assert shown(possible_rosters(asked, asked.roster, OURS)) == ["bcd", "acd", "abcd"]
    asked = run(may_leave="ab", least=2)
    assert shown(possible_rosters(asked, asked.roster, OURS))[0] == "cd"


def test_worlds():
    told = record(run(may_leave="abc", least=3), status="released")
    unseen = record(run(may_leave="abc", least=3))
    held = record(run(dispensable=True), RunState.HELD)
    assert [shown(w) for w in possible_worlds([], OURS)] == [[]]
    assert [shown(w) for w in possible_worlds([told], OURS)] == [["abcd"]]
    assert sorted(shown(w) for w in possible_worlds([held], OURS)) == [["abc"], ["abcd"]]
    assert len(possible_worlds([unseen, held], OURS)) == 4 * 2
    both = record(run(may_leave="abc", least=3, dispensable=True), RunState.HELD)
    assert ["abc"] in [shown(w) for w in possible_worlds([both], OURS)]
    assert len(possible_worlds([both], OURS)) == 4 * 2
    assert len(possible_worlds([held] * 20, OURS)) == 2
    assert (
        len(possible_worlds([record(run("abcdefghijklm", may_leave="abcefghijkl"))], OURS)) > MOST
    )


@pytest.fixture(scope="module")
def dora(tmp_path_factory):
    return identity.create("d", tmp_path_factory.mktemp("d"))


@pytest.fixture
def ledger(dora, tmp_path):
    def opened(*rules):
        found = Ledger(tmp_path, dora, rules, now=lambda: NOW)
        found.read()
        return found

    return opened


def asked_of(dora, roster="abcd", **more):
    """A run whose roster has our own key in it."""
    mine = Person("d", fingerprint_text(dora.fingerprint))
    found = run(roster, min_difference=2, **more)
    whole = tuple(mine if p.name == "d" else p for p in found.roster)
    return Run(**{name: getattr(found, name) for name in Run.__slots__} | {"roster": whole})


def commit(ledger, asked):
    place = ledger.reserve(asked)
    place.commit("ab" * 32, [p.name for p in asked.roster], EXACT)
    return place


def test_a_run_that_may_end_without_another_is_refused_after_one_with_it(ledger, dora):
    commit(ledger(), asked_of(dora))
    with pytest.raises(RefusedByLedger, match=r"would tell of [abc] alone") as caught:
        ledger().reserve(asked_of(dora, may_leave="abc", least=3))
    assert caught.value.exit_code == 32
    assert caught.value.data_left is False
    ledger().reserve(asked_of(dora, may_leave="abc", least=4))


def test_nor_may_one_follow_a_run_of_which_this_party_was_not_told(ledger, dora):
    place = commit(ledger(), asked_of(dora, may_leave="abc", least=3))
    with pytest.raises(RefusedByLedger, match="would tell of"):
        ledger().reserve(asked_of(dora))
    place.result("ab" * 32, ["a", "b", "c", "d"], "released", ["sum"])
    commit(ledger(), asked_of(dora))


def test_the_first_run_of_many_is_allowed_and_the_second_cannot_be_checked(ledger, dora):
    many = asked_of(dora, "abcdefghijklmnopqrstuvwxyz", may_leave="abcefghijklmno", least=2)
    commit(ledger(), many)
    with pytest.raises(RefusedByLedger, match="cannot be ruled out") as caught:
        ledger().reserve(many)
    assert "all contributors are counted" in caught.value.hint


def test_a_rule_of_ones_own_asks_the_same(ledger, dora):
    rule = Rule("payroll", ("raises-*",), min_difference=2)
    commit(ledger(rule), asked_of(dora, series="raises-may"))
    with pytest.raises(RefusedByLedger, match="payroll"):
        ledger(rule).reserve(asked_of(dora, series="raises-june", may_leave="a", least=3))
