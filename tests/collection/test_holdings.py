"""Reports that a compute party holds: fetched once, opened, listed alike in every life."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from polls import VOTES, Poll

from ostraka.collection import holdings as module
from ostraka.collection.custody import Custody
from ostraka.collection.holdings import Holdings
from ostraka.collection.opening import Opener
from ostraka.errors import Disagreement


@pytest.fixture
async def poll(office: Any, tmp_path: Path) -> Poll:
    made = Poll(office, tmp_path, VOTES)
    await made.accept()
    return made


@pytest.fixture
def held(poll: Poll) -> Any:
    opened: list[Custody] = []

    def make() -> Holdings:
        for one in opened:
            one.close()
        directory, alice = poll.home / "alice-home", poll.office.identity("alice")
        custody = Custody.open(directory, alice, poll.manifest.digest)
        opened.append(custody)
        opener = Opener(poll.terms, 0, custody.keys()[0], both=False)
        return Holdings(
            custody, opener, lambda parcels: [parcel[:1] != b"\xff" for parcel in parcels], 600
        )

    yield make
    for one in opened:
        one.close()


async def test_reports_are_fetched_once_and_opened(poll: Poll, held: Any) -> None:
    sent = poll.vote("yes", "no")
    bad = poll.sealed(3, [b"\xff" * n for n in poll.shape.lengths])
    poll.send(bad)
    poll.send(poll.report(4, "yes"), minute=10)
    one = held()
    await one.fetch(poll.box)
    await one.fetch(poll.box)
    await one.open()
    one.begin("s1")
    digests = [report.digest for report in (*sent, bad)]
    assert one.listed() == digests
    assert one.late == 1
    assert [one.standing(d).name for d in (*digests, bytes(32))] == [
        "HELD", "HELD", "REFUSED", "MISSING"
    ]  # fmt: skip
    assert one.about(digests[1]).credential == 1
    assert len(one.parcel(digests[0])) == poll.shape.lengths[0]


async def test_a_session_that_goes_on_lists_the_same(poll: Poll, held: Any) -> None:
    (first,) = poll.vote("yes")
    one = held()
    await one.fetch(poll.box)
    await one.open()
    one.begin("s1")
    second = poll.report(1, "no")
    poll.send(second)
    one = held()
    await one.fetch(poll.box)
    await one.open()
    one.begin("s1")
    assert one.listed() == [first.digest]
    assert one.standing(second.digest).name == "MISSING"
    await one.complete([second.digest])
    assert one.standing(second.digest).name == "HELD"
    one.agree(b"r" * 32)
    one = held()
    await one.open()
    one.begin("s2")
    assert one.listed() == [first.digest]
    with pytest.raises(Disagreement, match="other reports were agreed on"):
        one.agree(b"q" * 32)


async def test_a_session_that_agreed_on_nothing_binds_no_other(poll: Poll, held: Any) -> None:
    poll.vote("yes")
    one = held()
    await one.fetch(poll.box)
    await one.open()
    one.begin("s1")
    poll.send(poll.report(1, "no"))
    await one.fetch(poll.box)
    await one.open()
    one.begin("s2")
    assert len(one.listed()) == 2


async def test_parcels_beyond_memory_are_opened_again(
    poll: Poll, held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", poll.shape.lengths[0])
    sent = poll.vote("yes", "no", "yes")
    one = held()
    await one.fetch(poll.box)
    await one.open()
    assert len(one._opened) == 1
    assert len({one.parcel(report.digest) for report in sent}) == 3


async def test_long_parcels_are_opened_again(
    poll: Poll, held: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SHORT", poll.shape.lengths[0] - 1)
    sent = poll.vote("yes", "no", "yes")
    one = held()
    await one.fetch(poll.box)
    await one.open()
    assert not one._opened
    assert len({one.parcel(report.digest) for report in sent}) == 3


async def test_where_a_credential_has_several_the_contributors_key_has_signed_each(
    poll: Poll, held: Any
) -> None:
    """The organiser, who knows all credentials, cannot replace a report by one in its name."""

    def unsigned(report: Any) -> Any:
        return replace(report, signatures=bytes(64) + report.signatures[64:])

    own, forged = poll.report(0, "yes"), unsigned(poll.report(0, "no", counter=5))
    alone = unsigned(poll.report(1, "no"))
    early = [unsigned(poll.report(2, "no")), poll.report(2, "yes", counter=2)]
    poll.send(own, alone, *early, forged)
    one = held()
    await one.fetch(poll.box)
    await one.open()
    one.begin("s1")
    standings = [one.standing(r.digest).name for r in (own, forged, alone, *early)]
    assert standings == ["HELD", "REFUSED", "HELD", "REFUSED", "HELD"]
