"""A whole session through real SOCKS5 proxies, where this machine has them: microsocks, Dante."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
import time
from contextlib import contextmanager, suppress
from dataclasses import replace

import pytest

from ostraka.addresses import Proxy
from ostraka.errors import Unreachable
from ostraka.progress import Progress
from ostraka.record.own_network import OwnNetwork
from ostraka.transport.tcp import SystemNetwork

pytestmark = pytest.mark.slow

DANTE = """
logoutput: stderr
internal: 127.0.0.1 port = {port}
external: lo
clientmethod: none
socksmethod: none
client pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
socks pass {{ from: 127.0.0.0/8 to: 0.0.0.0/0 }}
"""


def command(program: str, port: int, directory) -> list[str]:
    if program == "microsocks":
        return [program, "-i", "127.0.0.1", "-p", str(port), "-u", "alice", "-P", "s3cret"]
    (directory / "danted.conf").write_text(DANTE.format(port=port))
    return [program, "-f", str(directory / "danted.conf")]


@contextmanager
def running(program: str, directory):
    """The proxy that a program is, once it listens."""
    if shutil.which(program) is None:
        pytest.skip(f"this machine has no {program}")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    login = ("alice", "s3cret") if program == "microsocks" else ("", "")
    with subprocess.Popen(
        command(program, port, directory), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as started:
        try:
            for _ in range(200):
                with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    break
                time.sleep(0.05)
            yield Proxy(f"127.0.0.1:{port}", *login)
        finally:
            started.terminate()


@pytest.mark.parametrize("program", ["microsocks", "danted"])
async def test_a_session_through_a_proxy(office, tmp_path, program):
    with running(program, tmp_path) as proxy:
        async with office.coordinator() as address, asyncio.timeout(60):
            manifest = office.manifest(relay=address, deadline=30)
            seats = [
                replace(office.seat(manifest, name), own_network=OwnNetwork(proxy=proxy))
                for name in manifest.parties
            ]
            found = await asyncio.gather(*(seat.run(1, Progress()) for seat in seats))
        assert {outcome.as_dict()["outputs"][0]["value"] for outcome in found} == {3}


@pytest.mark.parametrize("program", ["microsocks", "danted"])
async def test_its_refusals_in_words(tmp_path, program):
    with running(program, tmp_path) as proxy:
        network = SystemNetwork(spin=0, proxy=proxy)
        with socket.create_server(("127.0.0.1", 0)) as free:
            closed = f"127.0.0.1:{free.getsockname()[1]}"
        with pytest.raises(Unreachable, match=r"the proxy (says|failed)"):
            await network.dial(closed)
        with pytest.raises(Unreachable, match=r"the proxy (says|failed|'s rules)"):
            await network.dial("bob.invalid:9441")
        network.close()
        if proxy.user:
            network = SystemNetwork(spin=0, proxy=replace(proxy, password="wrong"))
            with pytest.raises(Unreachable, match="does not accept the user and password"):
                await network.dial(closed)
            network.close()
