"""Mailboxes of collections, as the commands reach them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from ostraka.mailbox.client import MailboxClient
    from ostraka.manifest import Manifest

T = TypeVar("T")


def at_mailbox(url: str, manifest: bytes, work: Callable[[MailboxClient], Awaitable[T]]) -> T:
    """Do some work at the mailbox of a collection, and return what it returns.

    Args:
        manifest: the digest of the collection's manifest.
    """
    from ostraka.mailbox.client import MailboxClient

    async def visit() -> T:
        mailbox = MailboxClient(url, manifest)
        try:
            return await work(mailbox)
        finally:
            mailbox.close()

    return asyncio.run(visit())


def at_all_mailboxes(manifest: Manifest, work: Callable[[MailboxClient], Awaitable[None]]) -> None:
    """Do some work at each mailbox of a collection."""
    assert manifest.collection is not None
    for url in manifest.collection.mailbox:
        at_mailbox(url, manifest.digest, work)
