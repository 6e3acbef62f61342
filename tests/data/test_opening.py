"""Which inputs are tables, and which stay what they were."""

from __future__ import annotations

import io
import subprocess
import sys

import numpy as np
import pytest

from ostraka.data.opening import is_table
from ostraka.data.selection import Selection
from ostraka.errors import InputError, UsageError


@pytest.mark.parametrize("content", ["1\n2\n", "55.2;300\n", "[1, 2]", "value,weight\n1,2\n", ""])
def test_plain_inputs_stay_plain(tmp_path, content):
    for name in ("x.csv", "x.txt", "x.json"):
        (tmp_path / name).write_text(content)
        assert not is_table(str(tmp_path / name), Selection())
        assert is_table(str(tmp_path / name), Selection(values=("a",)))
    assert not is_table(None, Selection())
    assert not is_table("-", Selection())
    assert not is_table(str(tmp_path / "missing"), Selection())


def test_a_template_is_a_table(tmp_path):
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        (tmp_path / "x.csv").write_text("# ostraka template 00;\n", encoding=encoding)
        assert is_table(str(tmp_path / "x.csv"), Selection())


def test_standard_input(read, encoded, monkeypatch, protocols, tmp_path):
    monkeypatch.chdir(tmp_path)
    stdin = io.TextIOWrapper(io.BytesIO(b"a,b\n7,8\n"))
    monkeypatch.setattr(sys, "stdin", stdin)
    from ostraka.data.opening import open_table
    from ostraka.data.template import Template

    form = protocols["sum"].row_form("alice")
    selection = Selection(values=("b",))
    found = open_table("-", selection, Template.of(form, b""))
    assert (found.source, found.columns) == ("standard input", {1: ["8"]})


def test_files_without_columns(read, tmp_path):
    with pytest.raises(InputError, match="cannot read"):
        read("sum", "missing.csv", None, value="a")
    np.save(tmp_path / "x.npy", np.ones(3))
    with pytest.raises(UsageError, match="array without columns"):
        read("sum", "x.npy", None, value="a")


def test_a_pipe_is_read_once(read, encoded, tmp_path):
    import os
    import threading

    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=(tmp_path / "pipe").write_text, args=("a,b\n7,8\n",))
    writer.start()
    try:
        assert encoded("sum", read("sum", "pipe", None, value="b")) == [800]
    finally:
        writer.join()


def test_looking_whether_an_input_is_a_table_loads_no_reader():
    code = (
        "import sys; import ostraka.data.opening; "
        "print(sorted({'csv', 'zipfile', 'urllib.parse', 'ostraka.data.sql'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "ostraka.data.sql" not in done.stdout
