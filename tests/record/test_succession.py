"""A key follows another only if both say so; every altered bit of a file is noticed."""

import json
from dataclasses import replace
from itertools import pairwise

import pytest

from ostraka import identity
from ostraka.errors import PeerViolation, UsageError
from ostraka.record import succession
from ostraka.record.succession import Succession, successors


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """Four keys of alice, each in a directory of its own."""
    return [identity.create("alice", tmp_path_factory.mktemp(f"alice{i}")) for i in range(4)]


@pytest.fixture(scope="module")
def links(keys):
    return [Succession.of(old, new) for old, new in pairwise(keys)]


def test_what_was_written_is_read_again(links, tmp_path):
    path = tmp_path / "alice.succession"
    succession.write(path, links)
    assert succession.read(path) == links


def test_the_newest_key_follows_each_older_one(keys, links):
    assert successors(links) == {key.pin: keys[-1].pin for key in keys[:-1]}
    assert successors([]) == {}


def test_both_keys_must_have_signed(keys, links):
    first, second = links[0], links[1]
    for wrong in (
        replace(first, by_old=first.by_new),
        replace(first, by_new=first.by_old),
        replace(first, new=second.new),
        replace(first, old=second.old),
        replace(first, name="bob"),
        replace(first, old=b"no certificate"),
    ):
        with pytest.raises(PeerViolation):
            wrong.check()


@pytest.mark.parametrize("field", ["old", "new", "by_old", "by_new"])
def test_an_altered_file_is_refused(links, tmp_path, field):
    path = tmp_path / "alice.succession"
    succession.write(path, links[:1])
    table = json.loads(path.read_text())
    letters = table["keys"][0][field]
    flipped = "A" if letters[20] != "A" else "B"
    table["keys"][0][field] = letters[:20] + flipped + letters[21:]
    path.write_text(json.dumps(table))
    with pytest.raises(UsageError, match="holds"):
        succession.read(path)


@pytest.mark.parametrize(
    "change",
    [
        lambda table: table.update(ostraka_succession=2),
        lambda table: table.update(more=1),
        lambda table: table.update(keys=[]),
        lambda table: table["keys"].reverse(),
        lambda table: table["keys"].pop(1),
        lambda table: table["keys"][0].update(more=""),
        lambda table: table.update(name="bob"),
    ],
)
def test_a_file_that_means_something_else_is_refused(links, tmp_path, change):
    path = tmp_path / "alice.succession"
    succession.write(path, links)
    table = json.loads(path.read_text())
    change(table)
    path.write_text(json.dumps(table))
    with pytest.raises(UsageError):
        succession.read(path)
