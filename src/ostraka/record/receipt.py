"""The signed transcript of a session, checkable without this package.

A receipt holds the manifest in canonical form, and for every party its certificate, its hello (the
signed manifest digest), its signature of the session id, and the statement it signed at the end, if
it was still there. Where the manifest lets a session begin with enough, it also names the parties
that were absent. `scripts/verify_receipt.py` checks one with the standard library and
`cryptography` alone; `verify` here does the same.

What a receipt proves: the holders of those keys agreed to that manifest, met in that session, and
counted those contributors; each is bound to what it sent, and each recipient to its result, by
commitments. What it does not show: any share, input or result. Without a party's statement a
receipt is *incomplete*: the party may have left, or its dissent may have been cut out. What a
statement says, in both formats: `statements`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

from ostraka import identity as identities
from ostraka import limits, strict_json
from ostraka.errors import IncompleteReceipt, PeerViolation, UsageError
from ostraka.files import read_bounded
from ostraka.names import Role
from ostraka.record import collected, statements
from ostraka.record.statements import About, Roster, Statement, require

_LARGEST: Final = 32 << 20
_FIELDS: Final = {
    "ostraka_receipt", "manifest", "manifest_sha256", "session", "written_by", "parties"
}  # fmt: skip
_ABSENT: Final = "absent"
_COLLECTION: Final = "collection"
_VERSIONS: Final = {1: range(1, 3), 2: range(3, 1 << 16)}
"""Wire versions, which each party's Hello signs, of the sessions that each format is about."""

_ENTRY: Final = {"certificate", "version", "nonce", "hello", "ready"}
_ENDED: Final = {"statement", "statement_signature"}
_MALFORMED: Final = (
    KeyError, TypeError, ValueError, AttributeError, OverflowError, RecursionError
)  # fmt: skip

WEAKNESS: Final = (
    "a receipt of format 1: any recipient could find what another one learned by trying values "
    "against the other's statement"
)


def session_bytes(session: bytes) -> bytes:
    """Return the bytes that a party signs to say: I am in this session."""
    return b"ostraka ready\0" + session


