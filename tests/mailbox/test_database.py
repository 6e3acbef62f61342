"""Databases: how their errors are told apart, and what is said about a package that is missing."""

import stat
import sys
from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.mailbox.database import DatabaseGone, Postgres, Sqlite, connector


def test_the_store_of_a_url(tmp_path):
    database = connector("sqlite:reports.db", tmp_path)()
    assert isinstance(database, Sqlite)
    database.close()
    assert stat.S_IMODE((tmp_path / "reports.db").stat().st_mode) == 0o600
    for text in ("reports.db", "sqlite:", "sqlite://x", "postgresql:x", "mysql://x"):
        with pytest.raises(ValueError, match="sqlite:PATH"):
            connector(text, tmp_path)


def test_a_file_that_cannot_be_opened():
    with pytest.raises(UsageError, match="No such file"):
        Sqlite(Path("/nonexistent/reports.db"))


def test_a_file_that_is_something_else(tmp_path):
    (tmp_path / "x").write_bytes(b"this is a text and no database at all" * 100)
    with pytest.raises(UsageError, match="not a database"):
        Sqlite(tmp_path / "x")


def test_the_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(UsageError) as caught:
        Postgres("postgresql://localhost/x")
    assert "ostraka[server]" in caught.value.hint


def test_a_server_that_is_not_there(tmp_path):
    with pytest.raises(DatabaseGone):
        Postgres(f"postgresql://x@/postgres?host={tmp_path}")


def test_a_syntax_error_is_a_bug_and_no_outage(connect):
    database = connect()
    with pytest.raises(Exception) as caught:
        database.execute("SELEKT 1")
    assert not isinstance(caught.value, DatabaseGone)
    database.close()
