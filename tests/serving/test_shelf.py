"""Manifests in a directory: what changed is read, and what stayed is not."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "mailbox"))
from scene import Collecting

from ostraka import config
from ostraka.errors import OstrakaError
from ostraka.manifest import Manifest
from ostraka.serving.shelf import Shelf


@pytest.fixture
def toml(tmp_path):
    return Collecting(tmp_path / "keys").toml


@pytest.fixture
def loads(monkeypatch):
    """Paths that were read, in order."""
    seen, load = [], config.load
    monkeypatch.setattr(config, "load", lambda path: (seen.append(path.name), load(path))[1])
    return seen


def test_a_file_is_read_once_while_it_stays(tmp_path, toml, loads):
    (tmp_path / "b.toml").write_bytes(toml)
    (tmp_path / "a.toml").write_text("x = 1")
    shelf = Shelf()
    first = shelf.look(tmp_path)
    assert [path.name for path in first] == ["a.toml", "b.toml"]
    assert isinstance(first[tmp_path / "a.toml"], OstrakaError)
    assert isinstance(first[tmp_path / "b.toml"], Manifest)
    assert shelf.look(tmp_path) == first
    assert loads == ["a.toml", "b.toml"]


def test_what_changed_is_read_again_and_what_went_is_gone(tmp_path, toml, loads):
    path = tmp_path / "a.toml"
    path.write_text("x = 1")
    shelf = Shelf()
    shelf.look(tmp_path)
    path.write_bytes(toml)
    assert isinstance(shelf.look(tmp_path)[path], Manifest)
    path.unlink()
    assert shelf.look(tmp_path) == {}
    path.write_bytes(toml)
    shelf.look(tmp_path)
    assert loads == ["a.toml"] * 3


def test_a_link_to_nothing_is_told_of(tmp_path):
    (tmp_path / "a.toml").symlink_to(tmp_path / "nothing")
    (found,) = Shelf().look(tmp_path).values()
    assert isinstance(found, OstrakaError)
