"""A party's own files: its key against the pin, and its ledger."""

import pytest

from ostraka.errors import PinMismatch, UsageError
from ostraka.home import ledger_names, own_identity, own_ledger


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
