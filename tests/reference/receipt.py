"""Second checker of receipts, from docs/spec and tests/vectors alone.

It uses the standard library and cryptography.
"""

import base64
import json
import re
import struct
from itertools import pairwise
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from wire import H

TOP = {"manifest", "manifest_sha256", "ostraka_receipt", "parties", "session", "written_by"}
PARTY = {"certificate", "hello", "nonce", "ready", "version"}
STATED = {"statement", "statement_signature"}
BODY = {"manifest_sha256", "party", "sent", "session"}
COMPLETE, MALFORMED, FALSE, INCOMPLETE = 0, 2, 50, 51


class Refused(Exception):
    """A receipt that is not believed, with the exit code that says why."""


def require(condition: bool, why: str, code: int = FALSE) -> None:
    if not condition:
        raise Refused(code, why)


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    require(len(dict(pairs)) == len(pairs), "a key twice")
    return dict(pairs)


def canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def places(value: Any, count: int) -> bool:
    """Tell whether value is a list of rising places below count."""
    right = isinstance(value, list) and all(type(i) is int and 0 <= i < count for i in value)
    return right and all(a < b for a, b in pairwise(value))


def hexadecimal(value: Any) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def check(text: str) -> int:
    """Return 0 for a complete receipt, 51 for one that lacks statements, 2 or 50 for another."""
    try:
        return judged(text)
    except Refused as refused:
        return int(refused.args[0])


def judged(text: str) -> int:
    try:
        receipt = json.loads(text, object_pairs_hook=once)
    except (ValueError, Refused) as error:
        raise Refused(MALFORMED, "not JSON with every key once") from error
    form = receipt.get("ostraka_receipt")
    require(type(form) is int and form in (1, 2), "another format", MALFORMED)
    sections = TOP | ({"absent"} & set(receipt) if form == 2 else set())
    require(set(receipt) == sections, "other sections", MALFORMED)
    digest = H(receipt["manifest"].encode())
    require(digest.hex() == receipt["manifest_sha256"], "another manifest")
    manifest = json.loads(receipt["manifest"], object_pairs_hook=once)
    names = [party["name"] for party in manifest["party"]]
    roles = {
        r: [p["name"] for p in manifest["party"] if r in p["roles"]]
        for r in ("contributor", "compute", "recipient")
    }
    away = absent(receipt, manifest, names, roles)
    every, names = names, [name for name in names if name not in away]
    require(
        set(receipt["parties"]) == set(names) and receipt["written_by"] in names, "other parties"
    )
    session, keys = bytes.fromhex(receipt["session"]), {}
    for party in (p for p in manifest["party"] if p["name"] in names):
        signed = receipt["parties"][party["name"]]
        require(set(signed) in (PARTY, PARTY | STATED), "more of a party, or less")
        require(
            type(signed["version"]) is int and (signed["version"] > 2) == (form == 2),
            "another version",
        )
        certificate, nonce = (
            base64.b64decode(signed[key], validate=True) for key in ("certificate", "nonce")
        )
        require(party["key"] == "sha256:" + H(certificate).hex(), "another certificate")
        keys[party["name"]] = x509.load_der_x509_certificate(certificate).public_key()
        verify(
            keys[party["name"]],
            signed["hello"],
            b"ostraka hello\0",
            struct.pack("<H", signed["version"]),
            digest,
            nonce,
        )
        verify(keys[party["name"]], signed["ready"], b"ostraka ready\0", session)
    nonces = (base64.b64decode(receipt["parties"][name]["nonce"]) for name in names)
    start = [b"ostraka session\0", digest]
    if away:
        start = [b"ostraka roster\0", digest, struct.pack("<I", len(away))]
        start += [struct.pack("<I", every.index(name)) for name in away]
    require(H(*start, *nonces) == session, "another session id")
    bodies = {}
    for name, signed in receipt["parties"].items():
        if "statement" in signed:
            verify(keys[name], signed["statement_signature"], signed["statement"].encode())
            bodies[name] = statement(signed["statement"], name, receipt, roles, form)
    reveal = manifest.get("outputs", {}).get("reveal")
    agree(bodies, reveal if isinstance(reveal, dict) else {}, roles)
    for said in counted_in(bodies):
        names_said = {roles["contributor"][place] for place in json.loads(said)}
        require(not names_said & set(away), "an absent party is counted")
    return COMPLETE if set(bodies) == set(names) else INCOMPLETE


