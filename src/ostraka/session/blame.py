"""Errors at the beginning of a session; each names the party to ask. No data has left by then."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from ostraka.errors import Disagreement, OstrakaError, Temporary, TimedOut, Unreachable
from ostraka.manifest import BrokerSpec, CoordinatorSpec, Manifest
from ostraka.names import PartyId, SessionId
from ostraka.session.acquaintance import LATE
from ostraka.wire.messages import VERSION, Abort, Hello

NAMES: Final = 10
"""Number of parties that an error names; of more parties it gives the count."""


def other_version(peer: PartyId, hello: Hello) -> Disagreement:
    """Return the error for a peer whose Hello is of another version."""
    return Disagreement(
        f"{peer} speaks version {hello.version}, we speak {VERSION}",
        hint="all parties need the same release of ostraka",
        peer=peer,
        data_left=False,
    )


def other_manifest(peer: PartyId, hello: Hello, manifest: Manifest) -> Disagreement:
    """Return the error for a peer whose Hello has the digest of another manifest."""
    return Disagreement(
        f"{peer} holds another manifest: theirs is sha256:{hello.digest.hex()}, "
        f"ours sha256:{manifest.digest.hex()}",
        hint=f"compare files with {peer}; `ostraka check` prints the digest",
        peer=peer,
        data_left=False,
    )


def other_process(peer: PartyId, me: PartyId, farewell: Abort) -> Disagreement:
    """Return the error for a peer that has a link to another process with our name and key."""
    said = _BEGUN.fullmatch(farewell.blames)
    session = f", in session {said[1]} since {said[2]} UTC" if said else ""
    return Disagreement(
        f"{me} was started twice: {peer} says that another {me} is there already{session}",
        hint="another process takes part with this key: only the first can, and it goes on",
        data_left=False,
    )


def other_session(party: PartyId) -> Disagreement:
    """Return the error for a party that is ready for another session than this one."""
    return Disagreement(
        f"{party} was shown other parties, or other messages of theirs, than we were",
        hint="a party between you is lying, or two parties run under one name",
        peer=party,
        data_left=False,
    )


_BEGUN: Final = re.compile(r"([0-9a-f]{8}) (\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)")
"""Session in a farewell, and when it began."""


def names_session(farewell: Abort) -> bool:
    """Return whether a farewell is of a peer whose session has begun."""
    return _BEGUN.fullmatch(farewell.blames) is not None


def begun(session: SessionId, at: float) -> Abort:
    """Return the farewell for a party that comes when the session has begun without it.

    Args:
        at: seconds since the epoch at which it began.
    """
    return Abort(LATE, f"{session.hex()[:8]} {datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S}")


def came_too_late(peer: PartyId, me: PartyId, farewell: Abort) -> TimedOut:
    """Return the error for a peer that says that the session has begun without this party."""
    said = _BEGUN.fullmatch(farewell.blames)
    which, when = (f" {said[1]}", f" at {said[2]} UTC") if said else ("", "")
    return TimedOut(
        f"the session{which} began without {me}{when}, says {peer}; nothing was sent",
        hint="it cannot be joined any more: agree on a time with the others, and run it again",
        peer=peer,
        data_left=False,
    )


def left_out(peer: PartyId, me: PartyId) -> TimedOut:
    """Return the error for a proposer that tells this party itself that it is left out."""
    return came_too_late(peer, me, Abort(LATE, ""))


def named(parties: Sequence[PartyId]) -> str:
    """Return the names of parties, of no more than `NAMES`."""
    more = f" and {len(parties) - NAMES} more" if len(parties) > NAMES else ""
    return ", ".join(parties[:NAMES]) + more


def told(peer: PartyId, blamed: PartyId, me: PartyId) -> Disagreement:
    """Return the error for a peer that ended the session because it disagrees with `blamed`."""
    return Disagreement(
        f"{peer} says that {blamed} holds another manifest, was shown another session, or runs "
        "another release",
        hint="compare files: `ostraka check` prints the digest",
        peer=peer if blamed == me else blamed,
        data_left=False,
    )


def gave_up(peer: PartyId, farewell: Abort) -> TimedOut:
    """Return the error for a peer that reached the deadline before us, and stopped waiting."""
    awaited = f" for {farewell.blames}" if farewell.blames else ""
    return TimedOut(
        f"{peer} waited{awaited} until the deadline, and gave up",
        hint="start again when all parties are ready",
        data_left=False,
    )


def too_late(missing: dict[PartyId, str], seconds: float) -> TimedOut:
    """Return the error for parties that missed the deadline.

    Args:
        missing: for each such party why it is missing, "" if that is not known.
        seconds: the deadline.
    """
    names = list(missing)
    reasons = [f"{party}: {why}" for party, why in list(missing.items())[:NAMES] if why]
    return TimedOut(
        f"{named(names) or 'a party'} did not come within {seconds:g} s"
        + (f" ({'; '.join(reasons)})" if reasons else ""),
        hint="start again when they are ready; if they say they were there, compare manifests: "
        "`ostraka check` prints the digest",
        peer=names[0] if len(names) == 1 else None,
        data_left=False,
    )


def no_coordinator(
    places: Sequence[CoordinatorSpec | BrokerSpec], seconds: float, error: OstrakaError
) -> Unreachable:
    """Return the error for coordinators that this party could not meet at until the deadline.

    Args:
        places: all of them.
        seconds: the deadline.
        error: how the last attempt failed.
    """
    where = " or ".join(place.in_words for place in places)
    if isinstance(error, Temporary):
        message = f"{error.message}, for {seconds:g} s (it is at {places[0].address})"
        return Unreachable(message, hint=error.hint, data_left=False)
    brokers = any(isinstance(place, BrokerSpec) for place in places)
    what, why = "no way through" if brokers else "no answer from", error.message
    for place in places:
        why = why.removeprefix(f"{place.address}: ")
    return Unreachable(
        f"{what} {where} within {seconds:g} s ({why})",
        hint=error.hint or "is it running, and reachable from here? `ostraka doctor` tells more",
        data_left=False,
    )


def waiting_for_coordinator(place: CoordinatorSpec | BrokerSpec, error: OstrakaError) -> str:
    """Return the words for a coordinator that cannot be met at so far."""
    why = error.message.removeprefix(f"{place.address}: ")
    return f"waiting for {place.in_words}: {why}"


def waiting_for(peer: PartyId, why: str) -> str:
    """Return the words for a peer that could not be reached for some seconds."""
    return f"waiting for {peer}: {why}"
