"""Text: allowed characters, mixed scripts, and when two texts are the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka import text

ALLOWED = [
    "Average raise",
    "d\u2019accord\u00a0?",
    "\u00c9t\u00e9",
    "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",  # Persian, with a ZWNJ
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",  # a family, joined
    "\u2764\ufe0f",
    "\u8abf\u67fb\u3000\uff12",
]


@pytest.mark.parametrize("value", ALLOWED)
def test_what_people_write_is_allowed(value: str) -> None:
    assert text.line(value, 64) == value


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a\u001b[2J", "U+001B"),
        ("a\nb", "U+000A"),
        ("a\u202eb", r"U\+202E \(right-to-left override\)"),
        ("a\u200fb", "U+200F"),
        ("a\u2066b", "U+2066"),
        ("a\u2028b", "U+2028"),
        ("a\ufeffb", "U+FEFF"),
        ("a\ud800b", "U+D800"),
        ("a\ue000b", "U+E000"),
        ("a\U000e0041b", "U+E0041"),
        ("", "1 to 64"),
        ("\u00a0\u200d\u3164", "1 to 64"),
        ("a" * 65, "1 to 64"),
    ],
)
def test_control_and_bidi_characters_are_named_and_refused(value: str, words: str) -> None:
    with pytest.raises(ValueError, match=words.replace("U+", r"U\+")) as caught:
        text.line(value, 64)
    assert str(caught.value).isprintable()
    with pytest.raises(ValueError, match="must be a string"):
        text.line(3, 64)


@pytest.mark.parametrize(
    "value",
    [
        "raises-2026",
        "Geh\u00e4lter-Mai",
        "\u043e\u043f\u0440\u043e\u0441-2026",
        "\u043e\u043f\u0440\u043e\u0441-Covid",  # words of two scripts, each its own
        "T\u30b7\u30e3\u30c4\u8abf\u67fb",
        "\u8abf\u67fbA",
        "10 \u00b5g",
        "1\u00aa x\u00b2",
    ],
)
def test_one_script_a_word(value: str) -> None:
    assert text.one_script(value) == value


@pytest.mark.parametrize(
    "value",
    [
        "p\u0430yroll",  # a Cyrillic letter
        "p\u0430yroll-may",
        "raises-\u03bf1a",  # Greek and Latin, a digit between
        "a\u034f\u0430",  # with a character between that shows nothing
        "a\u200d\u0430",
    ],
)
def test_scripts_mixed_in_a_word_are_refused(value: str) -> None:
    with pytest.raises(ValueError, match=r"mixes (Cyrillic|Greek) and Latin letters"):
        text.one_script(value)


SAME = [
    ("\u00e9t\u00e9", "e\u0301te\u0301"),
    (" a", "a"),
    ("d\u2019accord\u00a0?", "d'accord ?"),
    ("1\u20132", "1-2"),
    ("\uff21", "A"),
    ("x\u00ad\u200by", "xy"),
]
SAME_IN_ANY_CASE = [("HR", "hr"), ("Stra\u00dfe", "STRASSE"), ("\u03a3\u03c2", "\u03c3\u03c3")]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_spelled_alike(one: str, other: str) -> None:
    assert text.spelled(one) == text.spelled(other)
    assert text.twice([one, "z", other]) == (one, other)


@pytest.mark.parametrize(("one", "other"), SAME_IN_ANY_CASE)
def test_the_same_in_another_case_is_spelled_otherwise(one: str, other: str) -> None:
    assert text.spelled(one) != text.spelled(other)
    assert text.same(one) == text.same(other)
    assert text.twice(["z", one, other]) == (one, other)


def test_twice() -> None:
    assert text.twice(["a", "b", "a"]) == ("a", "a")
    assert text.twice(["a", "b", "p", "\u0440"]) is None  # look-alikes are two options


@given(st.text())
def test_forms_are_stable_and_each_is_wider_than_the_last(value: str) -> None:
    for form in (text.spelled, text.same, text.resembling):
        once = form(value)
        assert form(once) == once
        assert form(unicodedata.normalize("NFD", value)) == once
    for wide, narrow in ((text.same, text.spelled), (text.resembling, text.same)):
        assert wide(narrow(value)) == wide(value)
    assert text.same(value.casefold()) == text.same(value)


@pytest.mark.parametrize(
    ("pattern", "series"),
    [
        ("raises-*", "raises-may"),
        ("raises-*", " raises-may"),
        ("raises-*", "RAISES-MAY"),
        ("raises-*", "raises\u2013may"),
        ("raises-*", "r\u0430ises-may"),  # the manifest's own reader refuses it as mixed
        ("raises-*", "ra\u200dises-may"),
        ("Geh\u00e4lter-*", "Geha\u0308lter-Mai"),
        (" Geha\u0308lter-* ", "GEH\u00c4LTER-Mai"),
        ("copy", "\u0441\u043e\u0440\u0443"),  # one script, and looks the same
        ("raises [may]", "raises [may]"),  # the text itself, and not only the set in it
        ("raises-202[56]", "raises-2026"),
        ("stra\u00dfe-[a\u00df]", "STRA\u00dfE-\u00df"),
        ("raises-?", "raises-1"),
    ],
)
def test_a_rule_fits_what_looks_like_its_series(pattern: str, series: str) -> None:
    assert text.fits(pattern, series)


@pytest.mark.parametrize(
    ("pattern", "series"), [("raises-*", "raise-may"), ("a", "b"), ("raises-?", "raises-10")]
)
def test_a_rule_does_not_fit_all(pattern: str, series: str) -> None:
    assert not text.fits(pattern, series)


@given(st.text(), st.sampled_from(["*", "a*", "[a-c]*", "?"]))
def test_a_rule_fits_no_less_than_its_pattern_alone(series: str, pattern: str) -> None:
    from fnmatch import fnmatchcase

    if fnmatchcase(series.casefold(), pattern.casefold()):
        assert text.fits(pattern, series)


def test_what_others_write_moves_no_cursor() -> None:
    assert text.visible("a\nb \u200d\u00e9") == "a\nb \u200d\u00e9"
    assert text.visible("\x1b[2Jx\r\u202ey") == r"\x1b[2Jx\r\u202ey"


def test_quoted() -> None:
    assert text.quoted("\u00e9 a") == '"\u00e9 a"'
    assert text.quoted("a\u202e") == '"a\\u202e"'
    assert text.quoted("") == '""'


def test_numbered() -> None:
    assert text.numbered("\u00e9 \U0001f600") == '"\\u00e9 \\U0001f600"'
