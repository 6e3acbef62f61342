"""A library that is missing is named, with the command that installs it."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from ostraka.data.extras import need
from ostraka.errors import UsageError


def test_a_missing_library_is_named():
    assert need("json", "this") is json
    with pytest.raises(UsageError, match=r"Parquet needs the library no_such_thing") as error:
        need("no_such_thing", "Parquet")
    assert error.value.hint == "pip install 'ostraka[data]'"


def test_csv_needs_no_library():
    code = (
        "import sys; import ostraka.data.mapping, ostraka.data.opening, ostraka.cli.giving; "
        "print(sorted({'duckdb', 'python_calamine', 'psycopg', 'sqlite3'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
