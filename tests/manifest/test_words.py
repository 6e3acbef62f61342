"""Six words of a manifest's digest: the public list, as it is, and what people make of them."""

import hashlib
from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.manifest import words
from ostraka.manifest.words import read_words, six_words, word_list


def test_the_list_is_that_of_bip_39():
    content = Path(words.__file__).with_name("bip39-english.txt").read_bytes()
    official = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda"
    assert hashlib.sha256(content).hexdigest() == official
    assert len(set(word_list())) == 2048
    assert len({word[:4] for word in word_list()}) == 2048


def test_the_words_of_a_digest_stay_as_they_are():
    """People may have written them down."""
    assert six_words(bytes(32)) == "shield year focus chapter brain eyebrow"
    assert six_words(b"\1" + bytes(31)) == "verify detail dove soup crop swap"


def test_every_place_takes_all_of_the_list():
    """66 bits: of 60 digests, each place has words of all eighths of the list."""
    found = [six_words(i.to_bytes(32)).split() for i in range(60)]
    for place in range(6):
        assert {word_list().index(line[place]) // 256 for line in found} == set(range(8))


@pytest.mark.parametrize("text", ["Zoo, zoo. ABLE-able\nact act", " zoo zoo able able act act "])
def test_marks_and_case_do_not_matter(text):
    assert read_words(text) == "zoo zoo able able act act"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("zooo zoo able able act act", "'zooo' is no word", "is it zoo?"),
        ("zoo zoo able able act", "5 words are not 6", "all six"),
        ("zoo " * 7, "7 words are not 6", "all six"),
        ("qqqqqqqq " * 6, "'qqqqqqqq' is no word", "letter by letter"),
    ],
)
def test_what_is_not_six_words_is_told_from_other_words(text, message, hint):
    with pytest.raises(UsageError, match=message) as caught:
        read_words(text)
    assert hint in caught.value.hint
