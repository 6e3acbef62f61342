"""Trust in keys: known, confirmed, taken on trust, or refused; a key that CHANGED always is."""

import pytest

from ostraka.errors import UnconfirmedKey, UsageError
from ostraka.manifest.words import six_words
from ostraka.record.trust import Meeting, Trust


def require(manifest, book, trust):
    Meeting.of(manifest, "alice", book).require(trust)


def test_new_keys_are_refused_and_named(manifest, book):
    with pytest.raises(UnconfirmedKey, match="bob, carlos") as caught:
        require(manifest, book, Trust())
    assert (caught.value.exit_code, caught.value.data_left) == (13, False)
    assert six_words(manifest.digest) not in caught.value.hint
    assert not book.path.exists()


def test_keys_taken_on_trust_are_learned_when_the_run_has_ended_well(manifest, book):
    meeting = Meeting.of(manifest, "alice", book)
    meeting.require(Trust(new=True))
    assert book.read() == {}
    meeting.finished("ab", pytest.fail)
    assert set(book.read()) == {"bob", "carlos"}
    require(manifest, book, Trust())


def test_keys_confirmed_by_words_are_learned_at_once(manifest, book):
    require(manifest, book, Trust(words=six_words(manifest.digest).upper()))
    assert set(book.read()) == {"bob", "carlos"}
    require(manifest, book, Trust())


@pytest.mark.parametrize("known", [False, True])
def test_the_words_of_another_manifest_are_refused_even_if_all_keys_are_known(
    office, manifest, book, known
):
    if known:
        book.learn(manifest, "alice")
    with pytest.raises(UnconfirmedKey, match="another than theirs"):
        require(manifest, book, Trust(new=True, words=six_words(office.manifest().digest)))


def test_mistyped_words_are_a_mistake_not_another_manifest(manifest, book):
    with pytest.raises(UsageError, match="no word of the list"):
        require(manifest, book, Trust(words="zoo zoo zoo zoo zoo zooo"))


@pytest.mark.parametrize("answer", [True, False])
def test_a_person_is_asked_about_the_new_ones_only(office, manifest, book, answer):
    book.learn(office.manifest(("alice", "bob")), "alice")
    asked = []

    def ask(new):
        asked.extend(met.name for met in new)
        return answer

    if answer:
        require(manifest, book, Trust(ask=ask))
        assert "carlos" in book.read()
    else:
        with pytest.raises(UnconfirmedKey, match="the keys of carlos, and"):
            require(manifest, book, Trust(ask=ask))
    assert asked == ["carlos"]


def test_a_changed_key_is_never_waved_through(office, manifest, book):
    book.learn(manifest, "alice")
    other = office.manifest(pins={"bob": office.fingerprint("mallory")})
    given = Trust(True, six_words(other.digest), lambda _: True)
    with pytest.raises(UnconfirmedKey, match="the key of bob CHANGED") as caught:
        require(other, book, given)
    assert caught.value.peer == "bob"
    assert "known forget bob" in caught.value.hint
    book.forget("bob")
    require(other, book, given)
    pins = {"bob": office.fingerprint("erin"), "carlos": office.fingerprint("mallory")}
    both = office.manifest(pins=pins)
    with pytest.raises(UnconfirmedKey, match=r"bob CHANGED.*; so did those of carlos"):
        require(both, book, given)


def test_keys_are_told_before_they_are_refused_and_not_where_they_are_confirmed(manifest, book):
    told = []
    require(manifest, book, Trust(new=True, tell=lambda _, met: told.extend(met)))
    assert told == []
    with pytest.raises(UnconfirmedKey):
        require(manifest, book, Trust(tell=lambda _, met: told.extend(met)))
    assert [met.in_words() for met in told] == ["yours", "NEW", "NEW"]


def test_a_book_that_cannot_be_written_after_a_run_is_a_warning(manifest, book):
    meeting, warned = Meeting.of(manifest, "alice", book), []
    book.path.write_text("[[known")
    meeting.finished("ab", warned.append)
    assert "were not noted down" in warned[0]


def test_the_library_s_argument():
    assert (Trust.of(True), Trust.of("a b")) == (Trust(new=True), Trust(words="a b"))
    assert Trust.of(given := Trust(words="c")) is given
