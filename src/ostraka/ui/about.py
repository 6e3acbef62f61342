"""Account of a session for a party's page: what `ostraka check` says, as JSON."""

from __future__ import annotations

from typing import Any

from ostraka import home
from ostraka.explanation import Explanation
from ostraka.inputs import reading
from ostraka.manifest.words import six_words
from ostraka.names import PartyId
from ostraka.protocols import advice
from ostraka.protocols.protocol import Protocol
from ostraka.record.known_keys import KeyStanding
from ostraka.ui.form import form_of
from ostraka.ui.places import SessionPlace

SHOWN = 200
"""Number of parties that the page lists."""


def about(protocol: Protocol, place: SessionPlace) -> dict[str, Any]:
    """Return the account of a session; slow where a protocol's cost has to be rehearsed.

    Raises:
        UsageError: the book of known keys cannot be used.
    """
    manifest, found = protocol.manifest, Explanation.of(protocol)
    session, sharing = manifest.session, manifest.sharing
    relays = " or ".join(each.address for each in session.coordinators)
    return {
        "digest": place.digest,
        "title": session.title,
        "me": place.me,
        "why": place.why,
        "file": str(place.path),
        "protocol": session.protocol,
        "figures": list(protocol.figures_asked()),
        "inputs": reading.describe_all(manifest),
        "sharing": f"{sharing.scheme}, threshold {sharing.threshold}, {sharing.security} security",
        "links": f"through {relays}" if relays else "direct",
        "deadline": session.deadline,
        "gist": gist_of(found),
        "says": list(found.sentences),
        "noise": list(found.noise),
        "errors": advice.table(found.advice) if found.advice else [],
        "rounds": found.cost.rounds,
        "bytes": found.cost.sent[PartyId(place.me)].bytes if place.me else 0,
        "words": six_words(manifest.digest),
        "parties": [
            {"name": p.name, "roles": list(p.roles), "address": p.address or ""}
            for p in manifest.party[:SHOWN]
        ],
        "more": max(0, len(manifest.party) - SHOWN),
        "form": form_of(protocol, PartyId(place.me)) if place.me else None,
        "asked": _asked(protocol, place.me),
    }


def gist_of(found: Explanation) -> dict[str, Any]:
    """Return the three lines of `ostraka check`."""
    gist = found.gist
    return {"learns": list(gist.learns), "worst": list(gist.worst), "cost": gist.cost}


def _asked(protocol: Protocol, me: str) -> str:
    return protocol.input_in_words(PartyId(me)) if protocol.manifest.asks(me) else ""


def keys_of(place: SessionPlace) -> dict[str, Any]:
    """Return how the keys of a manifest stand in the book of known keys.

    Raises:
        UsageError: the book cannot be used.
    """
    met = home.known_keys().meet(place.manifest, place.me or None)
    standings = [each.standing for each in met]
    changed = KeyStanding.CHANGED in standings
    return {
        "keys": {each.name: each.in_words() for each in met},
        "trust": "changed" if changed else "new" if KeyStanding.NEW in standings else "known",
    }
