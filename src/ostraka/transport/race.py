"""Race of connections to all addresses of one name, as RFC 8305 has it (Happy Eyeballs)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, zip_longest
from typing import Final, Generic, TypeVar

T = TypeVar("T")

STAGGER_SECONDS: Final = 0.25
"""Seconds for which an attempt has no rival: RFC 8305's Connection Attempt Delay."""


@dataclass(slots=True)
class Attempt(Generic[T]):
    """Attempt at one address.

    Attributes:
        name: the address, as errors show it.
        connect: makes the connection, or raises OSError.
        error: why it failed; None while it has not.
        begun: whether it was made at all: a race may be over before.
    """

    name: str
    connect: Callable[[], Awaitable[T]]
    error: OSError | None = None
    begun: bool = False


def interleave(addresses: Iterable[tuple[int, T]]) -> list[T]:
    """Return addresses, given with their families, so that families alternate.

    The first stays first, and each family keeps its order: both are the system's preference.
    """
    families: dict[int, list[T]] = {}
    for family, address in addresses:
        families.setdefault(family, []).append(address)
    missing = object()
    turns = chain.from_iterable(zip_longest(*families.values(), fillvalue=missing))
    return [address for address in turns if address is not missing]  # type: ignore[misc]


async def race(
    attempts: Sequence[Attempt[T]], drop: Callable[[T], object], stagger: float = STAGGER_SECONDS
) -> T | None:
    """Make attempts, each `stagger` seconds after the one before or once one fails; return the
    first connection, None if all attempts failed.

    Safe to cancel: what a loser connected is dropped, and a winner that the caller did not get.

    Args:
        drop: closes a connection that lost.
    """
    won: list[T] = []
    news = asyncio.Event()

    async def make(attempt: Attempt[T]) -> None:
        attempt.begun = True
        try:
            made = await attempt.connect()
        except OSError as error:
            attempt.error = error
        else:
            if won:
                drop(made)
            else:
                won.append(made)
                for other in running:
                    if other is not asyncio.current_task():
                        other.cancel()
        news.set()

    running: list[asyncio.Task[None]] = []
    try:
        async with asyncio.TaskGroup() as group:
            for attempt in attempts:
                news.clear()
                running.append(group.create_task(make(attempt), name=f"connect {attempt.name}"))
                with suppress(TimeoutError):
                    async with asyncio.timeout(stagger):
                        await news.wait()
                if won:
                    break
    except BaseException:
        for made in won:
            drop(made)
        raise
    return won[0] if won else None
