"""The page of the architecture is made from the contracts and the docstrings, or found stale."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]


@pytest.fixture
def architecture(load):
    return load("architecture")


def settings():
    return tomllib.loads((top / "pyproject.toml").read_text())


def test_the_picture_has_every_room_once(architecture):
    rows = architecture.picture(settings()).splitlines()
    rooms = re.findall(r"[a-z_]+", " ".join(rows[rows.index("```text") + 3 :]))
    inside = (top / "src" / "ostraka").iterdir()
    here = [p.stem for p in inside if p.suffix == ".py" or (p / "__init__.py").exists()]
    assert sorted(rooms) == sorted(room for room in here if room != "__init__")


def test_the_picture_puts_each_stem_on_its_side(architecture):
    rows = architecture.picture(settings()).splitlines()
    header = next(row for row in rows if "mathematics" in row)
    for room, stem in (("engine", "mathematics"), ("wire*", "network"), ("exchange", "between")):
        row = next(row for row in rows if re.search(rf"(^|\s){re.escape(room)}(\s|$)", row))
        assert row.index(room) // architecture.WIDTH == header.index(stem) // architecture.WIDTH


@pytest.mark.parametrize(
    ("docstring", "sentence"),
    [
        ("One thing. Another.", "One thing."),
        ("One thing\nover two lines.\n\nMore.", "One thing over two lines."),
        ("Sums, e.g. these. More.", "Sums, e.g. these."),
        ("`p = 2.5` fits. [Key] More.", "`p = 2.5` fits."),
        ("No end", "No end"),
    ],
)
def test_first_sentences(architecture, docstring, sentence):
    assert architecture.first_sentence(docstring) == sentence


def test_a_module_without_a_sentence_is_named(architecture, tmp_path):
    (tmp_path / "a.py").write_text('"""A thing."""\n')
    (tmp_path / "b.py").write_text("x = 1\n")
    with pytest.raises(SystemExit, match=r"src/ostraka/b\.py:1"):
        architecture.read(tmp_path)


def test_a_stale_page_is_found_and_made_anew(architecture, tmp_path, monkeypatch, capsys):
    """In a tree with one room: scripts/check looks at the page of all of them."""
    for name in ("pyproject.toml", "docs/architecture.md", "src/ostraka/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(top / name, tmp_path / name)
    room = tmp_path / "src" / "ostraka" / "wire"
    shutil.copytree(top / "src" / "ostraka" / "wire", room)
    monkeypatch.setattr(architecture, "__file__", str(tmp_path / "scripts" / "architecture"))
    page = tmp_path / "docs" / "architecture.md"
    run = architecture.main
    assert run([]) == 0
    assert run(["--check"]) == 0
    (room / "frames.py").write_text('"""Another sentence altogether."""\n')
    assert run(["--check"]) == 1
    assert "docs/architecture.md is stale: run scripts/architecture" in capsys.readouterr().err
    assert run([]) == 0
    assert "Another sentence altogether." in page.read_text()
    assert "## Add a protocol in ten minutes" in page.read_text()
    assert run(["--check"]) == 0
    assert run(["--chek"]) == 2
