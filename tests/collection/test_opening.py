"""Opening in blocks: parcels, reports that are refused, and worker processes that do the same."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from ostraka.collection.opening import Opener
from ostraka.collection.report import Reason


def blocks(made, terms, report):
    views = [report.view(0), report.view(1), report.view(0)[:-1]]
    opener = Opener(terms, 0, made.sealing_key(0))
    return opener, views


def test_a_block(made, terms, report):
    opener, views = blocks(made, terms, report)
    assert opener.read_block(views) == [made.PARCELS[0], Reason.LENGTH, Reason.LENGTH]
    assert opener.open_block(views) == [made.PARCELS[0], None, None]
    other = Opener(terms, 0, made.sealing_key(1))
    assert other.read_block(views[:1]) == [None]


def test_worker_processes_do_the_same(made, terms, report):
    opener, views = blocks(made, terms, report)
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(opener.read_block, views).result(60) == opener.read_block(views)
