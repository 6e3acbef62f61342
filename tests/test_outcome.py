"""Outcomes: values by name, JSON, and a table for notebooks that trusts no text."""

from pathlib import Path

import numpy as np
import pytest

from ostraka.errors import UsageError
from ostraka.outcome import Outcome, Output


def figure(name="sum", *values, **more):
    scalar = more.pop("scalar", len(values) == 1)
    parts = (np.array(values),) if values else ()
    return Output(name, more.pop("unit", "USD"), parts, None, scalar=scalar, **more)


def test_a_value_by_name():
    outcome = Outcome((figure("sum", 3), figure("mean", 1, 2)), ("alice",))
    assert outcome.value("sum") == 3
    assert outcome.value("mean") == [1, 2]
    with pytest.raises(UsageError, match='no output "median"') as caught:
        outcome.value("median")
    assert caught.value.hint == "this party learned sum, mean"


def test_a_withheld_figure_has_no_value_and_says_why():
    outcome = Outcome((figure("sum", 3), figure("mean", withheld="Too few.")), ("alice",))
    assert outcome.status == "suppressed"
    with pytest.raises(UsageError, match=r"mean is withheld: Too few\."):
        outcome.value("mean")


def test_as_dict_has_what_is_known_in_the_order_of_the_command_line():
    bare = Outcome((figure("sum", 3),), ("alice", "bob"))
    assert bare.as_dict() == {
        "status": "released",
        "outputs": [{"name": "sum", "value": 3, "unit": "USD"}],
        "contributors": 2,
    }
    whole = Outcome(
        bare.outputs, bare.contributors, ("carlos",), "5e", "secure-sum", "d1", Path("r.json")
    )
    assert list(whole.as_dict()) == [
        "session", "protocol", "manifest_sha256", "status", "outputs", "contributors", "liars",
        "receipt",
    ]  # fmt: skip
    assert whole.as_dict()["receipt"] == "r.json"


def test_a_party_that_learns_nothing():
    outcome = Outcome(session="5e")
    assert outcome.status == "no-output"
    assert outcome.as_dict() == {"session": "5e", "status": "no-output"}
    assert "no result" in outcome._repr_html_()
    assert "<table>" not in outcome._repr_html_()


def test_a_table_escapes_every_text():
    evil = "<script>alert(1)</script>"
    outcome = Outcome(
        (
            figure(evil, 3, unit=evil, error95=evil),
            figure("mean", withheld=evil),
            Output("winner", "", (np.array([0]),), lambda _: {evil: evil}, scalar=True),
        ),
        ("alice",),
    )
    html = outcome._repr_html_()
    assert "<script" not in html
    assert html.count("&lt;script&gt;") == 6


def test_a_table_shows_values_no_finer_than_their_errors_and_cuts_vectors_short():
    mean = Output("mean", "", (np.array([0]),), lambda _: 3098.8333333, scalar=True, error95=12.5)
    html = Outcome((mean, figure("sum", *range(70))), ("alice",))._repr_html_()
    assert "<td>3099</td><td></td><td>13</td>" in html
    assert "[0, 1, 2, 3, 4, 5, 6, 7, ...] (70 values)" in html


def test_a_repr_shows_no_value():
    assert "31337" not in repr(figure("sum", 31337))


def test_who_was_not_counted_and_whose_shares_were_corrected_is_told():
    found = Outcome((), ("bob", "carlos"), liars=("carlos",))
    assert found.warnings(("alice", "bob", "carlos")) == [
        "not counted: alice",
        "carlos announced wrong shares of the result; they were corrected",
    ]
