"""Sealed letters: a party's answer to an invitation, and the organiser's signed manifest.

Both are sealed by AES-GCM under keys from the code's secret: the coordinator reads nothing.
Who holds the secret may have written a letter: signatures say whose it is.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ostraka import strict_json
from ostraka.errors import PeerViolation
from ostraka.identity import Identity, check_certificate, fingerprint, verify
from ostraka.invitations.code import Code

_NONCE: Final = 12


@dataclass(frozen=True)
class PartyAnswer:
    """Answer of an invited party: its certificate, signed for this draft and name."""

    name: str
    certificate: bytes


def write_answer(code: Code, own: Identity) -> bytes:
    """Seal the answer of the party that the code invites; the same each time it is written."""
    signature = own.sign(_signed(b"answer", code, own.certificate))
    letter = {"certificate": _text(own.certificate), "signature": _text(signature)}
    return _seal(code, b"answer", letter)


def read_answer(code: Code, sealed: bytes) -> PartyAnswer:
    """Open an answer.

    Raises:
        PeerViolation: it was not sealed under this code's secret, or not signed by its key.
    """
    letter = _open(code, b"answer", sealed, ("certificate", "signature"))
    certificate = letter["certificate"]
    check_certificate(certificate)
    verify(certificate, letter["signature"], _signed(b"answer", code, certificate))
    return PartyAnswer(code.name, certificate)


def write_manifest(code: Code, organiser: Identity, text: str) -> bytes:
    """Seal a manifest, signed by the organiser for the party that the code invites."""
    body = text.encode()
    signature = organiser.sign(_signed(b"manifest", code, body))
    letter = {
        "manifest": _text(body),
        "certificate": _text(organiser.certificate),
        "signature": _text(signature),
    }
    return _seal(code, b"manifest", letter)


def read_manifest(code: Code, sealed: bytes) -> str:
    """Open a manifest, and check that the organiser whose key is in the code has signed it.

    Raises:
        PeerViolation: it was not sealed under this code's secret, or another key signed it.
    """
    names = ("manifest", "certificate", "signature")
    letter = _open(code, b"manifest", sealed, names)
    if fingerprint(letter["certificate"]) != code.organiser:
        raise PeerViolation("the manifest is signed by another key than the organiser's")
    signed = _signed(b"manifest", code, letter["manifest"])
    verify(letter["certificate"], letter["signature"], signed)
    try:
        return letter["manifest"].decode()
    except UnicodeDecodeError:
        raise PeerViolation("the manifest is not text") from None


def _signed(what: bytes, code: Code, content: bytes) -> bytes:
    name = code.name.encode()
    head = b"ostraka invitation 1 " + what + b"\0" + code.draft + bytes([len(name)]) + name
    return head + content


def _seal(code: Code, use: bytes, letter: dict[str, str]) -> bytes:
    """Seal a letter under a nonce made from it, so that a letter is the same when sent again."""
    body, key = json.dumps(letter, sort_keys=True).encode(), code.derive(use)
    nonce = hmac.digest(code.derive(use + b" nonce"), body, "sha256")[:_NONCE]
    return nonce + AESGCM(key).encrypt(nonce, body, code.draft)


def _open(code: Code, use: bytes, sealed: bytes, names: tuple[str, ...]) -> dict[str, bytes]:
    try:
        body = AESGCM(code.derive(use)).decrypt(sealed[:_NONCE], sealed[_NONCE:], code.draft)
        letter: Any = strict_json.parse(body)
        if not isinstance(letter, dict) or set(letter) != set(names):
            raise ValueError
        return {name: base64.b64decode(letter[name], validate=True) for name in names}
    except (ValueError, TypeError, InvalidTag):
        raise PeerViolation("a letter that was not sealed under the invitation's secret") from None


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()
