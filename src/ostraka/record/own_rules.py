"""A party's own file of rules, NAME.toml beside its key: a `[[budget]]` for each data source.

Before the budgets it may say whether the party's sessions survive a crash: `durable = false` keeps
no records of them, and `resume_for` says how long a record is kept. `workers` says how many
processes open the reports of a collection; by default as many as there are cores.
"""

from __future__ import annotations

import re
import tomllib
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any, Final, NamedTuple

from ostraka.errors import UsageError
from ostraka.files import loose_modes, read_text
from ostraka.manifest import seconds, suggest
from ostraka.record.accountant import WAYS
from ostraka.record.budget import DEFAULT_DELTA, Budget
from ostraka.record.rules import Rule
from ostraka.text import line, one_script

RESUME_SECONDS: Final = 3600.0
"""Seconds after a crash in which a session may be resumed, by default."""

MOST_WORKERS: Final = 256
"""Processes that may open a collection's reports."""

_KEYS: Final = (
    "source", "series", "epsilon", "delta", "accountant", "same_roster_only", "min_difference",
    "most_runs",
)  # fmt: skip


_NO_FILTER: Final = (
    'accountant = "pld" is no longer possible: it adds up runs that are all fixed beforehand, and '
    'an organiser may choose a run by the result of an earlier one. Say "rdp": it holds then, too'
)


class Durability(NamedTuple):
    """Choice of a party whether its sessions are recorded while they last.

    Attributes:
        durable: whether they are.
        resume_for: how many seconds after a crash a session may be resumed.
    """

    durable: bool = True
    resume_for: float = RESUME_SECONDS


def load_durability(name: str, keys: Path) -> Durability:
    """Read `durable` and `resume_for` of NAME.toml; the default without that file.

    Raises:
        UsageError: as `load_rules`.
    """
    return _load(name, keys)[1]


def load_workers(name: str, keys: Path) -> int | None:
    """Read `workers` of NAME.toml: how many processes open a collection's reports; None where the
    file does not say.

    Raises:
        UsageError: as `load_rules`.
    """
    return _load(name, keys)[2]


def load_rules(name: str, keys: Path) -> tuple[Rule, ...]:
    """Read each `[[budget]]` of NAME.toml beside the party's key; none without that file.

    Raises:
        UsageError: the file is unreadable or not valid, or others may write to it.
    """
    return _load(name, keys)[0]


def _load(name: str, keys: Path) -> tuple[tuple[Rule, ...], Durability, int | None]:
    path = keys / f"{name}.toml"
    if not (path.exists() or path.is_symlink()):  # a link to nowhere must not mean: no rules
        return (), Durability(), None
    if problem := loose_modes(path, 0o644):
        raise UsageError(f"{problem}: others could raise your budget", data_left=False)
    text = read_text(path)
    try:
        raw = tomllib.loads(text, parse_float=Decimal)
        for key in raw:
            _require_known(key, ("budget", "mqtt", "network", "workers", *Durability._fields))
        workers = _workers(raw)
        return _rules(raw), _durability(raw), workers
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", data_left=False) from None


def _rules(raw: dict[str, Any]) -> tuple[Rule, ...]:
    tables = raw.get("budget", [])
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise ValueError("budget is a table of its own, in two brackets: [[budget]]")
    return tuple(map(_rule, tables))


def _durability(raw: dict[str, Any]) -> Durability:
    durable = raw.get("durable", True)
    if type(durable) is not bool:
        raise ValueError("durable must be true or false")
    try:
        return Durability(durable, seconds(raw.get("resume_for", RESUME_SECONDS)))
    except ValueError as problem:
        raise ValueError(f"resume_for {problem}") from None


def _workers(raw: dict[str, Any]) -> int | None:
    workers = raw.get("workers")
    if workers is not None and (type(workers) is not int or not 1 <= workers <= MOST_WORKERS):
        raise ValueError(f"workers must be a whole number from 1 to {MOST_WORKERS}")
    return workers


def _rule(table: dict[str, Any]) -> Rule:
    for key in table:
        _require_known(key, _KEYS)
    if "source" not in table:
        raise ValueError('source is missing: a name for this data, such as "payroll"')
    accountant = table.get("accountant", "zcdp" if "delta" in table else "basic")
    if accountant == "pld":
        raise ValueError(_NO_FILTER)
    if accountant not in WAYS:
        raise ValueError(f"accountant must be one of {', '.join(WAYS)}")
    least, same = table.get("min_difference", 1), table.get("same_roster_only", False)
    if type(least) is not int or least < 1 or type(same) is not bool:
        raise ValueError("min_difference is a whole number from 1, same_roster_only true or false")
    runs = table.get("most_runs")
    if runs is not None and (type(runs) is not int or runs < 1):
        raise ValueError("most_runs is a whole number from 1: how many runs your input may be in")
    return Rule(
        source=_text("source", table["source"]),
        series=_series(table.get("series", "*")),
        budget=_budget(table),
        accountant=accountant,
        same_roster_only=same,
        min_difference=least,
        most_runs=runs,
    )


def _series(value: object) -> tuple[str, ...]:
    if value == []:
        raise ValueError('series names none, so the budget would hold for nothing: "*" is all')
    return tuple(_text("series", each) for each in (value if isinstance(value, list) else [value]))


def _budget(table: dict[str, Any]) -> Budget | None:
    if "epsilon" not in table and "delta" not in table:
        return None
    epsilon = _fraction("epsilon", table.get("epsilon", 0))
    delta = _fraction("delta", table.get("delta", str(DEFAULT_DELTA)))
    if epsilon <= 0 or not 0 <= delta < 1:
        raise ValueError("epsilon must be above 0, delta from 0 to below 1")
    return Budget(epsilon, delta)


def _fraction(name: str, value: object) -> Fraction:
    """Read "3", "1e-6", "1/3" or 0.5, exactly."""
    huge = re.search(r"[eE][+-]?0*[1-9][0-9]{3}", str(value))  # 10**999999999 takes hours
    if not huge and not isinstance(value, bool) and isinstance(value, str | int | Decimal):
        try:
            return Fraction(value)
        except (ValueError, OverflowError, ZeroDivisionError):
            pass
    raise ValueError(f'{name} must be a number, such as "3", "1e-6" or "1/3"')


def _text(name: str, value: object) -> str:
    try:
        return one_script(line(value, 200))
    except ValueError as problem:
        raise ValueError(f"{name} {problem}") from None


def _require_known(key: str, known: tuple[str, ...]) -> None:
    if key not in known:
        raise ValueError(f'unknown key "{key}"' + suggest(key, known))
