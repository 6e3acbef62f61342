"""`ledger`: what it says to people and to programs, and what it refuses.

Also of cli/options.py and record/standings.py.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from io import StringIO
from itertools import count
from pathlib import Path

import pytest

from ostraka import identity
from ostraka.record.budget import EXACT, Spend
from ostraka.record.ledger import Ledger
from ostraka.record.rules import Person
from ostraka.record.runs import Run

BUDGET = '[[budget]]\nsource = "payroll"\nseries = "raises-*"\nepsilon = "1"\n'
TENTH = Spend.pure(Fraction(1, 10))


@pytest.fixture
def alice(cli, tmp_path):
    """A ledger with a run held, one committed and one exact, a day apart."""
    assert cli("keygen", "alice").code == 0
    Path("alice.toml").write_text(BUDGET)
    start, days = datetime(2026, 1, 1, 9, tzinfo=UTC), count()
    now = lambda: start + timedelta(days=next(days))  # noqa: E731
    ledger = Ledger(tmp_path, identity.load("alice", tmp_path), now=now)
    both = (Person("alice", "ab" * 32), Person("bob", "cd" * 32))
    for series, cost, committed in (
        ("raises-may", TENTH, True),
        ("raises-june", Spend.pure(Fraction(1, 3)), False),
        ("lunch", EXACT, True),
    ):
        run = Run(f"T {series}", series, "secure-sum", "ab" * 32, both, True, cost)
        place = ledger.reserve(run)
        place.share("cd" * 32)
        if not committed:
            place.hold("peer-lost")
        else:
            place.commit("cd" * 32, ("alice", "bob"), cost)
            place.result("cd" * 32, ("alice", "bob"), "noised", ["sum"])
    return ledger


def test_json_is_exact(cli, alice):
    found = cli("ledger", "--json").json
    assert found["party"] == "alice"
    assert found["head"] == alice.chain.head
    assert found["entries"] == 12
    assert found["budgets"] == [
        {"source": "payroll", "series": ["raises-*"], "runs": 2, "spent": "0.1",
         "held": "1/3",
         "epsilon": "1", "left": "17/30", "accountant": "basic", "delta": "0.000000001"},
        {"series": ["lunch"], "runs": 1, "spent": "inf", "held": "0"},
    ]  # fmt: skip
    may, june, lunch = found["runs"]
    assert may == {
        "id": next(iter(alice.runs)), "at": "2026-01-01T09:00:00+00:00", "state": "committed",
        "title": "T raises-may", "series": "raises-may", "protocol": "secure-sum",
        "manifest_sha256": "ab" * 32, "contributes": True,
        "cost": {"epsilon": "0.1", "delta": "0", "rho": "0.005", "slip": "0"},
        "counted": ["alice", "bob"], "session": "cd" * 32,
        "status": "noised", "outputs": ["sum"],
    }  # fmt: skip
    assert june["state"] == "held"
    assert june["why"] == "peer-lost"
    assert lunch["cost"] == {"epsilon": "inf"}


@pytest.mark.parametrize(
    "words", [["ledger"], ["ledger", "show"], ["ledger", "show", "--as", "alice"]]
)
def test_people_see_what_is_left_and_what_is_held(cli, alice, words):
    ended = cli(*words)
    assert ended.code == 0
    lines = [line.split() for line in ended.out.splitlines()]
    assert ["payroll", "raises-*", "2", "0.1", "0.333334", "0.566666", "1", "1e-9"] in lines
    assert ["-", "lunch", "1", "no", "bound", "0", "no", "limit", "-", "0"] in lines
    june = list(alice.runs)[1][:8]
    assert [june, "2026-01-05", "09:00", "raises-june", "held", "2", "0.333334"] in lines
    assert "1 held" in ended.err
    assert "\x1b" not in ended.out


def test_what_is_held_is_released_by_hand(cli, alice):
    june = list(alice.runs)[1]
    ended = cli("ledger", "release", june[:8], "--yes")
    assert (ended.code, ended.out) == (0, f"released {june}: T raises-june\n")
    assert "other parties may then have opened an answer of epsilon 0.333334" in ended.err
    assert cli("ledger", "--json").json["budgets"][0]["held"] == "0"
    again = cli("ledger", "release", june, "--yes")
    assert (again.code, again.out) == (2, "")
    assert cli("ledger", "--json").json["runs"][1]["why"] == "by hand"


@pytest.mark.parametrize(("answer", "code"), [("y\n", 0), ("n\n", 1), ("\n", 1)])
def test_a_person_is_asked_before_a_run_is_released(cli, alice, monkeypatch, answer, code):
    june = list(alice.runs)[1]
    terminal = StringIO(answer)
    terminal.isatty = lambda: True
    monkeypatch.setattr(sys, "stdin", terminal)
    ended = cli("ledger", "release", june)
    assert ended.code == code
    assert "Ask them whether they have a result" in ended.err
    state = cli("ledger", "--json").json["runs"][1]["state"]
    assert state == ("held" if code else "released")


def test_without_a_terminal_a_release_needs_yes(cli, alice, monkeypatch):
    monkeypatch.setattr(sys, "stdin", StringIO())
    ended = cli("ledger", "release", list(alice.runs)[1])
    assert (ended.code, ended.out) == (2, "")
    assert "hint: --yes" in ended.err
    assert cli("ledger", "--json").json["runs"][1]["state"] == "held"


def test_check(cli, alice):
    ended = cli("ledger", "check")
    assert ended.code == 0
    assert ended.out == f"alice.ledger holds: 12 entries, head {alice.chain.head}\n"


@pytest.mark.parametrize("words", [[], ["show"], ["check"], ["--json"], ["release", "a"]])
def test_a_ledger_that_was_changed_is_32(cli, alice, words):
    path = Path("alice.ledger")
    path.write_bytes(path.read_bytes().replace(b'"epsilon":"0.1"', b'"epsilon":"0.0"', 1))
    ended = cli("ledger", *words)
    assert (ended.code, ended.out) == (32, "")
    assert ended.err.startswith("error: the ledger alice.ledger breaks between its lines 2 and 3")
    assert "hint: put back the newest copy" in ended.err


@pytest.mark.parametrize("words", [["ledger", "show"], ["ledger", "check"], ["doctor"]])
def test_a_ledger_that_is_gone_is_32_while_its_head_is_there(cli, alice, words):
    Path("alice.ledger").unlink()
    ended = cli(*words)
    assert ended.code == 32
    assert "alice.ledger is gone, and alice.ledger.head is not" in ended.out + ended.err


def test_receipts_are_looked_for_where_there_is_a_directory(cli, alice):
    ended = cli("ledger", "check", "--receipts", "nowhere")
    assert (ended.code, ended.out) == (2, "")
    assert "error: there is no directory nowhere" in ended.err


@pytest.mark.parametrize("content", ["{}", '{"a": 1, "a": 1}', "\xff"])
def test_a_receipt_that_cannot_be_read_is_named_after_the_check(cli, alice, content):
    Path("all").mkdir()
    Path("all/receipt-bob-1.json").write_text(content, "latin-1")
    ended = cli("ledger", "check", "--receipts", "all")
    assert ended.code == 2
    assert ended.out.endswith("\n0 receipts are of runs in it\n")
    assert "error: all/receipt-bob-1.json tells nothing" in ended.err


def test_doctor_looks_at_it(cli, alice):
    assert "ok    ledger: alice.ledger holds; its runs: 3" in cli("doctor").out
    Path("alice.ledger").chmod(0o644)
    ended = cli("doctor")
    assert ended.code == 32
    assert "FAIL  ledger: alice.ledger can be read or changed by others (mode 0644)" in ended.out


def test_a_torn_line_is_said(cli, alice):
    with Path("alice.ledger").open("ab") as file:
        file.write(b'{"entry"')
    ended = cli("ledger", "check")
    assert ended.code == 0
    assert "warning: the last line of alice.ledger was never finished" in ended.err


def test_no_ledger_and_more_than_one(cli, alice):
    Path("bob.ledger").touch()
    ended = cli("ledger")
    assert ended.code == 2
    assert "ledgers of alice, bob" in ended.err
    assert cli("ledger", "show", "--as", "alice").code == 0
    ended = cli("ledger", "show", "--as", "carlos")
    assert ended.code == 2
    assert "no ledger of carlos" in ended.err
    assert not Path("carlos.ledger").exists()
    for option in (["--json"], ["--as", "alice"], ["--keys", "."]):
        assert "options go behind show" in cli("ledger", *option, "show").err


def test_keys_that_lie_where_nothing_can_be_written(cli, alice, monkeypatch, tmp_path):
    state = tmp_path / "state"
    state.mkdir()
    for name in ("alice.ledger", "alice.ledger.head"):
        Path(name).rename(state / name)
    assert cli("ledger").code == 2
    monkeypatch.setenv("OSTRAKA_LEDGER", str(state))
    assert cli("ledger", "--json").json["budgets"][0]["source"] == "payroll"


# --- the picture ---------------------------------------------------------------------------------


@pytest.mark.parametrize(("name", "start"), [("x.svg", b"<?xml"), ("x.png", b"\x89PNG")])
def test_a_plot(cli, alice, name, start):
    pytest.importorskip("matplotlib", reason="a plot needs ostraka[plot]")
    ended = cli("ledger", "show", "--plot", name)
    assert ended.code == 0, ended.err
    assert Path(name).read_bytes().startswith(start)
    assert f"plot: {name}" in ended.err


def test_a_plot_has_a_panel_for_each_budget_with_its_steps(cli, alice, tmp_path):
    pytest.importorskip("matplotlib", reason="a plot needs ostraka[plot]")
    from ostraka.cli import ledger_plot, plot
    from ostraka.home import own_ledger
    from ostraka.record.standings import standings

    own = own_ledger(identity.load("alice", tmp_path), tmp_path, print)
    kept = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ledger_plot, "save", lambda figure, _: kept.append(figure))
        ledger_plot.draw(tmp_path / "x.svg", own, standings(own))
    budget, lunch = kept[0].axes
    assert plot.blank
    steps, limit = budget.get_lines()
    assert list(steps.get_ydata()) == [0, 0.1, pytest.approx(13 / 30)]
    assert set(limit.get_ydata()) == {1.0}
    assert [line.get_label() for line in lunch.get_lines()] == ["exact answer"]


def test_a_plot_without_matplotlib_or_with_another_ending(cli, alice, monkeypatch):
    ended = cli("ledger", "show", "--plot", "x.gif")
    assert ended.code == 2
    assert "must end in .svg or .png" in ended.err
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    ended = cli("ledger", "show", "--plot", "x.svg")
    assert ended.code == 2
    assert "pip install 'ostraka[plot]'" in ended.err


# --- run, before anybody is contacted ------------------------------------------------------------


@pytest.fixture
def refused(cli, session):
    """`run` as alice with a NAME.toml; nobody is there to be contacted."""

    def call(text):
        Path("alice.toml").write_text(text)
        Path("x").write_text("1")
        return cli("run", session, "--as", "alice", "--input", "x", "--output", "json")

    return call


def test_an_exact_answer_under_a_budget_is_refused(refused):
    ended = refused('[[budget]]\nsource = "payroll"\nepsilon = 3\n')
    assert (ended.code, ended.out) == (32, "")
    assert "exact answer, and payroll (*) has a budget of epsilon 3" in ended.err
    assert ended.err.endswith("data: nothing of yours has left this machine\n")
    assert "gathering" not in ended.err


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[budget]\n", "two brackets: [[budget]]"),
        ("[[budget]]\n", "source is missing"),
        ('[[budget]]\nsource = "x"\nepsilon = "many"\n', "epsilon must be a number"),
        ('[[budget]]\nsource = "x"\nepsilon = 0\n', "epsilon must be above 0"),
        ('[[budget]]\nsource = "x"\nepsilon = 1\ndelta = 1\n', "delta from 0 to below 1"),
        ('[[budget]]\nsource = "x"\ndelta = 1e-6\n', "epsilon must be above 0"),
        (
            '[[budget]]\nsource = "x"\nepsilom = 1\n',
            'unknown key "epsilom"; did you mean "epsilon"',
        ),
        ('[[budget]]\nsource = "x"\nseries = [1]\n', "series must be a string"),
        ('[[budget]]\nsource = "x"\nseries = []\n', "would hold for nothing"),
        (
            '[[budget]]\nsource = "x"\naccountant = "core"\n',
            "accountant must be one of basic, zcdp",
        ),
        ('[[budget]]\nsource = "x"\nmin_difference = 0\n', "min_difference is a whole number"),
        ('[[budget]]\nsource = "x"\nsame_roster_only = 1\n', "same_roster_only true or false"),
        ("budgets = 1\n", 'unknown key "budgets"; did you mean "budget"'),
        ("[[budget", "alice.toml"),
    ],
)
def test_a_budget_file_that_says_nothing_valid(refused, text, words):
    ended = refused(text)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def test_a_budget_file_that_others_may_change(refused):
    Path("alice.toml").touch()
    Path("alice.toml").chmod(0o666)
    ended = refused(BUDGET)
    assert ended.code == 2
    assert "alice.toml has mode 0666" in ended.err


def test_a_plain_run_needs_no_option_and_leaves_a_record(cli, session):
    """Nobody answers; what was reserved is given back."""
    session.write_text(session.read_text().replace('"20s"', '"300ms"'))
    Path("x").write_text("1")
    assert cli("run", session, "--as", "alice", "--input", "x").code in (10, 41)
    lines = [json.loads(line)["entry"] for line in Path("alice.ledger").read_text().splitlines()]
    assert [line.get("event") for line in lines] == [None, "reserve", "release"]
