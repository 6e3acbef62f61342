"""Supervisor of a service, systemd or one like it: it is told of readiness, end and life."""

from __future__ import annotations

import asyncio
import os
import socket
from contextlib import suppress
from typing import Final

WATCHDOG_SHARE: Final = 0.5
"""Part of the supervisor's patience after which it is told that the service is alive."""


def notify(state: str) -> None:
    """Send a state to the supervisor at NOTIFY_SOCKET, if there is one (systemd's sd_notify)."""
    place = os.environ.get("NOTIFY_SOCKET", "")
    if not place:
        return
    address = "\0" + place[1:] if place.startswith("@") else place
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.sendto(state.encode(), address)


async def watch() -> None:
    """Tell the supervisor, if it asked for that, that the event loop is alive; until cancelled."""
    patience = int(os.environ.get("WATCHDOG_USEC", "0")) / 1e6
    while patience:
        await asyncio.sleep(patience * WATCHDOG_SHARE)
        notify("WATCHDOG=1")
