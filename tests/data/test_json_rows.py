"""Rows in JSON keep all their digits, and a name twice in one object is refused."""

from __future__ import annotations

import pytest

from ostraka.errors import InputError


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("x.json", '[{"a": 1, "b": "x"}, {"a": "2"}, {"b": null, "a": 3.0}]'),
        ("x.json", '\ufeff [{"a": 1}, {"a": 2}, {"a": 3}]\n'),
        ("x.jsonl", '{"a": 1}\n\n{"a": 2}\r\n{"a": 3}'),
        ("x.ndjson", '{"a": 1}\n{"b": [], "a": 2}\n{"a": 3}\n'),
    ],
)
def test_rows(read, encoded, name, content):
    assert encoded("vector", read("vector", name, content, value="a")) == [1, 2, 3]


def test_digits_stay(read, encoded):
    text = '[{"v": 90071992547.41}, {"v": 0.10}]'
    assert encoded("sum", read("sum", "x.json", '[{"v": 999999.99}]', value="v")) == [99999999]
    raw = read("sum", "x.json", text, value="v", add_up=True).raw
    assert str(raw) == "90071992547.51"


@pytest.mark.parametrize(
    ("name", "content", "problem"),
    [
        ("x.json", "[1, 2, 3]", "not a list of objects"),
        ("x.json", '{"a": [1, 2, 3]}', "not a list of objects"),
        ("x.json", "[{]", "is not JSON"),
        ("x.json", '[{"a": 1, "a": 2}]', '"a" is there twice'),
        ("x.jsonl", '{"a": 1}\n{"a": 1, "a": 2}', 'line 2 of .*"a" is there twice'),
        ("x.json", '[{"b": 1}]', 'has no column "a"'),
        ("x.json", b'[{"a": "\xe4"}]', "not UTF-8"),
        ("x.json", '[{"a": 1e999999999999999999999}]', "too large or too fine"),
    ],
)
def test_refusals(read, name, content, problem):
    with pytest.raises(InputError, match=problem):
        read("vector", name, content, value="a")


def test_what_is_wrong_in_a_row_is_found(read):
    text = '[{"a": {"x": 1}}, {"a": true}, {}]'
    assert [str(f) for f in read("vector", "x.json", text, value="a").preview.wrong] == [
        'row 3: column "a" is blank',
        'row 1: column "a" is neither text nor a number',
        'row 2: column "a" is not a number in plain digits, such as 1000 or -2.50',
    ]
