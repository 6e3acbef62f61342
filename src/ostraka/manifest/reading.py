"""Reading of TOML text: returns a manifest, or an error that lists all mistakes by line."""

from __future__ import annotations

import re
import tomllib
from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from ostraka import limits
from ostraka.errors import ManifestError
from ostraka.manifest.collection import Collection
from ostraka.manifest.coordinators import BROKER, BrokerSpec, CoordinatorSpec, without_marks
from ostraka.manifest.fields import Path, Problem, suggest
from ostraka.manifest.inputs import InputSchema
from ostraka.manifest.model import (
    Manifest,
    PartySpec,
    Problems,
    SessionSpec,
    Sharing,
    dotted,
)
from ostraka.manifest.privacy import Central, Clip, Dominance, Local, Plausible, Policy, Privacy
from ostraka.manifest.study_round import StudyRound
from ostraka.manifest.wording import in_words

LONE: Final = (("input",), ("session", "coordinator"))
"""Tables of which there may be a list."""


def parse(text: str, source: str = "session.toml") -> Manifest:
    """Read a manifest from TOML, and check it but for the rules of its protocol.

    Args:
        text: TOML.
        source: the name of the file in messages.

    Raises:
        ManifestError: the text is not a valid manifest; the message has a line for each mistake:
            "session.toml:12: ...".
    """
    if len(text.encode("utf-8", "surrogatepass")) > limits.MANIFEST:
        raise ManifestError(f"{source}: larger than {limits.MANIFEST} bytes", data_left=False)
    text = text.removeprefix("\ufeff")  # of a file that the caller read itself
    raw = _toml(text, source)
    parties = raw.get("party")
    if isinstance(parties, list) and len(parties) > limits.PARTIES:
        raise _error(text, source, [(("party",), f"more than {limits.PARTIES} parties")])
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        found = _explain(error)
        for lone in [path for path in LONE if _is_table(raw, path)]:
            found = map(partial(_without_index, lone), found)
        raise _error(text, source, list(found)) from None


def _toml(text: str, source: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text, parse_float=Decimal)
    except RecursionError:
        raise ManifestError(f"{source}: nested too deeply", data_left=False) from None
    except (ValueError, ArithmeticError) as error:
        words = str(error)
        if isinstance(error, ArithmeticError) or words.startswith("Exceeds the limit"):
            found = _LONG.search(text)
            line = text.count("\n", 0, found.start() if found else len(text)) + 1
            message = f"{source}:{line}: not TOML: a number is too large or too fine"
            raise ManifestError(message, data_left=False) from None
        at = re.search(r" \(at (?:line (\d+), column \d+|end of document)\)$", words)
        line = int(at[1]) if at and at[1] else text.rstrip().count("\n") + 1
        what = words[: at.start()] if at else words.partition(":")[0]
        message = f"{source}:{line}: not TOML: {what[:1].lower()}{what[1:]}"
        raise ManifestError(message, hint=_QUOTES, data_left=False) from None


_LONG = re.compile(r"[eE][+-]?[0-9_]{6,}|[0-9_]{4300,}")
"""Numbers that Python refuses to read: of very large exponents, or of thousands of digits."""

_QUOTES = 'text goes in double quotes: name = "alice"'


def _explain(error: ValidationError) -> Iterator[Problem]:
    """Yield the findings of pydantic as problems in our words."""
    for found in error.errors(include_url=False, include_input=False):
        path, reason = tuple(found["loc"]), found.get("ctx", {})
        inner = reason.get("error")
        if isinstance(inner, Problems):
            yield from inner.found
        elif found["type"] == "extra_forbidden":
            words = "unknown key" + suggest(str(path[-1]), _keys_at(path[:-1]))
            yield without_marks(path), words
        else:
            yield without_marks(path), in_words(found)


def _is_table(raw: dict[str, Any], path: tuple[str, ...]) -> bool:
    """Return whether the manifest has one table at a path where a list may be."""
    found: Any = raw
    for key in path:
        found = found.get(key) if isinstance(found, dict) else None
    return isinstance(found, dict)


