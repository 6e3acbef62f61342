"""Figures as SVG: well-formed, bars and intervals where the numbers are, all text escaped."""

from xml.etree import ElementTree

import pytest

from ostraka.presentation.figures import Figure
from ostraka.presentation.svg import WIDTH, chart

SVG = "{http://www.w3.org/2000/svg}"


def drawn(value, error=None, unit=""):
    text = chart(Figure("mean", unit, value, error))
    return ElementTree.fromstring(text)


def bars(tree):
    return [(float(r.get("x")), float(r.get("width"))) for r in tree.iter(f"{SVG}rect")]


def test_bars_are_as_long_as_their_values():
    (_, one), (_, two) = bars(drawn({"a": 10, "b": 20}))
    assert two == pytest.approx(2 * one, rel=0.01)


def test_bars_below_zero_go_left_from_where_the_others_begin():
    (left, length), (start, _) = bars(drawn({"a": -10, "b": 20}))
    assert left + length == pytest.approx(start, abs=0.2)


def test_an_exact_figure_has_no_interval():
    assert not list(drawn({"a": 1, "b": 2}).iter(f"{SVG}path"))
    assert len(list(drawn({"a": 1, "b": 2}, 1).iter(f"{SVG}path"))) == 2


def test_all_is_inside_and_no_attribute_is_a_style_or_a_script():
    tree = drawn({"a": 0.001, "b": 3e9, "long " * 20: -2e9}, 1e9, "USD")
    for element in tree.iter():
        assert not {"style", "onload", "href"} & set(element.keys())
        for key in ("x", "x1", "x2"):
            assert 0 <= float(element.get(key, 0)) <= WIDTH


def test_texts_are_escaped_and_the_title_tells_all_numbers():
    tree = drawn({"<b>&": 1, "b": 2}, 1, "a<b")
    assert tree.find(f"{SVG}title").text == "mean in a<b: <b>&: 1 +- 1; b: 2 +- 1"


def test_zeros_alone_can_be_drawn():
    assert len(bars(drawn([0, 0]))) == 2


def test_a_mean_over_no_heads_has_no_bar():
    assert len(bars(drawn({"a": 1, "b": None, "c": 2}, 1))) == 2
