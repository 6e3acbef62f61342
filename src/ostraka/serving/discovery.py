"""Discovery of collections: a party that stays asks mailboxes in which it is to compute.

A mailbox is trusted with nothing, so a manifest that it gives is only kept, beside those that were
put there by hand, if its organiser signed the roster, and it names this very mailbox and this
party's key. Whether the party takes part is then decided as for any other: by its settings, and by
`ostraka approve`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from ostraka import config, identity
from ostraka.collection.inbox import BoxStatus
from ostraka.collection.shape import Shape
from ostraka.errors import Disagreement, OstrakaError, PeerViolation, RefusedByPolicy
from ostraka.files import NotText, decode, replacing
from ostraka.identity import Identity
from ostraka.mailbox import papers
from ostraka.mailbox.client import MailboxClient
from ostraka.names import PartyId
from ostraka.service import logs
from ostraka.serving.settings import PartySettings

MOST: Final = 200
"""Manifests from mailboxes that are kept at a time: a mailbox could make up any number."""

AT_ONCE: Final = 8
"""Manifests of one mailbox that are read in one look; one of 10^5 places takes seconds."""

_PREFIX: Final = "mailbox-"
_PATIENCE_SECONDS: Final = 5.0


class Announced(BoxStatus, Protocol):
    """Status of a collection, with its manifest's TOML."""

    @property
    def manifest(self) -> bytes: ...


class Announcements(Protocol):
    """Mailbox, or one collection there, as a party sees it that looks for collections."""

    async def collections(self) -> list[bytes]: ...
    async def status(self) -> Announced: ...
    async def publication(self) -> bytes: ...
    def close(self) -> None: ...


Open = Callable[[str, bytes, Identity], Announcements]
"""Function that makes a client of the mailbox at a URL, for a manifest's digest or for none."""


def _client(url: str, digest: bytes, own: Identity) -> Announcements:
    return MailboxClient(url, digest, own=own, patience=_PATIENCE_SECONDS)


class Discovery:
    """Discovery of one party.

    Args:
        open_mailbox: makes clients.
    """

    def __init__(self, open_mailbox: Open = _client) -> None:
        self._open = open_mailbox
        self._refused: dict[tuple[str, bytes], None] = {}
        self._silent: set[str] = set()

    async def look(self, its: PartySettings) -> None:
        """Ask all mailboxes; write manifests that are new into the directory of sessions.

        What is wrong is logged, once for each collection and for each mailbox that is silent.
        """
        if not its.mailboxes:
            return
        for url in its.mailboxes:
            try:
                own = await asyncio.to_thread(identity.load, its.name, its.keys)
                await self._look_at(url, own, its)
                self._silent.discard(url)
            except (OstrakaError, OSError) as error:
                if url not in self._silent:
                    logs.event(logging.WARNING, f"no collections from {url}: {error}")
                self._silent.add(url)

    async def _look_at(self, url: str, own: Identity, its: PartySettings) -> None:
        client = self._open(url, b"", own)
        try:
            listed = await client.collections()
        finally:
            client.close()
        new = [d for d in listed if not _path(its, d).exists() and (url, d) not in self._refused]
        for digest in new[:AT_ONCE]:
            try:
                toml = await self._manifest(url, digest, own)
                await asyncio.to_thread(self._keep, _path(its, digest), toml)
            except OstrakaError as error:
                self._refused[url, digest] = None
                if len(self._refused) > MOST:
                    del self._refused[next(iter(self._refused))]
                room = digest.hex()[:8]
                logs.event(logging.WARNING, f"not taken from {url}: {error.message}", room=room)

    async def _manifest(self, url: str, digest: bytes, own: Identity) -> str:
        client = self._open(url, digest, own)
        try:
            status, publication = await client.status(), await client.publication()
        finally:
            client.close()
        return await asyncio.to_thread(checked, status.manifest, publication, url, digest, own)

    @staticmethod
    def _keep(path: Path, toml: str) -> None:
        if len(list(path.parent.glob(f"{_PREFIX}*.toml"))) >= MOST:
            raise RefusedByPolicy(
                f"there are {MOST} manifests from mailboxes in {path.parent} already",
                hint="remove those that are of no use",
            )
        with replacing(path) as file:
            file.write(toml)


def _path(its: PartySettings, digest: bytes) -> Path:
    return its.sessions / f"{_PREFIX}{digest.hex()}.toml"


def checked(toml: bytes, publication: bytes, url: str, digest: bytes, own: Identity) -> str:
    """Return a manifest's text, once it is what a mailbox said it is.

    Args:
        publication: the organiser's statement.
        digest: the manifest's, as listed.

    Raises:
        Disagreement: it has another digest, or is for another mailbox or another key.
        ManifestError: it is not valid.
        PinMismatch, PeerViolation: its organiser did not sign the roster.
    """
    try:
        text = decode(toml)
    except NotText as error:
        raise PeerViolation(error.at("manifest")) from None
    protocol = config.bind_text(text, "manifest")
    collection = protocol.manifest.collection
    if protocol.manifest.digest != digest or collection is None:
        raise Disagreement("the mailbox gives another manifest than it listed")
    if url not in collection.mailbox:
        raise Disagreement("its manifest names other mailboxes")
    shape = Shape.of(protocol)
    if dict(zip(shape.compute, shape.pins, strict=True)).get(PartyId(own.name)) != own.fingerprint:
        raise Disagreement(f"its manifest does not have {own.name} compute with this key")
    papers.check_publication(publication, shape)
    return text
