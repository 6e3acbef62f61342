"""JSON is read with one meaning, or not at all."""

from decimal import Decimal

import pytest

from ostraka import strict_json


def test_json_is_read_as_ever():
    text = '{"a": [1, -2.50, "é", null, true], "b": {"a": 1}}'
    found = {"a": [1, Decimal("-2.50"), "é", None, True], "b": {"a": 1}}
    assert strict_json.parse(text, parse_float=Decimal) == found
    assert strict_json.parse(text.encode(), parse_float=Decimal) == found
    assert type(strict_json.parse("1.0")) is float


@pytest.mark.parametrize(
    "text",
    [
        '{"women":1,"women":900,"men":2}',
        '[{"x": {"women": 1, "men": 2, "women": 1}}]',
        '{"women": 1, "\\u0077omen": 1}',
    ],
)
def test_a_key_that_is_there_twice_is_refused(text):
    with pytest.raises(strict_json.TwiceError, match='"women" is there twice') as error:
        strict_json.parse(text)
    assert error.value.key == "women"


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "NaN", "[Infinity]", '{"a": -Infinity}', "[" * 100_000, "1 2", "\ufeff1"),
        *(b"\xff", "\ufeff1".encode(), '{"a": 1}'.encode("utf-16")),
    ],
)
def test_what_is_not_json_is_a_value_error(text):
    with pytest.raises(ValueError, match=r"."):
        strict_json.parse(text)
