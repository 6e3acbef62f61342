"""One party's session in a notebook: explained, rehearsed, run with its progress shown."""

import asyncio

import pytest

import ostraka
from ostraka.errors import UsageError


async def test_it_runs_and_shows_its_progress(office, capsys):
    manifest = office.manifest()
    given = {"keys": office.keys, "keep_records": False}
    sessions = {name: ostraka.open_session(manifest, name, **given) for name in manifest.parties}
    async with asyncio.timeout(30):
        ends = await asyncio.gather(
            *(own.run(i, progress=name == "bob") for i, (name, own) in enumerate(sessions.items()))
        )
    assert [end.value("sum") for end in ends] == [3, 3, 3]
    lines = capsys.readouterr().err.splitlines()
    assert lines[0].startswith("gathering")
    assert "sharing" in lines
    assert lines[-1] in ("released", "done")


async def test_an_observer_takes_the_place_of_the_view(office, capsys):
    class Mine(ostraka.Observer):
        seen = False

        def gathering(self, present, total):
            self.seen = True

    mine, manifest = Mine(), office.manifest(deadline=0.3)
    own = ostraka.open_session(manifest, "alice", keys=office.keys, keep_records=False)
    with pytest.raises(ostraka.errors.OstrakaError):
        await own.run(1, observer=mine)
    assert mine.seen
    assert capsys.readouterr().err == ""


async def test_it_is_explained_and_rehearsed(office):
    own = ostraka.open_session(office.manifest(), "alice")
    assert own.check().sentences[0] in own._repr_html_()
    shares = ostraka.ShownShares()
    ends = await own.rehearse({"alice": 1, "bob": 2, "carlos": 3}, shares=shares)
    assert ends["alice"].value("sum") == 6
    assert len(shares.made) == 9


async def test_a_party_that_is_not_there_is_refused_at_once(office):
    with pytest.raises(UsageError, match="not a party"):
        ostraka.open_session(office.manifest(), "mallory")
