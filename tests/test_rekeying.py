"""A new key goes on with the ledger and with what others know; an interrupted call is finished."""

import os
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ostraka import identity
from ostraka.errors import RefusedByLedger, Temporary, UsageError
from ostraka.identity import fingerprint_text
from ostraka.record import succession
from ostraka.record.budget import EXACT
from ostraka.record.known_keys import KeyBook, KeyStanding
from ostraka.record.ledger import Ledger
from ostraka.record.rules import Person
from ostraka.record.runs import Run
from ostraka.rekeying import rekey


@pytest.fixture
def directory(tmp_path, monkeypatch):
    """The directory of alice's key, with a ledger that has a run in it."""
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("OSTRAKA_LEDGER", raising=False)
    directory = tmp_path / "keys"
    identity.create("alice", directory)
    own = identity.load("alice", directory)
    ledger = opened(directory, own)
    asked = a_run([own.pin, "bob", "carol", "dave"])
    place = ledger.reserve(asked)
    place.commit("ab" * 32, [person.name for person in asked.roster], EXACT)
    place.close()
    return directory


def opened(directory, own=None, **more):
    found = Ledger(
        directory,
        own or identity.load("alice", directory),
        now=lambda: datetime(2026, 11, 28, tzinfo=UTC),
        **more,
    )
    found.read()
    return found


def a_run(roster, **more):
    people = tuple(Person(f"name of {key[-8:]}", key) for key in roster)
    return Run("Raises", "raises", "secure-sum", "00" * 32, people, True, EXACT, **more)


def new_key(directory):
    return rekey("alice", directory, lambda text: pytest.fail(text))


def test_the_key_is_another_and_the_old_one_signed_it(directory):
    old = identity.load("alice", directory)
    new, path = new_key(directory)
    assert new.fingerprint != old.fingerprint
    assert identity.load("alice", directory).fingerprint == new.fingerprint
    (link,) = succession.read(path)
    assert (link.old, link.new) == (old.certificate, new.certificate)
    assert sorted(p.name for p in directory.iterdir() if p.name.startswith(".")) == []


def test_the_file_holds_every_key_since_the_first(directory):
    first = identity.load("alice", directory)
    new_key(directory)
    new, path = new_key(directory)
    links = succession.read(path)
    assert links[0].old == first.certificate
    assert links[-1].new == new.certificate
    assert len(links) == 2


def test_the_ledger_goes_on_under_the_new_key(directory):
    old = identity.load("alice", directory)
    before = opened(directory).runs
    new_key(directory)
    after = opened(directory)
    assert after.runs.keys() == before.keys()
    number = after.reserve(a_run([after._identity.pin, "bob", "carol", "dave"])).id
    assert number in opened(directory).runs
    with pytest.raises(RefusedByLedger, match="not signed by this party's key"):
        opened(directory, old)


def test_a_ledger_is_not_taken_over_by_a_key_that_did_not_agree(directory, tmp_path):
    """A thief of the files alone writes the old key's part, and none for the victim's key."""
    own, thief = identity.load("alice", directory), identity.create("alice", tmp_path / "thief")
    forged = tmp_path / "forged"
    forged.mkdir()
    link = succession.Succession.of(thief, own)
    chain = opened(forged, thief).chain
    with chain.locked():
        chain.append({"succession": replace(link, by_new=link.by_old).to_json(), "id": ""})
    with pytest.raises(RefusedByLedger, match="not signed by this party's key"):
        opened(forged, own)


def test_a_new_key_is_the_same_contributor(directory):
    """Otherwise a difference of two runs would be taken for two people."""
    new, _ = new_key(directory)
    ledger = opened(directory)
    asked = a_run([new.pin, "bob", "carol", "dave"], same_roster_only=True)
    ledger.reserve(asked)
    with pytest.raises(RefusedByLedger, match="same contributors"):
        ledger.reserve(a_run([new.pin, "bob", "carol"], same_roster_only=True))