def _without_index(lone: Path, problem: Problem) -> Problem:
    """Return a problem of a lone table, validated as a list of one, without its index."""
    path, words = problem
    size = len(lone)
    return (*lone, *path[size + 1 :]) if path[: size + 1] == (*lone, 0) else path, words


def _keys_at(path: Path) -> list[str]:
    """List the keys that the manifest's table at `path` may hold."""
    tables: dict[Path, type[BaseModel]] = {
        (): Manifest,
        ("session",): SessionSpec,
        ("session", "coordinator"): BrokerSpec if BROKER in path else CoordinatorSpec,
        ("party",): PartySpec,
        ("input",): InputSchema,
        ("sharing",): Sharing,
        ("policy",): Policy,
        ("policy", "dominance"): Dominance,
        ("policy", "plausible"): Plausible,
        ("privacy",): Privacy,
        ("privacy", "local"): Local,
        ("privacy", "central"): Central,
        ("privacy", "clip"): Clip,
        ("collection",): Collection,
        ("round",): StudyRound,
    }
    table = tables.get(tuple(p for p in without_marks(path) if isinstance(p, str)))
    return [field.alias or name for name, field in table.model_fields.items()] if table else []


def _error(text: str, source: str, found: list[Problem]) -> ManifestError:
    """Return one error for all problems, in the order of their lines; 20 of them at most."""
    lines = line_numbers(text)
    located = sorted(((_nearest(lines, path), path, words) for path, words in found), key=_line)
    shown = [f"{source}:{line}: {dotted(path)}: {words}" for line, path, words in located[:20]]
    if len(located) > 20:
        shown.append(f"... and {len(located) - 20} more")
    return ManifestError("\n".join(shown), data_left=False)


def _line(problem: tuple[int, Path, str]) -> int:
    return problem[0]


def locate(text: str, source: str, message: str) -> str:
    """Put file and line before a message that starts with a dotted path ("outputs.x: ..."); else
    the file only."""
    start = re.match(r"[a-z_]+(\.[a-z0-9_]+)*(?=: )", message)
    if not start:
        return f"{source}: {message}"
    path: Path = tuple(start[0].split("."))
    return f"{source}:{_nearest(line_numbers(text), path)}: {message}"


def _nearest(lines: dict[Path, int], path: Path) -> int:
    """Return the line of a path, or of the nearest table around it."""
    while path and path not in lines:
        path = path[:-1]
    return lines.get(path, 1)


# --- from a path to its line -------------------------------------------------------------------

_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?"""|' + r"'''.*?'''" + r'|"(?:\\.|[^"\\\n])*"' + r"|'[^'\n]*'|#[^\n]*|\n|.",
    re.DOTALL,
)
_KEY = re.compile(r"""\s*("(?:\\.|[^"\\])*"|'[^']*'|[A-Za-z0-9_-]+)\s*(\.?)""")


def line_numbers(text: str) -> dict[Path, int]:
    """Return the line, from 1, where each key and table of a valid TOML text starts, by path."""
    lines: dict[Path, int] = {}
    arrays: Counter[Path] = Counter()
    table: Path = ()
    for number, statement in _statements(text):
        head = _key_path(statement.lstrip("["))
        if statement.startswith("[["):
            lines.setdefault(head, number)
            table = (*head, arrays[head])
            arrays[head] += 1
        elif statement.startswith("["):
            table = head
        else:
            lines.setdefault((*table, *head), number)
            continue
        lines.setdefault(table, number)
    return lines


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the statements of a TOML text, each with its first line; a value in brackets or triple
    quotes may span several lines."""
    number, start, depth, parts = 1, 1, 0, ""
    for word in (match[0] for match in _TOKEN.finditer(text + "\n")):
        if word == "\n" and depth <= 0:
            if parts.strip():
                yield start, parts.strip()
            parts, depth = "", 0
        elif not word.startswith("#"):
            start = start if parts.strip() else number
            parts += word
            depth += (word in "[{") - (word in "]}")
        number += word.count("\n")


def _key_path(statement: str) -> Path:
    """Return the dotted key at the start of a statement, as a path."""
    path: list[str] = []
    position, more = 0, "."
    while more and (match := _KEY.match(statement, position)):
        path.append(match[1].strip("\"'"))
        position, more = match.end(), match[2]
    return tuple(path)
