"""A direct listener under a flood from one host: a session gathers all the same."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest

from ostraka.transport.preamble import announce

FLOODER = Path(__file__).parent / "flooder.py"


@asynccontextmanager
async def flood(address, silent, dripping, shown=b""):
    """A process that floods an address; it has made all its connections once."""
    command = [sys.executable, FLOODER, address, str(silent), str(dripping), shown.hex()]
    flooder = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    try:
        assert await flooder.stdout.readline() == b"up\n"
        yield
    finally:
        flooder.kill()
        await flooder.wait()


async def seconds_of(office, silent=0, dripping=0, shown=b""):
    """Seconds from bob's start to the end, while alice is flooded."""
    manifest = office.manifest(("alice", "bob"), deadline=60, timeout=20)
    async with asyncio.timeout(100), AsyncExitStack() as stack:
        alice = asyncio.create_task(office.take_part(manifest, "alice", 1))
        await asyncio.sleep(0.2)
        if silent + dripping:
            await stack.enter_async_context(
                flood(manifest.party[0].address, silent, dripping, shown)
            )
        started = time.monotonic()
        found = await office.take_part(manifest, "bob", 2), await alice
        seconds = time.monotonic() - started
    for result in found:
        assert not isinstance(result, Exception), result
        assert result["outputs"][0]["value"] == 3
    return seconds


@pytest.mark.parametrize(
    ("silent", "dripping"),
    [
        pytest.param(400, 150, id="small"),
        pytest.param(2000, 600, id="large", marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("shown", [False, True])
async def test_a_session_gathers_during_a_flood(office, silent, dripping, shown):
    """The listener was shut to all parties: 41 for each. `shown`: the flood knows bob's (public)
    certificate, and shows it from the host where bob is as well."""
    certificate = announce(office.identity("bob").certificate) if shown else b""
    quiet = await seconds_of(office)
    flooded = await seconds_of(office, silent, dripping, certificate)
    assert flooded <= 2 * quiet + 5, "one event loop serves both parties here, and the flood"
