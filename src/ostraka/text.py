"""Rules for text that people write: which characters it may have, and when two texts are the same.

Manifests, a party's own rules, inputs and files all ask here; docs/reference/text.md has the table.
Texts are kept, signed and shown as they were written. Only comparisons go by the forms below, so
these rules change no manifest's digest.

    spelled     as the eye reads it: options of a choice, and groups of a table, in inputs
    same        spelled, in any case: options and groups may not be the same twice
    resembling  the same, and letters that look like Latin ones: for what forbids (series, budgets)
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from typing import Final

JOINERS: Final = "\u200c\u200d"
"""ZWNJ and ZWJ: Persian, Indian scripts and emoji need them. No other format character is allowed.
"""

_FORBIDDEN: Final = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
"""Categories of controls, bidi and other format characters, lone surrogates, private and unassigned
characters, and separators of lines."""

_BLANK: Final = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u2800\u3164\uffa0"
    + "".join(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
)
"""Characters that are letters, marks or symbols by category, and show nothing."""

_QUOTES: Final = dict.fromkeys(map(ord, "\u2018\u2019\u201b\u2032\u02bc\u00b4`"), "'")
_MINUS: Final = "\u2212"

_LATIN: Final = str.maketrans(
    "авеѕіјкмнорстухһԁԛԝѵӏ" + "αβεζηικμνορτυχ" + "ıɡ",
    "abesijkmhopctyxhdqwvl" + "abezhikmnoptyx" + "ig",
)
"""Cyrillic and Greek letters, casefolded, whose small or capital form looks like a Latin letter."""

_SET: Final = re.compile(r"\[(?![!-~]*\])[^\]]*\]")
"""A set in a pattern that has more than ASCII in it: its letters may become two when folded."""

_TOGETHER: Final = tuple(
    frozenset({"LATIN", "CJK", *more})
    for more in (("HIRAGANA", "KATAKANA"), ("HANGUL",), ("BOPOMOFO",))
)
"""Scripts that are written together in one word ("highly restrictive") [UTS39]."""

_OF_NO_SCRIPT: Final = ("MICRO", "MODIFIER", "FEMININE", "MASCULINE", "KATAKANA-HIRAGANA")


# --- characters ----------------------------------------------------------------------------------


def line(value: object, longest: int) -> str:
    """Check and return a text for people's terminals: one visible line of at most `longest`
    characters; else ValueError, which names a forbidden character by its number."""
    if not isinstance(value, str):
        raise ValueError("must be a string")
    wanted = f"must be 1 to {longest} printable characters on one line"
    for char in filter(_forbidden, value):
        raise ValueError(f"{wanted}; U+{ord(char):04X} ({_named(char)}) is not allowed")
    if len(value) > longest or not any(map(_visible, value)):
        raise ValueError(wanted)
    return value


def visible(value: str) -> str:
    r"""Return a text of others as a terminal may show it: what is not printable as \x1b or \u202e.

    Line ends stay.
    """
    if value.replace("\n", "").isprintable():
        return value
    return "".join(_spelled_out(char) if _forbidden(char) and char != "\n" else char
                   for char in value)  # fmt: skip


def _spelled_out(char: str) -> str:
    return char.encode("unicode_escape").decode("ascii")


def one_script(value: str) -> str:
    """Return a text in which no word mixes scripts; else ValueError.

    A word with a Cyrillic or Greek letter among Latin ones looks like another word. Japanese,
    Chinese and Korean words may have Latin letters in them.
    """
    for word in _words(unicodedata.normalize("NFC", value)):
        scripts = {script for script in map(_script, word) if script}
        if len(scripts) > 1 and not any(scripts <= those for those in _TOGETHER):
            names = " and ".join(sorted(script.capitalize() for script in scripts))
            raise ValueError(f"mixes {names} letters in one word, which makes look-alikes")
    return value


def _forbidden(char: str) -> bool:
    return char not in JOINERS and unicodedata.category(char) in _FORBIDDEN


def _named(char: str) -> str:
    return unicodedata.name(char, "a control character").lower()


def _visible(char: str) -> bool:
    return not (char.isspace() or char in JOINERS or char in _BLANK)


def _words(value: str) -> Iterator[str]:
    """Yield runs of letters, marks, digits and characters that show nothing."""
    word = ""
    for char in value + " ":
        if unicodedata.category(char)[0] in "LMN" or char in JOINERS:
            word += char
        elif word:
            yield word
            word = ""


def _script(char: str) -> str | None:
    """Return the script of a letter, by the first word of its name; None of any other character."""
    if not char.isalpha() or unicodedata.name(char, "").partition(" ")[0] in _OF_NO_SCRIPT:
        return None
    plain = unicodedata.normalize("NFKC", char)[0]
    return unicodedata.name(plain, "").partition(" ")[0] or None


# --- comparison ----------------------------------------------------------------------------------


def spelled(value: str) -> str:
    """Return a text as the eye reads it: NFKC, stripped, one kind of space, dash and apostrophe,
    without characters that show nothing."""
    composed = unicodedata.normalize("NFKC", value.translate(_QUOTES))
    shown = "".join(map(_shown, composed))
    return unicodedata.normalize("NFKC", " ".join(shown.split()))


def same(value: str) -> str:
    """Return the form under which two options, groups or titles are the same text: spelled, and in
    no case."""
    return spelled(unicodedata.normalize("NFKC", spelled(value).casefold()).casefold())


def resembling(value: str) -> str:
    """Return the form under which a series is compared with what forbids: the same text, and with
    Latin letters for those that look like them. Two texts of one form may differ; then more is
    forbidden, never less."""
    return same(same(value).replace("i\u0307", "i").translate(_LATIN))


def _shown(char: str) -> str:
    category = unicodedata.category(char)
    if category == "Pd" or char == _MINUS:
        return "-"
    if char.isspace():
        return " "
    return "" if category in ("Cf", "Cc") or char in _BLANK else char


def fits(pattern: str, series: str) -> bool:
    """Return whether a series is the one that a pattern spells, or one that its `*`, `?` and sets
    in brackets stand for. A set with other letters than ASCII stands for anything."""
    asked, written = resembling(series), resembling(_SET.sub("*", pattern))
    plain = fnmatchcase(series.casefold(), pattern.casefold())
    return plain or asked == written or fnmatchcase(asked, written)


def twice(values: Iterable[str]) -> tuple[str, str] | None:
    """Return the first two of several texts that are the same, or None."""
    seen: dict[str, str] = {}
    for value in values:
        if (form := same(value)) in seen:
            return seen[form], value
        seen[form] = value
    return None


def numbered(value: str) -> str:
    """Return a text in quotes for a message, all but ASCII as numbers, which differ."""
    return '"' + re.sub(r"[^ -~]", _escape, value) + '"'


def quoted(value: str) -> str:
    """Return a text in quotes for a message: as it is, if it is one line of allowed characters."""
    try:
        return f'"{line(value, 200)}"'
    except ValueError:
        return numbered(value[:200])


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
