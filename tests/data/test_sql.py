"""SQL on a table: on text, in a database that reaches nothing else, with no silent rounding."""

from __future__ import annotations

import csv
import io

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.data import sql
from ostraka.data.records import Records
from ostraka.data.selection import Selection
from ostraka.errors import InputError, UsageError

PAYROLL = """name;dept;pay;year;grade
Ann;HR;"1.000,50";2026;3.4
Ben;IT;2514;2025;3
Cleo;HR;7,25;2026;
Dan;IT;"36.350";2026;1_000
"""
LOCALE = {"decimal": ",", "thousands": "."}


def rows_where(read, condition, **more):
    options = {"value": "pay", "group": "dept", "where": condition, **LOCALE, **more}
    return read("cells", "x.csv", PAYROLL, **options).preview


@pytest.mark.parametrize(
    ("condition", "hr", "it"),
    [
        ("year = '2026'", "2", "1"),
        ("number(pay) > 1000.4", "1", "2"),
        ("number(pay) BETWEEN 7 AND 1000.50 -- and a remark", "2", "0"),
        ("grade IS NULL OR name = 'Ben'", "1", "1"),
        ("true", "2", "2"),
        ("name IN (SELECT name FROM data WHERE dept = 'IT')", "0", "2"),
    ],
)  # fmt: skip
def test_a_condition_selects_rows(read, condition, hr, it):
    found = rows_where(read, condition)
    assert [found.parts[g].get("heads") for g in ("HR", "IT")] == [hr, it]
    assert found.lines(secrets=False)[0].endswith(f": {int(hr) + int(it)} rows of 4, by --where")


def test_rows_keep_their_numbers(read):
    text = "a,b\n1,x\n2,y\nz,x\n5,x\n"
    found = read("vector", "x.csv", text, value="a", where="b = 'x'").preview
    assert [finding.rows for finding in found.wrong] == [[4]]


@pytest.mark.parametrize(
    ("condition", "problem"),
    [
        ("grade = 3", 'takes the text of "grade" for a number'),
        ("grade IN (3, 4)", 'takes the text of "grade" for a number'),
        ("CAST(grade AS INTEGER) = 3", 'takes the text of "grade" for a number'),
        ("3 = grade AND year = '2026'", 'takes the text of "grade" for a number'),
        ("grade > 3", "Cannot compare values of type VARCHAR"),
        ("nosuch = '1'", "nosuch"),
        ("true; DROP TABLE data", "syntax error"),
        ("year = '2026' AND", "syntax error"),
        ("year = (SELECT max(column0) FROM 'x.csv')", "disabled by configuration"),
        ("year = (SELECT max(content) FROM read_text('/etc/hostname'))", "disabled"),
        ("name = (SELECT max(x) FROM secrets)", "secrets does not exist"),
    ],
)
def test_conditions_that_are_refused(read, condition, problem):
    secrets = {"x": ["a"]}
    with pytest.raises(UsageError, match=problem) as error:
        rows_where(read, condition)
    assert error.value.data_left is False
    assert secrets


def test_a_failing_row_is_not_repeated(read):
    with pytest.raises(InputError, match=r"number\(x\): x is not a number") as error:
        rows_where(read, "number(grade) > 2")
    assert "1_000" not in error.value.message
    with pytest.raises(InputError, match="DuckDB says ConversionException") as error:
        rows_where(read, "CAST(lower(grade) AS DATE) IS NULL")
    assert "3.4" not in error.value.message


def test_a_query_makes_the_table(read, encoded):
    query = "SELECT dept AS d, sum(number(pay)) AS s, count(*) AS n FROM data GROUP BY dept"
    found = read("cells", "x.csv", PAYROLL, query=query, value="s", group="d", heads="n", **LOCALE)
    assert encoded("cells", found) == [100775, 3886400, 0, 2, 2, 0]
    assert found.preview.source.startswith("the result of --query on ")
    with pytest.raises(InputError, match=r'result of --query on .* has no column "pay"'):
        read("cells", "x.csv", PAYROLL, query=query, value="pay", group="d", **LOCALE)


@pytest.mark.parametrize(
    "query",
    [
        "COPY data TO 'y.csv'", "INSTALL httpfs", "LOAD excel", "ATTACH 'y.db'",
        "SELECT 1; SELECT 2",
        "SET enable_external_access = true", "DROP TABLE data", "PRAGMA database_list",
        "SELECT * FROM glob('*')", "CREATE TABLE t AS SELECT 1", "EXPLAIN SELECT 1", "",
    ],
)  # fmt: skip
def test_a_query_is_one_select_of_the_table(read, query, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UsageError):
        read("sum", "x.csv", PAYROLL, query=query, value="pay")
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_a_vector_needs_an_order(read, encoded):
    text = "k,v\n2,5\n1,6\n3,7\n"
    query = "SELECT v FROM data ORDER BY k"
    assert encoded("vector", read("vector", "x.csv", text, query=query, value="v")) == [6, 5, 7]
    with pytest.raises(InputError, match="no order of rows"):
        read("vector", "x.csv", text, query="SELECT v FROM data", value="v")


def test_names_that_sql_takes_for_one(read):
    with pytest.raises(InputError, match="SQL cannot tell them apart"):
        read("sum", "x.csv", "Pay,pay\n1,2\n", value="Pay", where="Pay = '1'")


words = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), max_size=6)


@examples(12)
@given(st.lists(st.tuples(words, words), min_size=1, max_size=20))
def test_all_rows_come_back_unchanged(rows):
    columns = {0: [a for a, _ in rows], 1: [b for _, b in rows]}
    selection = Selection(values=("a",), where="true")
    table = Records("x", ("a", 'b "q"'), columns, range(2, 2 + len(rows)), selection)
    found = sql.select(table)
    assert (found.columns, list(found.rows)) == (columns, list(table.rows))


@examples(12)
@given(rows=st.lists(st.tuples(words, words), min_size=1, max_size=20))
def test_duckdbs_own_reader_reads_the_same_csv(tmp_path_factory, form_of, rows):
    """DuckDB reads a file with all columns as text; our reader agrees with it, row by row."""
    from ostraka.data import delimited
    from ostraka.data.template import Template

    rows = [(f"x{a}", f"y{b}") for a, b in rows]
    out = io.StringIO()
    csv.writer(out).writerows([("a", "b"), *rows])
    path = tmp_path_factory.mktemp("csv") / "x.csv"
    path.write_bytes(out.getvalue().encode())
    theirs = duckdb.connect().execute(
        "SELECT * FROM read_csv(?, all_varchar=true, header=true, delim=',', quote='\"', "
        "escape='\"', nullstr='\\N', strict_mode=true)", [str(path)],
    ).fetchall()  # fmt: skip
    template = Template.of(form_of("sum"), b"")
    ours = delimited.read(path.read_bytes(), "x", Selection(values=("a", "b")), template)
    assert list(zip(*ours.columns.values(), strict=True)) == theirs == rows
