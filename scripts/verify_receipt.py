#!/usr/bin/env python3
"""Checks a receipt of ostraka offline, without ostraka: the standard library and `cryptography`.

    scripts/verify_receipt.py RECEIPT.json

Exit codes: 0 it holds and is complete, 51 it holds and closing statements are missing, 50 it does
not hold, 2 it cannot be read. What is checked:

1. the file is JSON in which no object holds a key twice, with the known keys and no others;
2. the manifest's SHA-256 is the digest that the receipt names;
3. every party's certificate is the one whose SHA-256 the manifest pins;
4. the session id is SHA-256("ostraka session" 0 digest nonces), a nonce from every party; or, where
   the receipt names parties that were absent, which the manifest must allow, SHA-256("ostraka
   roster" 0 digest, their number and their places as 32 bits each, nonces of the others);
5. every party signed "ostraka hello" 0 version digest nonce, and "ostraka ready" 0 session id;
6. every statement, made at the end by those who were still there, is canonical JSON, signed by its
   party and about this manifest and this session;
7. all statements name the same contributors: recipients as counted, compute parties (format 2) as
   those whose inputs in the result they consented to; and
8. format 2: for each group of recipients ("readers") that a statement names, all of them whose
   statement is there signed the same commitment for each figure; format 1: recipients that the
   manifest reveals the same to signed the same commitment to the result; and
9. in a collection, whose contributors are places: all statements sign one summary of its reports,
   and name the places counted by their number and SHA-256("ostraka counted places" 0, a bit for
   each place); the receipt's section "collection" holds that summary and these bits.

Weakness of format 1 (wire versions 1 and 2): the key of its commitment is held by all recipients,
so one that learned less could find by trying what another one learned.
"""

import base64
import hashlib
import json
import re
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import load_der_x509_certificate

FIELDS = {"ostraka_receipt", "manifest", "manifest_sha256", "session", "written_by", "parties"}
VERSIONS = {1: range(1, 3), 2: range(3, 1 << 16)}
ENTRY = {"certificate", "version", "nonce", "hello", "ready"}
ENDED = {"statement", "statement_signature"}
SAID = {"party", "session", "manifest_sha256", "sent"}
LEARNED = {1: {"counted", "result"}, 2: {"counted", "figures"}}


SUMMARY = {"root", "refused", "in_time", "left_out", "revoked", "replaced", "agreed"}


class DoesNotHoldError(Exception):
    """Something that a receipt says is not so."""


def require(holds, otherwise):
    if not holds:
        raise DoesNotHoldError(otherwise)


def once(pairs):
    if len(dict(pairs)) < len(pairs):
        raise ValueError("a key is there twice")
    return dict(pairs)


def no_number(word):
    raise ValueError(f"{word} is no number")


def parsed(text):
    return json.loads(text, object_pairs_hook=once, parse_constant=no_number)


