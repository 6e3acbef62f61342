"""`template`, and `run --input TABLE`: a preview, a question, and nothing sent without a yes.

Its options are in cli/table_options.py.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
import typer

from ostraka.cli import giving, known
from ostraka.data.selection import Selection
from ostraka.errors import InputError

PAYROLL = 'Name,Salary\nAnn,"1.000,50"\nBen,2514\n,\nCleo,\n'
LOCALE = ("--decimal", ",", "--thousands", ".")


@pytest.fixture
def payroll(session: Path) -> Path:
    path = session.with_name("payroll.csv")
    path.write_text(PAYROLL)
    return path


def test_a_table_is_rehearsed_without_keys_or_peers(cli, session: Path, payroll: Path) -> None:
    for key in session.parent.glob("*.key"):
        key.unlink()
    options = ("--value", "Salary", *LOCALE, "--sum", "--skip-empty", "--dry-run")
    done = cli("run", session, "--as", "alice", "--input", payroll, *options)
    assert done.code == 0, done.err
    assert done.out.splitlines() == [
        f"{payroll}: 4 rows",
        '  left out: rows 4, 5: column "Salary" is blank',
        "  all  2 rows, 3,514.5 USD",
    ]
    done = cli("run", session, "--as", "alice", "--input", payroll, *options, "--output", "json")
    assert done.json == {
        "source": str(payroll),
        "rows": 4,
        "left_out": 2,
        "input": {"all": {"rows": "2", "sum": "3514.5"}},
    }


def test_wrong_rows_end_a_run_before_any_party_is_contacted(cli, session, payroll) -> None:
    wrong = ("run", session, "--as", "alice", "--input", payroll, "--value", "Salary", "--sum")
    for more in ((), ("--yes",), ("--dry-run",)):
        done = cli(*wrong, *more, "--trust-new")
        assert done.code == 20
        advice = 'column "Salary" is not in plain digits: --thousands . --decimal ,'
        assert f"error: {payroll}, row 2: {advice}\n" in done.err
        assert f'error: {payroll}, rows 4, 5: column "Salary" is blank\n' in done.err
        assert "nothing of yours has left this machine" in done.err
        assert "1.000,50" not in done.err
        assert "2514" not in done.err
        assert done.out == ""


def test_without_a_terminal_rows_are_left_out_only_with_yes(cli, session, payroll) -> None:
    options = ("--value", "Salary", *LOCALE, "--sum", "--skip-empty", "--trust-new")
    done = cli("run", session, "--as", "alice", "--input", payroll, *options)
    assert done.code == 20
    assert f"2 rows are left out of {payroll}, and there is no terminal to ask at" in done.err
    assert "--dry-run" in done.err
    assert "3,514.5" not in done.err
    session.write_text(session.read_text().replace('"20s"', '"1s"'))
    done = cli("run", session, "--as", "alice", "--input", payroll, *options, "--yes")
    assert done.code == 10  # it went on to the coordinator, which is not there


def test_a_person_sees_what_is_sent_and_is_asked(monkeypatch, capsys, session, payroll) -> None:
    from ostraka import config

    protocol = config.bind(session)
    selection = Selection(values=("Salary",), add_up=True, skip_empty=True)
    payroll.write_text("Name,Salary\nAnn,1\nBen,2.5\nCleo,\n")
    asked = []
    monkeypatch.setattr(known, "on_a_terminal", lambda: True)
    for answer in (True, False):

        def confirm(*words, answer=answer, **_):
            asked.append(words)
            return answer

        monkeypatch.setattr(typer, "confirm", confirm)
        if answer:
            found = giving.read(protocol, "alice", str(payroll), selection, sure=False)
            assert str(found) == "3.50"
        else:
            with pytest.raises(InputError, match="you answered no"):
                giving.read(protocol, "alice", str(payroll), selection, sure=False)
        assert "all  2 rows, 3.5 USD" in capsys.readouterr().err
    assert asked == [("Send?",), ("Send?",)]
    payroll.write_text("Name,Salary\nAnn,x7\n")
    with pytest.raises(InputError) as error:
        giving.read(protocol, "alice", str(payroll), selection, sure=True)
    assert "x7" not in error.value.message
    assert '(row 2: "x7")' in capsys.readouterr().err


def test_bounds_name_the_table(cli, session: Path, payroll: Path) -> None:
    payroll.write_text("v\n999999\n2\n")
    options = ("--value", "v", "--sum", "--dry-run")
    done = cli("run", session, "--as", "alice", "--input", payroll, *options)
    assert done.code == 20
    assert f"error: {payroll}: the input is above max = 1000000" in done.err


def test_plain_inputs_are_rehearsed_too(cli, session: Path, payroll: Path) -> None:
    payroll.write_text("3800.50\n")
    done = cli("run", session, "--as", "alice", "--input", payroll, "--dry-run")
    assert (done.code, done.out) == (0, f"{payroll} is decimal(2) from 0 to 1000000 USD\n")
    payroll.write_text("3800.505\n")
    assert cli("run", session, "--as", "alice", "--input", payroll, "--dry-run").code == 20


def test_a_table_without_named_columns_is_advised(cli, session: Path, payroll: Path) -> None:
    for more in (("--dry-run",), ("--trust-new",)):
        done = cli("run", session, "--as", "alice", "--input", payroll, *more)
        assert (done.code, "hint: a table needs the name of its column: --value" in done.err) == (
            20, True,
        )  # fmt: skip


def test_a_template_is_filled_in_and_read(cli, session: Path) -> None:
    made = cli("template", session)
    assert made.code == 0
    where = session.with_name("input.csv")
    where.write_text(made.out.replace('""', "7.25"))
    done = cli("run", session, "--as", "bob", "--input", where, "--dry-run")
    assert done.code == 0, done.err
    assert "value  7.25 USD" in done.out
    session.write_text(session.read_text().replace("1000000", "1000001"))
    done = cli("run", session, "--as", "bob", "--input", where, "--dry-run")
    assert done.code == 20
    assert "was made for another manifest" in done.err


def test_three_parties_one_with_a_table(coordinator, ostraka, session: Path, payroll: Path) -> None:
    payroll.write_text('Name,Salary\nAnn,"1.000,50"\nBen,2514\n')
    with coordinator(session), ExitStack() as stack:
        given = {
            "alice": ("payroll.csv", "--value", "Salary", *LOCALE, "--sum"),
            "bob": ("one.txt",),
            "carlos": ("one.txt",),
        }
        session.with_name("one.txt").write_text("1\n")
        children = {
            name: stack.enter_context(
                ostraka(
                    session.parent, "run", session, "--as", name, "--trust-new", "--input", *options
                )
            )
            for name, options in given.items()
        }
        ended = {name: child.communicate(timeout=60) for name, child in children.items()}
        assert [c.returncode for c in children.values()] == [0, 0, 0], ended
    assert ended["bob"][0].startswith("sum   3516.5 USD\n")
    assert "payroll.csv: 2 rows\n" in ended["alice"][1]
    assert "3,514.5" not in ended["alice"][1]


def test_a_missing_library_is_named(cli, session: Path, payroll: Path, monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    options = ("--value", "Salary", "--sum", "--where", "true", "--dry-run")
    done = cli("run", session, "--as", "alice", "--input", payroll, *options)
    assert done.code == 2
    assert "error: --where needs the library duckdb, which is not installed here\n" in done.err
    assert "hint: pip install 'ostraka[data]'\n" in done.err


def test_options_about_a_table_need_one(cli, session: Path) -> None:
    done = cli("run", session, "--as", "alice", "--value", "Salary", "--dry-run")
    assert done.code == 2
    assert "options about a table are there, and no table" in done.err


def test_options_are_selected() -> None:
    found = giving.selected(
        ["a"], ["b", "c"], "d", None, "e", "f", None, ",", ".", add_up=True, skip_empty=True
    )
    assert found.named == ("a", "b", "c", "d")
    assert (found.sheet, found.sql, str(found.notation)) == ("e", "f", "--thousands . --decimal ,")


# --- a prompt ------------------------------------------------------------------------------------


class Asked:
    """A person at a terminal who gives these answers."""

    def __init__(self, monkeypatch, *answers):
        self.prompts = []
        answers = iter(answers)

        def getpass(prompt):
            self.prompts.append(prompt)
            return next(answers)

        monkeypatch.setattr("getpass.getpass", getpass)
        monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)


def test_a_wrong_answer_is_asked_again_and_said_what_is_wrong(cli, session, monkeypatch):
    person = Asked(monkeypatch, "many", "2000000", "3800")
    done = cli("run", session, "--as", "alice", "--dry-run")
    assert done.code == 0, done.err
    assert len(person.prompts) == 3
    assert "nothing was sent; asked again, 2 more times" in done.err
    assert "error: the input is above max = 1000000" in done.err
    assert "asked again, 1 more time\n" in done.err
    assert "many" not in done.err + done.out


def test_after_three_wrong_answers_it_ends_as_an_invalid_input(cli, session, monkeypatch):
    person = Asked(monkeypatch, "a", "", "c", "3800")
    done = cli("run", session, "--as", "alice", "--dry-run")
    assert (done.code, done.out) == (20, "")
    assert len(person.prompts) == 3


def test_without_a_terminal_it_is_not_asked_again(cli, session):
    done = cli("run", session, "--as", "alice", "--dry-run")
    assert done.code == 20
    assert "asked again" not in done.err


def test_a_prompt_says_that_a_weight_is_wanted(cli, of_alice_and_bob, monkeypatch):
    weights = ("--weights", "own", "--max-weight", "1000", "--statistic", "mean")
    path = of_alice_and_bob("alice.crt@127.0.0.1:1", "bob.crt@127.0.0.1:2", *weights)
    person = Asked(monkeypatch, "7;1001", "7;3")
    done = cli("run", path, "--as", "alice", "--dry-run")
    assert done.code == 0, done.err
    assert "VALUE;WEIGHT" in person.prompts[0]
    assert len(person.prompts) == 2


def test_a_rehearsal_takes_no_input_before_any_party_is_contacted(cli, session, payroll) -> None:
    text = session.read_text()
    session.write_text(text.replace("[session]\n", "[session]\nrehearsal = true\n", 1))
    done = cli("run", session, "--as", "alice", "--input", payroll, "--trust-new")
    assert done.code == 20
    assert "this is a rehearsal, which takes no input" in done.err
    assert "2514" not in done.err
