"""A coordinator under its operator: ready, draining, reloaded, watched."""

import asyncio
import json
import os
import signal
import socket
import sys

import pytest

from ostraka.coordinator.admission import Quotas
from ostraka.coordinator.operation import Operation
from ostraka.coordinator.settings import Settings
from ostraka.errors import UsageError

SETTINGS = Settings("127.0.0.1:0", http="127.0.0.1:0", log="json", level="debug", drain=30.0)


async def get(port, path):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {path} HTTP/1.1\r\n\r\n".encode())
    head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
    writer.close()
    return int(head.split(" ")[1]), body


class Running:
    def __init__(self, operation, capsys):
        self.operation, self._capsys, self.lines = operation, capsys, []

    async def __aenter__(self):
        address = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self.operation.run(address.set_result))
        self.address = await address
        self.http = int(self.logged("health and metrics")["address"].rpartition(":")[2])
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    def logged(self, event):
        self.lines += [json.loads(line) for line in self._capsys.readouterr().err.splitlines()]
        return next((line for line in self.lines if line["event"].startswith(event)), None)


@pytest.fixture
def operation(keys, capsys):
    def make(settings=SETTINGS, reload=None):
        return Running(Operation(settings, keys["coordinator"], reload), capsys)

    return make


@pytest.fixture
async def member(keys, worlds):
    """Joins a room at an address."""

    async def join(running, name="a"):
        world = worlds(running.operation.coordinator, running.address)
        return await world.join(name)

    return join


async def test_health(operation):
    async with operation() as running:
        assert await get(running.http, "/healthz") == (200, "ok\n")
        assert await get(running.http, "/readyz") == (200, "ready\n")
        status, body = await get(running.http, "/status")
        assert (status, "<td>Rooms with members</td>" in body) == (200, True)
        status, body = await get(running.http, "/metrics")
        assert status == 200
        assert "ostraka_coordinator_rooms 0.0" in body


async def test_health_needs_no_further_package(operation, monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    async with operation() as running:
        assert await get(running.http, "/readyz") == (200, "ready\n")
        status, body = await get(running.http, "/metrics")
        assert status == 501
        assert "pip install 'ostraka[server]'" in body
        assert running.logged("metrics need")["level"] == "warning"


async def test_it_drains(operation, member):
    async with operation() as running:
        party = await member(running)
        os.kill(os.getpid(), signal.SIGTERM)
        while (await get(running.http, "/readyz"))[0] == 200:
            await asyncio.sleep(0)
        assert not running.task.done()
        assert running.logged("draining")["count"] == 1
        await party.link.close()
        await asyncio.wait_for(running.task, 10)
        assert running.logged("stopped")["count"] == 0


async def test_a_second_signal_stops_it_at_once(operation, member):
    async with operation() as running:
        await member(running)
        running.operation.stop()
        running.operation.stop()
        await asyncio.wait_for(running.task, 10)


async def test_it_waits_no_longer_than_it_may(operation, member):
    async with operation(Settings("127.0.0.1:0", http="127.0.0.1:0", log="json", drain=0.1)) as it:
        await member(it)
        it.operation.stop()
        await asyncio.wait_for(it.task, 10)
        assert it.logged("stopped")["count"] == 1


async def test_reload(operation, keys):
    from ostraka.identity import fingerprint_text

    told = [
        Settings(
            "127.0.0.1:0",
            log="json",
            allow=(fingerprint_text(keys["b"].fingerprint),),
            limits=Quotas(rooms=7),
        ),
        UsageError("c.toml: drain must be a number of seconds, at most a day"),
    ]

    def reload():
        found = told.pop(0)
        if isinstance(found, UsageError):
            raise found
        return found

    async with operation(reload=reload) as running:
        os.kill(os.getpid(), signal.SIGHUP)
        while running.logged("reloaded") is None:
            await asyncio.sleep(0)
        rooms = running.operation.coordinator._rooms.admission
        assert rooms.quotas.rooms == 7
        assert rooms.allow == {keys["b"].fingerprint}
        os.kill(os.getpid(), signal.SIGHUP)
        while running.logged("not reloaded") is None:
            await asyncio.sleep(0)
        assert rooms.allow == {keys["b"].fingerprint}


async def test_the_port_of_health_is_taken(operation):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        running = operation(Settings("127.0.0.1:0", http=place))
        with pytest.raises(UsageError, match="http"):
            await running.operation.run(lambda _: None)
