"""Cells: numbers that programs hold as floats are exact, or refused."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.data.cells import Unusable, cell_of, text_of


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""), ("a ", "a "), (7, "7"), (7.0, "7"), (-0.0, "0"), (0.1, "0.1"),
        (2.0**53 - 1, "9007199254740991"), (1e-7, "0.0000001"), (True, "true"), (False, "false"),
        (Decimal("1.10"), "1.10"), (Decimal("1E+3"), "1000"), (date(2026, 1, 2), "2026-01-02"),
    ],
)  # fmt: skip
def test_values_keep_all_digits(value, text):
    assert text_of(cell_of(value)) == text


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (2.0**53, "beyond 2^53"), (-1e300, "beyond 2^53"), (float("nan"), "not a finite"),
        (float("inf"), "not a finite"), (Decimal("NaN"), "not a finite"), ([1], "neither text"),
        (b"x", "neither text"), (Decimal("1E+999999"), "too large"),
        (Decimal("1E-500"), "too fine"),
    ],
)  # fmt: skip
def test_what_cannot_be_exact_is_unusable(value, problem):
    found = cell_of(value)
    assert isinstance(found, Unusable)
    assert problem in found.problem


@given(st.floats(-1e15, 1e15))
def test_a_float_is_the_shortest_decimal_that_reads_back(value):
    assert float(text_of(cell_of(value))) == value


def test_the_decimal_sign_of_a_text():
    assert text_of(cell_of(1.5), ",") == "1,5"
