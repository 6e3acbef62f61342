"""Sentences of `ostraka check` on a collection: who may report, and what may happen to reports."""

from __future__ import annotations

from ostraka.manifest import Collection, Manifest
from ostraka.protocols.options import reports_are_checked
from ostraka.protocols.protocol import Protocol


def explain(protocol: Protocol) -> list[str]:
    """Say who may report until when, what becomes of reports, and what protects them from whom.

    Empty for a session without a collection.
    """
    manifest, collection = protocol.manifest, protocol.manifest.collection
    if collection is None:
        return []
    return [
        _senders(collection),
        _others(protocol, collection),
        *_unchecked(manifest),
        _mailbox(collection),
        _unopenable(manifest, collection),
        _counted(collection),
        "Ledgers: compute parties keep one, and refuse by it. A contributor keeps none, neither in "
        "a browser page nor with `ostraka contribute`: no program warns it that the same was asked "
        "before.",
        *_insecure(collection),
    ]


def _senders(collection: Collection) -> str:
    until = f"{collection.closes:%Y-%m-%d %H:%M:%S} UTC"
    early = ", or until the organiser closes it before" * collection.early_close
    if not collection.invited:
        return (
            f"Reports: all who reach the mailbox may report, as often as they like, until {until}"
            f"{early}; at most {collection.places_count} are taken."
        )
    replace = (
        "A later report of the same code replaces an earlier one."
        if collection.replace
        else "It cannot be replaced."
    )
    return (
        f"Reports: each holder of one of {collection.places_count} codes may report once, until "
        f"{until}{early}. {replace}"
    )


def _others(protocol: Protocol, collection: Collection) -> str:
    """Say that the other contributors may be one person, and what protects the last one then."""
    privacy = protocol.manifest.privacy
    noise = (
        "the noise protects each contributor all the same"
        if privacy.local or privacy.central
        else "then the answer tells that one's input, as there is no noise"
    )
    if not collection.invited:
        return f"The others: all reports but one may be of one sender; {noise}."
    return (
        "The others: the organiser makes the codes, and may be all contributors but one itself; "
        f"{noise}. Codes also pass through its hands: it can report in the place of a holder that "
        "has not reported yet, and the holder then finds its code used."
    )


def _unchecked(manifest: Manifest) -> list[str]:
    if reports_are_checked(manifest):
        return []
    return [
        "WARNING: reports are not checked, as no two compute parties can do that alone: a "
        "contributor can add any number to the sum, and no party would notice. Three compute "
        'parties and scheme = "shamir" check them.'
    ]


def _mailbox(collection: Collection) -> str:
    return (
        f"Mailbox: {' and '.join(collection.mailbox)} takes the reports, sealed. It sees when and "
        "from which address one comes, and its length, which is the same for all. It can lose or "
        "hold back reports, and cannot read, change, make up or double one."
    )


def _unopenable(manifest: Manifest, collection: Collection) -> str:
    t = manifest.sharing.threshold
    few = "one compute party" if t == 1 else f"up to {t} compute parties"
    percent = f"{float(collection.max_unopenable) * 100:g}%"
    return (
        "Left out: a report that a compute party does not have or cannot open is not counted. So "
        f"{few} can have reports of its choice left out; the receipt says how many each refused, "
        f"and nothing is opened if {few} refused more than {percent} of them."
    )


def _counted(collection: Collection) -> str:
    text = (
        "Counted: the receipt has a hash of all reports that were counted. With it, and a proof "
        "from the mailbox, a contributor sees that its own is among them"
    )
    if collection.recipients == "public":
        text += ". The result is public: each compute party puts it at the mailbox, signed"
    return f"{text}."


def _insecure(collection: Collection) -> list[str]:
    return [
        f"WARNING: {url} has no TLS: on the way to a contributor its page can be changed, and then "
        "its input be read. Use https."
        for url in collection.insecure_mailboxes
    ]
