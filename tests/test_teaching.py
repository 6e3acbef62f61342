"""Shares of a rehearsal: they are those that give the input, and the result."""

import pytest

import ostraka
from ostraka.errors import UsageError


@pytest.fixture
async def rehearsed(office):
    shares = ostraka.ShownShares()
    inputs = {"alice": 5, "bob": 7, "carlos": 11}
    await ostraka.simulate(office.manifest(), inputs, shares=shares)
    return shares


async def test_rows_give_the_inputs_and_announcements_the_sum(rehearsed):
    for owner, value in (("alice", 5), ("bob", 7), ("carlos", 11)):
        row = [rehearsed.made[owner, to][0] for to in ("alice", "bob", "carlos")]
        assert sum(row) % 2**64 == value
    assert sum(share[0] for share in rehearsed.announced.values()) % 2**64 == 23


async def test_a_table_has_owners_as_rows_and_receivers_as_columns(rehearsed):
    html = rehearsed._repr_html_()
    assert html.startswith(
        "<table><tr><th></th><th>alice</th><th>bob</th><th>carlos</th></tr><tr><td>alice</td>"
    )
    assert str(rehearsed.made["carlos", "bob"][0]) in html
    assert "announced" in html


async def test_a_repr_shows_no_share(rehearsed):
    assert repr(rehearsed) == "ShownShares(9 made, 3 announced)"


async def test_a_frame_has_a_row_for_each_share(rehearsed, frames):
    table = rehearsed.to_frame()
    assert table.columns == ["owner", "receiver", "element", "share"]
    assert len(table.rows) == 12
    assert ("", "bob", 1, rehearsed.announced["bob"][0]) in table.rows


async def test_without_pandas_the_command_that_installs_it_is_named(rehearsed, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pandas", None)
    with pytest.raises(UsageError, match="pandas"):
        rehearsed.to_frame()


async def test_no_share_is_kept_where_none_is_asked_for(office):
    ends = await ostraka.simulate(office.manifest(), {"alice": 1, "bob": 2, "carlos": 3})
    assert ends["alice"].value("sum") == 6
