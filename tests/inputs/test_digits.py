"""Numbers read from many lines at once, against Python's exact fractions."""

from __future__ import annotations

import re
import time
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.inputs import digits
from ostraka.inputs.encoding import Codec
from ostraka.inputs.lines import Lines
from ostraka.manifest import InputSchema

NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)", re.ASCII)
numbers = st.from_regex(NUMBER, fullmatch=True)
lines = st.lists(
    st.one_of(numbers, st.text("0123456789+-. \t,e\u00e9", max_size=24)), min_size=1, max_size=20
)


def read(values: list[str]) -> digits.Decimals:
    return Lines("\n".join(values)).decimals(slice(0, len(values)))


def digits_in(text: str) -> int:
    return sum(c.isdigit() for c in text)


@given(lines)
def test_every_line_is_read_exactly_or_left(values: list[str]) -> None:
    found = read(values)
    for i, value in enumerate(values):
        text = value.strip(" \t")
        plain = bool(NUMBER.fullmatch(text)) and digits_in(text) <= 18 and len(value) <= 40
        assert bool(found.plain[i]) == plain
        if plain:
            exact = Fraction(int(found.digits[i]), 10 ** int(found.places[i]))
            assert exact == Fraction(text)


@given(lines, st.integers(0, 18))
def test_scaled_is_exact_or_left(values: list[str], places: int) -> None:
    found, fine = digits.scaled(read(values), places)
    for i in np.flatnonzero(fine):
        assert int(found[i]) == Fraction(values[i].strip()) * 10**places


@given(lines, st.integers(1, 52))
def test_binary_is_rounded_to_even_or_left(values: list[str], bits: int) -> None:
    found, fine = digits.binary(read(values), bits)
    for i in np.flatnonzero(fine):
        assert int(found[i]) == round(Fraction(values[i].strip()) * 2**bits)


def test_ties_go_to_even_and_the_largest_numbers_are_exact() -> None:
    found, fine = digits.binary(read(["0.5", "1.5", "2.5", "-0.5", "-1.5"]), 1)
    assert fine.all()
    assert found.tolist() == [1, 3, 5, -1, -3]
    halves, _ = digits.binary(read(["0.25", "0.75", "-0.25", "-0.75", "1.25"]), 1)
    assert halves.tolist() == [0, 2, 0, -2, 2]
    most = [
        "999999999999999999",
        "-999999999999999999",
        "9.22337203685477580",
        "0000000000000000.7",
    ]
    whole, _ = digits.scaled(read(most[:2]), 0)
    assert whole.tolist() == [10**18 - 1, 1 - 10**18]
    fine_17, ok = digits.scaled(read([most[2]]), 17)
    assert (fine_17.tolist(), ok.tolist()) == ([922337203685477580], [True])


@examples(50)
@given(
    st.lists(st.decimals(-1000, 1000, places=3), min_size=9, max_size=40),
    st.sampled_from(["decimal(3)", "decimal(6)", "float(10)", "float(52)"]),
    st.sampled_from(["reject", "clip"]),
)
def test_text_decimals_and_lines_encode_as_one_by_one(
    values: list[Decimal], kind: str, outside: str
) -> None:
    most = 900 if outside == "clip" else 1000
    schema = InputSchema.model_validate(
        {"type": kind, "min": -most, "max": most, "length": len(values), "outside": outside}
    )
    codec = Codec(schema)
    one_by_one = [codec.element(value) for value in values]
    for raw in (values, list(map(str, values)), Lines("\n".join(map(str, values)), "x")):
        assert codec.encode(raw).tolist() == one_by_one


@given(st.lists(st.floats(-1e12, 1e12), min_size=9, max_size=30), st.integers(1, 20))
def test_powers_of_ten_round_as_one_by_one(values: list[float], bits: int) -> None:
    texts = [f"{value:.18e}" for value in values] + ["1.5E3", "-2e-1"]
    schema = {"type": f"float({bits})", "min": -(10**12), "max": 10**12, "length": len(texts)}
    codec = Codec(InputSchema.model_validate(schema))
    one_by_one = [codec.element(text) for text in texts]
    assert codec.encode(Lines("\n".join(texts), "x")).tolist() == one_by_one
    assert codec.encode(texts).tolist() == one_by_one


def seconds(codec: Codec, text: str) -> float:
    start = time.thread_time()
    codec.encode(Lines(text, "x"))
    return time.thread_time() - start


def many(count: int) -> tuple[Codec, str]:
    schema = {"type": "decimal(2)", "min": 0, "max": 10_000_000, "length": count}
    text = "\n".join(f"{i % 1_000_000}.{i % 100:02d}" for i in range(count))
    return Codec(InputSchema.model_validate(schema)), text


def test_decimals_of_text_need_a_microsecond_each() -> None:
    codec, text = many(100_000)
    assert min(seconds(codec, text) for _ in range(3)) < 0.1


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["decimal(2)", "float(20)"])
def test_a_million_decimals_of_text_in_a_second(kind: str) -> None:
    _, text = many(1_000_000)
    schema = {"type": kind, "min": 0, "max": 10_000_000, "length": 1_000_000}
    codec = Codec(InputSchema.model_validate(schema))
    assert min(seconds(codec, text) for _ in range(3)) < 1
