"""Databases of a mailbox: SQLite in a file, and PostgreSQL by URL, behind one interface.

SQL is the same for both, with `?` where a value goes. A connection is used by one thread at a time.
"""

from __future__ import annotations

import os
import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from ostraka.errors import UsageError

Row = tuple[Any, ...]

BUSY_SECONDS: Final = 10.0
"""Seconds that a statement waits for another process's lock."""

CONNECT_SECONDS: Final = 3
"""Seconds that PostgreSQL has to answer; an upload waits for them."""

SECURITY: Final = "PRAGMA secure_delete = ON; PRAGMA foreign_keys = ON;"
DURABILITY: Final = "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"

_DISK_FULL: Final = ("53100", "53200")
"""SQLSTATEs of a disk, or of memory, that is full."""


class DatabaseFull(Exception):
    """Lack of room for more; what was there is there."""


class DatabaseGone(Exception):
    """Silence of the database; whether the last transaction was committed is not known."""


class Database(ABC):
    """Connection to a database."""

    blob: str
    """Type of a column of bytes."""

    lock: str
    """Suffix of a SELECT that locks its rows until the end of the transaction."""

    @abstractmethod
    def execute(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        """Execute one statement and return its rows; none where it returns none.

        Raises:
            DatabaseFull, DatabaseGone: as their names say.
        """

    @abstractmethod
    def insert(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        """Execute one statement for each row, in few round trips; raises as `execute`."""

    @abstractmethod
    def create(self, sql: str) -> None:
        """Create tables that are not there yet, given statements that end with ";"."""

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Commit all statements inside together, on disk after it; none of them after an error."""
        self.execute(self.begin)
        try:
            yield
            self.execute("COMMIT")
        except BaseException:
            with suppress(DatabaseGone, DatabaseFull):
                self.roll_back()
            raise

    begin: str
    """Statement that begins a transaction."""

    def roll_back(self) -> None:
        """End the transaction that is open without a trace of it."""
        self.execute("ROLLBACK")

    @property
    def broken(self) -> bool:
        """Whether the connection is of no more use."""
        return False

    @abstractmethod
    def close(self) -> None:
        """Close the connection. Idempotent."""


class Sqlite(Database):
    """Connection to a SQLite file: write-ahead log, synced at every commit.

    Raises:
        UsageError: the file cannot be opened or made.
    """

    blob, lock, begin = "BLOB", "", "BEGIN IMMEDIATE"

    def __init__(self, path: Path) -> None:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
            self._db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            self._db.executescript(DURABILITY + SECURITY)
        except OSError as error:
            raise UsageError(f"cannot open the store {path}: {error.strerror}") from None
        except sqlite3.Error as error:
            raise UsageError(f"cannot open the store {path}: {error}") from None

    def execute(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with _sqlite_errors():
            return self._db.execute(sql, values).fetchall()

    def insert(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        with _sqlite_errors():
            self._db.executemany(sql, rows)

    def create(self, sql: str) -> None:
        with _sqlite_errors():
            self._db.executescript(sql)

    def roll_back(self) -> None:
        """End the transaction that is open, if SQLite has not done so: a full disk ends it."""
        if self._db.in_transaction:
            super().roll_back()

    def close(self) -> None:
        self._db.close()


@contextmanager
def _sqlite_errors() -> Iterator[None]:
    try:
        yield
    except sqlite3.OperationalError as error:
        code = error.sqlite_errorcode & 0xFF  # the rest is detail
        if code == sqlite3.SQLITE_FULL:
            raise DatabaseFull(str(error)) from None
        if code == sqlite3.SQLITE_ERROR:  # wrong SQL: a bug
            raise
        raise DatabaseGone(str(error)) from None


class Postgres(Database):
    """Connection to PostgreSQL.

    Raises:
        UsageError: the package psycopg is missing.
        DatabaseGone: there is no answer.
    """

    blob, lock, begin = "BYTEA", " FOR UPDATE", "BEGIN"

    def __init__(self, url: str) -> None:
        self._library = library = _psycopg()
        with self._errors():
            self._db = library.connect(
                url, autocommit=True, connect_timeout=CONNECT_SECONDS, prepare_threshold=None
            )

    def execute(self, sql: str, values: Sequence[object] = ()) -> list[Row]:
        with self._errors():
            found = self._db.execute(_percent(sql), values, binary=True)
            return found.fetchall() if found.description else []

    def insert(self, sql: str, rows: Sequence[Sequence[object]]) -> None:
        with self._errors(), self._db.cursor() as cursor:
            cursor.executemany(_percent(sql), rows)

    def create(self, sql: str) -> None:
        """Create tables; processes that start at once do so one after the other."""
        with self.transaction():
            self.execute("SELECT pg_advisory_xact_lock(7391027)")
            for statement in filter(str.strip, sql.split(";")):
                self.execute(statement)

    @property
    def broken(self) -> bool:
        return bool(self._db.broken or self._db.closed)

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (self._library.OperationalError, self._library.InterfaceError) as error:
            text = str(error).partition("\n")[0]
            if error.sqlstate in _DISK_FULL:
                raise DatabaseFull(text) from None
            raise DatabaseGone(text) from None


def _percent(sql: str) -> Any:
    return sql.replace("?", "%s")


def _psycopg() -> Any:
    try:
        import psycopg
    except ImportError:
        raise UsageError(
            "a store in PostgreSQL needs the package psycopg, which is not installed",
            hint="pip install 'ostraka[server]'",
        ) from None
    return psycopg


def connector(store: str, directory: Path) -> Callable[[], Database]:
    """Return a function that connects to the store of a URL.

    Args:
        store: "sqlite:PATH" or "postgresql://...".
        directory: the directory that PATH is relative to.

    Raises:
        ValueError: it is neither.
    """
    scheme, _, rest = store.partition(":")
    if scheme == "sqlite" and rest and not rest.startswith("//"):
        path = directory / rest
        return lambda: Sqlite(path)
    if scheme in ("postgresql", "postgres") and rest.startswith("//"):
        return lambda: Postgres(store)
    raise ValueError('is "sqlite:PATH" or "postgresql://USER@HOST/DATABASE"')
