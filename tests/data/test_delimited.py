"""CSV as it lies about: quotes, marks, line ends, titles, separators; or refused, row by row."""

from __future__ import annotations

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.data import delimited
from ostraka.data.selection import Selection
from ostraka.data.template import Template
from ostraka.errors import InputError


@pytest.mark.parametrize(
    "content",
    [
        "a,b\n1,x\n2,y\n3,z\n",
        "\ufeffa,b\r\n1,x\r\n2,y\r\n3,z",
        "a;b\r1;x\r2;y\r3;z\r",
        "b\ta\nx\t1\ny\t2\nz\t3",
        "Payroll; 2026,,\n\nx,a,b\n,1,x\n,2,y\n,3,z\n,,\n\n\n",
        'a,b\n1,"x,""q""\n, nl"\n"2",y\n3,\n',
        'a;b,c\n1;"x"\n2;y,y,y\n3;z\n',
        "a\n1\n2\n3\n\n",
        '"a"\n"1"\n"2"\n"3"\n',
        "a,b\n1,\u2028\x0b\n2,\x85\n3,\x1c\n",
        "A,a,b,b\n9,1,,\n9,2,,\n9,3,,\n",
        "a,b\n1,x\n2,y\n3,z\n".encode("utf-16"),
    ],
)
def test_nasty_but_clear(read, encoded, content):
    assert encoded("vector", read("vector", "x.csv", content, value="a")) == [1, 2, 3]


def test_a_huge_cell_beside_is_no_trouble_up_to_the_limit(read, encoded):
    big = f"a,b\n1,{'x' * 100_000}\n2,\n3,\n"
    assert encoded("vector", read("vector", "x.csv", big, value="a")) == [1, 2, 3]
    with pytest.raises(InputError, match=r"row 2 of .*x\.csv .*more than 131072 characters"):
        read("vector", "x.csv", f"a,b\n1,{'x' * 140_000}\n", value="a")


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("a,b\n1,x\n2\n3,z\n", r"row 3 of .*x\.csv has 1 cell, and the row with the names 2"),
        ("a,b\n1,x\n2,y,\n", r"row 3 of .*x\.csv has 3 cells"),
        ("a,b\n1,36,350\n", "row 2 of .* has 3 cells"),
        ('a,b\n1,"x\n2,y\n', "its file ends inside quotes"),
        ('a,b\n1,"x"y\n2,y\n', "row 2 of .*something follows a closing quote"),
        ("a,b\n1,x\0\n", "line 2 of .* has a NUL character"),
        ("a,b\n1,é\n".encode("latin-1"), r"x\.csv:2: what follows character 2 .* is not UTF-8"),
        ("a,b\n1,x\n".encode("utf-16-le"), "UTF-16 without its mark"),
        ("", "has no rows"),
        ("b,A\n1,2\n", r'has no column "a"; did you mean "A"\?'),
        ("b,c\n1,2\n", 'has no column "a"'),
        ("a,b,a\n1,2,3\n", 'has several columns "a": column 1 and 3'),
        ("a;b,c\n1\n", "row 2 of"),
    ],
)
def test_unclear_is_refused(read, content, problem):
    with pytest.raises(InputError, match=problem) as error:
        read("vector", "x.csv", content, value="a")
    assert error.value.data_left is False


def test_columns_are_listed(read):
    with pytest.raises(InputError) as error:
        read("sum", "x.csv", "Name,Salary 2026\nAnn,1\n", value="Salary2026")
    assert 'did you mean "Salary 2026"?' in error.value.message
    assert error.value.hint == 'its columns: "Name", "Salary 2026"'


def test_names_are_equal_as_the_eye_reads(read, encoded):
    found = read("sum", "x.csv", "Geha\u0308lter \u2013 Mai ,b\n1,2\n", value="Gehälter - Mai")
    assert encoded("sum", found) == [100]


def test_rows_count_as_in_a_spreadsheet(read):
    text = 'title\n\n"a","b"\n"1","x\ny\n"\n\nwrong,2\n'
    found = read("vector", "x.csv", text, value="a")
    assert [str(f) for f in found.preview.wrong] == [
        'row 5: column "a" is blank',
        'row 6: column "a" is not a number in plain digits, such as 1000 or -2.50',
    ]


def rows_of(content, form, selection):
    template = Template.of(form, b"")
    return delimited.read(content.encode(), "x", selection, template)


cells = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), max_size=8)


@examples(100)
@given(st.lists(st.tuples(cells, cells, cells), max_size=12), st.sampled_from(",;\t"))
def test_what_csv_writes_is_read_back(form_of, rows, sign):
    out = io.StringIO()
    csv.writer(out, delimiter=sign).writerows([("k1", "k2", "k3"), *rows])
    found = rows_of(out.getvalue(), form_of("sum"), Selection(values=("k1", "k2", "k3")))
    while rows and not any(rows[-1]):
        rows = rows[:-1]
    assert list(zip(*found.columns.values(), strict=True)) == rows
