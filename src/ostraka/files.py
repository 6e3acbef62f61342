"""Files on this machine: read whole within a bound, as text or bytes, checked for who may change
them, locked, and written to disk."""

from __future__ import annotations

import codecs
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import Final, TextIO

from ostraka import limits
from ostraka.errors import UsageError

SAVE_AS: Final = "save the file as UTF-8"

_UTF16: Final = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_UTF32: Final = (codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)


class NotText(ValueError):
    """Bytes that are no text in an encoding that is read.

    Args:
        problem: what is wrong, with no byte of the file.
        line: its line, from 1; None where the whole file is meant.
        byte: the byte that is wrong, None likewise. Secret, where the file is.
    """

    def __init__(self, problem: str, line: int | None = None, byte: int | None = None) -> None:
        super().__init__(problem)
        self.problem, self.line, self.byte = problem, line, byte

    def at(self, source: str) -> str:
        """Return the place and the problem, for a message: "alice.toml:2: ..."."""
        return f"{source}:{self.line}: {self.problem}" if self.line else f"{source} {self.problem}"


def read_bounded(path: Path, most: int = limits.MANIFEST) -> bytes:
    """Return the content of a file of at most `most` bytes.

    Raises:
        UsageError: the file is unreadable, or larger.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        message = f"cannot read {path}: {error.strerror}"
        raise UsageError(message, hint=missing_hint(path), data_left=False) from None
    if len(content) > most:
        raise UsageError(f"{path} is larger than {most} bytes", data_left=False)
    return content


def missing_hint(path: Path) -> str:
    """Say where a file was looked for that is not there, and which name is like it; "" where it is
    there."""
    if path.exists():
        return ""
    directory = path.parent
    if not directory.is_dir():
        return f"there is no directory {directory.absolute()}"
    like = get_close_matches(path.name, os.listdir(directory), n=1)
    near = f"; did you mean {directory / like[0]}?" if like else ""
    return f"it is not in {directory.absolute()}{near}"


def read_text(path: Path, most: int = limits.MANIFEST) -> str:
    """Return the text of a file of at most `most` bytes; see `decode` for the encodings.

    Raises:
        UsageError: the file is unreadable, larger, or not such text; names line and byte.
    """
    content = read_bounded(path, most)
    try:
        return decode(content)
    except NotText as error:
        value = "" if error.byte is None else f": byte 0x{error.byte:02x}"
        message = error.at(str(path)) + value
        raise UsageError(message, hint=SAVE_AS, data_left=False) from None


def decode(content: bytes) -> str:
    """Return bytes as text: UTF-8, with or without its mark, or UTF-16 with its mark.

    Raises:
        NotText: the bytes are in another encoding, or not wholly in this one.
    """
    if content.startswith(_UTF32):
        raise NotText("is in UTF-32")
    if content.startswith(_UTF16):
        return _decode(content, "utf-16")
    if b"\0" in content[:2]:
        raise NotText("is in UTF-16 without its mark, or is no text")
    return _decode(content.removeprefix(codecs.BOM_UTF8), "utf-8")


def _decode(content: bytes, encoding: str) -> str:
    try:
        return content.decode(encoding)
    except UnicodeDecodeError as error:
        before = content[: error.start].decode(encoding, "ignore")
        line = before.count("\n") + 1
        column = len(before) - (before.rfind("\n") + 1) + 1
        where = f"what follows character {column - 1} of the line is not"
        if encoding == "utf-8":
            raise NotText(f"{where} UTF-8", line, content[error.start]) from None
        raise NotText(f"{where} UTF-16", line) from None


def loose_modes(path: Path, wanted: int) -> str | None:
    """Describe how the mode of `path` allows more than `wanted`; None when it does not."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    if mode & ~wanted:
        return f"{path} has mode {mode:04o}; it should be {wanted:04o}"
    return None


def sync_directory(directory: Path) -> None:
    """Write a directory to disk: only then are the names in it there after a loss of power."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """Write the text of a file with mode 0600, as a context: a reader finds the old one or the new
    one, and whole; the new one is on disk after it.

    Raises:
        OSError: it cannot be written; then, as after any other error inside, the old one stays.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="utf-8") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
    sync_directory(path.parent)


def try_lock(descriptor: int) -> bool:
    """Lock a file (flock) if no other open file holds its lock; return whether it did."""
    import fcntl

    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
