"""Sentences of `ostraka check` that protocols share."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from ostraka.names import PartyId
from ostraka.protocols.protocol import Protocol

IF_INVALID: Final = {
    "abort": "the run stops, nothing is counted, and all parties are told whose it was",
    "exclude": "it does not count, and the result says that one fewer was counted",
}
"""Consequence of an input that is found not to be valid, by `interactive.InputOptions.invalid`."""


def explain_linear(protocol: Protocol, what: str, *, of_inputs: bool = True) -> list[str]:
    """Say who learns what, and against whom that holds, for a sum over contributors.

    Args:
        what: the sum, as in "learn ...".
        of_inputs: whether it depends on the inputs, so that subtracting from it tells.
    """
    return [
        *_roles(protocol, what),
        _onlooker(protocol),
        _colluders(protocol),
        *(from_the_answer(protocol, what) if of_inputs else ()),
        _liars(protocol),
        _consent(protocol),
        _dropouts(protocol),
        *_absent(protocol),
    ]


def explain_interactive(
    protocol: Protocol, what: str, answer: Sequence[str], told: Collection[PartyId] = ()
) -> list[str]:
    """Say who learns what, and against whom that holds, where compute parties multiply and compare.

    Args:
        what: the result, as in "learn ...".
        answer: sentences on what the answer itself may tell, and what contributors can do to it.
        told: parties of which `answer` says what they learn, though they are no recipients.
    """
    return [
        *_roles(protocol, what, told),
        _onlooker(protocol),
        _colluders(protocol),
        *answer,
        _honesty(protocol),
        _consent(protocol),
        _stay(protocol),
        *_absent(protocol),
    ]


def _honesty(protocol: Protocol) -> str:
    if protocol.manifest.sharing.security == "passive":
        return (
            "Honesty: all this supposes that every compute party's program follows the protocol "
            "(passive security). One that does not may make the result wrong, unnoticed, and may "
            "learn more than the result."
        )
    n, t = len(protocol.scheme.compute), protocol.scheme.colluders
    liars = "one compute party" if t == 1 else f"up to {t} compute parties"
    text = (
        f"Honesty (active security): {liars} of {n} may send anything at all, and still learn "
        "nothing but the result, and which inputs are not valid, and cannot make it wrong: "
        f"everything is proven right, up to a chance below 2^-{_soundness(protocol)}, before a "
        "result is opened, or the run stops. They can make it stop, even after they saw the result."
        + _denial(protocol)
        + _contradictions(protocol)
    )
    if (n, t) != (3, 1):
        text += (
            " Where numbers are compared this takes some thirty times as long as among three "
            "compute parties."
        )
    if n > 3 * t:
        text += " Wrong shares of the result are corrected, and who announced them is named."
    return text


def _soundness(protocol: Protocol) -> int:
    """Return k where a wrong result passes with a chance below 2^-k; 40 for a collection, whose
    proofs are not counted."""
    return 40 if protocol.manifest.collection else protocol.cost().soundness()


def _contradictions(protocol: Protocol) -> str:
    """Say what becomes, with active security, of shares that are of no polynomial."""
    collection = protocol.manifest.collection
    if collection is None:
        return " So does a contributor whose shares contradict each other."
    percent = f"{float(collection.max_unopenable) * 100:g}%"
    return (
        " A report whose shares contradict each other does not count; so a compute party that lies "
        f"can have up to {percent} of the reports left out in that way, and no more: then the run "
        "stops."
    )


def _denial(protocol: Protocol) -> str:
    """Say whom a compute party that lies can leave out of the result; "" where all are counted."""
    if protocol.manifest.collection is not None:
        return ""
    may_leave = set(protocol.contributors) - set(protocol.scheme.compute)
    if not may_leave or protocol.manifest.policy.min_contributors >= len(protocol.contributors):
        return ""
    return (
        " A compute party that lies may say that a contributor that does not compute never came, "
        "and so choose whom the result is without, as far as min_contributors allows."
    )


def _stay(protocol: Protocol) -> str:
    """Say that all compute parties must stay, and how many other contributors may be left out."""
    n = len(protocol.scheme.compute)
    text = (
        f"Dropouts: all {n} compute parties must stay until the result is opened. If one goes "
        "missing before, the run stops, the others are told which, and nothing is revealed."
    )
    if protocol.manifest.collection is not None:
        return text + " Run again, it goes on with the same reports and the same noise."
    may_leave = set(protocol.contributors) - set(protocol.scheme.compute)
    allowed = len(protocol.contributors) - protocol.manifest.policy.min_contributors
    if allowed := min(allowed, len(may_leave)):
        who = "contributor that does" if allowed == 1 else "contributors that do"
        text += (
            f" {_starts(protocol)} After that up to {allowed} "
            f"{who} not compute may go missing, and be left out of the result."
        )
    return text


def _starts(protocol: Protocol) -> str:
    if protocol.manifest.may_be_absent:
        return "It starts when all parties have come, or with enough of them at the deadline."
    return "It starts when all parties have come, and not before."


def _absent(protocol: Protocol) -> list[str]:
    """Say who may be missing when a session begins, and who can make use of that."""
    manifest = protocol.manifest
    if not (may := manifest.may_be_absent):
        return []
    least = manifest.policy.min_contributors
    return [
        f"Start: at the deadline the session begins without those of {names(may)} that did not "
        f"come, as long as {least} contributors are there in all, and every other party. "
        f"{manifest.compute[0]} says when; all compute parties agree on who is left out before "
        "anything is sent, and the receipt names them.",
        "A compute party that lies, or a coordinator that cuts links, can have honest "
        f"contributors left out, and so choose whom the result is without, down to {least}: "
        "min_contributors, and noise if there is any, are what protects those who are counted.",
    ]


def _roles(protocol: Protocol, what: str, told: Collection[PartyId] = ()) -> list[str]:
    contributors, recipients = protocol.contributors, protocol.recipients
    others = [p for p in protocol.manifest.parties if p not in (*recipients, *told)]
    one = len(contributors) == 1
    lines = [
        f"{_contributors(protocol)} {'contributes' if one else 'each contribute'} an input; it "
        f"leaves {'that' if one else 'their'} machine only as random-looking shares.",
        f"{names(recipients)} learn{'s' * (len(recipients) == 1)} {what}, and who was counted.",
    ]
    if others:
        lines.append(
            f"{names(others)} learn{'s' * (len(others) == 1)} nothing, not even the result."
        )
    return lines


def _contributors(protocol: Protocol) -> str:
    collection, k = protocol.manifest.collection, len(protocol.contributors)
    if collection is None:
        return names(protocol.contributors)
    invited = " invited" * collection.invited
    return f"Up to {k}{invited} contributors" if k > 1 else f"One{invited} contributor"


def _onlooker(protocol: Protocol) -> str:
    session = protocol.manifest.session
    who = "An onlooker on the network"
    if session.relays and session.brokers:
        who = "Each coordinator or broker"
    elif session.relays:
        who = "The coordinator"
    elif session.brokers:
        who = "The broker"
    found = (
        f"{who} learns no input, no share and no result; it sees who takes part, from where, when, "
        "and how many bytes go from whom to whom, and from those about how many values an input "
        "has."
    )
    if session.brokers:
        found += " So does each client that the broker's access rules let read these topics."
    if bare := [place.address for place in session.brokers if not place.secured]:
        found += (
            f" {names(bare)} is spoken to without TLS: an onlooker on the way sees as much as the "
            "broker, and the passwords for it."
        )
    return found


def _colluders(protocol: Protocol) -> str:
    n, t = len(protocol.scheme.compute), protocol.scheme.colluders
    local = protocol.manifest.privacy.local is not None
    seen = "every report, its noise included" if local else "every input"
    if t == n - 1:
        everyone = "both" if n == 2 else f"all {n}"
        return (
            f"Shares: as long as one of the {n} compute parties keeps its shares to itself, "
            f"{'the other one learns' if n == 2 else 'the others together learn'} no input from "
            f"theirs; {everyone} together see {seen}."
        )
    few = (
        f"no single one of the {n} compute parties learns anything from its shares"
        if t == 1
        else f"any {t} of the {n} compute parties together learn nothing"
    )
    return f"Shares: {few}; any {t + 1} of them together see {seen}."


def from_the_answer(protocol: Protocol, what: str) -> list[str]:
    """Say what subtraction gives away, which no cryptography prevents."""
    k, least = len(protocol.contributors), protocol.manifest.policy.min_contributors
    lines = []
    if k == 1 or least == 1:
        lines.append(
            "WARNING: the answer itself is one contributor's input when only one is counted."
        )
    if k == 2:
        lines.append(_pair(protocol, what))
    elif k > 2:
        lines.append(
            f"The answer itself: if {k - 1} of you compare notes{_with_whom(protocol)} they learn "
            f"the {_ordinal(k)}'s input, by subtracting theirs from {what}. Fewer learn the same "
            "of all the others taken together."
        )
    if 1 < least < k:
        lines.append(
            f"Results over as few as {least} contributors are allowed: then {least - 1} of those "
            "counted suffice for that."
        )
    if k > 1:
        lines.append(second_session(protocol, "session"))
    return lines


def second_session(protocol: Protocol, what: str) -> str:
    """Say what asking the same question twice tells, and what ledgers do about it."""
    policy = protocol.manifest.policy
    text = (
        f"A second {what}: if the same is asked again with one person more or less, the two "
        "answers together may tell that person's input. "
    )
    if policy.same_roster_only:
        text += (
            "Each party's ledger refuses a second run by any other set of contributors "
            "(same_roster_only)."
        )
        return text + _unseen_dropouts(protocol)
    if policy.min_difference > 1:
        text += (
            "Each party's ledger refuses a second run by contributors of whom fewer than "
            f"{policy.min_difference} differ (min_difference)."
        )
        return text + _unseen_dropouts(protocol)
    return text + "Nothing refuses it: same_roster_only or min_difference in [policy] would."


def _unseen_dropouts(protocol: Protocol) -> str:
    """Say whose ledgers do not see which contributors were counted; "" where all see it."""
    manifest, k = protocol.manifest, len(protocol.contributors)
    away = set(manifest.contributors) - set(manifest.compute) - set(manifest.recipients)
    if not away or manifest.collection is not None or manifest.policy.min_contributors == k:
        return ""
    return (
        " A party that only contributes is not told who dropped out: its ledger refuses a run "
        "that would tell with any contributors that are allowed here, so a second one, unless "
        f"min_contributors = {k}: then no contributor may drop out."
    )


def _pair(protocol: Protocol, what: str) -> str:
    start = "WARNING: two contributors and a sum: "
    one, other = protocol.contributors
    how = f"by subtracting its own from {what}."
    inside = [p for p in (one, other) if p in protocol.recipients]
    if len(inside) == 2:
        return f"{start}each learns the other's input, {how}"
    text = start
    if inside:
        text += f"{inside[0]} learns {other if inside[0] == one else one}'s input, {how} "
    if set(protocol.recipients) - set(inside):
        text += "If" if inside else "if"
        text += " either compares notes with a recipient, they learn the other's input."
    return text.strip()


def _with_whom(protocol: Protocol) -> str:
    """Say with whom a coalition must compare notes, to learn the result; "" for no party."""
    if set(protocol.contributors) <= set(protocol.recipients):
        return ""
    if set(protocol.recipients) <= set(protocol.contributors):
        return ", a recipient among them,"
    return " with a recipient"


def _liars(protocol: Protocol) -> str:
    n, t = len(protocol.scheme.compute), protocol.scheme.colluders
    if protocol.manifest.sharing.security == "active":
        who = "one compute party" if t == 1 else f"up to {t} compute parties"
        text = (
            f"Honesty (active security): {who} of {n}, and contributors, may send anything at all, "
            "and cannot make the result anything but the sum of one number from each "
            f"contributor: all {n} shares of it must agree, or the run stops. They can make it "
            "stop, even after they saw the result, and a contributor can give a false number."
        )
        return text + _denial(protocol)
    text = (
        "Honesty: all this supposes that every program follows the protocol. A contributor can "
        "give a false number, and "
    )
    if not protocol.scheme.survives_dropouts:
        return text + "a compute party that alters its shares makes the result wrong, unnoticed."
    return text + "a compute party that alters its shares may make the result wrong, unnoticed."


def _consent(protocol: Protocol) -> str:
    """Say when a party can still refuse, and that its input is then in no result."""
    contributors, compute = set(protocol.contributors), set(protocol.scheme.compute)
    how = "before it announces its share of the result"
    if protocol.scheme.survives_dropouts:
        how = "and none announces a share of the result before all of them did"
    if protocol.manifest.collection is not None:
        return (
            "Consent: all compute parties agree on one set of reports, by their digests, and none "
            "opens anything before all of them did. A contributor agrees when it sends its report, "
            "to any set that is allowed here."
        )
    text = "Consent: "
    if contributors & compute:
        text += (
            f"a compute party that contributes agrees to the contributors that are counted, {how}. "
            "If its ledger or its policy refuses, or if it is stopped before, its input is in no "
            "result."
        )
    if contributors - compute:
        text += " A party" if contributors & compute else "a party"
        text += " that only contributes agrees when it shares, to any of the sets allowed here."
    return text


def _dropouts(protocol: Protocol) -> str:
    n, t = len(protocol.scheme.compute), protocol.scheme.colluders
    if protocol.manifest.sharing.security == "active" or protocol.manifest.collection is not None:
        return _stay(protocol)
    if not protocol.attendance.must_agree:
        return (
            "Dropouts: none tolerated; if any party goes missing the run stops, and before the "
            "result is opened nothing is revealed. A party that goes missing while it is opened "
            "may have the result, and leave others without."
        )
    spare, least = n - t - 1, protocol.manifest.policy.min_contributors
    text = (
        "Dropouts: once the compute parties have agreed to count all contributors, "
        f"{spare} of the {n} compute parties may go missing."
    )
    allowed = len(protocol.contributors) - least
    if allowed:
        spare_then = n - protocol.attendance.votes(())
        text += (
            f" {_starts(protocol)} After that up to {allowed} "
            f"contributor{'s' * (allowed > 1)} may be left out of the result; then at most "
            f"{spare_then} compute part{'y' if spare_then == 1 else 'ies'} may be missing."
        )
    elif set(protocol.contributors) & set(protocol.scheme.compute):
        text += " If one that contributes goes missing before, the run stops."
    return text


def names(parties: Sequence[str]) -> str:
    """Join names as "a, b and c"; of more than seven, the first six and the number of others."""
    more = len(parties) - 6
    return listed([*parties[:6], f"{more} others"] if more > 1 else parties)


def listed(parts: Sequence[str]) -> str:
    """Join parts as "a, b and c"."""
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def _ordinal(k: int) -> str:
    special = {1: "st", 2: "nd", 3: "rd"}
    return f"{k}{'th' if k % 100 in (11, 12, 13) else special.get(k % 10, 'th')}"
