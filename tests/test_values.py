"""Values as a person reads them."""

import pytest

from ostraka.values import Rounded, as_fine, exactly, in_words, of_three_digits


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (3, None, "3"),
        ("2.50", None, "2.50"),
        (187, 4, "187 +- 4"),
        (3098.8333, 12.5, "3098.83 +- 12.5"),
        ([1, 2], None, "[1, 2]"),
        ([1, 2], [3, 4], "[1 +- 3, 2 +- 4]"),
        ({"red": 1, "blue": 2}, 1, "red: 1 +- 1, blue: 2 +- 1"),
        ({"HR": {"men": 1}}, None, "HR: (men: 1)"),
        (list(range(9)), None, "[0, 1, 2, 3, 4, 5, 6, 7, ...] (9 values; see there)"),
    ],
)
def test_values_in_words(value, error, words):
    assert in_words(value, error, more="; see there") == words


def test_what_is_exact_stays_as_it_is():
    assert as_fine(1.23456, None) == 1.23456
    assert as_fine("1.23456", 1) == "1.23456"


def test_rounded_numbers_have_their_fractions_beside_them():
    third, half = Rounded.of(1, 3), "0.5"
    assert third == "0.33333333333333333"
    assert exactly(third) == "1/3"
    assert exactly([half, third]) == ["0.5", "1/3"]
    assert exactly({"a": {"b": third}}) == {"a": {"b": "1/3"}}
    assert exactly([half, 1]) is None
    assert as_fine(third, "0.25") == "0.333"


@pytest.mark.parametrize(
    ("number", "rounded"), [("12345", "12300"), ("0.00123456", "0.00123"), ("7", "7.00")]
)
def test_three_digits(number, rounded):
    assert of_three_digits(number) == rounded
