"""SQLite and PostgreSQL: read only, exact, and no value or password in a message."""

from __future__ import annotations

import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import psycopg
import pytest

from ostraka.data import databases
from ostraka.data.opening import is_table
from ostraka.data.selection import Selection
from ostraka.errors import InputError, UsageError


@pytest.fixture
def pay(tmp_path):
    database = sqlite3.connect(tmp_path / "x.db")
    database.execute("CREATE TABLE pay(d TEXT, v REAL, n INTEGER)")
    rows = [("HR", 3800.5, 9007199254740993), ("IT", 1.0, 2), ("HR", 2.25, None)]
    database.executemany("INSERT INTO pay VALUES (?, ?, ?)", rows)
    database.commit()
    database.close()


def test_sqlite(read, encoded, pay, tmp_path):
    assert is_table(str(tmp_path / "x.db"), Selection())
    found = read("cells", "x.db", None, value="v", group="d")
    assert encoded("cells", found) == [380275, 100, 0, 2, 1, 0]
    found = read("cells", "x.db", None, value="v", group="d", where="n > 1", sheet="pay")
    assert encoded("cells", found) == [380050, 100, 0, 1, 1, 0]
    query = "SELECT sum(v) AS s FROM pay"
    assert encoded("sum", read("sum", "x.db", None, value="s", query=query)) == [380375]
    (finding,) = read("sum", "x.db", None, value="n", where="n > 5").preview.wrong
    assert finding.problem == "is above max = 1000000"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"value": "v", "sheet": "pya"}, 'no table "pya"; did you mean "pay"'),
        ({"value": "x"}, 'has no column "x"'),
        ({"value": "v", "where": "nosuch"}, "SQLite says: no such column"),
        ({"value": "v", "query": "DELETE FROM pay"}, "not one SELECT"),
        ({"value": "v", "query": "WITH a AS (SELECT 1) DELETE FROM pay"}, "readonly database"),
        ({"value": "v", "query": "ATTACH 'y.db' AS y"}, "SELECT"),
    ],
)
def test_sqlite_refuses(read, pay, tmp_path, options, problem):
    with pytest.raises((InputError, UsageError), match=problem):
        read("sum", "x.db", None, **options)
    assert not (tmp_path / "y.db").exists()


def test_a_value_that_sqlite_cannot_read_is_not_repeated(read, tmp_path):
    database = sqlite3.connect(tmp_path / "x.db")
    database.execute("CREATE TABLE t(v TEXT)")
    database.execute("INSERT INTO t VALUES (CAST(x'ff736563726574' AS TEXT))")
    database.commit()
    database.close()
    with pytest.raises(InputError, match="SQLite says") as error:
        read("sum", "x.db", None, value="v")
    assert "secret" not in error.value.message


def test_a_database_has_no_order(read, encoded, pay):
    with pytest.raises(InputError, match="no order of rows"):
        read("vector", "x.db", None, value="v")
    query = "SELECT 3 * rowid AS k FROM pay ORDER BY rowid DESC"
    assert encoded("vector", read("vector", "x.db", None, value="k", query=query)) == [9, 6, 3]


# --- PostgreSQL ----------------------------------------------------------------------------------

BIN = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"))), None)


TABLES = (
    "CREATE TABLE pay(d text, v numeric(12,2), n bigint, f float8, g float4, b boolean)",
    "INSERT INTO pay VALUES ('HR', 3800.50, 9007199254740993, 0.1, 1.1, true), "
    "('IT', 2514, 1, 1e20, 2, false), ('HR', 7, 2, 'NaN', 1e10, null)",
    "CREATE TABLE other(x int)",
)


@pytest.fixture(scope="module")
def server():
    """URL of a PostgreSQL server that listens on a socket in a directory of its own."""
    if BIN is None or not shutil.which("runuser"):
        pytest.skip("PostgreSQL is not installed")
    with tempfile.TemporaryDirectory() as where:  # pytest's own directories are root's alone
        shutil.chown(where, "postgres")
        yield from serving(Path(where))


def serving(where):
    def run(*command):
        full = ["runuser", "-u", "postgres", "--", *command]
        done = subprocess.run(full, capture_output=True, text=True, cwd=where, check=False)
        assert done.returncode == 0, done.stderr

    run(str(BIN / "initdb"), "-D", str(where / "d"), "-A", "trust", "-N")
    control = [str(BIN / "pg_ctl"), "-D", str(where / "d"), "-l", str(where / "log"), "-w"]
    run(*control, "-o", f"-k {where} -c listen_addresses='' -F", "start")
    try:
        url = f"postgresql:///postgres?host={where}&user=postgres"
        with psycopg.connect(url) as connection:
            for statement in TABLES:
                connection.execute(statement)
        yield url
    finally:
        run(*control, "-m", "immediate", "stop")


def test_postgresql(read, encoded, server):
    assert is_table(server, Selection())
    found = read("cells", server, None, value="v", group="d", sheet="pay")
    assert encoded("cells", found) == [380750, 251400, 0, 2, 1, 0]
    one = {"sheet": "pay", "where": "n > 5"}
    for column, wanted in {"v": 380050, "f": 10, "g": 110}.items():
        assert encoded("sum", read("sum", server, None, value=column, **one)) == [wanted]
    query = "SELECT d, sum(v) AS s FROM pay GROUP BY d"
    found = read("cells", server, None, value="s", group="d", query=query)
    assert encoded("cells", found) == [380750, 251400, 0, 1, 1, 0]
    wrong = read("cells", server, None, value="f", group="d", sheet="pay").preview.wrong
    assert [(f.rows, f.problem[:20]) for f in wrong] == [
        ([2], "is a float so large "), ([3], "is not a finite numb"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"value": "v"}, "2 tables, and none is named"),
        ({"value": "v", "query": "SELECT w FROM pay"}, 'column "w" does not exist'),
        ({"value": "v", "query": "SELECT d::int AS v FROM pay"}, r"InvalidText.* \(22P02\)"),
        (
            {"value": "v", "query": "WITH a AS (DELETE FROM pay RETURNING v) SELECT v FROM a"},
            "read-only transaction",
        ),
        ({"value": "v", "query": "COPY pay TO '/tmp/x'"}, "not one SELECT"),
    ],
)
def test_postgresql_refuses(read, server, options, problem):
    with pytest.raises((InputError, UsageError), match=problem) as error:
        read("sum", server, None, **options)
    assert '"HR"' not in error.value.message


def test_addresses(read):
    with pytest.raises(UsageError, match="has a password in it") as error:
        databases.read_postgresql("postgresql://u:hunter2@localhost/x", Selection())
    assert "hunter2" not in str(error.value)
    with pytest.raises(InputError, match=r"cannot reach 127\.0\.0\.1/x"):
        read("sum", "postgresql://u@127.0.0.1:1/x", None, value="v", sheet="t")
