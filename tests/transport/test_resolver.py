"""The resolver: it never holds up a cancelled task, nor the end of a process."""

from __future__ import annotations

import asyncio
import socket
import subprocess
import sys
import threading
from time import monotonic

import pytest
from busy_machine import within

from ostraka.transport.resolver import Place, Resolver, numeric


@pytest.fixture
def system(monkeypatch):
    """The system's resolver, which answers once it is let."""

    class System:
        def __init__(self) -> None:
            self.asked: list[str] = []
            self.answer = threading.Event()
            self.error: Exception | None = None

        def getaddrinfo(self, host, port, *, type):
            self.asked.append(host)
            self.answer.wait(30)
            if self.error is not None:
                raise self.error
            return [
                (socket.AF_INET6, type, 6, "", ("2001:db8::1", port, 0, 0)),
                (socket.AF_INET, type, 6, "", ("192.0.2.1", port)),
            ]

    made = System()
    monkeypatch.setattr(socket, "getaddrinfo", made.getaddrinfo)
    yield made
    made.answer.set()


async def test_numeric_hosts_are_not_asked_for(system):
    assert numeric("bob.example", 1) is None
    assert numeric("127.1", 1) is None, "the system's shorthand is not ours"
    found = [await Resolver().resolve(host, 7) for host in ("192.0.2.1", "::1")]
    assert found == [
        [Place(socket.AF_INET, ("192.0.2.1", 7))],
        [Place(socket.AF_INET6, ("::1", 7, 0, 0))],
    ]
    assert system.asked == []


async def test_a_name_has_the_systems_addresses_in_its_order(system):
    system.answer.set()
    found = await Resolver().resolve("bob.example", 7)
    assert [place.host for place in found] == ["2001:db8::1", "192.0.2.1"]


async def test_a_deadline_and_one_thread_for_all_that_ask(system):
    resolver = Resolver()
    for _ in range(3):
        with pytest.raises(OSError, match="name servers of this machine do not answer within"):
            await resolver.resolve("bob.example", 7, seconds=0.01)
    assert system.asked == ["bob.example"]
    waiting = asyncio.ensure_future(resolver.resolve("bob.example", 7))
    await asyncio.sleep(0)
    system.answer.set()
    async with asyncio.timeout(10):
        assert len(await waiting) == 2
        await resolver.resolve("bob.example", 7)
    assert len(system.asked) == 2, "an answer is not kept"


async def test_one_that_gives_up_leaves_the_question_to_others(system):
    resolver = Resolver()
    one, other = (asyncio.ensure_future(resolver.resolve("bob.example", 7)) for _ in range(2))
    await asyncio.sleep(0)
    one.cancel()
    with pytest.raises(asyncio.CancelledError):
        await one
    system.answer.set()
    async with asyncio.timeout(10):
        assert len(await other) == 2


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "no address is known for this name"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "the name servers of this machine do not answer"),
        (UnicodeError("label too long"), "not a host's name"),
    ],
)
async def test_errors_in_words(system, error, words):
    system.error = error
    system.answer.set()
    with pytest.raises(OSError, match=words):
        await Resolver().resolve("bob.example", 7)


def test_a_process_does_not_wait_for_it():
    """Ctrl-C took 9 s while name servers did not answer."""
    script = (
        "import asyncio, socket, time\n"
        "socket.getaddrinfo = lambda *a, **k: time.sleep(30)\n"
        "from ostraka.transport.resolver import Resolver\n"
        "async def main():\n"
        "    asyncio.get_running_loop().call_later(0.1, task.cancel)\n"
        "    await task\n"
        "async def go():\n"
        "    global task\n"
        "    task = asyncio.ensure_future(Resolver().resolve('bob.example', 7))\n"
        "    await main()\n"
        "try:\n"
        "    asyncio.run(go())\n"
        "except asyncio.CancelledError:\n"
        "    print('cancelled')\n"
    )
    started = monotonic()
    ended = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=25
    )
    assert (ended.stdout, ended.stderr, ended.returncode) == ("cancelled\n", "", 0)
    assert monotonic() - started < within(20)
