"""Manifests that the page knows, and the party's name in each."""

import shutil

import pytest

from ostraka import config, identity
from ostraka.errors import UsageError
from ostraka.ui.places import SessionPlaces, is_on_record
from ostraka.ui.settings import PageSettings

EVERY = '"contributor", "compute", "recipient"'


def settings(sources, keys, tmp_path, name=None):
    return PageSettings(tuple(sources), keys, tmp_path, name)


@pytest.fixture
def own(tmp_path, keys):
    """Keys of alice alone."""
    directory = tmp_path / "own"
    directory.mkdir(mode=0o700)
    for end in ("key", "crt"):
        shutil.copy2(keys / f"alice.{end}", directory)
    return directory


def test_a_directory_has_its_manifests_and_what_was_meant_to_be_one(tmp_path, own, written):
    path = written()
    (tmp_path / "alice.toml").write_text("[network]\nproxy = '127.0.0.1:9050'\n")
    (tmp_path / "broken.toml").write_text("[session]\ntitle = 5\n")
    found, bad = SessionPlaces(settings([tmp_path], own, tmp_path)).look()
    assert [(place.path, place.me) for place in found] == [(path, "alice")]
    assert [p.name for p, _ in bad] == ["broken.toml"]
    assert "line" in str(bad[0][1].message)


def test_a_file_alone_hides_its_neighbours(tmp_path, own, written):
    path = written()
    written(name="other", title="Other")
    places = SessionPlaces(settings([path], own, tmp_path))
    assert [place.path for place in places.look()[0]] == [path]
    path.unlink()
    found, bad = places.look()
    assert (found, "is not there" in bad[0][1].message) == ([], True)


def test_the_name_is_the_one_whose_key_is_here(tmp_path, own, keys, written):
    written()
    (place,), _ = SessionPlaces(settings([tmp_path], keys, tmp_path)).look()
    assert place.me == ""
    assert "keys of several of its parties: alice, bob, carlos" in place.why
    with pytest.raises(UsageError, match="several"):
        _ = place.party
    (place,), _ = SessionPlaces(settings([tmp_path], keys, tmp_path, "bob")).look()
    assert place.party == "bob"
    (place,), _ = SessionPlaces(settings([tmp_path], own, tmp_path, "zoe")).look()
    assert "zoe" in place.why


def test_a_key_of_the_same_name_that_is_another_is_not_ours(tmp_path, written):
    written()
    identity.create("alice", tmp_path / "mine")
    (place,), _ = SessionPlaces(settings([tmp_path], tmp_path / "mine", tmp_path)).look()
    assert "no key of its parties" in place.why


def test_a_session_is_found_by_its_digest_alone(tmp_path, own, written):
    digest = config.load(written()).digest.hex()
    places = SessionPlaces(settings([tmp_path], own, tmp_path))
    assert places.find(digest).digest == digest
    with pytest.raises(UsageError, match="changed or removed"):
        places.find("0" * 64)


def test_a_run_on_record_is_known_by_its_file(tmp_path, own, written, home):
    (place,), _ = SessionPlaces(settings([written()], own, tmp_path)).look()
    assert not is_on_record(place, own)
    record = home / "sessions" / f"alice-{place.digest[:32]}.record"
    record.write_bytes(b"")
    assert is_on_record(place, own)
    record.unlink()
