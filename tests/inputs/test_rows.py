import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import InputError
from ostraka.inputs.encoding import Codec
from ostraka.inputs.reading import parse_input
from ostraka.inputs.rows import Rows
from ostraka.manifest import InputSchema


def rows(length=1, most=1000):
    schema = InputSchema(type="decimal(1)", length=length, min=0, max=100000)
    return Rows(Codec(schema), most), schema


@pytest.mark.parametrize(
    "text",
    [
        "55.2;300",
        "55.2,300",
        " 55.2, 300 ",
        "55.2\t300",
        "55.2;100\n55.2;200\n",
        "Value,Weight\n55.2,300",
        "\n".join(["55.2"] * 300),
        "[[55.2, 300]]",
        '[{"value": 55.2, "weight": 300}]',
        "[[55.2, 299], [55.2, 1]]",
        "[[55.2, 300.0]]",
        '["55.2", 1' + ", 55.2" * 299 + "]",
    ],
)
def test_rows_are_summed(text):
    encoder, schema = rows()
    found = encoder.encode(parse_input(text.encode(), schema, "x.csv")).tolist()
    if text.startswith('["55.2", 1'):
        assert found == [300 * 552 + 10, 301]
    else:
        assert found == [300 * 552, 300]


@pytest.mark.parametrize(
    "raw",
    [
        [(55.2, 300)],
        ((55.2, 300),),
        np.array([[55.2, 300]]),
        np.full(300, 55.2),
        np.full((300, 1), 55.2),
        "55.2;300",
        [{"value": 55.2, "weight": np.int64(300)}],
    ],
)
def test_values_of_the_library(raw):
    assert rows()[0].encode(raw).tolist() == [300 * 552, 300]


def test_rows_of_several_values_have_one_weight():
    encoder, schema = rows(length=3)
    found = encoder.encode(parse_input(b"1;2;3;10\n4;5;6;1\n", schema, "x.csv"))
    assert found.tolist() == [140, 250, 360, 11]
    assert encoder.encode([1, 2, 3, 10]).tolist() == [100, 200, 300, 10]
    assert encoder.encode([[1, 2, 3], [1, 2, 3]]).tolist() == [20, 40, 60, 2]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("55.2", "the input has no weight: write the value, a semicolon and the weight"),
        ("[55.2]", "the input has no weight"),
        ("[[55.2]]", "the input has no weight"),
        ("[55.2, 300]", "two numbers may be a value and its weight, or two values"),
        ("3,800", "row 1 may be one number with a comma"),
        ("52,12", "row 1 may be one number with a comma"),
        ("3,800\n4,100", "line 1 of x.csv may be one number with a comma"),
        ("55.2;300\n55.2", "line 2 of x.csv has 1 cells, and line 1 of x.csv has 2"),
        ("55.2;300;4", "row 1 has 3 cells: write 1 value and a weight"),
        ("salary;people\n55.2;300", "line 1 of x.csv: the weight is not a whole number"),
        ("value;weight", "there is a header and no row"),
        ("value;weight\n55.2;3\nx;3", "line 3 of x.csv is not a number"),
        ("55.2;300\n55.25;300", "line 2 of x.csv has more than 1 digit"),
        ("55.2;300\n100000.1;300", "line 2 of x.csv is above max"),
        ("55.2;2.5", "the weight is not a whole number"),
        ("[[55.2, 2.5]]", "row 1: the weight is not a whole number"),
        ("[[55.2, 1e999999999]]", "row 1: the weight is not a whole number"),
        ("[[55.2, true]]", "row 1: the weight is not a whole number"),
        ("[[55.2, null]]", "row 1: the weight is not a whole number"),
        ("55.2;-1", "the weight is not a whole number in plain digits"),
        ("[[55.2, -1]]", "not from 0 to max_weight"),
        ("55.2;1001", "not from 0 to max_weight = 1000"),
        ("55.2;1000\n55.2;1", "the sum of the weights is above max_weight = 1000"),
        ("55.2;0", "the sum of the weights is 0"),
        ("[]", "there is no input"),
        ('[{"value": 55.2, "people": 300}]', 'the names "value" and "weight"'),
    ],
)
def test_what_is_no_row_is_refused_in_the_words_of_the_file(content, said):
    encoder, schema = rows()
    with pytest.raises(InputError) as caught:
        encoder.encode(parse_input(content.encode(), schema, "x.csv"))
    assert said in caught.value.message
    assert "55.2" not in caught.value.message.replace("such as 55.2;300, or 55.2;1", "").replace(
        "[[55.2, 300]] or [[55.2, 1]", ""
    )
    assert caught.value.data_left is False


@pytest.mark.parametrize("raw", [None, 55.2, [], float("nan"), [(1, float("nan"))], [[[1], 2]]])
def test_other_values_are_refused(raw):
    with pytest.raises(InputError):
        rows()[0].encode(raw)


@given(
    st.lists(
        st.tuples(st.integers(0, 1_000_000), st.integers(0, 50)), min_size=1, max_size=20
    ).filter(lambda pairs: sum(w for _, w in pairs))
)
def test_text_json_and_python_agree(pairs):
    encoder, schema = rows()
    expected = [sum(v * w for v, w in pairs), sum(w for _, w in pairs)]
    text = "\n".join(f"{v // 10}.{v % 10};{w}" for v, w in pairs)
    listed = json.dumps([[v / 10, w] for v, w in pairs])
    for content in (text, listed):
        raw = parse_input(content.encode(), schema, "x")
        assert encoder.encode(raw).tolist() == expected
    assert encoder.encode(np.array([[v / 10, w] for v, w in pairs])).tolist() == expected
