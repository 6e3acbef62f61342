"""Numbers in the notation that was said; anything else is refused, with the options to say."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.data.notation import Notation
from ostraka.errors import UsageError


@pytest.mark.parametrize(
    ("decimal", "thousands", "text", "plain"),
    [
        (",", ".", "1.234.567,50", "1234567.5"),
        (",", ".", "-1.234", "-1234"),
        (",", None, "3,800", "3.8"),
        (".", None, "3.800", "3.8"),
        (None, ",", "36,350", "36350"),
        (None, ",", "36,350.10", "36350.1"),
        (None, ",", "36350", "36350"),
        (None, ".", "36.350", "36350"),
        (None, "'", "1'234'567", "1234567"),
        (None, "'", "1\u2019234", "1234"),
        (",", " ", "1\u202f234\u00a0567,5", "1234567.5"),
        (",", None, " +7 ", "+7"),
    ],
)
def test_what_is_said_is_read(decimal, thousands, text, plain):
    assert Notation(decimal, thousands).plain(text) == plain


@pytest.mark.parametrize(
    ("decimal", "thousands", "text"),
    [
        (",", ".", "3.80"), (",", ".", "1.2345"), (",", ".", "1,234,567"), (",", None, "3.8"),
        (None, ",", "3,80"), (None, ",", "1,2345"), (None, ",", ",123"), (None, ".", "3.8"),
        (".", None, "1,5"), (",", None, "1e3"), (",", None, "1_000"), (",", None, "(5)"),
        (None, ",", "12,34,567"), (",", ".", ""), (",", ".", "-"), (",", None, "\u0663"),
        (None, " ", "1  234"),
    ],
)  # fmt: skip
def test_any_other_number_is_refused_and_not_repeated(decimal, thousands, text):
    with pytest.raises(ValueError, match="not") as error:
        Notation(decimal, thousands).plain(text)
    assert not text or text not in str(error.value).replace("--", "")


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("36,350", "--thousands , or, if decimals follow it, --decimal ,"),
        ("3.800", "--thousands . or, if decimals follow it, --decimal ."),
        ("3,80", "--decimal ,"),
        ("1,234.50", "--thousands ,"),
        ("1.234,50", "--thousands . --decimal ,"),
        ("-1.234.567", "--thousands ."),
        ("1 000", "--thousands ' '"),
        ("1'000", '--thousands "\'"'),
    ],
)
def test_the_options_are_said(text, options):
    assert Notation().advice(text, "?") == f"is not in plain digits: {options}"


def test_other_problems_stay():
    assert Notation().advice("x", "is no number") == "is no number"


@pytest.mark.parametrize(("decimal", "thousands"), [(",", ","), ("'", None), (None, "x"), ("", "")])
def test_signs_that_mean_nothing(decimal, thousands):
    with pytest.raises(UsageError):
        Notation(decimal, thousands)


@given(
    st.decimals(-(10**12), 10**12, places=3),
    st.sampled_from([(",", "."), (".", ","), (",", " "), (".", "'"), (",", None)]),
)
def test_a_number_that_is_written_out_comes_back(number, signs):
    decimal, thousands = signs
    text = f"{number:,.3f}".replace(",", "T").replace(".", decimal).replace("T", thousands or "")
    assert Decimal(Notation(decimal, thousands).plain(text)) == number
