"""Codes and links: read as written, through what chats do to them; typos are told."""

import pytest

from ostraka.collection.codes import PREFIX, CollectionCode, read_code
from ostraka.collection.credentials import SigningKey
from ostraka.collection.report import OPEN
from ostraka.errors import UsageError

CODE = CollectionCode(bytes(range(32)), 5, bytes(range(70, 86)), "https://mailbox.example:8443/box")


def test_read_as_written_also_from_a_link_and_with_blanks():
    assert read_code(CODE.write()) == CODE
    assert read_code(CODE.link) == CODE
    text = CODE.write().upper()
    assert read_code(text[:40] + " \n" + text[40:]) == CODE
    assert CODE.link.startswith(f"https://mailbox.example:8443/box/c/{CODE.manifest.hex()}#")


def test_the_secret_does_not_print():
    assert CODE.secret.hex() not in repr(CODE)


def test_the_key_of_a_code():
    assert CODE.key == SigningKey.of_credential(CODE.secret)
    assert CollectionCode(bytes(32), OPEN, bytes(16), "https://m.example").key is None


def test_every_typo_is_told():
    text = CODE.write()
    for i in range(len(PREFIX), len(text)):
        typo = text[:i] + ("a" if text[i] != "a" else "b") + text[i + 1 :]
        with pytest.raises(UsageError, match=r"mistyped"):
            read_code(typo)
    with pytest.raises(UsageError, match="mistyped"):
        read_code(text[:-1])
    with pytest.raises(UsageError, match="neither a code nor a link"):
        read_code("ostraka1-abc")
