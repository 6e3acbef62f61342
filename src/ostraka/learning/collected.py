"""Studies whose rounds are collections: a device reports when it is active, and leaves.

The organiser opens each round at the mailbox and may close it early; compute parties accept and
close it (`taking_part`); a device looks up which round is open, trains, and sends one sealed
report. Nothing that mailbox or organiser says is believed: a device works out the model of a round
from the results that the compute parties signed, and the round's manifest from the model.
"""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import time
from typing import Any, Final

import numpy as np

from ostraka import config
from ostraka.arithmetic.randomness import Draw, OsDraw
from ostraka.blocking import offload_whole
from ostraka.collection import orders
from ostraka.collection.codes import CollectionCode, read_code
from ostraka.collection.credentials import SECRET, Credential, CredentialRoster, SigningKey
from ostraka.collection.published import published_result
from ostraka.collection.report import OPEN
from ostraka.collection.shape import Shape
from ostraka.contribution import Contribution
from ostraka.errors import PeerViolation, Temporary, TimedOut, UsageError
from ostraka.files import read_text, replacing
from ostraka.identity import Identity, fingerprint_text
from ostraka.learning.model import Vector
from ostraka.learning.study import Study
from ostraka.learning.training import Trainer
from ostraka.mailbox.client import MailboxClient
from ostraka.manifest import Manifest

PAUSE_SECONDS: Final = 0.1
"""Seconds between two looks at a mailbox, at first; then twice as many, up to `LONGEST_PAUSE`."""

LONGEST_PAUSE: Final = 2.0


def make_secrets(count: int) -> list[bytes]:
    """Draw the secrets of devices' codes, 16 bytes each."""
    return [secrets.token_bytes(SECRET) for _ in range(count)]


def roster_of(found: Sequence[bytes]) -> CredentialRoster:
    """Return the roster of these secrets: a study names its digest, and its size."""
    return CredentialRoster(tuple(Credential(SigningKey.of_credential(s).public) for s in found))


def roster_pin(roster: CredentialRoster) -> str:
    """Return a roster's digest as studies have it."""
    return fingerprint_text(roster.digest)


def code_of(study: Study, secret: bytes, number: int) -> CollectionCode:
    """Return the code of a device for all rounds of a study.

    Args:
        number: the device's, from 0, in the roster.
    """
    return CollectionCode(study.octets, number, secret, mailbox_of(study))


def open_code(study: Study) -> CollectionCode:
    """Return the one code of all devices, where rounds take reports of all who send one."""
    return code_of(study, bytes(SECRET), OPEN)


class DeviceCodes(tuple[CollectionCode, ...]):
    """Codes of all devices, in the order of the roster."""

    __slots__ = ()

    @property
    def roster(self) -> CredentialRoster:
        """The roster, of which the study has the digest."""
        return roster_of([code.secret for code in self])


def write_codes(path: Path, study: Study, found: Sequence[bytes]) -> None:
    """Write the codes of all devices to a file that no other user reads."""
    codes = [code_of(study, secret, number).write() for number, secret in enumerate(found)]
    with replacing(path) as file:
        json.dump({"study": study.digest, "codes": codes}, file, indent=1)


def read_codes(path: Path) -> DeviceCodes:
    """Read the codes that `write_codes` wrote.

    Raises:
        UsageError: the file is unreadable, or another.
    """
    try:
        return DeviceCodes(read_code(text) for text in json.loads(read_text(path))["codes"])
    except (KeyError, TypeError, ValueError):
        raise UsageError(f"{path} is no file of devices' codes", data_left=False) from None


def with_roster(text: str, found: Sequence[bytes]) -> str:
    """Return a draft of a study with the roster of its devices: digest and size.

    Raises:
        UsageError: the draft has no table [collection].
    """
    roster = f'roster = "{roster_pin(roster_of(found))}"\nsize = {len(found)}\n'
    if "\n[collection]\n" not in text:
        raise UsageError(
            "only a study of collections has codes",
            hint='add [collection], with from = "invited"',
            data_left=False,
        )
    return text.replace("\n[collection]\n", f"\n[collection]\n{roster}", 1)


def mailbox_of(study: Study) -> str:
    """Return the URL of a study's mailbox."""
    url = study.base["collection"]["mailbox"]
    return url if isinstance(url, str) else str(url[0])


@asynccontextmanager
async def at_mailbox(manifest: Manifest, patience: float) -> AsyncIterator[MailboxClient]:
    """Yield a client of the mailbox of one round."""
    assert manifest.collection is not None
    client = MailboxClient(manifest.collection.mailbox, manifest.digest, patience=patience)
    try:
        yield client
    finally:
        client.close()


async def published(mailbox: MailboxClient, manifest: Manifest) -> tuple[Vector, int] | None:
    """Return the sum that all compute parties of a round signed, and how many it counts.

    None while one of them has not published it.

    Raises:
        PinMismatch, PeerViolation: it is not theirs, or they contradict each other.
    """
    shape, receipts = Shape.of(config.bind(manifest)), await mailbox.receipts()
    if not set(shape.compute) <= set(receipts):
        return None
    found = published_result(receipts, shape)
    try:
        assert found is not None
        figures = {figure["name"]: figure["value"] for figure in found["outputs"]}
        total = np.asarray(figures["sum"], np.float64)
        counted = int(found["contributors"])
    except (AssertionError, KeyError, TypeError, ValueError):
        raise PeerViolation("what compute parties published is no sum", data_left=False) from None
    if total.shape != (manifest.input.length,) or counted < manifest.policy.min_contributors:
        raise PeerViolation("what compute parties published is no sum", data_left=False)
    return total, counted


