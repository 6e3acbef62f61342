"""The signed transcript of a session, checkable without this package.

A receipt holds the manifest in canonical form, and for every party its certificate, its hello (the
signed manifest digest), its signature of the session id, and the statement it signed at the end, if
it was still there. `scripts/verify_receipt.py` checks one with the standard library and
`cryptography` alone; `verify` here does the same.

What a receipt proves: the holders of those keys agreed to that manifest, met in that session, and
counted those contributors; each is bound to what it sent, and each recipient to its result, by a
commitment. What it does not show: any share, input or result. The commitments are HMACs under keys
that are not in the receipt, because a short message could be found from a plain hash by trying.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka import identity as identities
from ostraka.errors import PeerViolation, UsageError
from ostraka.exchange import Array
from ostraka.names import PartyId, Role, Step

FORMAT: Final = 1
_LARGEST: Final = 32 << 20
_FIELDS: Final = {
    "ostraka_receipt", "manifest", "manifest_sha256", "session", "written_by", "parties"
}  # fmt: skip
_ENTRY: Final = {"certificate", "version", "nonce", "hello", "ready"}
_INCOMPLETE: Final = (
    KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError
)  # fmt: skip
_ENDED: Final = {"statement", "statement_signature"}


def session_bytes(session: bytes) -> bytes:
    """What a party signs to say: I am in this session."""
    return b"ostraka ready\0" + session


def canonical(value: object) -> bytes:
    """JSON with sorted keys and no spaces: what is signed and hashed."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()


class Commitment:
    """Commitment to every message sent so far, under a key that stays with the sender.

    HMAC-SHA256 over these bytes of each message, in the order of sending: the receivers' names
    separated by commas, the step as "phase.n" in decimal, the element type as numpy spells it
    ("<u8" or "|u1") and the number of elements in decimal, each of the four followed by a zero
    byte; then the SHA-256 of the elements. The sender can open it with the key. Wire version 1
    wrote a step as one number.
    """

    def __init__(self) -> None:
        self.key = os.urandom(32)
        self._mac = hmac.new(self.key, digestmod=hashlib.sha256)

    def add(self, to: Sequence[PartyId], step: Step, message: Array) -> None:
        """One message, to one party or to several."""
        head = f"{','.join(to)}\0{step}\0{message.dtype.str}\0{message.size}\0".encode()
        self._mac.update(head + hashlib.sha256(np.ascontiguousarray(message).data).digest())

    def value(self) -> str:
        """64 hex digits."""
        return self._mac.hexdigest()


def result_commitment(key: bytes, outputs: Iterable[tuple[str, Iterable[NDArray[Any]]]]) -> str:
    """What recipients sign of the result, its names and opened integers: equal results give equal
    values to all of them, and tell nobody else anything."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for name, parts in outputs:
        mac.update(name.encode() + b"\0")
        for part in parts:
            mac.update(f"{part.dtype.str}\0{part.size}\0".encode())
            exact = part.dtype == object
            mac.update(canonical(part.tolist()) if exact else np.ascontiguousarray(part).data)
    return mac.hexdigest()


def text(data: bytes) -> str:
    """Base64: how receipts hold bytes."""
    return base64.b64encode(data).decode()


def _octets(base64_text: str) -> bytes:
    """The bytes that `text` writes so, and not in any other way."""
    data = base64.b64decode(base64_text, validate=True)
    if text(data) != base64_text:
        raise ValueError("not the one way to write these bytes")
    return data


def write(path: Path, receipt: dict[str, Any]) -> None:
    """Write a receipt, whole or not at all."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(receipt, indent=1, sort_keys=True) + "\n")
    os.replace(temporary, path)


def read(path: Path) -> dict[str, Any]:
    """Read a receipt.

    Raises:
        UsageError: not there, too large, or not JSON.
    """
    hint = "`ostraka run` writes one: receipt-NAME-....json"
    try:
        if path.stat().st_size > _LARGEST:
            raise UsageError(f"{path} is too large to be a receipt")
        value = json.loads(path.read_bytes())
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON", hint=hint) from None
    if not isinstance(value, dict):
        raise UsageError(f"{path} is not a receipt", hint=hint)
    return value


def verify(receipt: dict[str, Any]) -> dict[str, Any]:
    """Check everything a receipt says that can be checked offline.

    Returns:
        "session", "manifest_sha256", "title", and the lists "parties", "signed" and "counted":
        `signed` are those whose closing statement is there.

    Raises:
        PeerViolation: the first thing that does not hold, naming the party it concerns.
        UsageError: not a receipt of this format.
    """
    try:
        return _verify(receipt)
    except _INCOMPLETE as error:
        hint = "is it another file, or cut short? `ostraka run` writes receipt-NAME-SESSION.json"
        raise UsageError(f"not a complete receipt: {_missing(error)}", hint=hint) from None