def test_a_renewed_key_of_another_party_is_the_same_contributor(directory):
    own = identity.load("alice", directory)
    asked = a_run([own.pin, "new bob", "carol", "dave"], same_roster_only=True)
    with pytest.raises(RefusedByLedger, match="same contributors"):
        opened(directory).reserve(asked)
    opened(directory, successors={"bob": "new bob"}).reserve(asked)


def test_receipts_of_the_old_key_are_still_its_own(directory):
    old = identity.load("alice", directory)
    new_key(directory)
    told = '{"party": [{"name": "alice", "key": "%s"}]}'
    assert opened(directory).wrote({"manifest": told % old.pin})
    assert not opened(directory).wrote({"manifest": told % fingerprint_text(bytes(32))})


def test_no_key_is_replaced_while_a_run_goes_on(directory):
    own = identity.load("alice", directory)
    place = opened(directory).reserve(a_run([own.pin, "bob", "carol", "dave"]))
    with pytest.raises(Temporary, match="going on"):
        new_key(directory)
    assert identity.load("alice", directory).fingerprint == own.fingerprint
    place.close()
    new, _ = new_key(directory)
    assert new.fingerprint != own.fingerprint


def test_no_key_is_replaced_that_a_record_needs(directory, tmp_path):
    sessions = tmp_path / "home" / "sessions"
    sessions.mkdir(parents=True)
    (sessions / f"alice-{'0' * 32}.record").write_bytes(b"of a session that is not finished")
    with pytest.raises(UsageError, match="is not finished"):
        new_key(directory)


@pytest.mark.parametrize("writes", range(1, 9))
def test_an_interrupted_call_is_finished_by_the_next(directory, monkeypatch, writes):
    """Killed at each file that is put in place, and at each entry; the key is never lost."""
    own, left = identity.load("alice", directory), [writes]

    def failing(real):
        def call(*arguments, **more):
            left[0] -= 1
            if left[0] == 0:
                raise KeyboardInterrupt
            return real(*arguments, **more)

        return call

    with monkeypatch.context() as patched:
        for name in ("replace", "fsync", "rmdir"):
            patched.setattr(os, name, failing(getattr(os, name)))
        killed = False
        try:
            new_key(directory)
        except KeyboardInterrupt:
            killed = True
    new, path = (identity.load("alice", directory), None) if not killed else new_key(directory)
    assert new.fingerprint != own.fingerprint
    opened(directory)
    links = succession.read(path or directory / "alice.succession")
    assert links[-1].new == new.certificate
    assert links[0].old == own.certificate


# --- the book of the other parties ---------------------------------------------------------------


@pytest.fixture
def book(directory, office, tmp_path):
    """A book that knows alice's first key."""
    found = KeyBook(tmp_path / "known.toml")
    own = identity.load("alice", directory)
    found.learn(office.manifest(pins={"alice": own.pin}), "bob", "ab" * 32)
    return found


def test_a_known_key_is_renewed_over_several_successions(directory, office, book):
    first = identity.load("alice", directory)
    new_key(directory)
    new, path = new_key(directory)
    entry = book.renew(succession.read(path))
    assert entry.key == new.pin
    assert entry.sessions == ("ab" * 32,)
    assert book.successors()[first.pin] == new.pin
    (met, *_) = book.meet(office.manifest(pins={"alice": new.pin}))
    assert met.standing is KeyStanding.KNOWN
    (met, *_) = book.meet(office.manifest(pins={"alice": first.pin}))
    assert met.standing is KeyStanding.CHANGED
    assert book.renew(succession.read(path)) == entry


def test_a_key_that_none_of_them_follows_is_not_renewed(directory, book, tmp_path):
    other = identity.create("alice", tmp_path / "other")
    links = [succession.Succession.of(other, identity.create("alice", tmp_path / "next"))]
    with pytest.raises(UsageError, match="known by another key"):
        book.renew(links)
    book.forget("alice")
    with pytest.raises(UsageError, match="no key is known of alice"):
        book.renew(links)
    assert "alice" not in book.read()
