"""Values as a person reads them."""

import pytest

from ostraka.values import as_fine, in_words


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