def _missing(error: Exception) -> str:
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _verify(receipt: dict[str, Any]) -> dict[str, Any]:
    if receipt["ostraka_receipt"] != FORMAT:
        raise UsageError(f"a receipt of format {receipt['ostraka_receipt']!r}")
    if set(receipt) != _FIELDS:
        raise ValueError("more, or less, than a receipt says")
    manifest = json.loads(receipt["manifest"])
    digest = hashlib.sha256(receipt["manifest"].encode()).digest()
    parties = {party["name"]: party["key"] for party in manifest["party"]}
    _require(digest.hex() == receipt["manifest_sha256"], "the manifest is not the one named")
    _require(set(receipt["parties"]) == set(parties), "not the parties of the manifest")
    _require(receipt["written_by"] in parties, "whoever wrote it is not a party")
    nonces = b"".join(_octets(receipt["parties"][name]["nonce"]) for name in parties)
    session = hashlib.sha256(b"ostraka session\0" + digest + nonces).digest()
    _require(session.hex() == receipt["session"], "the session id is not that of these nonces")
    for name, pin in parties.items():
        _verify_party(name, pin, receipt["parties"][name], digest, session)
    statements = {
        name: read_statement(entry["statement"], name, session, digest)
        for name, entry in receipt["parties"].items()
        if "statement" in entry
    }
    counted = _agreed(statements)
    return {
        "session": session.hex(),
        "manifest_sha256": digest.hex(),
        "title": manifest["session"]["title"],
        "parties": list(parties),
        "signed": sorted(statements),
        "counted": None if counted is None else _names(counted, manifest),
    }


def _names(counted: list[int], manifest: dict[str, Any]) -> list[str]:
    """Statements count by place among the manifest's contributors."""
    names = [party["name"] for party in manifest["party"] if Role.CONTRIBUTOR in party["roles"]]
    _require(all(0 <= i < len(names) for i in counted), "somebody was counted who is not there")
    return [names[i] for i in counted]


def _verify_party(
    name: str, pin: str, entry: dict[str, Any], digest: bytes, session: bytes
) -> None:
    _require(set(entry) in (_ENTRY, _ENTRY | _ENDED), f"too much or too little about {name}")
    certificate = _octets(entry["certificate"])
    fingerprint = identities.fingerprint_text(identities.fingerprint(certificate))
    _require(fingerprint == pin, f"{name}'s certificate is not the one the manifest pins")
    version = entry["version"].to_bytes(2, "little")
    hello = b"ostraka hello\0" + version + digest + _octets(entry["nonce"])
    signed = [("hello", hello), ("ready", session_bytes(session))]
    if "statement" in entry:
        signed.append(("statement_signature", entry["statement"].encode()))
    for field, data in signed:
        try:
            identities.verify(certificate, _octets(entry[field]), data)
        except PeerViolation:
            raise PeerViolation(f"{name}'s signature ({field}) does not verify") from None


def read_statement(body: str | bytes, name: str, session: bytes, digest: bytes) -> dict[str, Any]:
    """What `name` signed at the end, which must be about itself, this session and this manifest.

    Raises:
        PeerViolation: it is not.
    """
    try:
        statement = json.loads(body)
    except (ValueError, RecursionError):
        statement = None
    if not isinstance(statement, dict):
        raise PeerViolation(f"{name} signed something that is no statement")
    _require(statement.get("party") == name, f"{name}'s statement is somebody else's")
    _require(statement.get("session") == session.hex(), f"{name} signed another session")
    _require(statement.get("manifest_sha256") == digest.hex(), f"{name} signed another manifest")
    return statement


def _agreed(statements: dict[str, dict[str, Any]]) -> list[int] | None:
    """Whom those who computed or learned the result say was counted: the same for all."""
    counted: list[int] | None = None
    results = set()
    for name, statement in statements.items():
        if statement.get("counted") is not None:
            _require(
                counted in (None, statement["counted"]),
                f"{name} says that other contributors were counted than others say",
            )
            counted = statement["counted"]
        if statement.get("result") is not None:
            results.add(statement["result"])
    _require(len(results) <= 1, "the recipients signed different results")
    return counted


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise PeerViolation(f"the receipt does not hold: {otherwise}")