@dataclass
class StudyOrganiser:
    """Organiser of a study: opens rounds, closes them, and learns their results.

    Attributes:
        own: its key, which the study names.
        roster: of the devices; None where all may report.
        seconds: the longest that it waits for compute parties.
    """

    study: Study
    own: Identity
    roster: CredentialRoster | None = None
    seconds: float = 600.0

    async def open(self, number: int, model: Vector) -> Manifest:
        """Open a round at its mailbox; return once its compute parties take reports."""
        text = self.study.manifest_text(number, model)
        manifest = self.study.manifest(number, model)
        roster = b"" if self.roster is None else self.roster.write()
        publication = orders.write_publication(roster, manifest.digest, self.own)

        async def is_open(mailbox: MailboxClient) -> bool:
            return (await mailbox.status()).state != "waiting"

        async with at_mailbox(manifest, self.seconds) as mailbox:
            await mailbox.publish(text.encode(), publication)
            await _until(lambda: is_open(mailbox), self.seconds, "compute parties to accept it")
        return manifest

    async def enough(self, manifest: Manifest, reports: int) -> None:
        """Return once a round has so many reports."""

        async def there(mailbox: MailboxClient) -> bool:
            return (await mailbox.status()).reports >= reports

        async with at_mailbox(manifest, self.seconds) as mailbox:
            await _until(lambda: there(mailbox), self.seconds, f"{reports} reports")

    async def close(self, manifest: Manifest) -> None:
        """Close a round before its time, where the study allows it."""
        order = orders.write_close(int(time()) + 1, manifest.digest, self.own)
        async with at_mailbox(manifest, self.seconds) as mailbox:
            await mailbox.put_close(order)

    async def next_model(self, manifest: Manifest, model: Vector) -> tuple[Vector, int]:
        """Return the model after a round, once it is closed, and how many devices it counts."""
        async with at_mailbox(manifest, self.seconds) as mailbox:
            found = await _until(
                lambda: published(mailbox, manifest), self.seconds, "the result of the round"
            )
        return self.study.next_model(model, *found), found[1]


@dataclass
class Device:
    """Device of a study, which reports to rounds that are open.

    Attributes:
        code: its own, for all rounds.
        directory: of its reports: the same round is never given two updates.
        seconds: the longest that it waits for a mailbox.
    """

    study: Study
    code: CollectionCode
    directory: Path
    draw: Draw = field(default_factory=OsDraw)
    seconds: float = 60.0

    async def report(self, number: int, model: Vector, trained: Mapping[str, Any]) -> None:
        """Send the update of one round, sealed to its compute parties.

        Args:
            model: the model that the round starts from, from any source: another one makes another
                manifest, which the mailbox does not have.
            trained: the layers after training.

        Raises:
            OstrakaError: as `Contribution`; nothing of the update left, or it may be sent again.
        """
        update = self.study.update(model, trained)
        manifest = self.study.manifest(number, model)
        code = replace(self.code, manifest=manifest.digest)
        async with at_mailbox(manifest, self.seconds) as mailbox:
            found = await Contribution.look_up(code, mailbox)
            written = await offload_whole(lambda: found.write(update, self.directory, self.draw))
            await found.send(written, mailbox, self.directory)

    async def run(self, train: Trainer, first: Vector | None = None) -> AsyncIterator[int]:
        """Report to each round once it is open; yield its number.

        Rounds that were missed are made up for: their results are fetched, and nothing is sent.
        """
        model = self.study.start if first is None else first
        for number in range(1, self.study.table.rounds + 1):
            manifest = self.study.manifest(number, model)
            async with at_mailbox(manifest, self.seconds) as mailbox:
                state = await _until(partial(_state, mailbox), self.seconds, f"round {number}")
                if state == "open":
                    layers = self.study.shapes.split(model.copy())
                    await self.report(number, model, train(layers, number))
                    yield number
                ask, what = partial(published, mailbox, manifest), f"the end of round {number}"
                found = await _until(ask, self.seconds, what)
            model = self.study.next_model(model, *found)


async def _state(mailbox: MailboxClient) -> str | None:
    """Return the state of a round; None before it is open, or known to the mailbox."""
    try:
        state = (await mailbox.status()).state
    except Temporary:
        return None
    return None if state == "waiting" else state


async def _until(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """Return what `ask` gives once that is something, asking less and less often.

    Raises:
        TimedOut: it gave nothing for so long.
    """
    end, pause = time() + seconds, PAUSE_SECONDS
    while True:
        try:
            if found := await ask():
                return found
        except Temporary:
            pass
        if time() > end:
            raise TimedOut(f"waited {seconds:g} s for {what}", data_left=False)
        await asyncio.sleep(pause)
        pause = min(2 * pause, LONGEST_PAUSE)
