import json
from decimal import Decimal
from fractions import Fraction
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import InputError
from ostraka.inputs.encoding import Codec
from ostraka.inputs.rendering import renderer
from ostraka.manifest import InputSchema
from ostraka.values import Rounded

LONG = 12  # enough elements for the array path


@cache
def codec(kind, length=1, low=-1000, high=1000):
    bounds = {} if kind == "bool" or kind.startswith("choice") else {"min": low, "max": high}
    decimals = {k: Decimal(str(v)) for k, v in bounds.items()}
    return Codec(InputSchema(type=kind, length=length, **decimals))


GOOD = [
    ("bool", True, 1),
    ("bool", 0, 0),
    ("bool", "Yes", 1),
    ("bool", " false ", 0),
    ("int", 7, 7),
    ("int", "-1000", -1000),
    ("int", 1000.0, 1000),
    ("int", Decimal("5.0"), 5),
    ("int", np.int32(3), 3),
    ("decimal(2)", "3800", 380000),
    ("decimal(2)", 12.34, 1234),
    ("decimal(2)", "-0.01", -1),
    ("decimal(2)", ".5", 50),
    ("decimal(2)", "7.", 700),
    ("decimal(2)", Decimal("1.10"), 110),
    ("decimal(2)", "+1.00000", 100),
    ("decimal(0)", "5", 5),
    ("float(4)", 0.5, 8),
    ("float(4)", "1e1", 160),
    ("float(4)", 1 / 32, 0),
    ("float(4)", 3 / 32, 2),
    ("float(20)", -1000.0, -1000 << 20),
    ('choice(["red","blue"])', "blue", 1),
    ('choice(["red","blue"])', " red ", 0),
]


@pytest.mark.parametrize(("kind", "value", "expected"), GOOD)
def test_good_values(kind, value, expected):
    high = 4000 if value == "3800" else 1000
    assert codec(kind, high=high).encode(value).tolist() == [expected]
    assert codec(kind, high=high).encode([value]).tolist() == [expected]
    assert codec(kind, LONG, high=high).encode([value] * LONG).tolist() == [expected] * LONG


BAD = [
    ("bool", 2, "neither true nor false"),
    ("bool", -1, "neither true nor false"),
    ("bool", 0.5, "neither true nor false"),
    ("bool", "maybe", "neither true nor false"),
    ("bool", "", "blank"),
    ("int", None, "no input|blank"),
    ("int", "   ", "blank"),
    ("int", "", "blank"),
    ("int", 1001, "above max = 1000"),
    ("int", -1001, "below min = -1000"),
    ("int", 10**30, "above max"),
    ("int", 1e300, "above max"),
    ("int", 0.5, "not a whole number"),
    ("int", "1.5", "not a whole number"),
    ("int", True, "true or false"),
    ("int", "0x10", "not a number"),
    ("int", "1_000", "not a number"),
    ("int", "١٢", "not a number"),
    ("int", "1,000", "not a number"),
    ("int", b"5", "not a number"),
    ("int", {"a": 1}, "not a number"),
    ("int", 1j, "not a number"),
    ("decimal(2)", float("nan"), "not a finite number"),
    ("decimal(2)", float("inf"), "not a finite number"),
    ("decimal(2)", Decimal("NaN"), "not a finite number"),
    ("decimal(2)", "nan", "not a number"),
    ("decimal(2)", "1.234", "more than 2 digits"),
    ("decimal(2)", 0.1 + 0.2, "more than 2 digits"),
    ("decimal(2)", Decimal("1e-999999999"), "too large or too fine"),
    ("decimal(2)", "1e2", "not a number"),
    ("decimal(2)", "1000.01", "above max"),
    ("decimal(2)", 1000.01, "above max"),
    ("float(4)", float("-inf"), "not a finite number"),
    ("float(4)", "inf", "not a finite number"),
    ("float(4)", "1e999", "not a finite number"),
    ("float(4)", "1_0.0", "not a number"),
    ("float(4)", 1000.1, "above max"),
    ("float(4)", -1e308, "below min"),
    ('choice(["red","blue"])', "green", "not one of the options: red, blue"),
    ('choice(["red","blue"])', 0, "option"),
    ('choice(["red","blue"])', "", "blank"),
]


@pytest.mark.parametrize(("kind", "value", "problem"), BAD)
def test_bad_values_are_refused_and_nothing_is_sent(kind, value, problem):
    with pytest.raises(InputError, match=problem) as caught:
        codec(kind).encode(value)
    assert caught.value.exit_code == 20
    assert caught.value.data_left is False
    assert "nothing was sent" in caught.value.hint


