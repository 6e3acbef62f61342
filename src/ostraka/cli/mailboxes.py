"""Mailboxes of collections, as the commands reach them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from ostraka.errors import OstrakaError

if TYPE_CHECKING:
    from ostraka.mailbox.client import MailboxClient
    from ostraka.manifest import Manifest

T = TypeVar("T")

PATIENCE_SECONDS: Final = 20.0
"""Seconds that a person waits for a mailbox that does not answer."""


def at_mailbox(
    url: str | Sequence[str], manifest: bytes, work: Callable[[MailboxClient], Awaitable[T]]
) -> T:
    """Do some work at the mailbox of a collection, and return what it returns.

    Errors say that nothing of an input has left, unless the work knows better.

    Args:
        manifest: the digest of the collection's manifest.
    """
    from ostraka.mailbox.client import MailboxClient

    async def visit() -> T:
        mailbox = MailboxClient(url, manifest, patience=PATIENCE_SECONDS)
        try:
            return await work(mailbox)
        except OstrakaError as error:
            error.data_left = bool(error.data_left)
            raise
        finally:
            mailbox.close()

    return asyncio.run(visit())


def at_all_mailboxes(manifest: Manifest, work: Callable[[MailboxClient], Awaitable[None]]) -> None:
    """Do some work at each mailbox of a collection."""
    assert manifest.collection is not None
    for url in manifest.collection.mailbox:
        at_mailbox(url, manifest.digest, work)
