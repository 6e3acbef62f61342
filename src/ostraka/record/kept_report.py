r"""Reports that a contributor has sent, kept at home so that they can be sent again or replaced.

    REPORTS/NAME.secret.json    the contributor's key, and the report's bytes, before it is sent
    REPORTS/NAME.receipt.json   the report receipt, without secrets, after it was taken

NAME is of the collection and the invitation. Both files have mode 0600, and appear whole.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Self

from ostraka import strict_json
from ostraka.errors import Temporary, UsageError
from ostraka.files import read_bounded, replacing, try_lock

_LARGEST: Final = 1 << 32
"""Bytes of such a file at most: a contributor reads here what it wrote itself."""


@dataclass(frozen=True)
class KeptReport:
    """Last report of one invitation; `repr` leaves out what is secret.

    Attributes:
        collection: the collection's id, in hex.
        counter: the report's.
        seed: of the contributor's key, in hex: it signs every report of the invitation.
        same: tells whether an input is the one in the report, in hex; see `mark_of`.
        octets: the report's bytes, in base64.
    """

    collection: str
    counter: int
    seed: str = field(repr=False)
    same: str = field(repr=False)
    octets: str = field(repr=False)

    @property
    def report(self) -> bytes:
        """The report's bytes."""
        return base64.b64decode(self.octets)

    def save(self, path: Path) -> None:
        """Write it; it is on disk when this returns. OSError where that fails."""
        with replacing(path) as file:
            json.dump(asdict(self), file)

    @classmethod
    def load(cls, path: Path) -> Self | None:
        """Read what was kept; None if nothing was. UsageError where the file is none of ours."""
        if not path.exists():
            return None
        try:
            return cls(**strict_json.parse(read_bounded(path, _LARGEST)))
        except (ValueError, TypeError):
            hint = "without it the report cannot be replaced; tell the organiser"
            raise UsageError(f"{path} is not a report that was kept here", hint=hint) from None


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Let no other process write the report that is kept at `path` meanwhile, as a context.

    Raises:
        Temporary: another process does.
    """
    descriptor = os.open(path.with_suffix(".lock"), os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if not try_lock(descriptor):
            message = "another process is writing the report of this invitation"
            raise Temporary(message, hint="run the command again", data_left=False)
        yield
    finally:
        os.close(descriptor)


def mark_of(seed: bytes, encoded: bytes) -> str:
    """Return a mark that is the same for the same encoded input, and tells nothing without the
    seed of the contributor's key."""
    return hmac.digest(seed, b"ostraka same input\0" + encoded, "sha256").hex()


def save_receipt(path: Path, receipt: dict[str, Any]) -> None:
    """Write a report receipt."""
    with replacing(path) as file:
        json.dump(receipt, file, indent=1)
        file.write("\n")


def load_receipt(path: Path) -> dict[str, Any]:
    """Read a report receipt; UsageError where the file is none."""
    try:
        found = strict_json.parse(read_bounded(path, _LARGEST))
        if isinstance(found, dict) and found.get("report_receipt") == 1:
            return found
    except ValueError:
        pass
    hint = "ostraka contribute prints the path of one"
    raise UsageError(f"{path} is not a report receipt", hint=hint, data_left=False)
