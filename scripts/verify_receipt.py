#!/usr/bin/env python3
"""Checks a receipt of ostraka offline, without ostraka: the standard library and `cryptography`.

    scripts/verify_receipt.py RECEIPT.json

Exit codes: 0 it holds, 50 it does not, 2 it cannot be read. What is checked:

1. the manifest's SHA-256 is the digest that the receipt names;
2. every party's certificate is the one whose SHA-256 the manifest pins;
3. the session id is SHA-256("ostraka session" 0 digest nonces), a nonce from every party;
4. every party signed "ostraka hello" 0 version digest nonce, and "ostraka ready" 0 session id;
5. every statement, made at the end by those who were still there, is signed by its party and about
   this manifest and this session;
6. all statements name the same counted contributors and commit to the same result.
"""

import base64
import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import load_der_x509_certificate

FIELDS = {"ostraka_receipt", "manifest", "manifest_sha256", "session", "written_by", "parties"}
ENTRY = {"certificate", "version", "nonce", "hello", "ready"}
ENDED = {"statement", "statement_signature"}


class DoesNotHoldError(Exception):
    """Something that a receipt says is not so."""


def require(holds, otherwise):
    if not holds:
        raise DoesNotHoldError(otherwise)


def decoded(text):
    data = base64.b64decode(text, validate=True)
    require(base64.b64encode(data).decode() == text, "bytes are written in two ways")
    return data


def check_signature(name, certificate, signature, data):
    key = load_der_x509_certificate(certificate).public_key()
    try:
        key.verify(decoded(signature), data)
    except InvalidSignature:
        raise DoesNotHoldError(f"a signature of {name} does not verify") from None


def check_party(name, pin, entry, digest, session):
    require(set(entry) in (ENTRY, ENTRY | ENDED), f"too much or too little about {name}")
    certificate = decoded(entry["certificate"])
    fingerprint = "sha256:" + hashlib.sha256(certificate).hexdigest()
    require(fingerprint == pin, f"{name}'s certificate is not the one that the manifest pins")
    version = entry["version"].to_bytes(2, "little")
    hello = b"ostraka hello\0" + version + digest + decoded(entry["nonce"])
    check_signature(name, certificate, entry["hello"], hello)
    check_signature(name, certificate, entry["ready"], b"ostraka ready\0" + session)
    if "statement" in entry:
        statement = entry["statement"].encode()
        check_signature(name, certificate, entry["statement_signature"], statement)


def check_statements(statements, digest, session):
    """The places, among the manifest's contributors, of those counted; None when no party says."""
    for name, statement in statements.items():
        require(statement["party"] == name, f"{name}'s statement is another party's")
        require(statement["session"] == session.hex(), f"{name} signed another session")
        require(statement["manifest_sha256"] == digest.hex(), f"{name} signed another manifest")
    counted = [s["counted"] for s in statements.values() if "counted" in s]
    results = [s["result"] for s in statements.values() if "result" in s]
    require(all(c == counted[0] for c in counted), "not all name the same counted contributors")
    require(all(r == results[0] for r in results), "not all signed the same result")
    return counted[0] if counted else None


def verify(receipt):
    """Lines that say what holds; DoesNotHoldError for what does not."""
    require(receipt["ostraka_receipt"] == 1, "this is not a receipt of format 1")
    if set(receipt) != FIELDS:
        raise ValueError("keys other than those of a receipt")
    digest = hashlib.sha256(receipt["manifest"].encode()).digest()
    require(digest.hex() == receipt["manifest_sha256"], "the manifest is not the one it names")
    manifest, entries = json.loads(receipt["manifest"]), receipt["parties"]
    pins = {party["name"]: party["key"] for party in manifest["party"]}
    require(set(entries) == set(pins), "the parties are not those of the manifest")
    require(receipt["written_by"] in pins, "its writer is not a party")
    nonces = b"".join(decoded(entries[name]["nonce"]) for name in pins)
    session = hashlib.sha256(b"ostraka session\0" + digest + nonces).digest()
    require(session.hex() == receipt["session"], "the session id does not follow from the nonces")
    for name, pin in pins.items():
        check_party(name, pin, entries[name], digest, session)
    statements = {n: json.loads(e["statement"]) for n, e in entries.items() if "statement" in e}
    counted = check_statements(statements, digest, session)
    contributors = [p["name"] for p in manifest["party"] if "contributor" in p["roles"]]
    require(counted is None or set(counted) <= set(range(len(contributors))), "counted: who?")
    yield f"title     {manifest['session']['title']}"
    yield f"session   {session.hex()}"
    yield f"manifest  sha256 {digest.hex()}"
    yield f"parties   {', '.join(pins)}: each signed this manifest and session"
    yield f"ended     {', '.join(sorted(statements)) or 'no party'}: signed what they did"
    who = "no party says" if counted is None else ", ".join(contributors[i] for i in counted)
    yield f"counted   {who}"


def main():
    if len(sys.argv) != 2:
        print("error: one receipt, please\nhint: scripts/verify_receipt.py FILE", file=sys.stderr)
        return 2
    path = sys.argv[1]
    try:
        with open(path, "rb") as file:
            lines = list(verify(json.load(file)))
    except DoesNotHoldError as error:
        print(f"error: {path} does not hold: {error}", file=sys.stderr)
        return 50
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
            RecursionError) as error:  # fmt: skip
        print(f"error: {path} cannot be read as a receipt: {error!r}", file=sys.stderr)
        return 2
    print(f"{path} holds.", *lines, sep="\n  ")
    return 0


if __name__ == "__main__":
    sys.exit(main())
