"""Participation in a session, from gathering to its end, and how many bytes have left meanwhile."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Final

from ostraka.errors import Aborted, PeerLost
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.progress import Observer
from ostraka.session.gather import SessionMemory
from ostraka.session.session import Session
from ostraka.transport.network import Network

PROGRESS_SECONDS: Final = 0.1
"""Seconds between reports of how many bytes have left."""


@asynccontextmanager
async def taking_part(
    manifest: Manifest,
    identity: Identity,
    me: PartyId,
    observer: Observer,
    seed: bytes | None = None,
    *,
    readers: Sequence[tuple[PartyId, ...]] | None = None,
    network: Network | None = None,
    memory: SessionMemory | None = None,
) -> AsyncGenerator[Session]:
    """Open a session as a context, and close it at the end.

    Arguments `seed`, `readers`, `network` and `memory` are those of `Session.open`; by default the
    seed is fresh.

    An error inside aborts the session: its other parties are told the error's code.
    """

    def gathered(present: int, total: int, away: list[PartyId]) -> None:
        observer.gathering(present, total)
        observer.away(tuple(away))

    session = await Session.open(
        manifest,
        identity,
        me,
        seed or os.urandom(32),
        readers=readers,
        gathered=gathered,
        troubled=observer.warn,
        network=network,
        memory=memory,
    )
    try:
        yield session
    except BaseException as error:
        await asyncio.shield(session.abort(error))
        if isinstance(error, Aborted) and not isinstance(error, PeerLost):
            error.message += "".join(f"; {lost.message}" for lost in session.lost.values())
        raise
    await session.close()


class BytesLeft:
    """Timer that tells an observer how many bytes have left, every `PROGRESS_SECONDS`."""

    def __init__(self, session: Session, observer: Observer, total: int) -> None:
        self._session, self._observer, self._total = session, observer, total
        self._timer: asyncio.TimerHandle | None = None

    def __enter__(self) -> None:
        self._tick()

    def __exit__(self, *_: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def _tick(self) -> None:
        self._observer.moved(min(self._session.bytes_sent, self._total), self._total)
        self._timer = asyncio.get_running_loop().call_later(PROGRESS_SECONDS, self._tick)
