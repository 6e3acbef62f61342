"""Draft of a manifest whose invited parties have not all answered, in the organiser's home."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ostraka import strict_json
from ostraka.errors import UsageError
from ostraka.files import read_text
from ostraka.identity import fingerprint_text
from ostraka.invitations import code as codes
from ostraka.invitations.code import Code
from ostraka.manifest import Manifest


@dataclass(frozen=True)
class Draft:
    """Manifest with a stand-in for the key of each invited party; `repr` leaves out the codes.

    Attributes:
        id: 8 bytes in hex.
        me: the organiser's name; `keys` the directory of its key.
        text: the manifest's TOML; `stand_in(name)` is in the place of a key.
        codes: the code of each invited party, by its name.
    """

    id: str
    me: str
    keys: str
    text: str
    codes: dict[str, str] = field(repr=False)

    @classmethod
    def new(cls, me: str, keys: Path, text: str, found: dict[str, str], draft: str) -> Draft:
        """Return a draft that is not saved yet."""
        return cls(draft, me, str(keys.absolute()), text, found)

    @classmethod
    def load(cls, draft: str, directory: Path) -> Draft:
        """Read a draft.

        Raises:
            UsageError: there is none of that id here, or it cannot be read.
        """
        path = directory / f"{draft}.json"
        if not draft.isalnum() or not path.exists():
            known = ", ".join(sorted(each.stem for each in directory.glob("*.json")))
            hint = f"here are {known}" if known else "ostraka new PROTOCOL --invite makes one"
            raise UsageError(f"there is no draft {draft}", hint=hint, data_left=False)
        try:
            table: dict[str, Any] = strict_json.parse(read_text(path))
            return cls(**table)
        except (ValueError, TypeError):
            raise UsageError(f"{path} is not a draft", data_left=False) from None

    def save(self, directory: Path) -> Path:
        """Write the draft, readable by its owner alone: it holds the codes' secrets."""
        path = directory / f"{self.id}.json"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(vars(self), file)
        return path

    def code(self, name: str) -> Code:
        """Return the code of an invited party; UsageError if it is not invited."""
        if name not in self.codes:
            hint = f"invited are {', '.join(self.codes)}"
            raise UsageError(f"{name} is not invited to this draft", hint=hint, data_left=False)
        return codes.read(self.codes[name])

    def with_code(self, made: Code) -> Draft:
        """Return the draft with another code for a party."""
        return replace(self, codes={**self.codes, made.name: made.write()})

    def without(self, names: Sequence[str]) -> Draft:
        """Return the draft without some of the invited parties."""
        for name in names:
            self.code(name)
        blocks = self.text.split("\n\n")
        kept = [b for b in blocks if not any(_is_party(b, name) for name in names)]
        left = {name: text for name, text in self.codes.items() if name not in names}
        return replace(self, text="\n\n".join(kept), codes=left)

    def filled(self, keys: dict[str, bytes]) -> str:
        """Return the manifest's TOML with the fingerprints of the invited parties in it."""
        text = self.text
        for name, key in keys.items():
            text = text.replace(stand_in(name), fingerprint_text(key))
        return text


def stand_in(name: str) -> str:
    """Return the text that stands for the key of a party that has not answered yet."""
    return fingerprint_text(hashlib.sha256(b"ostraka stand-in\0" + name.encode()).digest())


def make_code(name: str, manifest: Manifest, me: str, draft: str, expires: int) -> Code:
    """Make a code for a party of a draft, with a secret of its own.

    Raises:
        UsageError: the manifest names no coordinator, at which letters could be left.
    """
    if not manifest.session.relays:
        hint = "--coordinator HOST:PORT=KEY"
        raise UsageError("invitations need a coordinator", hint=hint, data_left=False)
    place, organiser = manifest.session.relays[0], manifest.pin(me)
    secret, number = secrets.token_bytes(codes.SECRET), bytes.fromhex(draft)
    return Code(name, place.address, place.pin, organiser, number, secret, expires)


def _is_party(block: str, name: str) -> bool:
    return block.lstrip().startswith("[[party]]") and f'name = "{name}"\n' in block
