"""Meeting of an organiser and those it invites, at a coordinator: publish, join, seal.

No two of them need be there at the same time. The coordinator is trusted with nothing: it may lose
letters, or say that there is no such invitation.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from time import time
from typing import TypeVar

from ostraka import config
from ostraka.collection.shape import digest_of
from ostraka.errors import (
    InvitationExpired,
    ManifestError,
    OstrakaError,
    PeerViolation,
    TimedOut,
    Unreachable,
)
from ostraka.identity import Identity, fingerprint
from ostraka.invitations import letters
from ostraka.invitations.code import Code
from ostraka.invitations.draft import Draft
from ostraka.manifest import Manifest
from ostraka.transport.network import Network
from ostraka.transport.postbox import Postbox, visit

ANSWER, LETTER = 1, 2

POLL_SECONDS = 1.0
"""Seconds between two looks into the mailbox."""

T = TypeVar("T")


async def at_coordinator(network: Network, work: Callable[[Network], Awaitable[T]]) -> T:
    """Do some work over a network, then close it.

    Raises:
        OstrakaError: as the work; it sends nothing of an input, and the error says so.
    """
    try:
        return await work(network)
    except OstrakaError as error:
        error.data_left = False
        if isinstance(error, Unreachable) and not error.hint:
            error.message = f"the coordinator does not answer: {error.message}"
            error.hint = "is it running there? Run the same command again later"
        raise
    finally:
        network.close()


async def publish(draft: Draft, names: Iterable[str], own: Identity, network: Network) -> None:
    """Open a box at the coordinator for each of these invited parties."""
    found = [draft.code(name) for name in names]
    async with visit(found[0].address, found[0].coordinator, own, network) as postbox:
        for code in found:
            await postbox.open_box(code.box, code.expires)


async def revoke(code: Code, own: Identity, network: Network) -> None:
    """Take a code back: its box is gone, and with it an answer that came."""
    async with visit(code.address, code.coordinator, own, network) as postbox:
        await postbox.open_box(code.box, 0)


async def answer(code: Code, own: Identity, network: Network) -> None:
    """Leave the answer of an invited party at the coordinator. May be done again.

    Raises:
        InvitationExpired: the code has expired, was revoked, or another key has answered it.
    """
    require_valid(code)
    async with visit(code.address, code.coordinator, own, network) as postbox:
        await postbox.post(code.box, ANSWER, letters.write_answer(code, own))


async def receive(code: Code, own: Identity, network: Network, wait: float) -> str:
    """Wait for the manifest, and return its TOML once all that can be checked about it holds.

    Args:
        wait: seconds.

    Raises:
        TimedOut: the organiser has not sealed the draft yet.
        PeerViolation: the manifest is not the organiser's, or not about this party's key.
        InvitationExpired: the code was revoked meanwhile.
    """

    async def look() -> bytes | None:
        async with visit(code.address, code.coordinator, own, network) as postbox:
            return await postbox.fetch(code.box, LETTER)

    sealed = await _until(look, wait)
    if sealed is None:
        raise TimedOut(
            "the organiser has not sealed the draft yet",
            hint="your answer waits at the coordinator: run the same command again later",
            data_left=False,
        )
    return accept(code, own, letters.read_manifest(code, sealed))


def accept(code: Code, own: Identity, text: str) -> str:
    """Check that a manifest that the organiser signed is valid, and holds this party's own key
    under its own name, and the organiser's; return it.

    Raises:
        PeerViolation: it is not, or does not.
    """
    try:
        manifest = config.bind_text(text, "manifest").manifest
    except ManifestError as error:
        raise PeerViolation(f"the organiser's manifest is not valid: {error.message}") from None
    pins: dict[str, bytes] = {party.name: party.pin for party in manifest.party}
    if pins.get(code.name) != own.fingerprint:
        raise PeerViolation(f"the manifest does not hold your key under the name {code.name}")
    collection = manifest.collection
    organisers = [*pins.values()] if collection is None else [digest_of(collection.organiser)]
    if code.organiser not in organisers:
        raise PeerViolation("the organiser who signed the manifest is not a party of it")
    return text


async def collect(
    draft: Draft, own: Identity, network: Network, wait: float
) -> tuple[dict[str, bytes], list[str]]:
    """Return the fingerprints of invited parties that have answered, and the names of the others.

    Args:
        wait: seconds to wait for all.

    Raises:
        PeerViolation: an answer is not that of the code's holder.
        InvitationExpired: a code has expired or was revoked.
    """
    found: dict[str, bytes] = {}

    async def look() -> bool | None:
        any_code = draft.code(next(iter(draft.codes)))
        async with visit(any_code.address, any_code.coordinator, own, network) as postbox:
            for name in draft.codes:
                if name not in found and (key := await _answered(postbox, draft.code(name))):
                    found[name] = key
        return len(found) == len(draft.codes) or None

    if draft.codes:
        await _until(look, wait)
    return found, [name for name in draft.codes if name not in found]


async def _answered(postbox: Postbox, code: Code) -> bytes | None:
    sealed = await postbox.fetch(code.box, ANSWER)
    return None if sealed is None else fingerprint(letters.read_answer(code, sealed).certificate)


async def send(draft: Draft, text: str, own: Identity, network: Network) -> Manifest:
    """Leave the manifest, signed, for each invited party; return it."""
    manifest = config.bind_text(text, "manifest").manifest
    for name in draft.codes:
        code = draft.code(name)
        async with visit(code.address, code.coordinator, own, network) as postbox:
            await postbox.post(code.box, LETTER, letters.write_manifest(code, own, text))
    return manifest


def require_valid(code: Code) -> None:
    """Check that a code has not expired, by this machine's clock.

    Raises:
        InvitationExpired: it has.
    """
    if code.expires <= time():
        raise InvitationExpired(
            "the code has expired", hint="ask the organiser for a new one", data_left=False
        )


async def _until(look: Callable[[], Awaitable[T | None]], wait: float) -> T | None:
    """Look until there is something, for `wait` seconds."""
    until = time() + wait
    while True:
        found = await look()
        left = until - time()
        if found is not None or left <= 0:
            return found
        await asyncio.sleep(min(POLL_SECONDS, left))
