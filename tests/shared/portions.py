"""Portions of a test's cases and examples: for the default suite, and for thorough runs alone."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from hypothesis import settings


def examples(count: int) -> settings:
    """Let a property be tried `count` times in thorough runs, and a third as often by default."""
    return settings(max_examples=count if settings().max_examples > 6 else -(-count // 3))


def portioned(default: Iterable[Any], thorough: Iterable[Any]) -> list[Any]:
    """Return the cases of a test; the second ones are marked `thorough`."""
    return [*default, *map(_thorough, thorough)]


def thinned(cases: Iterable[Any], is_default: Callable[..., bool]) -> list[Any]:
    """Return cases, tuples; those of which `is_default(*case)` is false are marked `thorough`."""
    return [case if is_default(*_values(case)) else _thorough(case) for case in cases]


def _values(case: Any) -> tuple[Any, ...]:
    return tuple(getattr(case, "values", case))


def _thorough(case: Any) -> Any:
    if hasattr(case, "marks"):  # made by pytest.param
        return case._replace(marks=(*case.marks, pytest.mark.thorough))
    values = case if isinstance(case, tuple) else (case,)
    return pytest.param(*values, marks=pytest.mark.thorough)
