"""Rows become a column, cells or weighted sums: exactly, or with every wrong row found."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.data import mapping
from ostraka.data.records import Records
from ostraka.errors import InputError, UsageError
from ostraka.inputs import row_forms

PAYROLL = "Name,Department,Salary\nAnn,HR,3800.50\nBen,IT,2514\nCleo,R&D,36350\nDan,HR,7\n"


def test_a_column_keeps_its_order(read, encoded):
    found = read("vector", "x.csv", "a;b\n3;1\n2;2\n1;3\n", value="a")
    assert encoded("vector", found) == [3, 2, 1]
    assert found.preview.parts == {"3 values": {"values": "3, 2, 1"}}


def test_rows_are_summed_by_group_with_heads(read, encoded):
    found = read("cells", "x.csv", PAYROLL, value="Salary", group="Department")
    assert encoded("cells", found) == [380750, 251400, 3635000, 2, 1, 1]
    assert found.preview.lines(secrets=True)[1:] == [
        "  HR   2 heads, 3,807.5 USD",
        "  IT   1 head, 2,514 USD",
        "  R&D  1 head, 36,350 USD",
    ]
    assert len(found.preview.lines(secrets=False)) == 1


def test_a_group_without_rows_is_zero(read, encoded):
    found = read("cells", "x.csv", "Department,Salary\nHR,5\n", value="Salary", group="Department")
    assert encoded("cells", found) == [500, 0, 0, 1, 0, 0]


def test_rows_and_columns(read, encoded):
    text = "sex,kind,pay\nmen,office,1\nwomen,workshop,2\nwomen,office,0.25\nmen,office,4\n"
    found = read("grid", "x.csv", text, value="pay", group=("sex", "kind"))
    assert encoded("grid", found) == [25, 200, 500, 0]


def test_rows_that_are_sums_already(read, encoded):
    text = "d,total,people\nHR,399950,7\nIT,0,0\nHR,50,1\n"
    found = read("cells", "x.csv", text, value="total", group="d", heads="people")
    assert encoded("cells", found) == [40000000, 0, 0, 8, 0, 0]


def test_a_row_counts_as_often_as_its_weight_says(read, encoded):
    text = "d,pay,n\nHR,100,7\nIT,5,0\nHR,50,1\n"
    found = read("cells", "x.csv", text, value="pay", group="d", weight="n")
    assert encoded("cells", found) == [75000, 0, 0, 8, 0, 0]


def test_weighted_rows(read, encoded):
    found = read("weighted", "x.csv", "v,w\n55.2,300\n10,4\n", value="v", weight="w")
    assert encoded("weighted", found) == [5520 * 300 + 4000, 304]
    assert encoded("weighted", read("weighted", "x.csv", "v\n55.2\n10\n", value="v")) == [6520, 2]
    with pytest.raises(InputError, match="no column of weights"):
        encoded("weighted", read("weighted", "x.csv", "v\n55.2\n", value="v"))
    with pytest.raises(InputError, match="above max_weight = 1000"):
        encoded("weighted", read("weighted", "x.csv", "v,w\n1,999\n1,2\n", value="v", weight="w"))


def test_several_rows_are_one_number_only_if_that_is_said(read, encoded):
    with pytest.raises(InputError, match=r"has 4 rows, and the manifest asks for 1 value") as error:
        read("sum", "x.csv", PAYROLL, value="Salary")
    assert "--sum" in error.value.hint
    found = read("sum", "x.csv", PAYROLL, value="Salary", add_up=True)
    assert found.raw == Decimal("42671.50")
    assert encoded("sum", found) == [4267150]
    assert encoded("sum", read("sum", "x.csv", "v\n7\n", value="v")) == [700]


def test_options_of_a_choice(read, encoded):
    found = read("vote", "x.csv", "q,vote\n1,yes\n2,no\n3,yes\n", value="vote")
    assert found.raw[:] == ["yes", "no", "yes"]
    assert encoded("vote", found)
    wrong = read("vote", "x.csv", "q,vote\n1,Yes\n2,no\n3,Yes\n", value="vote").preview.wrong
    assert [str(f) for f in wrong] == [
        'rows 2, 4: column "vote" is an option in other capitals: write it exactly as in the '
        "manifest (yes, no)"
    ]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("sum", row_forms.ColumnForm), ("vote", row_forms.ColumnForm),
        ("cells", row_forms.CellForm), ("weighted", row_forms.WeightedForm),
        ("scores", row_forms.ColumnForm), ("ballot", row_forms.ColumnForm),
    ],
)  # fmt: skip
def test_every_protocol_says_its_form(form_of, name, wanted):
    assert isinstance(form_of(name), wanted)


def test_a_ballot_has_as_many_rows_as_it_may_name_options(read, encoded):
    for text, votes in (("v\na\n", [1, 0, 0, 1]), ("v\nc\nb\n", [0, 1, 1, 0])):
        assert encoded("ballot", read("ballot", "x.csv", text, value="v")) == votes
    with pytest.raises(InputError, match="has 3 rows, and the manifest asks for 1 to 2 values"):
        read("ballot", "x.csv", "v\na\nb\nc\n", value="v")


def test_scores_are_a_column(read, encoded):
    found = read("scores", "x.csv", "o,s\nA,3\nB,1\n", value="s")
    assert encoded("scores", found) == [3, 1]


# --- what is wrong -------------------------------------------------------------------------------


def test_every_wrong_row_is_found_and_none_is_repeated(read):
    text = 'd,pay\nHR,"36,350"\nhr,7\n,8\nLegal,9\nIT,x\nIT,-\nIT,"40,100"\nHR,\n'
    found = read("cells", "x.csv", text, value="pay", group="d").preview
    assert [str(f) for f in found.wrong] == [
        'row 9: column "pay" is blank',
        'row 4: column "d" is blank',
        'row 3: column "d" is the group HR in other capitals: write it as in the manifest',
        'row 5: column "d" is none of the manifest\'s groups: HR, IT, R&D',
        'rows 2, 8: column "pay" is not in plain digits: --thousands , or, if decimals follow it, '
        "--decimal ,",
        'rows 6, 7: column "pay" is not a number in plain digits, such as 1000 or -2.50',
    ]
    with pytest.raises(InputError) as error:
        found.require_right()
    assert error.value.exit_code == 20
    assert error.value.data_left is False
    for secret in ("36,350", "40,100", "Legal"):
        assert secret not in error.value.message + "\n".join(found.lines(secrets=False))
    assert '(row 2: "36,350")' in "\n".join(found.lines(secrets=True))


def test_bounds_hold_for_what_is_sent(read, encoded):
    wrong = read("vector", "x.csv", "v\n1\n101\n3\n", value="v").preview.wrong
    assert [str(f) for f in wrong] == ['row 3: column "v" is above max = 100']
    fine = read("cells", "x.csv", "d,v\nHR,2000000\nHR,-1999999\n", value="v", group="d")
    assert encoded("cells", fine)[0] == 100
    high = read("cells", "x.csv", "d,v\nHR,999999\nHR,2\n", value="v", group="d")
    with pytest.raises(InputError, match="the sum of cell HR is above max = 1000000"):
        encoded("cells", high)


def test_blank_rows_are_left_out_only_if_that_is_said(read, encoded):
    text = "d,pay\nHR,1\n,2\nIT,\n,\nIT,4\n\n,\n"
    assert read("cells", "x.csv", text, value="pay", group="d").preview.wrong
    found = read("cells", "x.csv", text, value="pay", group="d", skip_empty=True)
    assert found.preview.wrong == []
    assert found.preview.skipped == 3
    assert encoded("cells", found) == [100, 400, 0, 1, 1, 0]
    with pytest.raises(UsageError, match="would move the values"):
        read("vector", "x.csv", "v\n1\n\n3\n4\n", value="v", skip_empty=True)


def test_no_row_at_all(read):
    with pytest.raises(InputError, match="has no row that counts"):
        read("sum", "x.csv", "v\n", value="v")
    with pytest.raises(InputError, match="has no rows"):
        read("sum", "x.csv", "\n\n", value="v")
    assert read("sum", "x.csv", "v,w\n,1\n", value="v").preview.wrong
    with pytest.raises(InputError, match="has no row that counts"):
        read("sum", "x.csv", "v,w\n,1\n", value="v", skip_empty=True)


@pytest.mark.parametrize(
    ("of", "selection", "problem"),
    [
        ("sum", {}, "no column is named"),
        ("sum", {"value": ("Salary", "Name")}, "asks for 1 --value, not 2"),
        ("sum", {"value": "Salary", "group": "Department"}, "names no groups"),
        ("sum", {"value": "Salary", "weight": "Name"}, "asks for no weights"),
        ("sum", {"value": "Salary", "heads": "Name"}, "asks for no heads"),
        ("cells", {"value": "Salary"}, "asks for 1 --group, not 0"),
        ("cells", {"value": "Salary", "group": "Department", "add_up": True}, "--sum makes one"),
        ("grid", {"value": "Salary", "group": "Department"}, "asks for 2 --group, not 1"),
        ("grid", {"value": "Salary", "group": ("Name", "Department"), "heads": "Name"}, "no heads"),
        ("vector", {"value": "Salary", "add_up": True}, "--sum makes one number"),
    ],
)
def test_options_without_meaning_are_refused(read, of, selection, problem):
    with pytest.raises(UsageError, match=problem) as error:
        read(of, "x.csv", PAYROLL, **selection)
    assert error.value.hint


# --- exact ---------------------------------------------------------------------------------------


@examples(60)
@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.decimals(-(10**14), 10**14, places=2)),
        min_size=1,
        max_size=30,
    )
)
def test_sums_are_those_of_fractions(form_of, selection, rows):
    cells = {0: [("HR", "IT", "R&D")[k] for k, _ in rows], 1: [f"{v:f}" for _, v in rows]}
    table = Records("x", ("d", "v"), cells, range(2, 2 + len(rows)), selection("v", "d"))
    found = mapping.prepare(table, form_of("cells"))
    wanted = [[Fraction(0), 0] for _ in range(3)]
    for k, value in rows:
        wanted[k] = [wanted[k][0] + Fraction(value), wanted[k][1] + 1]
    assert [[Fraction(total), n] for total, n in found.raw] == wanted


def test_sums_beyond_64_bits_are_exact():
    x = np.array([2**62, 2**62, 2**62, -5], np.int64)
    assert mapping._sums(x, np.zeros(4, np.intp), None, 1) == [3 * 2**62 - 5]
    times = np.array([3, 1, 1, 2], np.int64)
    assert mapping._sums(x, np.array([0, 1, 1, 0]), times, 2) == [3 * 2**62 - 10, 2**63]
