"""The notebooks: executed in order, they show what is in them."""

import json
from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((top / "docs" / "notebooks").glob("*.ipynb"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_its_cells_give(program, path):
    done = program("notebooks", "--check", path)
    assert done.returncode == 0, done.stderr


def test_there_are_three_and_no_output_tells_of_a_machine():
    assert len(NOTEBOOKS) == 3
    for path in NOTEBOOKS:
        assert not [w for w in ("/home", "/root", "/tmp", "/work") if f"{w}/" in path.read_text()]


def test_another_output_is_noticed(program, tmp_path):
    whole = json.loads((top / "docs" / "notebooks" / "shares.ipynb").read_text())
    whole["cells"] = whole["cells"][:2]
    cell = whole["cells"][1]
    cell["source"], cell["outputs"] = ["print(2 + 2)"], []
    path = tmp_path / "other.ipynb"
    path.write_text(json.dumps(whole))
    done = program("notebooks", "--check", path)
    assert done.returncode == 1
    assert "shows something else" in done.stderr