@pytest.mark.parametrize(("kind", "value", "problem"), BAD)
@pytest.mark.parametrize("everywhere", [True, False])
def test_the_guilty_element_is_named(kind, value, problem, everywhere):
    good = {"b": True, "i": 1, "d": 1.5, "f": 1.5, "c": "red"}[kind[0]]
    row = [value] * LONG if everywhere else [good] * 7 + [value] + [good] * 4
    with pytest.raises(InputError, match=f"value {1 if everywhere else 8} "):
        codec(kind, LONG).encode(row)


@pytest.mark.parametrize(
    ("array", "kind", "problem"),
    [
        (np.array([1.0, np.nan] * 6), "decimal(2)", "value 2 is not a finite number"),
        (np.array([1.0, np.inf] * 6), "float(8)", "value 2 is not a finite number"),
        (np.array([0, 2**63] * 6, np.uint64), "int", "value 2 is above max"),
        (np.array([0, -(2**63)] * 6), "float(8)", "value 2 is below min"),
        (np.array([0.5] * 12), "int", "value 1 is not a whole number"),
        (np.array([2] * 12), "bool", "value 1 is neither"),
        (np.array([0.0] * 12), "bool", "value 1 is neither"),
        (np.array([True] * 12), "int", "value 1 is true or false"),
        (np.array([1] * 12), 'choice(["a","b"])', "value 1 is a number"),
        (np.zeros((3, 4)), "int", "2 dimensions"),
        (np.array([None] * 12), "int", "value 1 is blank"),
        (np.array(["1e3"] * 12), "int", "in plain digits: it is in powers of ten: write 1000"),
        (np.array(["1", "x"] * 6), "int", "value 2 is not a number"),
        (np.array([1 + 1j] * 12), "int", "value 1 is not a number"),
    ],
)
def test_bad_arrays(array, kind, problem):
    with pytest.raises(InputError, match=problem):
        codec(kind, LONG).encode(array)


@pytest.mark.parametrize("value", ["4242.421", 424242.5, "4242x", [4242, 4243], 424242])
def test_messages_never_repeat_the_input(value):
    with pytest.raises(InputError) as caught:
        codec("int").encode(value)
    assert "424" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("raw", [[], [1, 2], [1, 2, 3, 4], 5, "123", np.arange(2), ()])
def test_a_wrong_length_is_refused(raw):
    with pytest.raises(InputError, match="asks for 3"):
        codec("int", 3).encode(raw)


def test_text_arrays_and_zero_dimensional_arrays_work():
    assert codec("int", 2).encode(np.array(["1", "2"])).tolist() == [1, 2]
    assert codec("int").encode(np.array(5)).tolist() == [5]
    assert codec('choice(["a","b"])', 2).encode(np.array(["b", "a"])).tolist() == [1, 0]


def test_encoding_never_touches_the_callers_array():
    mine = np.arange(LONG)
    encoded = codec("int", LONG).encode(mine)
    encoded += 1
    assert mine.tolist() == list(range(LONG))


@given(st.lists(st.integers(-(10**5), 10**5), min_size=LONG, max_size=LONG))
def test_decimal_floats_take_the_same_value_on_both_paths(cents):
    one = codec("decimal(2)")
    values = [c / 100 for c in cents]
    assert codec("decimal(2)", LONG).encode(np.array(values)).tolist() == cents
    assert [one.encode(v)[0] for v in values] == cents
    assert [one.encode(str(v))[0] for v in values] == cents


@given(st.lists(st.floats(-1000, 1000), min_size=LONG, max_size=LONG), st.integers(1, 40))
def test_floats_round_to_the_resolution_the_same_way_on_both_paths(values, bits):
    one = codec(f"float({bits})")
    whole = codec(f"float({bits})", LONG).encode(values).tolist()
    assert whole == [one.encode(v)[0] for v in values]
    for value, encoded in zip(values, whole, strict=True):
        assert abs(Fraction(value) - encoded * one.quantum) <= one.quantum / 2


@given(st.floats(allow_nan=True, allow_infinity=True), st.sampled_from(["int", "decimal(2)"]))
def test_both_paths_refuse_the_same_floats(value, kind):
    def verdict(length):
        try:
            return codec(kind, length).encode([value] * length).tolist()[0]
        except InputError:
            return "refused"

    assert verdict(1) == verdict(LONG)


def test_bounds_at_the_edge_of_64_bits_hold_for_floats():
    """A double near 2^62 may round past the bound: the integers are what is compared."""
    c = codec("float(1)", LONG, -(2**61), 2**61 - 1)
    with pytest.raises(InputError, match="above max"):
        c.encode([float(2**61)] * LONG)


