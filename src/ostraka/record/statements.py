"""Closing statements: what a party signs at the end of a session, written and read strictly.

A statement is canonical JSON. Every party says who it is, which session and manifest it speaks of,
and commits to what it sent. In format 2 a compute party says to which contributors' inputs in the
result it consented ("consented"). A recipient also says which contributors were counted, and
commits to what it learned:

    format 1   "result": one commitment to all figures, under a key that every recipient holds
    format 2   "figures": for each group of recipients that are entitled to the same figures, which
               recipients these are ("readers") and one commitment a figure, by name, under the
               group's key

In a collection, whose contributors are places, counted places are named by their number and a hash,
and every party signs the summary of what was agreed on ("collection"): see `collected`.

In format 1, a recipient with little to learn could find what another one learned by trying.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ostraka import strict_json
from ostraka.errors import PeerViolation
from ostraka.names import PartyId
from ostraka.record import collected
from ostraka.record.commitments import canonical

FORMAT: Final = 2
_ALL_SAY: Final = {"party", "session", "manifest_sha256", "sent"}
_LEARNED: Final = {1: "result", 2: "figures"}

Statement = dict[str, Any]


class Roster(NamedTuple):
    """Parties that statements speak of, in the order of the manifest.

    Attributes:
        places: how many places a collection has, whose contributors they are; 0 for none.
    """

    contributors: Sequence[str]
    recipients: Sequence[str]
    compute: Sequence[str]
    places: int = 0


class About(NamedTuple):
    """Session that statements are about.

    Attributes:
        collection: the summary of what was agreed on in a collection; None before.
    """

    session: bytes
    digest: bytes
    roster: Roster
    format: int = FORMAT
    collection: Mapping[str, Any] | None = None


def write(
    me: PartyId,
    about: About,
    sent: str,
    consented: Sequence[PartyId] | None = None,
    counted: Sequence[PartyId] = (),
    figures: Mapping[tuple[PartyId, ...], Mapping[str, str]] | None = None,
) -> bytes:
    """Return the statement of `me`, to be signed.

    Args:
        sent: the commitment to what this party sent.
        consented: the contributors counted in the share that a compute party announced; None at
            other parties.
        counted: the contributors counted in what a recipient learned.
        figures: the commitment to each figure this party learned, by name, for each group of
            readers; None at a party that is no recipient.
    """
    statement: Statement = {
        "party": me,
        "session": about.session.hex(),
        "manifest_sha256": about.digest.hex(),
        "sent": sent,
    }
    if about.collection is not None:
        statement["collection"] = dict(about.collection)
    if consented is not None:
        statement["consented"] = _counted(consented, about.roster)
    if figures is not None:
        recipients = about.roster.recipients
        groups = [
            {"readers": _places(readers, recipients), "commitments": dict(commitments)}
            for readers, commitments in figures.items()
        ]
        statement["counted"] = _counted(counted, about.roster)
        statement["figures"] = sorted(groups, key=lambda group: canonical(group["readers"]))
    return canonical(statement)


def _counted(parties: Sequence[PartyId], roster: Roster) -> Any:
    """Return contributors as statements name them."""
    if roster.places:
        return collected.counted_table(collected.bits_of(parties, roster.places))
    return _places(parties, roster.contributors)


def _places(parties: Sequence[str], among: Sequence[str]) -> list[int]:
    place = {party: i for i, party in enumerate(among)}
    return sorted(place[party] for party in parties)


def read(body: str | bytes, name: str, about: About) -> Statement:
    """Read the statement that `name` signed at the end of a session.

    Raises:
        PeerViolation: it is no statement of this format, or not about `name` and this session.
    """
    text = body.encode() if isinstance(body, str) else body
    statement = _canonical_object(text)
    if statement is None:
        raise PeerViolation(f"{name} signed bytes that are not a statement")
    _check_form(statement, name, about)
    require(statement["party"] == name, f"{name}'s statement is another party's")
    require(statement["session"] == about.session.hex(), f"{name} signed another session")
    require(statement["manifest_sha256"] == about.digest.hex(), f"{name} signed another manifest")
    return statement


def _canonical_object(text: bytes) -> Statement | None:
    try:
        found = strict_json.parse(text)
        return found if isinstance(found, dict) and canonical(found) == text else None
    except (ValueError, RecursionError):
        return None


def _check_form(statement: Statement, name: str, about: About) -> None:
    """Require the keys that a party with this role signs in this format, each of its type."""
    recipient, learned = name in about.roster.recipients, _LEARNED[about.format]
    computes = name in about.roster.compute and about.format == FORMAT
    keys = _ALL_SAY | ({"counted", learned} if recipient else set())
    keys |= {"consented"} if computes else set()
    keys |= {"collection"} if about.roster.places else set()
    require(set(statement) == keys, f"{name}'s statement says too much or too little")
    well_formed = all(map(_is_digest, (statement["sent"], statement.get("result", "0" * 64))))
    for key in keys & {"consented", "counted"}:
        well_formed &= _is_counted(statement[key], about.roster)
    if about.roster.places:
        well_formed &= collected.is_summary(statement["collection"], len(about.roster.compute))
    if recipient and about.format == FORMAT:
        place = list(about.roster.recipients).index(name)
        well_formed &= _are_groups(statement["figures"], place, len(about.roster.recipients))
    require(well_formed, f"{name}'s statement is malformed")


def _is_counted(value: object, roster: Roster) -> bool:
    if roster.places:
        return collected.is_counted_table(value, roster.places)
    return are_places(value, len(roster.contributors))


def _is_digest(value: object) -> bool:
    return isinstance(value, str) and re.fullmatch("[0-9a-f]{64}", value) is not None


def are_places(value: object, below: int) -> bool:
    """Return whether a value is a list of places, rising, each a whole number below `below`."""
    if not isinstance(value, list) or not all(type(place) is int for place in value):
        return False
    return all(a < b for a, b in zip([-1, *value], [*value, below], strict=True))


def _are_groups(value: object, own: int, recipients: int) -> bool:
    """Return whether a value is a list of groups, each once, all of which `own` is in."""
    if not isinstance(value, list) or not value:
        return False
    if not all(isinstance(g, dict) and set(g) == {"readers", "commitments"} for g in value):
        return False
    order = [json.dumps(group["readers"]) for group in value]
    return len(set(order)) == len(order) and all(
        are_places(group["readers"], recipients)
        and own in group["readers"]
        and _are_commitments(group["commitments"])
        for group in value
    )


def _are_commitments(value: object) -> bool:
    return isinstance(value, dict) and bool(value) and all(map(_is_digest, value.values()))


def learned(statement: Statement, recipients: Sequence[str]) -> dict[tuple[str, ...], Any]:
    """Return, for each group of readers that a recipient is in, the commitments that it signed."""
    return {
        tuple(recipients[place] for place in group["readers"]): group["commitments"]
        for group in statement.get("figures", ())
    }


def require_agreement(there: Sequence[Statement], recipients: Sequence[str]) -> None:
    """Require that readers of the same figures committed to the same, and name them all as readers.

    Args:
        there: statements of recipients, of format 2.

    Raises:
        PeerViolation: two of them differ; the message names both, and the figure.
    """
    known = {statement["party"]: learned(statement, recipients) for statement in there}
    first: dict[tuple[str, ...], str] = {}
    for name, groups in known.items():
        for readers, commitments in groups.items():
            other = first.setdefault(readers, name)
            what = _difference(known[other][readers], commitments)
            require(not what, f"{name} signed {what} than {other}")
    for readers, name in first.items():
        for reader in readers:
            alike = reader not in known or readers in known[reader]
            require(alike, f"{reader} signed no figure that {name} says both learned")


def counted(signed: Sequence[Statement]) -> Any:
    """Return which contributors were counted: those whom all recipients name, and all compute
    parties consented to; None where no statement says so.

    Returns:
        A list of their places; in a collection how many, and a hash.

    Raises:
        PeerViolation: two statements differ; the message names a party that differs from the first.
    """
    said = [
        (statement["party"], key, statement[key])
        for statement in signed
        for key in ("counted", "consented")
        if key in statement
    ]
    for name, key, places in said:
        words = "counted" if key == "counted" else "consented to"
        require(
            places == said[0][2],
            f"{name} says that other contributors were {words} than {said[0][0]} says",
        )
    return said[0][2] if said else None


def agreed(signed: Sequence[Statement]) -> Mapping[str, Any] | None:
    """Return the summary of a collection's reports that all sign; None where there is none.

    Raises:
        PeerViolation: two statements differ; the message names a party that differs from the first.
    """
    said = [(s["party"], s["collection"]) for s in signed if "collection" in s]
    for name, summary in said:
        require(summary == said[0][1], f"{name} signed other reports than {said[0][0]}")
    return said[0][1] if said else None


def difference(ours: Statement, theirs: Statement, recipients: Sequence[str]) -> str:
    """Say what another party signed otherwise than this one; "" where they agree.

    Both statements have been read in format 2.
    """
    try:
        counted([ours, theirs])
        agreed([ours, theirs])
    except PeerViolation:
        return "other contributors"
    if "figures" not in ours or "figures" not in theirs:
        return ""
    try:
        require_agreement([ours, theirs], recipients)
    except PeerViolation:
        return "another result"
    return ""


def _difference(one: Mapping[str, str], other: Mapping[str, str]) -> str:
    if one == other:
        return ""
    names = [name for name in {**one, **other} if one.get(name) != other.get(name)]
    return f"another {' and '.join(filter(None, names)) or 'result'}"


def require(holds: bool, otherwise: str) -> None:
    """Raise PeerViolation with `otherwise`, unless a claim holds."""
    if not holds:
        raise PeerViolation(f"the receipt does not hold: {otherwise}")
