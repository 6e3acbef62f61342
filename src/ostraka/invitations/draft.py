"""Draft of a manifest whose invited parties have not all answered, in the organiser's home."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ostraka import limits, strict_json
from ostraka.collection.shape import digest_of
from ostraka.errors import UsageError
from ostraka.files import read_bounded, replacing
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
        invited: whether it is of a collection with invitations.
        credentials: its invitations so far: secret (hex), name, weight, whether it was given out.
        sealed: the digest of its manifest, in hex, once that is fixed; "" before.
        revoked: numbers of credentials that were taken back.
    """

    id: str
    me: str
    keys: str
    text: str
    codes: dict[str, str] = field(repr=False)
    invited: bool = False
    credentials: list[dict[str, Any]] = field(repr=False, default_factory=list)
    sealed: str = ""
    revoked: list[int] = field(default_factory=list)

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
            table: dict[str, Any] = strict_json.parse(read_bounded(path, limits.DRAFT))
            return cls(**table)
        except (ValueError, TypeError):
            raise UsageError(f"{path} is not a draft", data_left=False) from None

    def save(self, directory: Path) -> Path:
        """Write the draft, readable by its owner alone: it holds the codes' secrets."""
        path = directory / f"{self.id}.json"
        with replacing(path) as file:
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
        UsageError: the manifest names no relay, at which letters could be left.
    """
    if not manifest.session.relays:
        hint = "--coordinator HOST:PORT=KEY; an MQTT broker keeps no letters"
        raise UsageError("invitations need a coordinator", hint=hint, data_left=False)
    place, organiser = manifest.session.relays[0], organiser_of(manifest, me)
    secret, number = secrets.token_bytes(codes.SECRET), bytes.fromhex(draft)
    return Code(name, place.address, place.pin, organiser, number, secret, expires)


def organiser_of(manifest: Manifest, me: str) -> bytes:
    """Return the fingerprint of the organiser: the collection's, or that of the party `me`."""
    return (
        manifest.pin(me)
        if manifest.collection is None
        else digest_of(manifest.collection.organiser)
    )


def _is_party(block: str, name: str) -> bool:
    return block.lstrip().startswith("[[party]]") and f'name = "{name}"\n' in block