# --- outside = "clip" ----------------------------------------------------------------------------


def clipping(kind, length=1, low="-10.5", high="10.25"):
    bounds = {"min": Decimal(low), "max": Decimal(high)}
    return Codec(InputSchema(type=kind, length=length, outside="clip", **bounds))


@pytest.mark.parametrize(
    ("kind", "value", "expected"),
    [
        ("decimal(2)", 11, 1025),
        ("decimal(2)", -11, -1050),
        ("decimal(2)", 10, 1000),
        ("decimal(2)", 10.3, 1025),
        ("decimal(2)", 10.25, 1025),
        ("decimal(2)", -1e300, -1050),
        ("decimal(2)", 2**62, 1025),
        ("float(2)", 1e300, 41),
        ("float(2)", -10.51, -42),
        ("float(2)", 10.2, 41),
        ("float(2)", 7, 28),
    ],
)
def test_values_outside_are_moved_to_the_bound_if_agreed(kind, value, expected):
    assert clipping(kind).encode(value).tolist() == [expected]
    assert clipping(kind, LONG).encode([value] * LONG).tolist() == [expected] * LONG
    assert clipping(kind, 3).encode([value, 0, 1])[1] == 0


def test_no_whole_number_may_be_within_the_bounds():
    c = clipping("decimal(1)", LONG, "0.2", "0.8")
    assert c.encode([0, 1] * 6).tolist() == [2, 8] * 6
    assert c.encode(np.array([0, 255] * 6, np.uint8)).tolist() == [2, 8] * 6


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), "inf", "nan"])
@pytest.mark.parametrize("kind", ["decimal(2)", "float(2)", "int"])
def test_what_is_no_number_is_refused_and_not_clipped(kind, value):
    for length in (1, LONG):
        with pytest.raises(InputError, match="not a"):
            clipping(kind, length, "0", "5").encode([value] * length)


@pytest.mark.parametrize("blank", [" ", "\t", "\x1f", "\x85", "\u3000"])
def test_blanks_around_a_number_do_not_matter_on_either_path(blank):
    for length in (1, LONG):
        text = [f"1e-1{blank}", *["0.5"] * (length - 1)]
        assert clipping("float(5)", length).encode(text)[0] == 3


def test_clipping_is_no_rounding():
    for length in (1, LONG):
        with pytest.raises(InputError, match="more than 2 digits"):
            clipping("decimal(2)", length).encode([1.234] * length)


@given(st.lists(st.floats(-1e6, 1e6), min_size=LONG, max_size=LONG), st.booleans())
def test_both_paths_clip_alike(values, whole):
    values = [float(round(v)) for v in values] if whole else values
    kind, one = ("int", clipping("int", 1, "-1000", "1000"))
    if not whole:
        kind, one = "float(5)", clipping("float(5)")
    bounds = ("-1000", "1000") if whole else ("-10.5", "10.25")
    found = clipping(kind, LONG, *bounds).encode(values).tolist()
    assert found == [one.encode(v)[0] for v in values]


# --- results -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "as_text", "expected"),
    [
        (Fraction(12686), False, 12686),
        (Fraction(12686), True, "12686"),
        (Fraction(6343, 2), False, "3171.5"),
        (Fraction(2**60 + 1, 2), False, "576460752303423488.5"),
        (Fraction(-1, 8), False, "-0.125"),
        (Fraction(1, 10**6), True, "0.000001"),
        (Fraction(100, 40), True, "2.5"),
        (Fraction(0), True, "0"),
        (Fraction(1, 3), True, "0.33333333333333333"),
        (Fraction(-(10**40), 7), False, "-1428571428571428571428571428571428571429"),
    ],
)
def test_results_are_exact_where_a_decimal_can_be(value, as_text, expected):
    found = renderer(value, as_text=as_text)(1)
    assert found == expected
    assert isinstance(found, type(expected))
    assert json.loads(json.dumps(found)) == found


@given(st.fractions())
def test_exact_text_reads_back_as_the_same_number(value):
    found = renderer(value, as_text=True)(1)
    assert getattr(found, "exact", Fraction(found)) == value
    assert float(found) == pytest.approx(float(value))
    if "." in found and not isinstance(found, Rounded):
        assert not found.endswith("0")


@given(st.integers(-(2**70), 2**70), st.fractions(), st.booleans())
def test_a_renderer_made_once_serves_every_total(total, factor, as_text):
    found = renderer(factor, as_text=as_text)(total)
    assert isinstance(found, str) == (as_text or factor.denominator != 1)
    assert found == renderer(total * factor, as_text=isinstance(found, str))(1)