def absent(receipt: Any, manifest: Any, names: list[str], roles: Any) -> list[str]:
    """Return the parties that the session began without."""
    if "absent" not in receipt:
        return []
    away = receipt["absent"]
    tables = manifest["input"] if isinstance(manifest["input"], list) else [manifest["input"]]
    needed = {*roles["compute"], *roles["recipient"]}.union(*(t.get("of") or () for t in tables))
    require(manifest["session"].get("start") == "enough" and away != [], "no party may be absent")
    require(away == [name for name in names if name in away], "absent parties out of order")
    require(set(away) <= set(roles["contributor"]) - needed, "a needed party is absent")
    left = len(roles["contributor"]) - len(away)
    require(left >= manifest["policy"]["min_contributors"], "too many are absent")
    return list(away)


def verify(key: Any, signature: str, *parts: bytes) -> None:
    try:
        key.verify(base64.b64decode(signature, validate=True), b"".join(parts))
    except (InvalidSignature, ValueError) as error:
        raise Refused(FALSE, "a signature") from error


def statement(text: str, name: str, receipt: Any, roles: Any, form: int) -> Any:
    """Return the body of a party's closing statement."""
    body = json.loads(text, object_pairs_hook=once)
    require(canonical(body) == text.encode(), "a statement in another form")
    expected = BODY | ({"consented"} if name in roles["compute"] and form == 2 else set())
    if name in roles["recipient"]:
        expected |= {"counted", "figures" if form == 2 else "result"}
    expected |= {"counted"} if form == 1 and name in roles["compute"] else set()
    require(set(body) == expected, "too much or too little")
    of = body["party"], body["session"], body["manifest_sha256"]
    require(
        of == (name, receipt["session"], receipt["manifest_sha256"]),
        "a statement of another session",
    )
    require(
        hexadecimal(body["sent"]) and hexadecimal(body.get("result", body["sent"])), "malformed"
    )
    require(
        all(
            places(body.get(key, []), len(roles["contributor"])) for key in ("consented", "counted")
        ),
        "malformed",
    )
    seen = []
    for group in body.get("figures", []):
        require(set(group) == {"commitments", "readers"}, "malformed")
        require(places(group["readers"], len(roles["recipient"])), "malformed")
        require(name in [roles["recipient"][i] for i in group["readers"]], "a group of others")
        require(all(map(hexadecimal, group["commitments"].values())), "malformed")
        seen.append(canonical(group["readers"]))
    require(all(a < b for a, b in pairwise(seen)), "groups out of order")
    return body


def agree(bodies: Any, reveal: Any, roles: Any) -> None:
    """Require that statements name one set, and that those who learned the same committed to it."""
    require(len(counted_in(bodies)) <= 1, "others were counted")
    said: dict[str, Any] = {}
    for name, body in bodies.items():
        for group in body.get("figures", []):
            first = said.setdefault(repr(group["readers"]), group)
            require(first == group, "another result")
        if "result" in body:
            result = said.setdefault(repr(reveal.get(name)), body["result"])
            require(result == body["result"], "another result")
    groups = [group["readers"] for group in said.values() if isinstance(group, dict)]
    for readers in groups:
        names = {roles["recipient"][i] for i in readers} & set(bodies)
        own = [[group["readers"] for group in bodies[name]["figures"]] for name in names]
        require(all(readers in others for others in own), "a figure left out")


def counted_in(bodies: Any) -> set[bytes]:
    """Return the sets that statements name."""
    keys = ("counted", "consented")
    return {canonical(body[key]) for body in bodies.values() for key in keys if key in body}
