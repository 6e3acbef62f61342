"""Rows of databases, only read: SQLite by the standard library, PostgreSQL by psycopg."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from ostraka.data.cells import Cell, Unusable
from ostraka.data.extras import need
from ostraka.data.records import Records, of_query
from ostraka.data.selection import Selection, listed
from ostraka.data.sql import identifier
from ostraka.errors import InputError, UsageError
from ostraka.manifest import suggest
from ostraka.text import quoted

_HINT: Final = "--sheet TABLE, or --query SQL"


def read_sqlite(path: str, selection: Selection) -> Records:
    """Read rows of a SQLite file, which is opened for reading only.

    Raises:
        UsageError: no table is named, or SQLite refuses the SQL.
        InputError: the file cannot be read, or lacks a table or a column.
    """
    import sqlite3

    address = f"{Path(path).absolute().as_uri()}?mode=ro"
    try:
        database = sqlite3.connect(address, uri=True)
        try:
            tables = [
                name
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') "
                    "AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
                )
            ]
            cursor = database.execute(_sql(selection, tables, path))
            header = tuple(column[0] for column in cursor.description or ())
            return _records(path, header, cursor.fetchall(), selection)
        finally:
            database.close()
    except sqlite3.Error as error:
        about_sql = re.match(r"no such|near |ambiguous|attempt to write|unable to open", str(error))
        said = str(error) if about_sql else type(error).__name__
        raise InputError(f"{path}: SQLite says: {said}", data_left=False) from None


def _sql(selection: Selection, tables: Sequence[str], source: str) -> str:
    """Return the query: the one that is given, or all rows of a table under a condition."""
    if selection.query is not None:
        if not re.match(r"\s*(SELECT|WITH|VALUES|TABLE)\b", selection.query, re.IGNORECASE):
            raise UsageError("--query is not one SELECT", hint=_HINT, data_left=False)
        return selection.query
    table = selection.sheet
    if table is None:
        if len(tables) != 1:
            problem = f"{source} has {len(tables)} tables, and none is named"
            hint = f"{_HINT}; its tables: {listed(tables)}"
            raise UsageError(problem, hint=hint, data_left=False)
        table = tables[0]
    elif table not in tables:
        problem = f"{source} has no table {quoted(table)}{suggest(table, tables)}"
        raise InputError(problem, hint=f"its tables: {listed(tables)}", data_left=False)
    name = identifier(table)
    condition = f" WHERE (\n{selection.where}\n)" if selection.where else ""
    return f"SELECT * FROM {name}{condition}"  # noqa: S608 - the user's own, on the user's data


def _records(
    source: str, header: tuple[str, ...], rows: Sequence[Sequence[Any]], selection: Selection
) -> Records:
    if not header:
        raise UsageError("--query is not a SELECT", hint=_HINT, data_left=False)
    return of_query(source, header, rows, selection)


# --- PostgreSQL ----------------------------------------------------------------------------------

_BOOL, _FLOAT4, _FLOAT8 = 16, 700, 701
_EXACT: Final = {_FLOAT4: 1 << 24, _FLOAT8: 1 << 53}
"""Numbers from which a float keeps no units, by its type."""


def read_postgresql(url: str, selection: Selection) -> Records:
    """Read rows of a PostgreSQL database, in a transaction that only reads.

    All values come as PostgreSQL writes them, so that they keep their digits.

    Raises:
        UsageError: psycopg is missing, the URL has a password in it, or no table is named.
        InputError: the database cannot be reached, or refuses the SQL.
    """
    source = _without_password(url)
    psycopg = need("psycopg", "PostgreSQL")
    try:
        with psycopg.connect(url, autocommit=False) as connection:
            connection.read_only = True
            for kind in connection.adapters.types:
                connection.adapters.register_loader(kind.oid, psycopg.types.string.TextLoader)
            tables = [] if selection.query else _tables(connection)
            cursor = connection.execute(_sql(selection, tables, source))
            found = cursor.description or ()
            header = tuple(column.name for column in found)
            kinds = [column.type_code for column in found]
            rows = [_plain(row, kinds) for row in cursor] if found else []
    except psycopg.Error as error:
        raise _refused(error, source) from None
    return _records(source, header, rows, selection)


def _without_password(url: str) -> str:
    try:
        parts = urlsplit(url)
        secret = parts.password is not None or "password=" in parts.query.lower()
    except ValueError:
        raise UsageError("--input is not a URL of PostgreSQL", data_left=False) from None
    if secret:
        raise UsageError(
            "the URL has a password in it, which other users of this machine can see",
            hint="leave it out, and write it into ~/.pgpass or PGPASSWORD",
            data_left=False,
        )
    return f"{parts.hostname or 'PostgreSQL'}{parts.path}"


def _tables(connection: Any) -> list[str]:
    query = (
        "SELECT table_name FROM information_schema.tables "
        "WHERE table_schema = ANY (current_schemas(false)) ORDER BY table_name"
    )
    return [row[0] for row in connection.execute(query)]


def _plain(row: Sequence[str | None], kinds: Sequence[int]) -> list[Cell]:
    return [_cell(text, kind) for text, kind in zip(row, kinds, strict=True)]


def _cell(text: str | None, kind: int) -> Cell:
    if text is None:
        return None
    if kind == _BOOL:
        return "true" if text == "t" else "false"
    if kind not in _EXACT:
        return text
    number = Decimal(text)
    if not number.is_finite():
        return Unusable("is not a finite number")
    if abs(number) >= _EXACT[kind]:
        return Unusable("is a float so large that it keeps only its first digits")
    return number


def _refused(error: Any, source: str) -> InputError:
    """Return an error that repeats no value: PostgreSQL's own text only if it is about the SQL."""
    state = error.sqlstate or ""
    if not state:
        first = str(error).partition("\n")[0]
        return InputError(f"cannot reach {source}: {first}", data_left=False)
    about_sql = state[:2] in ("42", "28", "3D", "25", "0A")
    said = error.diag.message_primary if about_sql else f"{type(error).__name__} ({state})"
    return InputError(f"{source}: PostgreSQL says: {said}", data_left=False)
