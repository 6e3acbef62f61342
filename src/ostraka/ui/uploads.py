"""Files that a person has chosen on the page: kept in a private directory until a run has begun.

The browser hands their bytes to the page's own program on the same machine. They go no further: the
input that is made of them leaves by the protocol alone.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ostraka import limits
from ostraka.data.notation import Notation
from ostraka.data.opening import is_table, open_table
from ostraka.data.selection import Selection
from ostraka.data.template import Template
from ostraka.errors import InputError, OstrakaError, UsageError
from ostraka.inputs.reading import read_input
from ostraka.names import PartyId
from ostraka.preparing import prepare_table, require_valid
from ostraka.protocols.protocol import Protocol

_FIELDS: Final = ("weight", "heads", "sheet", "where")


class Uploads:
    """Private directory of files, at most one for each session.

    Args:
        within: where the directory is made; by default the system's for temporary files.

    Raises:
        OSError: it cannot be made.
    """

    def __init__(self, within: Path | None = None) -> None:
        self._top = Path(tempfile.mkdtemp(prefix="ostraka-ui-", dir=within))

    async def take(self, digest: str, name: str, parts: AsyncIterator[bytes]) -> Path:
        """Write a file of a session, in place of the one before.

        Raises:
            InputError: it is too large.
        """
        self.drop(digest)
        path = self._place(digest) / _plain(name)
        path.parent.mkdir(mode=0o700)
        size = 0
        with path.open("xb") as file:
            async for part in parts:
                size += len(part)
                if size > limits.TABLE_BYTES:
                    message = f"{path.name} is larger than {limits.TABLE_BYTES} bytes"
                    raise InputError(message, data_left=False)
                file.write(part)
        return path

    def find(self, digest: str) -> Path:
        """Return the file of a session; InputError where there is none."""
        for path in self._place(digest).glob("*"):
            return path
        raise InputError("choose a file", data_left=False)

    def drop(self, digest: str) -> None:
        """Delete the file of a session, if there is one."""
        shutil.rmtree(self._place(digest), ignore_errors=True)

    def _place(self, digest: str) -> Path:
        """Return the directory of a session's file; its name has nothing of what was asked for."""
        return self._top / hashlib.sha256(digest.encode()).hexdigest()[:32]

    def close(self) -> None:
        """Delete all files."""
        with suppress(OSError):
            shutil.rmtree(self._top)

    def without_place(self, text: str) -> str:
        """Return a text in which a file is called as the person calls it."""
        return re.sub(rf"{re.escape(str(self._top))}/[0-9a-f]*/", "", text)


def _plain(name: str) -> str:
    """Return a file's name without a directory; its ending tells what it is."""
    found = re.sub(r"[\x00-\x1f/\\]", "_", name)[-100:]
    return found if found.strip("._ ") else "input"


@dataclass(frozen=True)
class FromFile:
    """Input that a file would become.

    Attributes:
        raw: what the protocol encodes; None where the file is wrong.
        lines: the preview, secrets included: for the party's own page alone.
        error: why it cannot be sent; None where it can.
    """

    raw: Any
    lines: list[str]
    error: OstrakaError | None = None


def selection_of(given: Any) -> Selection:
    """Return what the page's form selects of a table.

    Raises:
        UsageError: the form is not one of ours, or two of its fields do not go together.
    """
    strange = UsageError("the form of the file is not one of this page's", data_left=False)
    if not isinstance(given, dict):
        raise strange
    texts = {name: given.get(name) or None for name in (*_FIELDS, "decimal", "thousands")}
    lists = {name: given.get(name) or [] for name in ("values", "groups")}
    fine = all(isinstance(text, str | None) for text in texts.values()) and all(
        isinstance(names, list) and all(isinstance(name, str) for name in names)
        for names in lists.values()
    )
    if not fine:
        raise strange
    decimal, thousands = texts.pop("decimal"), texts.pop("thousands")
    return Selection(
        values=tuple(lists["values"]), groups=tuple(lists["groups"]),
        weight=texts["weight"], heads=texts["heads"], sheet=texts["sheet"],
        where=texts["where"],
        add_up=given.get("add_up") is True, skip_empty=given.get("skip_empty") is True,
        notation=Notation(decimal, thousands),
    )  # fmt: skip


def columns_of(protocol: Protocol, me: PartyId, path: Path) -> list[str]:
    """Return the names of a table's columns, [] where the file is no table."""
    template = Template.of(protocol.row_form(me), protocol.manifest.digest)
    try:
        found = open_table(str(path), Selection(), template).header
    except OstrakaError:
        return []
    return [name for name in found if name.strip()]


def read_file(protocol: Protocol, me: PartyId, path: Path, selection: Selection) -> FromFile:
    """Make the input of `me` from a file, and check it.

    Raises:
        InputError: the file cannot be read, or is not what the manifest asks for. Of a table whose
            rows are wrong the error is in what is returned, beside the preview.
    """
    if not is_table(str(path), selection):
        wanted = protocol.input_in_words(me)
        raw = read_input(str(path), protocol.manifest.input_of(me), me, wanted)
        protocol.encode(me, raw)
        return FromFile(raw, [f"{path} is {wanted}"])
    prepared = prepare_table(protocol, me, str(path), selection)
    lines = prepared.preview.lines(secrets=True)
    try:
        require_valid(protocol, me, prepared, shown=True)
    except OstrakaError as error:
        return FromFile(None, lines, error)
    return FromFile(prepared.raw, lines)
