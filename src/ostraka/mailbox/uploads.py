"""Checks of a report that a mailbox can make: form, length, collection, signatures, credential."""

from __future__ import annotations

from ostraka.collection.report import OPEN, BadReport, cut_view, read_report
from ostraka.collection.terms import Terms
from ostraka.mailbox.answers import Refusal, refusal
from ostraka.mailbox.batch import Upload
from ostraka.mailbox.board import Posted
from ostraka.mailbox.bodies import write_record
from ostraka.mailbox.store import Stored


def check_upload(octets: bytes, digest: bytes, posted: Posted) -> Upload:
    """Check a report, and return what is to be kept.

    Args:
        digest: of the report, as its address has it.

    Raises:
        Refusal: it is none, of another collection or credential, or its credential is revoked.
    """
    if posted.terms is None:
        raise refusal("waiting")
    try:
        report = read_report(octets, posted.terms)
    except BadReport as error:
        hint = "write it again for this collection, with the program's newest release"
        raise Refusal(422, error.reason, str(error), hint) from None
    if report.digest != digest:
        raise Refusal(422, "digest", "the address names another report", "use the report's digest")
    head = report.head
    if head.credential in posted.revoked:
        raise refusal("revoked")
    return Upload(
        posted.rules.shape.manifest,
        posted.state.version,
        digest,
        None if head.credential == OPEN else head.credential,
        head.counter,
        head.contributor,
        octets,
    )


def write_views(reports: list[Stored], terms: Terms, place: int) -> bytes:
    """Return the records of a compute party's views of reports."""
    return b"".join(
        write_record(kept.position, kept.minute, cut_view(kept.octets, terms, place))
        for kept in reports
    )
