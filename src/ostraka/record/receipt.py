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
from collections import deque
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka import identity as identities
from ostraka import limits
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
    """Return the bytes that a party signs to say: I am in this session."""
    return b"ostraka ready\0" + session


def canonical(value: object) -> bytes:
    """Return JSON with sorted keys and no spaces, to be signed or hashed."""
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
        self._hasher: ThreadPoolExecutor | None = None
        self._later: deque[tuple[bytes, Future[bytes]]] = deque()

    def add(self, to: Sequence[PartyId], step: Step, message: Array) -> None:
        """Commit to one message, sent to one party or to several; it must not change any more.

        A long one is hashed in another thread, and with it those that follow before it is done.
        """
        head = f"{','.join(to)}\0{step}\0{message.dtype.str}\0{message.size}\0".encode()
        while self._later and self._later[0][1].done():
            self._take_first()
        if message.size < limits.ASIDE and not self._later:
            self._mac.update(head + _hashed(message))
            return
        self._hasher = self._hasher or ThreadPoolExecutor(1, "ostraka hashes")
        self._later.append((head, self._hasher.submit(_hashed, message)))

    def value(self) -> str:
        """Return the commitment so far, as 64 hex digits; wait for what is being hashed."""
        while self._later:
            self._take_first()
        return self._mac.hexdigest()

    def _take_first(self) -> None:
        head, hashed = self._later.popleft()
        self._mac.update(head + hashed.result())


def _hashed(message: Array) -> bytes:
    return hashlib.sha256(np.ascontiguousarray(message).data).digest()


def result_commitment(key: bytes, outputs: Iterable[tuple[str, Iterable[NDArray[Any]]]]) -> str:
    """Return the commitment to a result, its names and opened integers, that recipients sign.

    Equal results give all recipients equal values; without `key` a value tells nothing."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for name, parts in outputs:
        mac.update(name.encode() + b"\0")
        for part in parts:
            mac.update(f"{part.dtype.str}\0{part.size}\0".encode())
            exact = part.dtype == object
            mac.update(canonical(part.tolist()) if exact else np.ascontiguousarray(part).data)
    return mac.hexdigest()


def text(data: bytes) -> str:
    """Return bytes in base64, as receipts hold them."""
    return base64.b64encode(data).decode()


def _octets(base64_text: str) -> bytes:
    """Return the bytes that `text` writes in just this way."""
    data = base64.b64decode(base64_text, validate=True)
    if text(data) != base64_text:
        raise ValueError("bytes in base64 that is not canonical")
    return data


def write(path: Path, receipt: dict[str, Any]) -> None:
    """Write a receipt: the whole file appears, or none."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(receipt, indent=1, sort_keys=True) + "\n")
    os.replace(temporary, path)


def read(path: Path) -> dict[str, Any]:
    """Read a receipt.

    Raises:
        UsageError: the file cannot be read, is too large, or is not JSON.
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
        "session", "manifest_sha256", "title", and the lists "parties", "signed" (the parties whose
        closing statement is there) and "counted".

    Raises:
        PeerViolation: a claim does not hold; the message names the first, and its party.
        UsageError: the value is not a receipt of this format.
    """
    try:
        return _verify(receipt)
    except _INCOMPLETE as error:
        hint = "is it another file, or cut short? `ostraka run` writes receipt-NAME-SESSION.json"
        raise UsageError(f"not a complete receipt: {_missing(error)}", hint=hint) from None


def _missing(error: Exception) -> str:
    """Return what is missing or wrong, for a person."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


def _verify(receipt: dict[str, Any]) -> dict[str, Any]:
    """Check a receipt; raise any of `_INCOMPLETE` where it has not the form of one."""
    if receipt["ostraka_receipt"] != FORMAT:
        raise UsageError(f"a receipt of format {receipt['ostraka_receipt']!r}")
    if set(receipt) != _FIELDS:
        raise ValueError("keys other than those of a receipt")
    manifest = json.loads(receipt["manifest"])
    digest = hashlib.sha256(receipt["manifest"].encode()).digest()
    parties = {party["name"]: party["key"] for party in manifest["party"]}
    _require(digest.hex() == receipt["manifest_sha256"], "the manifest is not the one named")
    _require(set(receipt["parties"]) == set(parties), "not the parties of the manifest")
    _require(receipt["written_by"] in parties, "its writer is not a party")
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
    """Return names of contributors; statements hold their places in the manifest."""
    names = [party["name"] for party in manifest["party"] if Role.CONTRIBUTOR in party["roles"]]
    _require(
        all(0 <= i < len(names) for i in counted), "a counted contributor is not in the manifest"
    )
    return [names[i] for i in counted]


def _verify_party(
    name: str, pin: str, entry: dict[str, Any], digest: bytes, session: bytes
) -> None:
    """Check one party's certificate against its pin, and every signature under it."""
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
    """Read the statement that `name` signed at the end of a session.

    Raises:
        PeerViolation: the statement is not about `name`, this session and this manifest.
    """
    try:
        statement = json.loads(body)
    except (ValueError, RecursionError):
        statement = None
    if not isinstance(statement, dict):
        raise PeerViolation(f"{name} signed bytes that are not a statement")
    _require(statement.get("party") == name, f"{name}'s statement is another party's")
    _require(statement.get("session") == session.hex(), f"{name} signed another session")
    _require(statement.get("manifest_sha256") == digest.hex(), f"{name} signed another manifest")
    return statement


def _agreed(statements: dict[str, dict[str, Any]]) -> list[int] | None:
    """Return which contributors the statements say were counted, equal in all statements."""
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
    """Raise PeerViolation with `otherwise`, unless a claim holds."""
    if not holds:
        raise PeerViolation(f"the receipt does not hold: {otherwise}")