def canonical(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def decoded(text):
    data = base64.b64decode(text, validate=True)
    if base64.b64encode(data).decode() != text:
        raise ValueError("bytes are written in two ways")
    return data


def absent_from(receipt, manifest, roles, pins):
    """Places of the parties that the session began without, as the manifest allows."""
    if "absent" not in receipt:
        return []
    allowed = set()
    if manifest["session"].get("start", "all") == "enough":
        tables = manifest["input"] if isinstance(manifest["input"], list) else [manifest["input"]]
        named = [name for table in tables for name in table.get("of") or ()]
        allowed = set(roles["contributor"]).difference(roles["compute"], roles["recipient"], named)
    names, absent = list(pins), receipt["absent"]
    found = [place for place, name in enumerate(names) if name in absent]
    right = found and absent == [names[place] for place in found] and set(absent) <= allowed
    there = len(roles["contributor"]) - len(found)
    least = manifest["policy"]["min_contributors"]
    require(right and there >= least, "parties are absent that may not be")
    return found


def check_signature(name, certificate, signature, data):
    key = load_der_x509_certificate(certificate).public_key()
    try:
        key.verify(decoded(signature), data)
    except InvalidSignature:
        raise DoesNotHoldError(f"a signature of {name} does not verify") from None


def check_party(name, pin, entry, digest, session, form):
    require(set(entry) in (ENTRY, ENTRY | ENDED), f"too much or too little about {name}")
    certificate, version = decoded(entry["certificate"]), entry["version"]
    fingerprint = "sha256:" + hashlib.sha256(certificate).hexdigest()
    require(fingerprint == pin, f"{name}'s certificate is not the one that the manifest pins")
    known = type(version) is int and version in VERSIONS[form]
    require(known, f"{name} spoke another version than receipts of format {form} are of")
    hello = b"ostraka hello\0" + version.to_bytes(2, "little") + digest + decoded(entry["nonce"])
    check_signature(name, certificate, entry["hello"], hello)
    check_signature(name, certificate, entry["ready"], b"ostraka ready\0" + session)
    if "statement" in entry:
        statement = entry["statement"].encode()
        check_signature(name, certificate, entry["statement_signature"], statement)


def digest_like(value):
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def places(value, below):
    """Whether it is a list of rising whole numbers from 0 to below `below`."""
    if not isinstance(value, list) or not all(type(place) is int for place in value):
        return False
    return value == sorted(set(value)) and all(0 <= place < below for place in value)


def places_of(manifest):
    """How many places a collection has; 0 in other sessions."""
    collection = manifest.get("collection")
    if collection is None:
        return 0
    count = collection["size" if collection["from"] == "invited" else "max_reports"]
    if type(count) is not int or not 0 < count <= 1 << 20:
        raise ValueError("a collection has a number of places")
    return count


def counted_like(value, below, of_places):
    """Whether it names contributors: by places or, in a collection, by their number and a hash."""
    if not of_places:
        return places(value, below)
    if not isinstance(value, dict) or set(value) != {"count", "places"}:
        return False
    return number(value["count"], of_places) and digest_like(value["places"])


def number(value, most):
    return type(value) is int and 0 <= value <= most


def summary_like(value, compute):
    """Whether it sums up the reports of a collection, and its numbers add up."""
    if not isinstance(value, dict) or set(value) != SUMMARY or not digest_like(value["root"]):
        return False
    total, refused = value["in_time"], value["refused"]
    if not number(total, 1 << 53) or not isinstance(refused, list) or len(refused) != compute:
        return False
    parts = [value[key] for key in ("left_out", "revoked", "replaced", "agreed")]
    return all(number(part, total) for part in (*parts, *refused)) and sum(parts) == total


def check_collection(receipt, count, compute, statements, counted):
    """What the section on a collection says, as lines; the parties have to have signed it."""
    said = receipt.get("collection")
    expected = count > 0 and counted is not None
    require((said is not None) == expected, "its section on a collection is out of place")
    summaries = [s["collection"] for s in statements.values() if "collection" in s]
    require(all(s == summaries[0] for s in summaries), "not all signed the same reports")
    if said is None:
        return []
    summary, bits = said["summary"], decoded(said["places"])
    whole = set(said) == {"summary", "places"} and len(bits) == (count + 7) // 8
    if not whole or (count % 8 and bits[-1] >> count % 8) or not summary_like(summary, compute):
        raise ValueError("the section on a collection is malformed")
    require(summary == summaries[0], "the parties signed another summary of the collection")
    found = {
        "count": sum(bin(byte).count("1") for byte in bits),
        "places": hashlib.sha256(b"ostraka counted places\0" + bits).hexdigest(),
    }
    require(found == counted, "the parties signed other counted places")
    return [
        f"reports   {summary['in_time']} in time: {summary['left_out']} left out, "
        f"{summary['revoked']} revoked, {summary['replaced']} replaced, "
        f"{summary['agreed']} agreed on",
        f"root      {summary['root']}",
    ]


def groups(value, own, recipients):
    """Whether it says which recipients learned which figures with `own`, and commits to each."""
    if not isinstance(value, list) or not value:
        return False
    seen = []
    for group in value:
        if not isinstance(group, dict) or set(group) != {"readers", "commitments"}:
            return False
        readers, commitments = group["readers"], group["commitments"]
        if not places(readers, recipients) or own not in readers or readers in seen:
            return False
        if not isinstance(commitments, dict) or not commitments:
            return False
        if not all(digest_like(commitment) for commitment in commitments.values()):
            return False
        seen.append(readers)
    return True


def statement_of(name, text, digest, session, form, roles, count):
    """A statement, read and checked on its own."""
    recipients = roles["recipient"]
    try:
        statement = parsed(text)
        is_one = isinstance(statement, dict) and canonical(statement) == text.encode()
    except (ValueError, RecursionError):
        is_one = False
    require(is_one, f"{name} signed bytes that are not a statement")
    keys = SAID | (LEARNED[form] if name in recipients else set())
    keys |= {"consented"} if form == 2 and name in roles["compute"] else set()
    keys |= {"collection"} if count else set()
    require(set(statement) == keys, f"{name}'s statement says too much or too little")
    right = digest_like(statement["sent"])
    for key in keys & {"counted", "consented"}:
        right = right and counted_like(statement[key], len(roles["contributor"]), count)
    if count:
        right = right and summary_like(statement["collection"], len(roles["compute"]))
    if name in recipients:
        right = right and (
            digest_like(statement["result"])
            if form == 1
            else groups(statement["figures"], recipients.index(name), len(recipients))
        )
    require(right, f"{name}'s statement is malformed")
    require(statement["party"] == name, f"{name}'s statement is another party's")
    require(statement["session"] == session.hex(), f"{name} signed another session")
    require(statement["manifest_sha256"] == digest.hex(), f"{name} signed another manifest")
    return statement


def check_results(statements, form, roles, reveal):
    """Recipients that learned the same signed the same commitments to it."""
    first = {}
    learned = {name: s for name, s in statements.items() if name in roles["recipient"]}
    for name, statement in learned.items():
        if form == 1:
            said = {repr(reveal.get(name)): statement["result"]}
        else:
            said = {tuple(g["readers"]): g["commitments"] for g in statement["figures"]}
        for group, commitments in said.items():
            other, theirs = first.setdefault(group, (name, commitments))
            require(commitments == theirs, f"{name} signed another result than {other}")
    for group, (name, _) in first.items() if form == 2 else ():
        for place in group:
            reader = roles["recipient"][place]
            said = [g["readers"] for g in learned.get(reader, {"figures": []})["figures"]]
            require(
                reader not in learned or list(group) in said,
                f"{reader} signed no figure that {name} says both learned",
            )


def verify(receipt):
    """Lines that say what holds, and who signed no statement; else DoesNotHoldError."""
    form = receipt["ostraka_receipt"]
    if type(form) is not int or form not in VERSIONS:
        raise ValueError("this is not a receipt of format 1 or 2")
    if not FIELDS <= set(receipt) <= FIELDS | ({"absent", "collection"} if form == 2 else set()):
        raise ValueError("keys other than those of a receipt")
    digest = hashlib.sha256(receipt["manifest"].encode()).digest()
    require(digest.hex() == receipt["manifest_sha256"], "the manifest is not the one it names")
    manifest, entries = parsed(receipt["manifest"]), receipt["parties"]
    party, title = manifest["party"], manifest["session"]["title"]
    pins = {p["name"]: p["key"] for p in party}
    well = len(pins) == len(party) and all(isinstance(p["roles"], list) for p in party)
    if not well or not isinstance(title, str):
        raise ValueError(
            "the manifest names a party twice, or has a title or roles of no such type"
        )
    roles = {
        role: [p["name"] for p in party if role in p["roles"]]
        for role in ("contributor", "compute", "recipient")
    }
    count = places_of(manifest)
    absent = absent_from(receipt, manifest, roles, pins)
    gone = [name for place, name in enumerate(pins) if place in absent]
    for name in gone:
        del pins[name]
    require(set(entries) == set(pins), "the parties are not those of the manifest")
    require(receipt["written_by"] in pins, "its writer is not a party")
    nonces = b"".join(decoded(entries[name]["nonce"]) for name in pins)
    begun = b"ostraka session\0" + digest
    if absent:
        roster = b"".join(n.to_bytes(4, "little") for n in (len(absent), *absent))
        begun = b"ostraka roster\0" + digest + roster
    session = hashlib.sha256(begun + nonces).digest()
    require(session.hex() == receipt["session"], "the session id does not follow from the nonces")
    for name, pin in pins.items():
        check_party(name, pin, entries[name], digest, session, form)
    statements = {
        name: statement_of(name, entry["statement"], digest, session, form, roles, count)
        for name, entry in entries.items()
        if "statement" in entry
    }
    said = [s[key] for s in statements.values() for key in ("counted", "consented") if key in s]
    counted = said[0] if said else None
    require(all(s == counted for s in said), "not all name the same counted contributors")
    collection = check_collection(receipt, count, len(roles["compute"]), statements, counted)
    names = [] if count else [roles["contributor"][place] for place in counted or []]
    require(not set(names) & set(gone), "a party is counted that was absent")
    reveal = manifest.get("outputs", {}).get("reveal")
    check_results(statements, form, roles, reveal if isinstance(reveal, dict) else {})
    missing = [name for name in pins if name not in statements]
    who = "no party says" if counted is None else ", ".join(names)
    if count and counted is not None:
        who = f"{counted['count']} of {count} places"
    lines = [
        f"title     {title}",
        f"session   {session.hex()}",
        f"manifest  sha256 {digest.hex()}",
        f"parties   {', '.join(pins)}: each signed this manifest and session",
        *([f"absent    {', '.join(gone)}: the session began without"] if gone else []),
        f"ended     {', '.join(sorted(statements)) or 'no party'}: signed what they did",
        f"counted   {who}",
        *collection,
    ]
    if form == 1:
        lines.append("weakness  format 1: recipients could find each other's results by trying")
    return lines, missing


def main():
    if len(sys.argv) != 2:
        print("error: one receipt, please\nhint: scripts/verify_receipt.py FILE", file=sys.stderr)
        return 2
    path = sys.argv[1]
    try:
        with open(path, "rb") as file:
            lines, missing = verify(parsed(file.read(33 << 20).decode()))
    except DoesNotHoldError as error:
        print(f"error: {path} does not hold: {error}", file=sys.stderr)
        return 50
    except (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError,
            RecursionError) as error:  # fmt: skip
        print(f"error: {path} cannot be read as a receipt: {error!r}", file=sys.stderr)
        return 2
    print(f"{path} holds, and is {'incomplete' if missing else 'complete'}.", *lines, sep="\n  ")
    if missing:
        print(f"error: no closing statement of {', '.join(missing)}", file=sys.stderr)
        return 51
    return 0


if __name__ == "__main__":
    sys.exit(main())
