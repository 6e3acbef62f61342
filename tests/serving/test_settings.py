"""A party's file."""

from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.serving import settings
from ostraka.serving.settings import PartySettings

PIN = "sha256:" + "0" * 64


def load(tmp_path, text):
    path = tmp_path / "party.toml"
    path.write_text(text)
    return settings.load(path)


def test_the_shortest_file(tmp_path):
    found = load(tmp_path, 'name = "c1"')
    wanted = PartySettings("c1", tmp_path, tmp_path / "sessions", tmp_path / "receipts")
    assert found == wanted
    assert (found.approve, found.trust_new) == ("ask", False)


def test_all_that_it_may_say(tmp_path):
    text = f"""
        name = "c1"
        keys = "/keys"
        sessions = "in"
        receipts = "out"
        organisers = ["{PIN}"]
        protocols = ["secure-sum"]
        approve = "auto"
        trust_new = true
        min_contributors = 10
        threshold = 2
        look = 0.5
        http = "127.0.0.1:9442"
        log = "json"
        level = "debug"
        log_sources = true
        drain = 3
    """
    places = Path("/keys"), tmp_path / "in", tmp_path / "out"
    rest = (PIN,), ("secure-sum",), "auto", True, 10, 2, 0.5
    last = "127.0.0.1:9442", "json", "debug", True, 3.0
    assert load(tmp_path, text) == PartySettings("c1", *places, *rest, *last)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "name is missing"),
        ('name = "c1"\napprove = "yes"', "approve must be one of ask, auto"),
        ('name = "c1"\nsession = "x"', 'did you mean "sessions"'),
        ('name = "c1"\nlook = 0', "look must be at least"),
        ('name = "c1"\nmin_contributors = 0', "min_contributors must be a whole number"),
        ('name = "c1"\norganisers = ["x"]', "organisers: each must be"),
    ],
)
def test_a_file_that_is_not_valid(tmp_path, text, words):
    with pytest.raises(UsageError) as caught:
        load(tmp_path, text)
    assert words in caught.value.message


def test_the_file_in_the_repository_says_what_is_so_anyway():
    top = Path(__file__).parents[2] / "configs" / "party"
    usual = PartySettings("c1", top, top / "sessions", top / "receipts", log="json")
    assert settings.load(top / "party.toml") == usual
