"""Parquet: exact types stay exact, floats are the decimals they stand for, or refused."""

from __future__ import annotations

import duckdb
import pytest

from ostraka.errors import InputError


@pytest.fixture
def table(tmp_path):
    def write(select):
        duckdb.connect().execute(f"COPY ({select}) TO '{tmp_path / 'x.parquet'}' (FORMAT parquet)")

    return write


def test_types(read, encoded, table):
    table(
        "SELECT * FROM (VALUES ('HR', 3800.50::DECIMAL(9,2), 0.1::DOUBLE, 1.1::FLOAT, 7::HUGEINT, "
        "DATE '2026-01-02')) t(d, money, f8, f4, n, day)"
    )
    for column, wanted in {"money": 380050, "f8": 10, "f4": 110, "n": 700}.items():
        where = "d = 'HR' AND day = '2026-01-02'"
        found = read("sum", "x.parquet", None, value=column, where=where)
        assert encoded("sum", found) == [wanted]


def test_numbers_that_floats_lost_are_found(read, table):
    table(
        "SELECT * FROM (VALUES ('HR', 9007199254740993::DOUBLE, 16777217::FLOAT, 'NaN'::DOUBLE, "
        "9007199254740993::BIGINT, [1], NULL::INTEGER)) t(d, f8, f4, nan, n, l, none)"
    )
    problems = {
        "f8": "beyond 2^53", "f4": "beyond 2^24", "nan": "not a finite", "n": "above max",
        "l": "neither text nor a number", "none": "is blank",
    }  # fmt: skip
    for column, problem in problems.items():
        (finding,) = read("sum", "x.parquet", None, value=column).preview.wrong
        assert problem in finding.problem
        assert finding.rows == [1]


def test_refusals(read, table, tmp_path):
    table("SELECT 1 AS a")
    with pytest.raises(InputError, match='has no column "b"'):
        read("sum", "x.parquet", None, value="b")
    with pytest.raises(InputError, match="cannot be read as Parquet: DuckDB says"):
        read("sum", "y.parquet", b"PAR1 and no more", value="a")
    (tmp_path / "x.parquet").rename(tmp_path / "[x].parquet")
    with pytest.raises(InputError, match="for several files"):
        read("sum", "[x].parquet", None, value="a")
