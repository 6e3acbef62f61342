"""`rekey`, then `known renew` at another party: from the command line."""

from ostraka import home, identity


def test_a_new_key_is_taken_by_those_who_know_the_old_one(cli, tmp_path, office, monkeypatch):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    assert cli("keygen", "alice").code == 0
    old = identity.load("alice", tmp_path)
    home.drafts_directory()  # the home is made
    home.known_keys().learn(office.manifest(pins={"alice": old.pin}), "bob")
    done = cli("rekey", "alice")
    new = identity.load("alice", tmp_path)
    assert (done.code, done.out) == (0, f"{new.pin}\n")
    assert "alice.succession" in done.err
    assert new.pin != old.pin
    assert cli("known", "renew", "alice.succession").code == 0
    assert home.known_keys().read()["alice"].key == new.pin
    assert old.pin in cli("known", "list", "--output", "json").out


def test_what_cannot_be_renewed_is_refused(cli, tmp_path, monkeypatch):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    home.drafts_directory()
    assert cli("rekey", "alice").code == 2
    (tmp_path / "alice.succession").write_text("{}")
    assert cli("known", "renew", "alice.succession").code == 2
    assert cli("keygen", "bob").code == 0
    assert cli("rekey", "bob").code == 0
    unknown = cli("known", "renew", "bob.succession")
    assert unknown.code == 2
    assert "no key is known of bob" in unknown.err
