"""Journal: a file to which one process writes, and which the next one reads if that is killed.

    STEM.record    the frames (`journal_frames`), 0600
    STEM.key       their key, encrypted under a key derived from the party's own, 0600

What `push` has written survives the process, however it dies; what `sync` has written survives the
machine. One process at a time holds a journal. Erasing removes the key first: from then on neither
the party nor a thief can read what is left of the frames on the disk.
"""

from __future__ import annotations

import os
import stat
import threading
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostraka.files import sync_directory, try_lock
from ostraka.record.journal_frames import (
    HEAD_BYTES,
    KEY_BYTES,
    MAGIC,
    SALT_BYTES,
    Buffer,
    Frames,
    Torn,
    content_length,
    derived,
)

_KEY_MAGIC: Final = b"ostraka key 1\0\0\0"
_WRAPPED: Final = len(_KEY_MAGIC) + SALT_BYTES + KEY_BYTES + 16
_FLAGS: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class InUse(Exception):
    """A journal that another process holds."""


class Unreadable(Exception):
    """A journal that cannot be read: no key, or another party's."""


class Journal:
    """One open journal. Made by `create` or `reopen`.

    Attributes:
        path: of its frames.
        size: bytes of frames that are written, whole.
    """

    def __init__(self, path: Path, descriptor: int, key: bytes) -> None:
        self.path, self.size = path, len(MAGIC)
        self._descriptor, self._key = descriptor, key
        self._frames = Frames(key)
        self._waiting: list[Buffer] = []
        self._lock = threading.RLock()  # long vectors are written in other threads
        self.alive = True

    def __repr__(self) -> str:
        return f"Journal({self.path}, {self.size} bytes)"

    @classmethod
    def create(cls, path: Path, own: bytes) -> Journal:
        """Make a journal that nothing is written to yet, under a fresh key.

        Args:
            path: of its frames, ending in ".record"; a file that is there is replaced.
            own: 32 secret bytes of the party.

        Raises:
            InUse: another process holds a journal of this name.
            OSError: it cannot be written.
        """
        key, salt = os.urandom(KEY_BYTES), os.urandom(SALT_BYTES)
        descriptor = _open_locked(path, os.O_CREAT)
        try:
            os.ftruncate(descriptor, 0)
            _replace(path.with_suffix(".key"), _wrapped(key, salt, own))
            _write_all(descriptor, [MAGIC])
        except BaseException:
            _remove(path)
            os.close(descriptor)
            raise
        made = cls(path, descriptor, key)
        made._begin_life()
        return made

    @classmethod
    def reopen(cls, path: Path, own: bytes) -> Journal:
        """Open a journal that another process wrote. `read` it first, then `go_on` writing.

        Raises:
            FileNotFoundError: there is none.
            InUse: another process holds it.
            Unreadable: its key is gone, or is not this party's.
        """
        descriptor = _open_locked(path, 0)
        try:
            key = _unwrapped(path.with_suffix(".key"), own)
            if os.pread(descriptor, len(MAGIC), 0) != MAGIC:
                raise Unreadable("it is no record, or another version wrote it")
        except BaseException:
            os.close(descriptor)
            raise
        return cls(path, descriptor, key)

    # --- reading --------------------------------------------------------------------------------

    def read(self) -> Iterator[tuple[bytes, int]]:
        """Yield the body of each whole frame, and the bytes of the file up to its end.

        What follows the last one was never finished.

        Raises:
            Damaged: a whole frame does not open.
        """
        frames, at = Frames(self._key), len(MAGIC)
        while True:
            try:
                body, at = self._frame(frames, at)
            except Torn:
                return
            if body is not None:
                yield body, at

    def _frame(self, frames: Frames, at: int) -> tuple[bytes | None, int]:
        """Read one frame; return its body, None at the mark of a life, and where it ends."""
        length = content_length(os.pread(self._descriptor, HEAD_BYTES, at))
        start = at + HEAD_BYTES
        content = os.pread(self._descriptor, length or SALT_BYTES, start)
        if len(content) < (length or SALT_BYTES):
            raise Torn
        end = start + len(content)
        if length:
            return frames.open(content), end
        frames.begin_life(content, os.pread(self._descriptor, SALT_BYTES, at - SALT_BYTES))
        return None, end

    def go_on(self, size: int) -> None:
        """Drop what follows the first `size` bytes, all of them read, and write from there on."""
        os.ftruncate(self._descriptor, size)
        self.size = size
        self._begin_life()

    # --- writing --------------------------------------------------------------------------------

    def _begin_life(self) -> None:
        before = os.pread(self._descriptor, SALT_BYTES, self.size - SALT_BYTES)
        self._append([self._frames.begin_life(os.urandom(SALT_BYTES), before)])

    def append(self, body: Buffer) -> None:
        """Add a body to those that the next `push` writes; it must not change until then."""
        self._waiting.append(body)

    def push(self) -> None:
        """Write all that waits to the file: what is written survives this process.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            if self._waiting and self.alive:
                waiting, self._waiting = self._waiting, []
                self._append([part for body in waiting for part in self._frames.seal(body)])

    def _append(self, parts: Sequence[Buffer]) -> None:
        _write_all(self._descriptor, parts, self.size)
        self.size += sum(map(len, parts))

    def sync(self) -> None:
        """Write all that waits to the disk: it survives a loss of power. Raises as `push`."""
        with self._lock:
            self.push()
            if self.alive:
                os.fsync(self._descriptor)

    # --- the end --------------------------------------------------------------------------------

    def erase(self) -> None:
        """Remove the journal, its key first; idempotent."""
        with self._lock:
            if self.alive:
                _remove(self.path)
                self._waiting.clear()
                self.close()

    def close(self) -> None:
        """Let another process have the journal; what waits is written. Idempotent."""
        with self._lock:
            if self.alive:
                with suppress(OSError):
                    self.push()
                self.alive = False
                os.close(self._descriptor)


def erase(path: Path) -> None:
    """Remove a journal that no process holds, its key first.

    Raises:
        InUse: a process holds it.
    """
    try:
        descriptor = _open_locked(path, 0)
    except FileNotFoundError:
        _remove(path)
        return
    _remove(path)
    os.close(descriptor)


def _open_locked(path: Path, flags: int) -> int:
    """Open a file and lock it, unless another process removed it in between."""
    while True:
        descriptor = os.open(path, _FLAGS | flags, 0o600)
        if not try_lock(descriptor):
            os.close(descriptor)
            raise InUse
        if os.fstat(descriptor).st_nlink:
            os.fchmod(descriptor, stat.S_IRUSR | stat.S_IWUSR)
            return descriptor
        os.close(descriptor)


def _write_all(descriptor: int, parts: Sequence[Buffer], at: int = 0) -> None:
    """Write parts one after another; OSError unless all of them are written."""
    for first in range(0, len(parts), 512):
        some = parts[first : first + 512]
        size = sum(map(len, some))
        written = os.pwritev(descriptor, some, at)
        if written < size:
            rest = b"".join(some)[written:]
            while rest:
                done = os.pwrite(descriptor, rest, at + written)
                rest, written = rest[done:], written + done
        at += size


def _wrapped(key: bytes, salt: bytes, own: bytes) -> bytes:
    # The wrapping key is used once, so its nonce may be fixed.
    cipher = AESGCM(derived(own, salt, b"key"))
    return _KEY_MAGIC + salt + cipher.encrypt(bytes(12), key, None)


def _unwrapped(path: Path, own: bytes) -> bytes:
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise Unreadable("its key was erased") from None
    start = len(_KEY_MAGIC)
    if len(content) != _WRAPPED or content[:start] != _KEY_MAGIC:
        raise Unreadable("its key is damaged")
    salt, sealed = content[start : start + SALT_BYTES], content[start + SALT_BYTES :]
    try:
        return AESGCM(derived(own, salt, b"key")).decrypt(bytes(12), sealed, None)
    except InvalidTag:
        raise Unreadable("its key is another party's") from None


def _replace(path: Path, content: bytes) -> None:
    """Write a small file of our own to disk, its name included."""
    with suppress(FileNotFoundError):
        path.unlink()
    descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        _write_all(descriptor, [content])
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


def _remove(path: Path) -> None:
    """Overwrite and remove the key, then the frames."""
    key = path.with_suffix(".key")
    with suppress(FileNotFoundError):
        descriptor = os.open(key, os.O_WRONLY | os.O_NOFOLLOW)
        try:
            with suppress(OSError):  # a full disk must not keep the key
                os.pwrite(descriptor, bytes(_WRAPPED), 0)
                os.fsync(descriptor)
        finally:
            os.close(descriptor)
        key.unlink()
        with suppress(OSError):
            sync_directory(key.parent)
    with suppress(FileNotFoundError):
        path.unlink()
