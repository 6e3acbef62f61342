"""Sentences of `ostraka check` that protocols share."""

from __future__ import annotations

from ostraka.engine.agree import quorum
from ostraka.names import PartyId
from ostraka.protocols.protocol import Protocol


def explain_linear(protocol: Protocol, what: str, *, of_inputs: bool = True) -> list[str]:
    """Who learns what, and against whom it holds, where `what` is a sum over contributors.

    `of_inputs`: whether the sum depends on the inputs, so that subtracting from it tells.
    """
    return [
        *_roles(protocol, what),
        *_colluders(protocol),
        *(_from_the_answer(protocol, what) if of_inputs else ()),
        _dropouts(protocol),
    ]


def _roles(protocol: Protocol, what: str) -> list[str]:
    manifest = protocol.manifest
    recipients = protocol.recipients
    others = [p for p in manifest.parties if p not in recipients]
    lines = [
        f"{_names(protocol.contributors)} each contribute an input; it leaves their machine only "
        "as random-looking shares.",
        f"{_names(recipients)} learn{'s' * (len(recipients) == 1)} {what}, and who was counted.",
    ]
    if others:
        lines.append(
            f"{_names(others)} learn{'s' * (len(others) == 1)} nothing, the result included."
        )
    return lines


def _colluders(protocol: Protocol) -> list[str]:
    n, t = len(protocol.scheme.compute), protocol.scheme.colluders
    if t == n - 1:
        return [
            f"Shares: as long as one of the {n} compute parties keeps its shares to itself, the "
            f"others together learn no input; all {n} together see every input."
        ]
    return [
        f"Shares: any {t} of the {n} compute parties together learn nothing; any {t + 1} of them "
        "together see every input."
    ]


def _from_the_answer(protocol: Protocol, what: str) -> list[str]:
    """What subtraction gives away, whatever the cryptography."""
    contributors, recipients = protocol.contributors, protocol.recipients
    k = len(contributors)
    least = protocol.manifest.policy.min_contributors
    insiders = any(r in contributors for r in recipients)
    lines = []
    if k == 1 or least == 1:
        lines.append(
            "WARNING: the answer itself is one contributor's input when only one is counted."
        )
    if k == 2:
        lines.append(
            "WARNING: two contributors and a sum: whoever knows one input and sees the result "
            "learns the other's input by subtraction."
        )
    elif k > 2:
        lines.append(
            f"The answer itself: if {k - 1} of you compare notes"
            f"{'' if insiders else ' with a recipient'} they learn the {_ordinal(k)}'s input, "
            f"by subtracting theirs from {what}."
        )
    if 1 < least < k:
        lines.append(
            f"Results over as few as {least} contributors are allowed: then {least - 1} of those "
            "counted suffice for that."
        )
    return lines


def _dropouts(protocol: Protocol) -> str:
    n, t = len(protocol.scheme.compute), protocol.scheme.colluders
    if not protocol.agrees:
        return (
            "Dropouts: none tolerated; if any party goes missing the run stops and reveals nothing."
        )
    spare, least = n - t - 1, protocol.manifest.policy.min_contributors
    text = (
        f"Dropouts: once everybody has shared, {spare} of the {n} compute parties may go missing."
    )
    allowed = len(protocol.contributors) - least
    if allowed:
        spare_then = n - quorum(n, t, everybody=False)
        text += (
            f" Up to {allowed} contributors may be left out of the result; then at most "
            f"{spare_then} compute parties may be missing."
        )
    return text


def _names(parties: tuple[PartyId, ...] | list[PartyId]) -> str:
    shown = list(parties[:6]) + ([f"{len(parties) - 6} others"] if len(parties) > 6 else [])
    return shown[0] if len(shown) == 1 else ", ".join(shown[:-1]) + " and " + shown[-1]


def _ordinal(k: int) -> str:
    special = {1: "st", 2: "nd", 3: "rd"}
    return f"{k}{'th' if k % 100 in (11, 12, 13) else special.get(k % 10, 'th')}"
