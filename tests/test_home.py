"""A party's own files: its key against the pin, its ledger, and its home."""

import os
from pathlib import Path

import pytest

from ostraka import home
from ostraka.errors import PinMismatch, UsageError
from ostraka.home import ledger_names, own_identity, own_ledger


def mode(path):
    return path.stat().st_mode & 0o7777


@pytest.mark.parametrize(
    ("part", "name"), [(home.results_directory, "results"), (home.sessions_directory, "sessions")]
)
def test_the_home_and_its_directories_are_made_for_their_owner_alone(part, name, tmp_path):
    chosen = tmp_path / "home"
    assert part({"OSTRAKA_HOME": str(chosen)}) == chosen / name
    assert (mode(chosen), mode(chosen / name)) == (0o700, 0o700)
    assert part({"OSTRAKA_HOME": str(chosen)}) == chosen / name


def test_the_home_is_by_default_in_the_platform_s_directory_for_data(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setenv("HOME", str(tmp_path))
    share = tmp_path / ".local" / "share"
    assert home.results_directory({}) == share / "ostraka" / "results"
    assert home.results_directory({"XDG_DATA_HOME": "relative"}).is_relative_to(share)
    elsewhere = tmp_path / "elsewhere"
    found = home.results_directory({"XDG_DATA_HOME": str(elsewhere)})
    assert found == elsewhere / "ostraka" / "results"
    monkeypatch.setattr("sys.platform", "darwin")
    support = tmp_path / "Library" / "Application Support"
    assert home.results_directory({}) == support / "ostraka" / "results"


@pytest.mark.parametrize("loose", [0o720, 0o702, 0o777])
@pytest.mark.parametrize("which", ["home", "home/results"])
def test_a_home_that_others_can_write_is_refused(tmp_path, loose, which):
    environ = {"OSTRAKA_HOME": str(tmp_path / "home")}
    home.results_directory(environ)
    (tmp_path / which).chmod(loose)
    with pytest.raises(UsageError, match="other users of this machine can write") as caught:
        home.results_directory(environ)
    assert caught.value.data_left is False
    assert caught.value.hint == f"chmod go-w {tmp_path / which}"


def test_a_home_of_another_user_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: tmp_path.stat().st_uid + 1)
    if tmp_path.stat().st_uid == 0:
        os.chown(tmp_path, 4242, -1)
    with pytest.raises(UsageError, match="belongs to another user"):
        home.results_directory({"OSTRAKA_HOME": str(tmp_path)})


def test_a_home_that_cannot_be_made_says_how_to_choose_another(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot make the directory") as caught:
        home.results_directory({"OSTRAKA_HOME": str(tmp_path / "file" / "home")})
    assert "OSTRAKA_HOME" in caught.value.hint

    def homeless():
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(UsageError, match="no home directory"):
        home.results_directory({})


def test_the_key_must_be_the_one_that_the_manifest_pins(office, keys):
    manifest = office.manifest()
    assert own_identity(manifest, "alice", keys).fingerprint == manifest.pin("alice")
    other = office.manifest(pins={"alice": office.fingerprint("bob")}, parties=("alice", "carlos"))
    with pytest.raises(PinMismatch, match="not the key that the manifest names") as caught:
        own_identity(other, "alice", keys)
    assert caught.value.data_left is False


def test_a_party_s_ledger_lies_beside_its_key_or_where_it_is_told(office, tmp_path, monkeypatch):
    own, warned = office.identity("alice"), []
    own_ledger(own, tmp_path, warned.append)
    assert (tmp_path / "alice.ledger").exists()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.setenv("OSTRAKA_LEDGER", str(elsewhere))
    own_ledger(own, tmp_path, warned.append)
    assert (elsewhere / "alice.ledger").exists()
    assert warned == []


def test_a_line_that_was_never_finished_is_told(office, tmp_path):
    own, warned = office.identity("alice"), []
    own_ledger(own, tmp_path, warned.append)
    with (tmp_path / "alice.ledger").open("a") as file:
        file.write('{"entry"')
    own_ledger(own, tmp_path, warned.append)
    assert ["never finished" in text for text in warned] == [True]


def test_its_rules_are_read(office, tmp_path):
    (tmp_path / "alice.toml").write_text("budgets = 1\n")
    with pytest.raises(UsageError, match="unknown key"):
        own_ledger(office.identity("alice"), tmp_path, print)


def test_a_ledger_that_is_gone_has_left_its_head(tmp_path):
    for name in ("alice.ledger", "alice.ledger.head", "bob.ledger.head", "carlos.toml"):
        (tmp_path / name).touch()
    assert ledger_names(tmp_path) == ["alice", "bob"]


def test_the_own_network_is_the_files_the_environments_and_the_options(tmp_path):
    (tmp_path / "alice.toml").write_text('[network]\nlisten = "[::]:1"\nproxy = "file:1"\n')
    (tmp_path / "alice.toml").chmod(0o600)
    own = home.own_network("alice", tmp_path, environ={})
    assert (own.listen, own.proxy.address) == ("[::]:1", "file:1")
    own = home.own_network("alice", tmp_path, "[::]:2", environ={"OSTRAKA_PROXY": "env:1"})
    assert (own.listen, own.proxy.address) == ("[::]:2", "env:1")
    assert (
        home.own_network("alice", tmp_path, proxy="option:1", environ={}).proxy.address
        == "option:1"
    )
