"""Files read with a bound, modes that allow too much, and files written whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostraka.errors import UsageError
from ostraka.files import NotText, decode, loose_modes, read_bounded, read_text, replacing


def test_a_file_is_read_whole_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "f"
    path.write_bytes(b"x" * 10)
    assert read_bounded(path, 10) == b"x" * 10
    with pytest.raises(UsageError, match="larger than 9 bytes"):
        read_bounded(path, 9)
    with pytest.raises(UsageError, match="No such file"):
        read_bounded(tmp_path / "none")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"", ""),
        ("\u00e9".encode(), "\u00e9"),
        (b"\xef\xbb\xbfa", "a"),
        ("a\u00e9\n".encode("utf-16"), "a\u00e9\n"),
        (b"\xfe\xff\x00a", "a"),
    ],
)
def test_text_in_these_encodings_is_read(tmp_path: Path, content: bytes, found: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    assert read_text(path) == found


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a\nGeh\xe4lter", r":2: what follows character 3 of the line is not UTF-8: byte 0xe4"),
        (b"\xef\xbb\xbf\xe4", r":1: what follows character 0 of the line .* byte 0xe4"),
        (b"a\n\xc3", r":2: .* byte 0xc3"),  # cut off within a character
        (b"a\xc0\x80", ":1: .* byte 0xc0"),  # two bytes for NUL
        (b"\xff\xfea\x00\n\x00\x00\xd8", r":2: .* is not UTF-16"),
        (b"\xff\xfe\x00\x00a\x00\x00\x00", "is in UTF-32"),
        (b"a\x00", "is in UTF-16 without its mark"),
    ],
)
def test_other_bytes_are_named(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "f"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=words) as caught:
        read_text(path)
    assert caught.value.hint == "save the file as UTF-8"
    with pytest.raises(NotText) as secret:
        decode(content)
    assert "0x" not in secret.value.at("your input")


def test_loose_modes(tmp_path: Path) -> None:
    path = tmp_path / "k"
    path.touch()
    for mode, fine in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
        path.chmod(mode)
        assert (loose_modes(path, 0o600) is None) == fine
    assert "No such file" in str(loose_modes(tmp_path / "none", 0o600))


def test_a_file_is_replaced_whole_or_stays(tmp_path: Path) -> None:
    path = tmp_path / "f"
    for text in ("one", "größer"):
        with replacing(path) as file:
            file.write(text)
    with pytest.raises(ZeroDivisionError), replacing(path) as file:
        file.write(str(1 // 0))
    assert path.read_text("utf-8") == "größer"
    assert path.stat().st_mode & 0o777 == 0o600
    assert list(tmp_path.iterdir()) == [path]
