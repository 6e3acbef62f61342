"""Invitations on a party's page: codes that it has answered, and drafts that it has made."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from time import time
from typing import Any, Final, TypeVar

from ostraka import config, home, identity
from ostraka.errors import Fault, InvitationExpired, OstrakaError, TimedOut, UsageError
from ostraka.explanation import Explanation
from ostraka.files import read_text
from ostraka.identity import Identity
from ostraka.invitations import code as codes
from ostraka.invitations import meeting
from ostraka.invitations.code import Code
from ostraka.invitations.draft import Draft
from ostraka.manifest.words import six_words
from ostraka.names import PartyId
from ostraka.record.trust import Trust
from ostraka.transport.network import Network
from ostraka.transport.tcp import SystemNetwork
from ostraka.ui.about import gist_of
from ostraka.ui.settings import PageSettings
from ostraka.ui.watching import failure

T = TypeVar("T")

FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 20.0
"""Seconds between two looks for a manifest, at first and at most."""

WAITING, SEALED, TAKEN, FAILED = "waiting", "sealed", "taken", "failed"
"""States of an invitation: answered, its manifest is here, it was taken, it came to nothing."""


@dataclass
class Invited:
    """Invitation whose code was pasted; `repr` leaves its secrets out.

    Attributes:
        code: the code; `own`: this party's key.
        state: one of those above.
        text: the manifest's TOML, once it is here.
        said: what the page shows of the manifest, or of the error.
    """

    code: Code
    own: Identity
    state: str = WAITING
    text: str = ""
    said: dict[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Invited({self.code.name!r}, {self.state!r})"

    def as_json(self) -> dict[str, Any]:
        """Return what the page shows of it."""
        return {
            "draft": self.code.draft.hex(),
            "name": self.code.name,
            "fingerprint": self.own.pin,
            "state": self.state,
            "expires": self.code.expires,
            **(self.said or {}),
        }


class InvitationDesk:
    """Invitations of one party's page, until it is closed.

    Args:
        tasks: of the page's service.
        network: makes the connections to coordinators; by default the party's own.
    """

    def __init__(
        self,
        settings: PageSettings,
        tasks: asyncio.TaskGroup,
        network: Callable[[Identity], Network] | None = None,
    ) -> None:
        self._settings, self._tasks = settings, tasks
        self._network = network or self._own_network
        self._invited: dict[str, Invited] = {}

    def _own_network(self, own: Identity) -> Network:
        its = home.own_network(own.name, own.key_path.parent, None, self._settings.proxy)
        return SystemNetwork(proxy=its.proxy)

    async def _visit(self, own: Identity, work: Callable[[Network], Awaitable[T]]) -> T:
        """Do some work over this party's network."""
        return await meeting.at_coordinator(self._network(own), work)

    # Codes

    def invitations(self) -> list[dict[str, Any]]:
        """List the invitations whose codes were pasted since the page was opened."""
        return [invited.as_json() for invited in self._invited.values()]

    async def join(self, text: str) -> dict[str, Any]:
        """Answer an invitation: make a key if there is none; from now on wait for the manifest.

        Raises:
            UsageError: the code is mistyped, or for another party than this page's.
            InvitationExpired: it has expired, was revoked, or another key has answered it.
        """
        code = codes.read("".join(text.split()))
        if self._settings.name not in (None, code.name):
            message = f"this code is for {code.name}, not for {self._settings.name}"
            raise UsageError(message, data_left=False)
        meeting.require_valid(code)
        own = identity.load_or_create(code.name, self._settings.keys, self._settings.say)
        invited = Invited(code, own)
        known = self._invited.get(code.draft.hex())
        if known is not None and known.state in (WAITING, SEALED):
            return known.as_json()
        await self._visit(invited.own, lambda net: meeting.answer(code, invited.own, net))
        self._invited[code.draft.hex()] = invited
        self._tasks.create_task(self._wait(invited), name=f"invitation of {code.name}")
        return invited.as_json()

    async def _wait(self, invited: Invited) -> None:
        """Wait for the manifest of an invitation until that expires."""
        pause = FIRST_PAUSE
        try:
            while (text := await self._look(invited)) is None:
                if time() >= invited.code.expires:
                    message = "the organiser has not sealed the draft in time"
                    raise InvitationExpired(message, data_left=False)
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
            invited.said = await asyncio.to_thread(_described, text)
            invited.text, invited.state = text, SEALED
        except Exception as error:
            invited.said, invited.state = {"error": failure(error)}, FAILED

    async def _look(self, invited: Invited) -> str | None:
        """Return the manifest's TOML, if it is there; a coordinator may be away for a time."""
        code, own = invited.code, invited.own
        try:
            return await self._visit(own, lambda net: meeting.receive(code, own, net, 0.0))
        except TimedOut:
            return None
        except OstrakaError as error:
            if error.fault is not Fault.NETWORK:
                raise
            return None

    async def accept(self, draft: str) -> dict[str, Any]:
        """Take part: learn the keys, for which the organiser vouches, and write the manifest.

        Raises:
            UnconfirmedKey: a key CHANGED.
        """
        invited = self._sealed(draft)
        manifest = config.bind_text(invited.text, "manifest").manifest
        path = self._settings.inbox / f"session-{draft}.toml"
        if path.exists() and read_text(path) != invited.text:
            raise UsageError(f"{path} is there already", data_left=False)
        trust = Trust(ask=lambda _: True, vouched=True)
        await asyncio.to_thread(home.meet, manifest, PartyId(invited.code.name), trust)
        path.write_text(invited.text, encoding="utf-8")
        invited.state = TAKEN
        return invited.as_json()

    def decline(self, draft: str) -> None:
        """Leave a manifest that is here alone; its organiser is not told."""
        self._sealed(draft)
        del self._invited[draft]

    def _sealed(self, draft: str) -> Invited:
        invited = self._invited.get(draft)
        if invited is None or invited.state != SEALED:
            raise UsageError("the manifest of this invitation is not here", data_left=False)
        return invited

    # Drafts

    def drafts(self) -> list[dict[str, Any]]:
        """List the drafts that this machine's organiser has made, without their secrets."""
        directory = home.drafts_directory()
        found = []
        for path in sorted(directory.glob("*.json")):
            try:
                draft = Draft.load(path.stem, directory)
                title = config.bind_text(draft.text, "draft").manifest.session.title
            except OstrakaError:
                continue
            invited = list(draft.codes)
            state = {"draft": draft.id, "title": title, "me": draft.me, "invited": invited}
            found.append(state | {"sealed": bool(draft.sealed)})
        return found

    async def look(self, draft: str) -> dict[str, Any]:
        """Return which parties that are invited to a draft have answered.

        Raises:
            InvitationExpired: a code has expired, or was revoked.
        """
        found = Draft.load(draft, home.drafts_directory())
        own = identity.load(found.me, Path(found.keys))
        joined, missing = await self._visit(own, lambda net: meeting.collect(found, own, net, 0.0))
        return {"draft": draft, "joined": list(joined), "missing": missing}


def _described(text: str) -> dict[str, Any]:
    protocol = config.bind_text(text, "manifest")
    found = Explanation.of(protocol)
    return {
        "title": found.manifest.session.title,
        "digest": found.manifest.digest.hex(),
        "gist": gist_of(found),
        "says": list(found.sentences),
        "words": six_words(found.manifest.digest),
        "parties": list(found.manifest.parties),
    }
