"""A coordinator with a mailbox: ready, drained, reloaded, killed in the middle of uploads."""

import asyncio
import os
import signal
import socket
import sys
import threading
from dataclasses import replace

import pytest
from scene import COMPUTE, Collecting, fetched

from ostraka.coordinator.operation import Operation
from ostraka.coordinator.settings import Settings
from ostraka.errors import OstrakaError, Temporary, UsageError
from ostraka.mailbox.client import MailboxClient
from ostraka.mailbox.settings import MailboxSettings


@pytest.fixture
def mailbox_settings(tmp_path):
    return MailboxSettings("127.0.0.1:0", only=True, health="127.0.0.1:0", directory=tmp_path)


class Running:
    def __init__(self, settings, identity, reload=None):
        self.operation = Operation(settings, identity, reload)

    async def __aenter__(self):
        address = asyncio.get_running_loop().create_future()
        self.task = asyncio.create_task(self.operation.run(address.set_result))
        await asyncio.wait([self.task, address], return_when=asyncio.FIRST_COMPLETED)
        if self.task.done():
            await self.task
        self.address = await address
        return self

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)

    @property
    def url(self):
        return f"http://{self.operation._mailbox.address}"

    def values(self):
        return {metric.name: metric.values for metric in self.operation.metrics()}


def coordinator(mailbox, **more):
    return Settings("127.0.0.1:0", mailbox=mailbox, drain=5.0, **more)


async def opened(its, url):
    client = MailboxClient(url, its.id, environ={}, patience=10.0)
    await client.publish(its.toml, its.publication)
    for name, statement in zip(COMPUTE, its.statements, strict=True):
        await client.put_statement(name, statement)
    return client


async def test_a_mailbox_alone_and_beside_a_relay(collecting, mailbox_settings):
    own = collecting.people["coordinator"]
    for only in (True, False):
        settings = coordinator(replace(mailbox_settings, only=only))
        async with Running(settings, own) as running:
            assert (running.address in running.url) is only
            client = await opened(collecting, running.url)
            octets, digest = collecting.report(int(only))
            await client.put_report(digest, octets)
            client.close()
            values = running.values()
            assert values["ostraka_mailbox_ready"] == {"": True}
            assert values["ostraka_mailbox_events"]["report"] == 1
            assert running.operation.obstacle() == ""


async def test_it_drains(collecting, mailbox_settings):
    async with Running(coordinator(mailbox_settings), collecting.people["coordinator"]) as running:
        client = await opened(collecting, running.url)
        client.close()
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(running.task, 10)
        with pytest.raises(OstrakaError):
            await MailboxClient(running.url, collecting.id, environ={}, patience=0.0).status()


async def test_reload(collecting, mailbox_settings):
    own = collecting.people["coordinator"]
    known = (collecting.people["c1"].pin,)
    later = coordinator(replace(mailbox_settings, organisers=known, at_once=7, a_second=0.001))
    async with Running(coordinator(mailbox_settings), own, lambda: later) as running:
        running.operation.reload()
        client = MailboxClient(running.url, collecting.id, environ={}, patience=0.0)
        with pytest.raises(OstrakaError, match="does not know the organiser"):
            await client.publish(collecting.toml, collecting.publication)
        for _ in range(6):
            with pytest.raises(Temporary, match="no such collection"):
                await client.status()
        with pytest.raises(Temporary, match="too many"):
            await client.status()
        client.close()


async def test_readiness_follows_the_database(
    collecting, mailbox_settings, postgres, postgres_server, monkeypatch
):
    monkeypatch.setattr("ostraka.mailbox.operation.PING_SECONDS", 0.05)
    settings = coordinator(replace(mailbox_settings, store=postgres_server.url))
    async with Running(settings, collecting.people["coordinator"]) as running:
        await asyncio.to_thread(postgres_server.stop)
        async with asyncio.timeout(20):
            while not running.operation.obstacle():
                await asyncio.sleep(0.02)
        await asyncio.to_thread(postgres_server.start)
        async with asyncio.timeout(20):
            while running.operation.obstacle():
                await asyncio.sleep(0.02)


async def test_a_database_that_is_not_there_at_the_start(collecting, mailbox_settings, tmp_path):
    gone = replace(mailbox_settings, store=f"postgresql://x@/postgres?host={tmp_path}")
    with pytest.raises(ExceptionGroup) as caught:
        async with Running(coordinator(gone), collecting.people["coordinator"]):
            pass
    assert caught.group_contains(Temporary, match="does not answer")


async def test_the_port_is_taken(collecting, mailbox_settings):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        place = f"127.0.0.1:{taken.getsockname()[1]}"
        settings = coordinator(replace(mailbox_settings, listen=place))
        with pytest.raises(ExceptionGroup) as caught:
            async with Running(settings, collecting.people["coordinator"]):
                pass
        assert caught.group_contains(UsageError, match="http")


async def test_the_package_that_is_missing_is_named(collecting, mailbox_settings, monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette", None)
    with pytest.raises(UsageError) as caught:
        async with Running(coordinator(mailbox_settings), collecting.people["coordinator"]):
            pass
    assert "ostraka[server]" in caught.value.hint


@pytest.mark.parametrize(
    ("count", "kills"), [(24, (6,)), pytest.param(400, range(20, 380, 40), marks=pytest.mark.slow)]
)
def test_a_coordinator_killed_in_the_middle_of_uploads_keeps_what_it_promised(
    tmp_path, nursery, count, kills
):
    """kill -9 at no chosen moment: the clients try again, and all is there once."""
    its = Collecting(tmp_path / "keys", size=count)
    port = free_port()
    config = tmp_path / "c.toml"
    config.write_text(
        f'keys = "keys"\n[http]\nlisten = "127.0.0.1:{port}"\nonly = true\n'
        "at_once = 100000\na_second = 100000.0\n"
    )
    url = f"http://127.0.0.1:{port}"
    child = start(nursery, config)
    asyncio.run(opened(its, url)).close()
    promised, lock = [], threading.Lock()

    def upload(numbers):
        client = MailboxClient(url, its.id, environ={}, patience=60.0)
        for number in numbers:
            octets, digest = reports[number]
            promise = asyncio.run(client.put_report(digest, octets))
            with lock:
                promised.append(promise)
        client.close()

    reports = [its.report(number) for number in range(count)]
    threads = [threading.Thread(target=upload, args=(range(i, count, 4),)) for i in range(4)]
    for thread in threads:
        thread.start()
    for wanted in kills:
        while len(promised) < wanted:
            threads[0].join(0.005)
        child.kill()
        child.wait()
        child = start(nursery, config)
    for thread in threads:
        thread.join(120)
    own = its.people["c1"]
    reader = MailboxClient(url, its.id, own=own, environ={})
    views = asyncio.run(fetched(reader, "c1"))
    reader.close()
    child.kill()
    child.wait()
    assert sorted(one.position for one in promised) == list(range(1, count + 1))
    assert [one.position for one in views] == list(range(1, count + 1))


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def start(nursery, config):
    command = ["-m", "ostraka.cli.main", "coordinator", "--config", config]
    child = nursery.start(command, config.parent, dict(os.environ), False)
    child.stdout.close()
    ready = threading.Event()

    def read():
        with child.stderr as lines:
            for line in lines:
                if line.startswith("listening"):
                    ready.set()

    threading.Thread(target=read, daemon=True).start()
    assert ready.wait(60)
    return child
