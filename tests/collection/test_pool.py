"""Opening in blocks: in this process, and in worker processes, alike."""

from __future__ import annotations

from typing import Any

import pytest

from ostraka.collection import pool
from ostraka.collection.opening import Opener


@pytest.mark.parametrize(("alone", "workers"), [(10, 2), (0, 1), (0, 2)])
async def test_views_are_opened_in_their_order(
    made: Any, terms: Any, report: Any, monkeypatch: pytest.MonkeyPatch, alone: int, workers: int
) -> None:
    monkeypatch.setattr(pool, "ALONE", alone)
    monkeypatch.setattr(pool, "BLOCK", 2)
    view = report.view(1)
    views = [view, view[:-1], view, view[:-1] + bytes([view[-1] ^ 1]), view]
    opener = Opener(terms, 1, made.sealing_key(1))
    blocks = [block async for block in pool.open_views(opener, iter(views), 5, workers)]
    assert list(map(len, blocks)) == [2, 2, 1]
    assert [found for block in blocks for found in block] == opener.read_block(views)


async def test_long_reports_are_sent_to_workers_a_few_at_a_time(
    made: Any, terms: Any, report: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pool, "BLOCK_BYTES", 2 * len(report.view(1)))
    opener, views = Opener(terms, 1, made.sealing_key(1)), [report.view(1)] * 5
    blocks = [block async for block in pool.open_views(opener, iter(views), 5, 1)]
    assert list(map(len, blocks)) == [2, 2, 1]
