"""`check`: three lines first, and all of it with --explain."""

import re

import pytest


def test_the_summary_says_who_learns_the_worst_and_the_cost(cli, session):
    done = cli("check", "session.toml")
    assert done.code == 0
    flat = " ".join(done.out.split())
    assert re.search(r"learns alice, bob and carlos learn the sum", flat)
    assert "worst If 2 of you compare notes they learn the 3rd's input" in flat
    assert "all 3 together see every input" in flat
    assert re.search(r"cost 1 round, at most \d+ bytes from one party; about 0\.05 s", flat)
    assert "Dropouts:" not in done.out
    assert "ostraka check session.toml --explain" in done.err


def test_explain_says_all(cli, session):
    done = cli("check", "session.toml", "--explain")
    for part in ("learns", "worst", "Who learns what", "Dropouts:", "What it costs", "six words:"):
        assert part in done.out


def test_what_scripts_read_is_the_same_with_and_without(cli, session):
    one = cli("check", "session.toml", "--output", "json")
    assert one.json == cli("check", "session.toml", "--output", "json", "--explain").json
    assert len(one.json["explain"]) > 5


def test_a_warning_is_never_left_out(cli, of_alice_and_bob):
    of_alice_and_bob("alice.crt@127.0.0.1:1", "bob.crt@127.0.0.1:2")
    assert "each learns the other's input" in " ".join(cli("check", "session.toml").out.split())


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_it_fits_the_terminal(cli, session, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    said = cli("check", "session.toml", "--explain").out
    sentences = [line for line in said.splitlines() if line.startswith(("- ", "learns", "  "))]
    wide = [line for line in sentences if len(line) > columns and "party" not in line[:8]]
    assert wide == []
