"""A party's own file of budgets; what `ostraka run` says of a bad one is in cli/test_ledger.py."""

import re
from fractions import Fraction
from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.record.own_rules import Durability, load_durability, load_rules, load_workers


def test_a_budget_file_that_is_a_link_to_nowhere_is_not_taken_for_none(tmp_path):
    (tmp_path / "alice.toml").symlink_to("gone.toml")
    with pytest.raises(UsageError, match=r"cannot read .*alice\.toml"):
        load_rules("alice", tmp_path)


def test_a_budget_file_says_exactly(tmp_path):
    (tmp_path / "alice.toml").write_text(
        '[[budget]]\nsource = "a"\nseries = ["x", "y-*"]\nepsilon = "1/3"\ndelta = 1e-6\n'
        '[[budget]]\nsource = "b"\nmin_difference = 3\nsame_roster_only = true\n'
        '[[budget]]\nsource = "c"\nepsilon = 2\naccountant = "rdp"\nmost_runs = 20\n'
    )
    a, b, c = load_rules("alice", tmp_path)
    assert (a.budget.epsilon, a.budget.delta) == (Fraction(1, 3), Fraction(1, 10**6))
    assert (a.series, a.accountant) == (("x", "y-*"), "zcdp")
    assert (b.series, b.budget, b.min_difference, b.same_roster_only) == (("*",), None, 3, True)
    assert (a.most_runs, c.most_runs) == (None, 20)
    assert (c.accountant, c.budget.delta) == ("rdp", Fraction(1, 10**9))
    assert load_rules("bob", tmp_path) == ()


@pytest.mark.parametrize(
    "text",
    [
        "budget = [1]",
        "budget = [[1]]",
        "budget = {}",
        '[[budget]]\nsource = "a"\nepsilon = "1e999999999"',
        '[[budget]]\nsource = "a"\nepsilon = 1e-9999999999',
        '[[budget]]\nsource = "a"\nsource = "b"',
        '[[budget]]\nsource = ["a"]',
        '[[budget]]\nsource = "a"\naccountant = ["basic"]',
        '[[budget]]\nsource = "a"\nsame_roster_only = 1',
        '[[budget]]\nsource = "a"\nmost_runs = true',
        '[[budget]]\nsource = "a"\nmost_runs = 0',
    ],
)
def test_a_value_of_another_type_is_named_and_not_a_bug(tmp_path, text):
    (tmp_path / "alice.toml").write_text(text)
    with pytest.raises(UsageError, match=r"alice\.toml: "):
        load_rules("alice", tmp_path)


def test_a_way_of_adding_up_that_is_no_filter_is_refused(tmp_path):
    (tmp_path / "alice.toml").write_text(
        '[[budget]]\nsource = "c"\nepsilon = 2\naccountant = "pld"\n'
    )
    with pytest.raises(UsageError, match="may choose a run by the result"):
        load_rules("alice", tmp_path)


def test_the_guide_s_budgets_are_valid(tmp_path):
    guide = Path(__file__).parents[2] / "docs" / "guides" / "budget.md"
    blocks = re.findall(r"^```toml\n(.*?)^```", guide.read_text(), re.S | re.M)
    budgets = [block for block in blocks if "[[budget]]" in block]
    assert len(budgets) == 2
    for block in budgets:
        (tmp_path / "alice.toml").write_text(block)
        (rule,) = load_rules("alice", tmp_path)
        assert rule.source == "payroll"


def write_rules(directory, series, name="alice.toml"):
    (directory / name).write_text(f'[[budget]]\nsource = "payroll"\nseries = "{series}"\n', "utf-8")


def test_rules_in_another_encoding_are_refused_rather_than_read_as_others(tmp_path):
    text = '[[budget]]\nsource="payroll"\nseries="Geh\u00e4lter-*"\nepsilon="0.1"\n'
    (tmp_path / "alice.toml").write_bytes(text.encode("latin-1"))
    with pytest.raises(UsageError, match=r"alice\.toml:3: .* byte 0xe4"):
        load_rules("alice", tmp_path)
    (tmp_path / "alice.toml").write_bytes(text.encode("utf-16"))
    (rule,) = load_rules("alice", tmp_path)
    assert rule.covers("Gehälter-Mai")


@pytest.mark.parametrize(
    "series", ["Geha\u0308lter-Mai", " Gehälter-Mai", "GEHÄLTER-Mai", "Gehälter\u2011Mai"]
)
def test_a_rule_covers_its_series_however_that_is_written(tmp_path, series):
    write_rules(tmp_path, "Gehälter-*")
    (rule,) = load_rules("alice", tmp_path)
    assert rule.covers(series)
    assert not rule.covers("Gehaelter-Mai")


@pytest.mark.parametrize("name", ["source", "series"])
@pytest.mark.parametrize(
    ("value", "words"),
    [("p\u0430y", "mixes Cyrillic and Latin"), ("a\u202eb", r"U\+202E"), (" ", "1 to 200")],
)
def test_texts_that_mislead_the_eye_are_refused_in_rules(tmp_path, name, value, words):
    other = "series" if name == "source" else "source"
    text = f'[[budget]]\n{name} = "{value}"\n{other} = "x"\n'
    (tmp_path / "alice.toml").write_text(text, "utf-8")
    with pytest.raises(UsageError, match=f"{name} .*{words}"):
        load_rules("alice", tmp_path)


def test_a_party_says_whether_its_sessions_survive_a_crash(tmp_path):
    assert load_durability("alice", tmp_path) == Durability(True, 3600.0)
    (tmp_path / "alice.toml").write_text(
        'durable = false\nresume_for = "2h"\n[[budget]]\nsource = "a"\n'
    )
    assert load_durability("alice", tmp_path) == Durability(False, 7200.0)
    assert [rule.source for rule in load_rules("alice", tmp_path)] == ["a"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("durable = 1", "durable must be true or false"),
        ("resume_for = 3600", "resume_for must be a duration"),
        ("resume_for = 1.5", "resume_for must be a duration"),
        ('resume_for = "0s"', "resume_for must be longer"),
        ("durabel = true", 'unknown key "durabel"'),
    ],
)
def test_a_mistake_in_it_is_told(text, problem, tmp_path):
    (tmp_path / "alice.toml").write_text(text)
    with pytest.raises(UsageError, match=problem):
        load_durability("alice", tmp_path)


def test_how_many_processes_open_reports(tmp_path):
    assert load_workers("alice", tmp_path) is None
    file = tmp_path / "alice.toml"
    file.touch(mode=0o600)
    for text, workers in (("", None), ("workers = 3\n", 3)):
        file.write_text(text)
        assert load_workers("alice", tmp_path) == workers
    for wrong in ("0", "257", "true", '"2"'):
        file.write_text(f"workers = {wrong}\n")
        with pytest.raises(UsageError, match="workers must be a whole number from 1 to 256"):
            load_workers("alice", tmp_path)
