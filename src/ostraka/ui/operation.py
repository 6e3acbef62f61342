"""Operation of a party's page: a server on this machine's loopback address, until it is stopped."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable

from ostraka.mailbox.serving import HttpServer
from ostraka.ui.app import PartyPage
from ostraka.ui.guard import Guard
from ostraka.ui.settings import PageSettings
from ostraka.ui.uploads import Uploads

LOOPBACK = "127.0.0.1"


async def serve(settings: PageSettings, port: int, ready: Callable[[str], None]) -> None:
    """Serve a party's page until cancelled; sessions that run are ended for all their parties.

    Args:
        port: 0 lets the system choose.
        ready: is called with the address of the page, the token in its fragment.

    Raises:
        UsageError: the port is taken.
    """
    token, uploads = secrets.token_urlsafe(32), Uploads()
    try:
        async with asyncio.TaskGroup() as tasks:
            page = PartyPage(settings, tasks, uploads)
            guard = Guard(page.app, token)
            server = HttpServer(guard, f"{LOOPBACK}:{port}")
            server.listen()
            guard.host = server.address
            ready(f"http://{server.address}/#{token}")
            await server.run()
    finally:
        uploads.close()
