"""Sessions that begin with enough: who may be left out, who decides, and what the late are told."""

import asyncio

import numpy as np
import pytest

from ostraka.errors import Disagreement, TimedOut
from ostraka.exchange import words
from ostraka.names import Step

ROLES = {
    "alice": ("contributor", "compute", "recipient"),
    "bob": ("contributor", "compute"),
    "carlos": ("compute", "recipient"),
    "david": ("contributor",),
    "erin": ("contributor",),
}
INPUTS = {"alice": 1, "bob": 20, "david": 300, "erin": 4000}
SHAMIR = 'scheme = "shamir"\nthreshold = 1'


async def run(office, manifest, absent, inputs=INPUTS):
    """{name: result or exception} of the parties that come."""
    there = [name for name in manifest.parties if name not in absent]
    async with asyncio.timeout(30):
        found = await asyncio.gather(
            *(office.take_part(manifest, name, inputs.get(name)) for name in there)
        )
    return dict(zip(there, found, strict=True))


@pytest.fixture(params=["direct", "relayed"])
async def place(request, office):
    if request.param == "direct":
        yield office.manifest
        return
    async with office.coordinator() as address:
        yield lambda *a, **k: office.manifest(*a, relay=address, direct=(), **k)


@pytest.mark.parametrize("sharing", ['scheme = "additive"', SHAMIR])
async def test_a_sum_without_a_contributor_that_never_comes(office, place, sharing):
    manifest = place(ROLES, sharing=sharing, least=3, deadline=1.5)
    found = await run(office, manifest, {"erin"})
    for name in ("alice", "carlos"):
        assert found[name]["outputs"][0]["value"] == 321, found
        assert found[name]["contributors"] == 3
    assert found["david"]["status"] == "no-output"
    assert len({result["session"] for result in found.values()}) == 1


async def test_too_few_end_at_the_deadline(office):
    found = await run(office, office.manifest(ROLES, least=3, deadline=1), {"david", "erin"})
    for error in found.values():
        assert isinstance(error, TimedOut), found
    assert "david, erin did not come within 1 s" in str(found["alice"])


async def test_the_late_are_told_at_once_and_send_nothing(office):
    """Late by a moment, and after the end while others linger."""
    manifest = office.manifest(ROLES, least=3, deadline=1.5)
    there = [name for name in ROLES if name != "erin"]
    sessions = await asyncio.gather(*(office.open(manifest, name) for name in there))
    assert {session.absent for session in sessions} == {("erin",)}
    for _ in range(2):
        async with asyncio.timeout(1):  # below the deadline
            error = await office.take_part(manifest, "erin", 4000)
        assert isinstance(error, TimedOut)
        assert error.exit_code == 41
        assert error.data_left is False
        assert f"the session {sessions[0].id.hex()[:8]} began without erin at 20" in error.message
        sessions[0].lifecycle.end()
    await asyncio.gather(*(session.close() for session in sessions))


async def test_a_second_run_of_a_party_in_a_session_is_told_and_the_session_goes_on(office):
    async with office.coordinator() as address:
        relayed = office.manifest(ROLES, relay=address, direct=(), deadline=20)
        first = await asyncio.gather(*(office.open(relayed, name) for name in ROLES))
        async with asyncio.timeout(8):
            error = await office.take_part(relayed, "erin", 4000)
        assert isinstance(error, Disagreement)
        assert "erin was started twice" in error.message
        assert f"in session {first[0].id.hex()[:8]} since" in error.message
        first[-1].send("alice", Step(0, 1), np.arange(3, dtype=np.uint64))
        assert (await first[0].receive("erin", Step(0, 1), words(3))).tolist() == [0, 1, 2]
        await asyncio.gather(*(session.close() for session in first))


async def test_parallel_sessions_of_the_same_parties_do_not_touch_each_other(office):
    """Over one coordinator, with the same keys and other manifests, without a secret room."""
    async with office.coordinator() as address:
        one, two = (
            office.manifest(ROLES, relay=address, direct=(), title=title, deadline=15)
            for title in ("One", "Two")
        )
        async with asyncio.timeout(30):
            found = await asyncio.gather(
                office.run(one, INPUTS, within=30), office.run(two, INPUTS, within=30)
            )
    for results in found:
        assert results["alice"]["outputs"][0]["value"] == 4321, found
