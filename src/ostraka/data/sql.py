"""SQL on the rows of a table, in a database in this process's memory that reaches no file.

Every column is text there, a blank cell is NULL, and `number(x)` reads a number in the notation
that was said. DuckDB would compare the text "3.4" with 3 as whole numbers and find them equal; so a
query in which a column becomes a number without `number` is refused.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, NoReturn

import numpy as np

from ostraka.data.cells import text_of
from ostraka.data.extras import need
from ostraka.data.notation import Notation
from ostraka.data.records import Records, of_query
from ostraka.errors import InputError, UsageError
from ostraka.text import quoted

_LOCKED: Final = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    "python_enable_replacements": "false",
    "temp_directory": "",  # else rows would be written to disk where memory is short
}
"""Settings of a database in which a query reads nothing but the table it is given."""

_ROW: Final = "ostraka row"
_OURS: Final = "ostraka: "
_SAYS_NO_VALUE: Final = ("BinderException", "CatalogException", "ParserException",
                         "PermissionException", "SyntaxException")  # fmt: skip
"""Errors of DuckDB about the text of a query; others may repeat what is in a row."""

_AS_NUMBER: Final = re.compile(
    r"CAST\(([^()']+) AS (?:U?(?:TINY|SMALL|BIG|HUGE)INT|U?INTEGER|DECIMAL|FLOAT|DOUBLE|BIGNUM)"
)
_LITERAL: Final = re.compile(r"-?[0-9.]+(e[+-]?[0-9]+)?|NULL", re.IGNORECASE)


def select(records: Records) -> Records:
    """Return the rows that `--where` selects, or those that `--query` makes.

    Raises:
        UsageError: DuckDB is missing, or the SQL is not one that is allowed.
        InputError: the SQL fails on a row; the message repeats nothing of it.
    """
    selection = records.selection
    if selection.query is not None:
        return _query(records, selection.query)
    if selection.where is None or not len(records):
        return records
    database = _database(records, rows=True)
    condition = f'SELECT "{_ROW}" FROM data WHERE (\n{selection.where}\n) ORDER BY "{_ROW}"'  # noqa: S608
    found = _run(database, condition, "--where").fetchnumpy()[_ROW]
    return replace(records.only(np.asarray(found).tolist()), read=len(records))


def _query(records: Records, query: str) -> Records:
    result = _run(_database(records, rows=False), query, "--query")
    header = tuple(column[0] for column in result.description)
    source = f"the result of --query on {records.source}"
    return of_query(source, header, result.fetchall(), records.selection)


def _database(records: Records, *, rows: bool) -> Any:
    """Return a database with the rows as its one table `data`, all columns text."""
    duckdb = need("duckdb", "--where" if rows else "--query")
    database = duckdb.connect(":memory:", config=_LOCKED)
    notation = records.selection.notation
    names = {i: records.header[i] or f"column {i + 1}" for i in records.columns}
    _require_different(list(names.values()), records.source)
    point = notation.decimal or "."
    given: dict[str, Any] = {
        f"c{i}": np.array([text_of(cell, point) for cell in cells] or [""], dtype=object)
        for i, cells in records.columns.items()
    }
    given["row"] = np.arange(max(len(records), 1))
    database.register("given", given)
    chosen = [f"NULLIF(CAST(c{i} AS VARCHAR), '') AS {identifier(n)}" for i, n in names.items()]
    chosen += [f'"row" AS "{_ROW}"'] * (rows or not chosen)
    empty = "" if len(records) else " WHERE false"
    database.execute(f"CREATE TABLE data AS SELECT {', '.join(chosen)} FROM given{empty}")  # noqa: S608
    database.unregister("given")
    database.execute(_macro(notation))
    database.execute("SET explain_output = 'all'")
    database.execute("SET lock_configuration = true")
    return database


def identifier(name: str) -> str:
    """Return the name of a table or a column as SQL has it: in quotes, and those in it doubled."""
    return '"' + name.replace('"', '""') + '"'


def _require_different(names: Sequence[str], source: str) -> None:
    seen: set[str] = {_ROW}
    for name in names:
        if name.lower() in seen:
            raise InputError(
                f"{source} has several columns {quoted(name)}, and SQL cannot tell them apart",
                hint="give them different names",
                data_left=False,
            )
        seen.add(name.lower())


def _macro(notation: Notation) -> str:
    """Return the SQL that defines number(x): exact, up to 10 digits after the point."""
    form = _literal(notation.form(decimals="[0-9]{0,10}"))
    plain = "trim(x)"
    for sign in notation.thousands_signs:
        plain = f"replace({plain}, {_literal(sign)}, '')"
    if notation.point == ",":
        plain = f"replace({plain}, ',', '.')"
    wrong = f"error('{_OURS}number(x): x is not a number as it is to be written')"
    return (
        "CREATE MACRO number(x) AS CASE WHEN x IS NULL THEN NULL "
        f"WHEN regexp_full_match(trim(x), {form}) THEN CAST({plain} AS DECIMAL(38, 10)) "
        f"ELSE CAST({wrong} AS DECIMAL(38, 10)) END"
    )


def _literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _run(database: Any, sql: str, option: str) -> Any:
    """Run one SELECT, if it is one, and compares no text with a number."""
    try:
        statements = database.extract_statements(sql)
        if len(statements) != 1 or not str(statements[0].type).endswith("SELECT"):
            raise UsageError(f"{option} is not one SELECT", hint=_HINT, data_left=False)
        plans = dict(database.execute(f"EXPLAIN (FORMAT json) {sql}").fetchall())
        plan = plans["logical_plan"]  # as it is written; later ones have casts of their own
        for name in _AS_NUMBER.findall(plan):
            if not _LITERAL.fullmatch(name.strip()):
                _refuse_cast(name.strip(), option)
        return database.execute(sql)
    except Exception as error:
        if isinstance(error, UsageError):
            raise
        _refuse_error(error, option)


_HINT: Final = "such as: SELECT Department, Salary FROM data WHERE number(Salary) > 0"


_COLUMN_HINT: Final = (
    "a column's name stands alone, or in double quotes; a text is in single quotes, such as "
    "Department = 'IT'"
)


def _refuse_cast(name: str, option: str) -> NoReturn:
    raise UsageError(
        f"{option} takes the text of {quoted(name)} for a number, and SQL would round it",
        hint=f"write number({identifier(name)}), or compare with a text in quotes, 'like this'",
        data_left=False,
    )


def _refuse_error(error: Exception, option: str) -> NoReturn:
    kind, text = type(error).__name__, str(error)
    if kind in _SAYS_NO_VALUE:
        first = text.partition("\n")[0].strip()
        hint = _COLUMN_HINT if "Referenced column" in first else _HINT
        raise UsageError(f"{option}: {first}", hint=hint, data_left=False) from None
    if _OURS in text:
        problem = text.partition(_OURS)[2].partition("\n")[0]
        hint = "say --decimal or --thousands, or leave such rows out by another condition"
        raise InputError(f"{option}: {problem}", hint=hint, data_left=False) from None
    problem = f"{option} fails on a row: DuckDB says {kind}"
    raise InputError(problem, hint=_HINT, data_left=False) from None
