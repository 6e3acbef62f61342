"""The book of known keys: what it learns, forgets, and refuses to be."""

import multiprocessing
from dataclasses import replace

import pytest

from ostraka.errors import UsageError
from ostraka.record.known_keys import SESSIONS, KeyBook, KeyStanding


def standings(book, manifest, me=None):
    return {met.name: met.standing for met in book.meet(manifest, me)}


def test_without_a_file_all_keys_are_new(book, manifest):
    assert set(standings(book, manifest).values()) == {KeyStanding.NEW}
    assert not book.path.exists()


def test_what_was_learned_is_known_and_one_s_own_is_not_in_it(book, manifest):
    book.learn(manifest, "alice", "ab")
    assert standings(book, manifest, "alice") == {
        "alice": KeyStanding.OWN, "bob": KeyStanding.KNOWN, "carlos": KeyStanding.KNOWN,
    }  # fmt: skip
    assert set(book.read()) == {"bob", "carlos"}
    assert book.read()["bob"].sessions == ("ab",)
    assert book.path.stat().st_mode & 0o777 == 0o600


def test_the_first_time_stays_and_the_newest_sessions_are_kept(book, manifest):
    book.learn(manifest, "alice", "0")
    since = book.read()["bob"].since
    for number in range(SESSIONS + 3):
        book.learn(manifest, "alice", str(number))
    entry = book.read()["bob"]
    assert entry.since == since
    assert entry.sessions == tuple(map(str, range(3, SESSIONS + 3)))


def test_another_key_is_changed_and_never_learned(book, office, manifest):
    book.learn(manifest, "alice")
    other = office.manifest(pins={"bob": office.fingerprint("mallory")})
    assert standings(book, other, "alice")["bob"] is KeyStanding.CHANGED
    before = book.read()["bob"]
    book.learn(other, "alice", "ab")
    assert book.read()["bob"] == before


def test_keys_that_swap_their_names_are_both_changed(book, office, manifest):
    book.learn(manifest, "alice")
    pins = {"bob": office.fingerprint("carlos"), "carlos": office.fingerprint("bob")}
    found = standings(book, office.manifest(pins=pins), "alice")
    assert (found["bob"], found["carlos"]) == (KeyStanding.CHANGED, KeyStanding.CHANGED)


def test_a_known_key_under_a_new_name_is_new_and_says_whose_it_was(book, office, manifest):
    book.learn(manifest, "alice")
    pins = {"erin": office.fingerprint("bob")}
    (*_, erin) = book.meet(office.manifest(("alice", "carlos", "erin"), pins=pins), "alice")
    assert erin.standing is KeyStanding.NEW
    assert erin.in_words() == "NEW (the same key is known as bob)"


def test_a_forgotten_key_is_new(book, manifest):
    book.learn(manifest, "alice")
    assert book.forget("bob").key == manifest.party_named("bob").key
    assert standings(book, manifest)["bob"] is KeyStanding.NEW
    with pytest.raises(UsageError, match="no key is known of bob"):
        book.forget("bob")


@pytest.mark.parametrize(
    "text",
    [
        "known = 1",
        "[[known]]\nname = 'bob'",
        "[[known]]\nname = 'bob'\nkey = 'sha256:00'\nsince = 2026-01-01T00:00:00Z",
        "[[known]]\nname = 'bob'\nkey = 3\nsince = 2026-01-01T00:00:00Z",
        "[[known",
    ],
)
def test_a_damaged_book_is_refused_and_not_replaced(book, manifest, text):
    book.path.write_text(text)
    for use in (book.read, lambda: book.learn(manifest, "alice")):
        with pytest.raises(UsageError, match="not a book of keys"):
            use()
    assert book.path.read_text() == text


def test_a_book_that_others_can_write_is_refused(book, manifest):
    book.learn(manifest, "alice")
    book.path.chmod(0o666)
    with pytest.raises(UsageError, match="0666"):
        book.meet(manifest)


def test_a_book_that_cannot_be_written_is_named(tmp_path, manifest):
    with pytest.raises(UsageError, match="cannot write"):
        KeyBook(tmp_path / "missing" / "known.toml").learn(manifest, "alice")


def _learn(path, manifest, session):
    KeyBook(path).learn(manifest, "alice", session)


def test_two_processes_that_learn_at_once_lose_nothing(book, manifest):
    sessions = [f"{i:02}" for i in range(8)]
    context = multiprocessing.get_context("fork")
    learners = [
        context.Process(target=_learn, args=(book.path, manifest, each)) for each in sessions
    ]
    for learner in learners:
        learner.start()
    for learner in learners:
        learner.join(30)
    assert sorted(book.read()["bob"].sessions) == sessions


def test_an_entry_survives_being_written(book, manifest):
    book.learn(manifest, "alice", "ab")
    entry = book.read()["bob"]
    assert replace(entry) == entry
    assert entry.as_dict() == {
        "name": "bob",
        "key": manifest.party_named("bob").key,
        "since": entry.since.isoformat(),
        "sessions": ["ab"],
    }
