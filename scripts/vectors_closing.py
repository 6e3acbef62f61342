"""Vectors of the end of a session, for scripts/vectors: nonces, commitments, statements."""

from __future__ import annotations

import hashlib
import hmac
import json
from typing import Any

import numpy as np

from ostraka.names import PartyId, SessionId, Step
from ostraka.record import commitments, statements
from ostraka.session.nonces import ResultNonces

NAMES = (PartyId("alice"), PartyId("bob"), PartyId("carlos"))
SESSION, DIGEST = SessionId(bytes(range(32))), bytes(range(32, 64))
ABOUT = statements.About(SESSION, DIGEST, statements.Roster(NAMES, NAMES[:2], NAMES))
FIGURES = {"sum": (np.array([4251, -7]),), "mean": (np.array([4251, -7]),)}


def nonces() -> list[ResultNonces]:
    """Two recipients, each with what both showed."""
    pair = [ResultNonces(name, (NAMES[:2],), bytes([i]) * 32) for i, name in enumerate(NAMES[:2])]
    for me, other, name in zip(pair, pair[::-1], NAMES[1::-1], strict=True):
        me.take(name, other.for_peer(NAMES[0] if me is pair[0] else NAMES[1]), other.hello)
    return pair


def of_closing() -> list[dict[str, Any]]:
    alice, bob = nonces()
    (key,) = alice.keys(SESSION).values()
    found = commitments.group_commitments(key, FIGURES)
    body = statements.write(NAMES[0], ABOUT, sent().value(), NAMES, NAMES, {NAMES[:2]: found})
    return [
        {
            "session": SESSION.hex(),
            "nonces": [alice.for_peer(NAMES[1]).hex(), bob.for_peer(NAMES[0]).hex()],
            "nonces of Hellos": [alice.hello.hex(), bob.hello.hex()],
            "key": key.hex(),
            "figures": {name: parts[0].tolist() for name, parts in FIGURES.items()},
            "commitments": found,
            "key of sent": KEY.hex(),
            "sent": [["bob,carlos", "0.0", "u1", "0102"], ["bob", "4.1", "u8", "07" + "00" * 7]],
            "statement": body.decode(),
        }
    ]


KEY = bytes(range(64, 96))


def sent() -> commitments.Commitment:
    """Commit to two vectors under a fixed key."""
    found = commitments.Commitment()
    found.key, found._mac = KEY, hmac.new(KEY, digestmod=hashlib.sha256)
    found.add(NAMES[1:], Step(0, 0), np.array([1, 2], np.uint8))
    found.add(NAMES[1:2], Step(4, 1), np.array([7], np.uint64))
    return found


def of_bad_closing() -> list[dict[str, Any]]:
    """Statements that alice may not sign."""
    body = of_closing()[0]["statement"]
    good = json.loads(body)
    wrong = [
        (good | {"more": 1}, "too much or too little"),
        ({k: v for k, v in good.items() if k != "consented"}, "too much or too little"),
        (good | {"consented": [0, 0, 1]}, "malformed"),
        (good | {"counted": [0, 1, 3]}, "malformed"),
        (good | {"counted": [0, True]}, "malformed"),
        (good | {"sent": good["sent"].upper()}, "malformed"),
        (good | {"figures": []}, "malformed"),
        (good | {"party": "bob"}, "another party's"),
        (good | {"session": "00" * 32}, "another session"),
        (good | {"manifest_sha256": "00" * 32}, "another manifest"),
    ]
    said = [(commitments.canonical(value).decode(), error) for value, error in wrong]
    said += [(body + " ", "not a statement"), (body.replace(":", ": ", 1), "not a statement")]
    return [{"statement": text, "error": error} for text, error in said]
