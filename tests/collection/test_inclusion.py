"""Inclusion: each contributor finds its own report in the receipt, offline; nothing else passes."""

import json
from dataclasses import replace

import pytest
from polls import VOTES, Poll

from ostraka.collection.inclusion import check_included, read_own_digest
from ostraka.collection.merkle import Tree
from ostraka.collection.report import read_report
from ostraka.errors import IncompleteReceipt, PeerViolation, UsageError
from ostraka.mailbox.papers import read_agreed
from ostraka.record import receipt as receipts


def receipt_of(poll, report, proofs):
    return {
        "report_receipt": 1,
        "manifest_sha256": poll.manifest.digest.hex(),
        "place": report.head.credential + 1,
        "report": report.digest.hex(),
        "head": report.head.write().hex(),
        "parcels": [digest.hex() for digest in report.digests],
        "proofs": {party: proof.table() for party, proof in proofs.items()},
    }


@pytest.fixture
async def closed(office, tmp_path):
    """A poll that is closed, its reports, and the receipt; the fourth report is not valid."""
    poll = Poll(office, tmp_path, VOTES)
    await poll.accept()
    reports = [poll.report(i, "yes") for i in range(3)]
    reports.append(poll.report(3, "yes", raw=7))
    poll.send(*reports)
    late = poll.report(4, "no")
    found = await poll.close()
    receipt = receipts.read(found["alice"].receipt)
    return poll, [*reports, late], receipt, receipts.verify(receipt)


def proofs_of(poll, report):
    found = {}
    for place, party in enumerate(poll.manifest.compute):
        counted = read_agreed(poll.box.agreed[party], poll.shape, place)
        if (proof := counted.proof(report.digest)) is not None:
            found[party] = proof
    return found


async def test_each_finds_its_own_report(closed):
    poll, reports, receipt, found = closed
    for i, report in enumerate(reports[:4]):
        own = json.loads(json.dumps(receipt_of(poll, report, proofs_of(poll, report))))
        included = check_included(own, receipt, found)
        assert included == (report.digest.hex(), i + 1, i < 3)


async def test_a_report_that_was_not_counted_has_no_proof(closed):
    poll, reports, receipt, found = closed
    assert proofs_of(poll, reports[4]) == {}
    with pytest.raises(IncompleteReceipt, match="no proof"):
        check_included(receipt_of(poll, reports[4], {}), receipt, found)
    other = proofs_of(poll, reports[0])
    with pytest.raises(PeerViolation, match="does not show"):
        check_included(receipt_of(poll, reports[4], other), receipt, found)


async def test_a_proof_of_another_tree_or_place_is_refused(closed):
    poll, reports, receipt, found = closed
    report = reports[0]
    forged = Tree.of([(1, report.digest)]).proof(1)
    with pytest.raises(PeerViolation, match="does not show"):
        check_included(receipt_of(poll, report, {"bob": forged}), receipt, found)
    moved = {**receipt_of(poll, report, proofs_of(poll, report)), "place": 2}
    with pytest.raises(PeerViolation, match="another place"):
        check_included(moved, receipt, found)


async def test_one_true_proof_is_enough(closed):
    """A compute party whose paper was lost, or that lies, does not hide a report."""
    poll, reports, receipt, found = closed
    report = reports[0]
    true = proofs_of(poll, report)["carlos"]
    proofs = {"alice": replace(true, path=true.path[:-1]), "carlos": true}
    assert check_included(receipt_of(poll, report, proofs), receipt, found).counted


async def test_the_receipt_of_another_collection_is_refused(closed):
    poll, reports, receipt, found = closed
    own = receipt_of(poll, reports[0], proofs_of(poll, reports[0]))
    with pytest.raises(UsageError, match="same collection"):
        check_included({**own, "manifest_sha256": "00" * 32}, receipt, found)
    left_out = {key: value for key, value in found.items() if key != "collection"}
    with pytest.raises(UsageError, match="does not say"):
        check_included(own, receipt, left_out)


async def test_a_receipt_that_was_changed_is_noticed(closed):
    poll, reports, *_ = closed
    own = receipt_of(poll, reports[0], {})
    assert read_own_digest(own) == reports[0].digest
    assert read_report(reports[0].write(), poll.terms).digest == reports[0].digest
    for change in ({"report": "00"}, {"head": "00"}, {"parcels": []}, {"parcels": None}):
        with pytest.raises(PeerViolation, match="agree with itself"):
            read_own_digest({**own, **change})
