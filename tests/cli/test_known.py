"""Keys of other parties on the command line: shown, confirmed, refused, listed, forgotten."""

import json
import re
import socket
from pathlib import Path

import pytest

from ostraka import config, home, identity
from ostraka.manifest.words import six_words


@pytest.fixture(autouse=True)
def _strict(monkeypatch):
    monkeypatch.delenv("OSTRAKA_TRUST_NEW")


@pytest.fixture
def toy(session):
    """The session of three, whom a run does not wait for, and an input."""
    session.write_text(session.read_text().replace('deadline = "20s"', 'deadline = "1s"'))
    Path("alice.txt").write_text("3800")
    return session


RUN = ("run", "session.toml", "--as", "alice", "--input", "alice.txt")


def learn(session):
    home.known_keys().learn(config.load(session), "alice", "ab" * 32)


def test_check_prints_words_and_says_who_is_known(cli, toy):
    Path("bob.key").unlink()
    Path("carlos.key").unlink()
    first = cli("check", toy)
    assert re.search(r"key +alice +yours\n +key +bob +NEW\n", first.out)
    assert f"six words: {six_words(config.load(toy).digest)}\n" in first.out
    learn(toy)
    assert re.search(r"key +bob +known since \d{4}-\d\d-\d\d\n", cli("check", toy).out)
    found = cli("check", toy, "--output", "json").json
    assert found["words"] == six_words(config.load(toy).digest)
    assert {key["name"]: key["standing"] for key in found["keys"]} == {
        "alice": "own", "bob": "known", "carlos": "known",
    }  # fmt: skip


def test_check_explains_all_the_same_if_the_book_is_damaged(cli, toy, home):
    (home / "known.toml").write_text("[[known")
    ended = cli("check", toy)
    assert (ended.code, "six words" in ended.out) == (0, True)
    assert "not a book of keys" in ended.err


def test_a_manifest_made_up_around_one_real_key_ends_before_the_input_is_read(
    cli, toy, keys, tmp_path, monkeypatch
):
    """Three keys of one attacker beside the victim's: the sum would be the victim's number."""
    text = toy.read_text()
    for name in ("bob", "carlos"):
        made = identity.create(name, tmp_path / "attacker")
        text = text.replace(identity.load(name, keys).pin, made.pin)
    toy.write_text(text)
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("contacted"))
    ended = cli("run", "session.toml", "--as", "alice", "--input", "missing.txt")
    assert ended.code == 13
    assert "has not met the keys of bob, carlos" in ended.err
    assert "data: nothing" in ended.err
    assert "bob NEW" in ended.err


def test_words_that_match_confirm_and_others_refuse(cli, toy, monkeypatch):
    words = six_words(config.load(toy).digest)
    other = cli(*RUN, "--words", " ".join(reversed(words.split())))
    assert (other.code, "another than theirs" in other.err) == (13, True)
    assert cli(*RUN, "--words", "").code == 2
    assert cli(*RUN, "--words", words).code == 10  # no coordinator is there
    assert cli(*RUN).code == 10


@pytest.mark.parametrize("way", ["option", "variable"])
def test_trust_new_takes_new_keys_and_no_changed_one(cli, toy, keys, monkeypatch, way):
    given = ("--trust-new",) if way == "option" else ()
    if way == "variable":
        monkeypatch.setenv("OSTRAKA_TRUST_NEW", "1")
    assert cli(*RUN, *given).code == 10
    assert home.known_keys().read() == {}  # no run has ended well
    learn(toy)
    pin = identity.load("bob", keys).pin
    toy.write_text(toy.read_text().replace(pin, identity.load("mallory", keys).pin))
    words = six_words(config.load(toy).digest)
    ended = cli(*RUN, *given, "--words", words)
    assert ended.code == 13
    assert "the key of bob CHANGED" in ended.err
    assert cli("known", "forget", "bob").code == 0
    assert cli(*RUN, *given, "--words", words).code == 10


@pytest.mark.parametrize(("answer", "code"), [("y", 10), ("n", 13)])
def test_a_person_on_a_terminal_is_asked(cli, toy, monkeypatch, answer, code):
    monkeypatch.setattr("ostraka.cli.known.on_a_terminal", lambda: True)
    asked = []

    def confirm(text, **_):
        asked.append(text)
        return answer == "y"

    monkeypatch.setattr("typer.confirm", confirm)
    ended = cli(*RUN)
    assert ended.code == code
    assert asked == ["Are they the same?"]
    assert "bob, carlos for the first time" in ended.err


def test_known_list_and_forget(cli, toy):
    empty = cli("known", "list")
    assert (empty.code, empty.out) == (0, "")
    learn(toy)
    assert re.search(
        r"^bob  sha256:\w{64}  known since .*, 1 session$", cli("known", "list").out, re.M
    )
    found = json.loads(cli("known", "list", "--output", "json").out)["known"]
    assert [entry["name"] for entry in found] == ["bob", "carlos"]
    assert found[0]["sessions"] == ["ab" * 32]
    assert cli("known", "forget", "dora").code == 2
    assert cli("known", "forget", "bob").code == 0
    assert [entry.name for entry in home.known_keys().read().values()] == ["carlos"]


def test_doctor_calls_a_changed_key_a_problem(cli, toy, keys):
    assert "known keys: bob: NEW" in cli("doctor", toy, "--as", "alice").out
    learn(toy)
    assert "known keys: bob: known since" in cli("doctor", toy, "--as", "alice").out
    pin = identity.load("bob", keys).pin
    toy.write_text(toy.read_text().replace(pin, identity.load("mallory", keys).pin))
    ended = cli("doctor", toy, "--as", "alice")
    assert ended.code == 13
    assert "FAIL  known keys: bob: CHANGED" in ended.out


def test_check_against_another_manifest(cli, toy):
    other = toy.with_name("other.toml")
    other.write_text(toy.read_text().replace("1000000", "5"))
    assert "- input.max: 1000000 here, 5 there" in cli("check", toy, "--against", other).out
    assert "The same agreement as" in cli("check", toy, "--against", toy).out
    found = cli("check", toy, "--against", other, "--output", "json").json["against"]
    assert (found["same"], len(found["differences"])) == (False, 1)
