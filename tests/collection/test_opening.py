"""Opening in blocks: parcels, reports that are refused, and worker processes that do the same."""

from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context

from ostraka.collection.credentials import SigningKey
from ostraka.collection.opening import Examined, Opener
from ostraka.collection.report import (
    OPEN,
    Reason,
    read_view,
    sign_report,
    signed_by_contributor,
)


def blocks(made, terms, report):
    views = [report.view(0), report.view(1), report.view(0)[:-1]]
    opener = Opener(terms, 0, made.sealing_key(0))
    return opener, views


def test_a_block(made, terms, report):
    opener, views = blocks(made, terms, report)
    head = report.head
    seen = Examined(report.digest, head.credential, head.counter, head.contributor, b"")
    own, unopened = seen._replace(parcel=made.PARCELS[0]), seen._replace(parcel=None)
    assert opener.read_block(views) == [own, Reason.LENGTH, Reason.LENGTH]
    other = Opener(terms, 0, made.sealing_key(1))
    assert other.read_block(views[:1]) == [unopened]


def test_the_contributors_signature_may_be_left_for_later(made, terms, report):
    """Where only the credential's is checked, another contributor's signature passes."""
    other = SigningKey(bytes(32))
    credential = SigningKey.of_credential(made.SECRETS[report.head.credential])
    forged = sign_report(report.head, list(report.sealed.values()), other, credential)
    opener = Opener(terms, 0, made.sealing_key(0))
    assert opener.read(forged.view(0)) is Reason.SIGNATURE
    assert replace(opener, both=False).read(forged.view(0)).parcel == made.PARCELS[0]
    assert not signed_by_contributor(read_view(forged.view(0), terms, 0, both=False))
    assert signed_by_contributor(read_view(report.view(0), terms, 0, both=False))


def test_without_invitations_it_is_always_checked(made):
    terms = made.terms(invited=False)
    report = made.fixed_report(terms, OPEN)
    forged = sign_report(report.head, list(report.sealed.values()), SigningKey(bytes(32)), None)
    opener = Opener(terms, 0, made.sealing_key(0), both=False)
    assert opener.read(forged.view(0)) is Reason.SIGNATURE


def test_worker_processes_do_the_same(made, terms, report):
    opener, views = blocks(made, terms, report)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(opener.read_block, views).result(60) == opener.read_block(views)
