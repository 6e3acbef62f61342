"""Sessions that begin with enough: who may be left out, who decides, and what the late are told."""

import asyncio

import pytest

from ostraka.errors import TimedOut

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
