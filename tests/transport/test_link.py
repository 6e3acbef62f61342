"""The interface of carriers: what holds for each kind of them before it has an owner."""

from __future__ import annotations

import asyncio
import socket

import pytest

from ostraka.errors import PeerLost
from ostraka.transport import memory
from ostraka.transport.link import Carrier
from ostraka.transport.reactor import Waiter
from ostraka.transport.tcp import TcpCarrier


class Plain(Carrier):
    """A carrier with what must be there, and no more."""

    room = True

    def send(self, data): ...
    def consumed(self, size): ...
    def start(self): ...
    def close(self): ...


@pytest.fixture(params=["plain", "memory", "socket"])
def carrier(request, reactor):
    if request.param == "plain":
        yield Plain()
    elif request.param == "memory":
        yield memory.pair()[0]
    else:
        one, other = socket.socketpair()
        made = TcpCarrier(one, reactor)
        yield made
        made.close()
        other.close()


async def test_a_carrier_without_an_owner_says_so(carrier):
    for call in (
        lambda: carrier.on_data(b"x"),
        lambda: carrier.on_room(),
        lambda: carrier.on_lost(PeerLost("gone")),
    ):
        with pytest.raises(RuntimeError, match="without an owner"):
            call()


async def test_spinning_reports_whether_it_happened(carrier):
    waiter = Waiter()
    assert not carrier.spin_until(waiter)
    waiter.set()
    assert carrier.spin_until(waiter)
    await carrier.yield_when_due()


async def test_a_carrier_that_loses_nothing_by_closing_does_not_linger():
    async with asyncio.timeout(1):
        await Plain().linger()
        await memory.pair()[0].linger()
