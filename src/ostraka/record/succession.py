"""Succession of keys: a party's new key, signed by the old one, and signing the old one in turn.

NAME.succession is a file for other parties, with every succession of the name, the oldest first:

    {"ostraka_succession": 1, "name": NAME, "keys": [{"old": ..., "new": ..., "by_old": ...,
    "by_new": ...}]}

`old` and `new` are certificates in DER form, `by_old` and `by_new` Ed25519 signatures, all in
base64. Both keys sign the same bytes: the label, the two fingerprints, and the name. So a key
follows another only if the holder of each says so. A stolen key can name a successor too: a
succession is for a key that is replaced in time, not for one that was lost or taken.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from ostraka import identity as identities
from ostraka import strict_json
from ostraka.errors import PeerViolation, UsageError
from ostraka.files import read_bounded, replacing
from ostraka.identity import Identity, check_certificate, fingerprint, fingerprint_text
from ostraka.record.receipt import text

_FIELDS: Final = ("old", "new", "by_old", "by_new")


@dataclass(frozen=True)
class Succession:
    """Statement that one key of a party follows another.

    Attributes:
        name: the party's name in manifests.
        old, new: certificates in DER form.
        by_old, by_new: the signatures of both keys.
    """

    name: str
    old: bytes
    new: bytes
    by_old: bytes
    by_new: bytes

    @classmethod
    def of(cls, old: Identity, new: Identity) -> Succession:
        """Sign the succession from one identity to another of the same name."""
        signed = _signed(old.name, old.certificate, new.certificate)
        both = old.sign(signed), new.sign(signed)
        return cls(old.name, old.certificate, new.certificate, *both)

    @property
    def keys(self) -> tuple[str, str]:
        """Fingerprints of the old key and of the new one, as manifests write them."""
        old, new = (fingerprint_text(fingerprint(c)) for c in (self.old, self.new))
        return old, new

    def check(self) -> None:
        """Check both certificates and signatures.

        Raises:
            PeerViolation: one of them does not hold.
        """
        signed = _signed(self.name, self.old, self.new)
        for certificate, signature in ((self.old, self.by_old), (self.new, self.by_new)):
            check_certificate(certificate)
            identities.verify(certificate, signature, signed)

    def to_json(self) -> dict[str, str]:
        """Return the certificates and signatures, for the file and for a ledger's entry."""
        return {field: text(getattr(self, field)) for field in _FIELDS}

    @classmethod
    def from_json(cls, name: str, table: Any) -> Succession:
        """Read what `to_json` wrote, and check it.

        Raises:
            ValueError, TypeError: the table is not one.
            PeerViolation: see `check`.
        """
        if not isinstance(table, dict) or set(table) != set(_FIELDS):
            raise ValueError("not a succession")
        parts = (base64.b64decode(table[field], validate=True) for field in _FIELDS)
        found = cls(name, *parts)
        found.check()
        return found


def successors(links: Sequence[Succession]) -> Mapping[str, str]:
    """Return the newest key that follows each older one, as manifests write keys."""
    found: dict[str, str] = {}
    for link in links:
        old, new = link.keys
        found = {key: new if last == old else last for key, last in found.items()}
        found[old] = new
    return found


def write(path: Path, links: Sequence[Succession]) -> None:
    """Write all successions of one name into a file; OSError where that cannot be done."""
    table = {
        "ostraka_succession": 1,
        "name": links[0].name,
        "keys": [link.to_json() for link in links],
    }
    with replacing(path) as file:
        file.write(json.dumps(table, indent=1) + "\n")


def read(path: Path) -> list[Succession]:
    """Read a file of successions, and check that each follows the one before it.

    Raises:
        UsageError: the file cannot be read, is no such file, or a signature in it does not hold.
    """
    try:
        table = strict_json.parse(read_bounded(path))
        if not isinstance(table, dict) or set(table) != {"ostraka_succession", "name", "keys"}:
            raise ValueError("it has other fields")
        if table["ostraka_succession"] != 1 or not isinstance(table["name"], str):
            raise ValueError("it is of another format")
        links = [Succession.from_json(table["name"], entry) for entry in table["keys"]]
        if not links or any(a.new != b.old for a, b in pairwise(links)):
            raise ValueError("its keys do not follow each other")
    except (ValueError, TypeError, PeerViolation) as problem:
        message = f"{path} is not a file of successions that holds: {problem}"
        hint = "ask for NAME.succession again: `ostraka rekey NAME` writes it"
        raise UsageError(message, hint=hint, data_left=False) from None
    return links


def _signed(name: str, old: bytes, new: bytes) -> bytes:
    return b"ostraka succession\0" + fingerprint(old) + fingerprint(new) + name.encode()
