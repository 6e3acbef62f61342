"""Values as a person reads them."""

import pytest

from ostraka.values import Rounded, exactly, in_words, of_three_digits, rounded


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (3, None, "3"),
        ("2.50", None, "2.50"),
        (187, 4, "187 +- 4"),
        (3098.8333, 12.5, "3099 +- 13"),
        ([1, 2], None, "[1, 2]"),
        ([1, 2], [3, 4], "[1 +- 3, 2 +- 4]"),
        ({"red": 1, "blue": 2}, 1, "red: 1 +- 1, blue: 2 +- 1"),
        ({"HR": {"men": 1}}, None, "HR: (men: 1)"),
        (list(range(9)), None, "[0, 1, 2, 3, 4, 5, 6, 7, ...] (9 values; see there)"),
    ],
)
def test_values_in_words(value, error, words):
    assert in_words(value, error, more="; see there") == words


@pytest.mark.parametrize(
    ("value", "error", "shown"),
    [
        (187, 4, ("187", "4")),
        (3108, 170, ("3110", "170")),
        (0.3108, 0.0171, ("0.311", "0.018")),
        ("7.3333333333333333", "30", ("7", "30")),
        (-0.4, 3, ("-0.4", "3.0")),
        (0.004, "0.12", ("0.00", "0.12")),
        (-0.004, "0.12", ("0.00", "0.12")),
        (12345, 99.6, ("12345", "100")),
        (10**60 + 7, 4, (str(10**60 + 7), "4")),
        (5, 0, ("5", "0")),
        ("YES", None, ("YES", "")),
        (True, None, ("True", "")),
    ],
)
def test_a_noised_value_has_the_digits_that_its_error_justifies(value, error, shown):
    """Two digits of the error, rounded up: no interval is shown narrower than it is."""
    assert rounded(value, error) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (3098.8333333333335, "3098.83"),
        (3171.5, "3171.5"),
        (0.00012345678, "0.000123457"),
        (12345678.333333, "12345678.33"),
        (Rounded.of(1, 3), "0.333333"),
        ("0.12345678", "0.12345678"),
        ("2.50", "2.50"),
        (12345678901234567890, "12345678901234567890"),
    ],
)
def test_an_exact_value_keeps_all_digits_that_end(value, shown):
    assert rounded(value) == (shown, "")


def test_text_that_was_rounded_before_is_shown_short():
    assert rounded("0.33333333333333333", exact=False) == ("0.333333", "")
    assert rounded("0.5", exact=False) == ("0.5", "")


def test_rounded_numbers_have_their_fractions_beside_them():
    third, half = Rounded.of(1, 3), "0.5"
    assert third == "0.33333333333333333"
    assert exactly(third) == "1/3"
    assert exactly([half, third]) == ["0.5", "1/3"]
    assert exactly({"a": {"b": third}}) == {"a": {"b": "1/3"}}
    assert exactly([half, 1]) is None
    assert rounded(third, "0.25") == ("0.33", "0.25")


@pytest.mark.parametrize(
    ("number", "rounded"), [("12345", "12300"), ("0.00123456", "0.00123"), ("7", "7.00")]
)
def test_three_digits(number, rounded):
    assert of_three_digits(number) == rounded
