"""Closing of collections: three compute parties over real sockets, with a mailbox in memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from polls import VOTES, Poll

from ostraka.record import receipt


async def test_a_tally_of_reports(office: Any, tmp_path: Path) -> None:
    poll = Poll(office, tmp_path, VOTES)
    await poll.accept()
    poll.vote("yes", "no", "yes", "yes")
    found = await poll.close()
    for name, outcome in found.items():
        assert outcome.value("tally") == {"yes": 3, "no": 1}, name
        assert outcome.contributors == ("#1", "#2", "#3", "#4")
        held = receipt.verify(receipt.read(outcome.receipt))
        assert held["complete"]
        assert held["collection"]["agreed"] == held["collection"]["counted"] == 4
    assert poll.warned == {"alice": [], "bob": [], "carlos": []}