def session_id(digest: bytes, nonces: Sequence[bytes], absent: Sequence[int] = ()) -> bytes:
    """Return the id of a session.

    Args:
        digest: of the manifest.
        nonces: of the Hellos of all parties that take part, in the order of the manifest.
        absent: places in the manifest, rising, of the parties that the session began without.
    """
    if not absent:
        return _sha256(b"ostraka session\0" + digest + b"".join(nonces))
    places = [len(absent), *absent]
    roster = b"".join(place.to_bytes(4, "little") for place in places)
    return _sha256(b"ostraka roster\0" + digest + roster + b"".join(nonces))


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
        UsageError: the file cannot be read, is too large, or is not JSON in which every key occurs
            once.
    """
    hint = "`ostraka run` writes one: receipt-NAME-....json"
    try:
        value = strict_json.parse(read_bounded(path, _LARGEST))
    except strict_json.TwiceError as error:
        raise UsageError(f"{path} is not a receipt: {error}", hint=hint) from None
    except ValueError:
        raise UsageError(f"{path} is not JSON", hint=hint) from None
    if not isinstance(value, dict):
        raise UsageError(f"{path} is not a receipt", hint=hint)
    if "report_receipt" in value:
        raise UsageError(
            f"{path} is the receipt of one report, not of the collection",
            hint=f"ostraka verify RECEIPT.json --report {path}, with the receipt that a compute "
            "party gives out",
        )
    return value


def verify(receipt: dict[str, Any]) -> dict[str, Any]:
    """Check everything a receipt says that can be checked offline.

    Returns:
        "format", "complete", "session", "manifest_sha256", "title"; the lists "parties", "signed"
        (the parties whose closing statement is there), "absent" (those that the session began
        without), "missing" (the others; the receipt is complete without any) and "counted" (None
        when no recipient's statement is there, and in a collection); there "collection", the
        summary with "counted" and "places"; in format 2 "figures", each with its name and its
        readers; in format 1 "weakness".

    Raises:
        PeerViolation: a claim does not hold; the message names the first, and its party.
        UsageError: the value is not a receipt of a known format.
    """
    try:
        return _verify(receipt)
    except _MALFORMED as error:
        hint = "is it another file, or cut short? `ostraka run` writes receipt-NAME-SESSION.json"
        raise UsageError(f"not a whole receipt: {_missing(error)}", hint=hint) from None


def incomplete(found: dict[str, Any]) -> IncompleteReceipt:
    """Return the error for a receipt that holds and lacks closing statements.

    Args:
        found: by `verify`.
    """
    names, writer = ", ".join(found["missing"]), found["written_by"]
    if found["left_early"]:
        why = (
            f"this is as it should be: {writer} only contributed, so it left once it had shared, "
            "and heard no other party's statement. To see how the session ended, ask a recipient "
            "or a compute party for its receipt"
        )
    else:
        why = (
            f"{names} left before the end, or signed something that was taken out: ask another "
            "party, best a recipient, for its receipt of this session"
        )
    message = f"the receipt is incomplete: no closing statement of {names}"
    return IncompleteReceipt(message, hint=why)


def _missing(error: Exception) -> str:
    """Return what is missing or wrong, for a person."""
    return f"{error} is missing" if isinstance(error, KeyError) else str(error)


class _Manifest(NamedTuple):
    """Manifest in a receipt, as far as receipts speak of it."""

    title: str
    pins: dict[str, str]
    roster: Roster
    reveal: dict[str, Any]
    may_be_absent: set[str]
    least: int

    @property
    def stay(self) -> set[str]:
        """Parties that stay to a session's end: all but those that only contribute."""
        return {*self.roster.compute, *self.roster.recipients}


def _verify(receipt: dict[str, Any]) -> dict[str, Any]:
    """Check a receipt; raise any of `_MALFORMED` where it has not the form of one."""
    format_ = _format(receipt)
    manifest, digest = _manifest(receipt["manifest"]), _sha256(receipt["manifest"].encode())
    parties: dict[str, Any] = receipt["parties"]
    require(digest.hex() == receipt["manifest_sha256"], "the manifest is not the one named")
    absent = _absent(receipt, manifest)
    there = [name for name in manifest.pins if name not in absent]
    require(set(parties) == set(there), "not the parties of the manifest")
    writer = receipt["written_by"]
    require(writer in there, "its writer is not a party")
    nonces = [_octets(parties[name]["nonce"]) for name in there]
    places = [place for place, name in enumerate(manifest.pins) if name in absent]
    session = session_id(digest, nonces, places)
    require(session.hex() == receipt["session"], "the session id is not that of these nonces")
    about = About(session, digest, manifest.roster, format_)
    for name in there:
        _verify_party(name, manifest.pins[name], parties[name], about)
    signed = {
        name: statements.read(entry["statement"], name, about)
        for name, entry in parties.items()
        if "statement" in entry
    }
    counted_places = statements.counted(list(signed.values()))
    collection = _collection(receipt, manifest.roster, signed, counted_places)
    counted = _names(counted_places, manifest.roster)
    require(not absent & set(counted), "a party is counted that was absent")
    _require_one_result(signed, manifest, format_)
    missing = [name for name in there if name not in signed]
    found = {
        "format": format_,
        "complete": not missing,
        "session": session.hex(),
        "manifest_sha256": digest.hex(),
        "title": manifest.title,
        "parties": list(manifest.pins),
        "signed": sorted(signed),
        "absent": [name for name in manifest.pins if name in absent],
        "missing": missing,
        "counted": None if counted_places is None or collection else counted,
        "written_by": writer,
        "left_early": set(signed) == {writer} and writer not in manifest.stay,
    }
    more = {"weakness": WEAKNESS} if format_ == 1 else {"figures": _figures(signed, manifest)}
    return found | more | collection


def _format(receipt: dict[str, Any]) -> int:
    """Return a receipt's format; refuse another than the known ones, and keys it does not know."""
    format_ = receipt["ostraka_receipt"]
    if type(format_) is not int or format_ not in _VERSIONS:
        raise UsageError(f"a receipt of format {format_!r}: this release reads 1 and 2")
    known = _FIELDS | ({_ABSENT, _COLLECTION} if format_ > 1 else set())
    if unknown := set(receipt) - known:
        names = ", ".join(map(repr, sorted(unknown)))
        raise UsageError(f"a receipt with {names}: this release cannot check that")
    if missing := _FIELDS - set(receipt):
        raise KeyError(", ".join(sorted(missing)))
    return format_


def _names(counted: Any, roster: Roster) -> list[str]:
    """Return the names of counted contributors; none in a collection, whose places have none."""
    return [] if roster.places else [roster.contributors[place] for place in counted or ()]


def _collection(
    receipt: dict[str, Any], roster: Roster, signed: dict[str, Statement], counted: Any
) -> dict[str, Any]:
    """Check the section on a collection against what was signed; return what it says."""
    said = receipt.get(_COLLECTION)
    agreed = statements.agreed(list(signed.values()))
    expected = bool(roster.places) and counted is not None
    require((said is not None) == expected, "its section on a collection is out of place")
    if said is None:
        return {}
    summary, bits = collected.read_section(said, roster.places, len(roster.compute))
    require(summary == agreed, "the parties signed another summary of the collection")
    require(collected.counted_table(bits) == counted, "the parties signed other counted places")
    return {"collection": {**summary, "counted": counted["count"], "places": roster.places}}


def _absent(receipt: dict[str, Any], manifest: _Manifest) -> set[str]:
    """Return the parties that the session began without: as few as the manifest allows."""
    if _ABSENT not in receipt:
        return set()
    named = receipt[_ABSENT]
    absent = {name for name in named if name in manifest.pins}
    rising = named == [name for name in manifest.pins if name in absent]
    there = len(manifest.roster.contributors) - len(absent)
    allowed = rising and bool(absent) and absent <= manifest.may_be_absent
    require(allowed and there >= manifest.least, "parties are absent that may not be")
    return absent


def _manifest(text: str) -> _Manifest:
    """Read what receipts need of a manifest; its digest covers the rest, too."""
    manifest = strict_json.parse(text)
    parties, reveal = manifest["party"], manifest.get("outputs", {}).get("reveal")
    names = [party["name"] for party in parties]
    if not all(isinstance(name, str) for name in names) or len(set(names)) != len(names):
        raise ValueError("the manifest names a party twice, or by something else than text")
    title = manifest["session"]["title"]
    if not isinstance(title, str) or not all(isinstance(p["roles"], list) for p in parties):
        raise ValueError("the manifest has a title or roles of another type")
    of_role = {role: [p["name"] for p in parties if role in p["roles"]] for role in Role}
    return _Manifest(
        title,
        {party["name"]: party["key"] for party in parties},
        Roster(
            of_role[Role.CONTRIBUTOR],
            of_role[Role.RECIPIENT],
            of_role[Role.COMPUTE],
            _places(manifest.get("collection")),
        ),
        reveal if isinstance(reveal, dict) else {},
        _may_be_absent(manifest, of_role),
        manifest["policy"]["min_contributors"] if _enough(manifest) else len(names),
    )


def _places(collection: dict[str, Any] | None) -> int:
    """Return the number of places of a collection in a canonical manifest; 0 for none."""
    if collection is None:
        return 0
    places = collection["size" if collection["from"] == "invited" else "max_reports"]
    if type(places) is not int or not 0 < places <= limits.PLACES:
        raise ValueError("a collection has a number of places")
    return places


def _enough(manifest: dict[str, Any]) -> bool:
    """Return whether sessions of a canonical manifest may begin without some contributors."""
    return bool(manifest["session"].get("start", "all") == "enough")


def _may_be_absent(manifest: dict[str, Any], of_role: dict[Role, list[str]]) -> set[str]:
    """Return the contributors that a session may begin without; see `Manifest.may_be_absent`."""
    if not _enough(manifest):
        return set()
    inputs = manifest["input"] if isinstance(manifest["input"], list) else [manifest["input"]]
    needed = {*of_role[Role.COMPUTE], *of_role[Role.RECIPIENT]}
    needed.update(name for table in inputs for name in table.get("of") or ())
    return set(of_role[Role.CONTRIBUTOR]) - needed


def _sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def _verify_party(name: str, pin: str, entry: dict[str, Any], about: About) -> None:
    """Check one party's certificate against its pin, and every signature under it."""
    require(set(entry) in (_ENTRY, _ENTRY | _ENDED), f"too much or too little about {name}")
    certificate, version = _octets(entry["certificate"]), entry["version"]
    fingerprint = identities.fingerprint_text(identities.fingerprint(certificate))
    require(fingerprint == pin, f"{name}'s certificate is not the one the manifest pins")
    known = type(version) is int and version in _VERSIONS[about.format]
    require(known, f"{name} spoke another version than receipts of format {about.format} are of")
    hello = b"ostraka hello\0" + version.to_bytes(2, "little") + about.digest
    signed = [
        ("hello", hello + _octets(entry["nonce"])),
        ("ready", session_bytes(about.session)),
    ]
    if "statement" in entry:
        signed.append(("statement_signature", entry["statement"].encode()))
    for field, data in signed:
        _verify_signature(name, certificate, entry[field], data, field)


def _verify_signature(name: str, certificate: bytes, given: str, data: bytes, what: str) -> None:
    try:
        identities.verify(certificate, _octets(given), data)
    except PeerViolation:
        raise PeerViolation(f"{name}'s signature ({what}) does not verify") from None


def _require_one_result(signed: dict[str, Statement], manifest: _Manifest, format_: int) -> None:
    """Require that recipients signed the same commitments to what they learned alike."""
    there = [signed[name] for name in manifest.roster.recipients if name in signed]
    if format_ > 1:
        statements.require_agreement(there, manifest.roster.recipients)
        return
    # One commitment to all that a recipient learned: those that learn other figures differ.
    results: dict[str, str] = {}
    for statement in there:
        learned = repr(manifest.reveal.get(statement["party"]))
        same = statement["result"] == results.setdefault(learned, statement["result"])
        require(same, "the recipients signed different results")


def _figures(signed: dict[str, Statement], manifest: _Manifest) -> list[dict[str, Any]]:
    """Return each figure that recipients committed to, with its readers, once."""
    recipients = manifest.roster.recipients
    found = {
        (name, readers)
        for statement in signed.values()
        for readers, commitments in statements.learned(statement, recipients).items()
        for name in commitments
    }
    return [{"name": name, "readers": list(readers)} for name, readers in sorted(found)]
