"""Parts of `learn` for studies whose rounds are collections: codes, devices, the organiser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Final

from ostraka.cli import voice

if TYPE_CHECKING:
    from ostraka.learning.model import Vector
    from ostraka.learning.study import Study
    from ostraka.learning.training import Trainer

CODES: Final = Path("codes.json")
"""File of the devices' codes, where the organiser is."""

DAY: Final = 86400.0
"""Seconds that a device, or the organiser, waits for a round to begin or to end."""


def invite(draft: Path, count: int) -> None:
    """Print a draft of a study with invited devices in it, and write their codes to a file."""
    from ostraka.errors import UsageError
    from ostraka.files import read_text
    from ostraka.learning.collected import make_secrets, with_roster, write_codes
    from ostraka.learning.study import Study

    if CODES.exists():
        message = f"{CODES} is here already"
        raise UsageError(message, hint="move it away: it is of another study", data_left=False)
    found = make_secrets(count)
    text = with_roster(read_text(draft), found)
    write_codes(CODES, Study.read(text, str(draft)), found)
    voice.say(f"{count} codes are in {CODES}: give each device one, and keep the file")
    print(text, end="")


def report(study: Study, code: str, train: Trainer, first: Vector | None) -> None:
    """Report to each round that is open, until the study ends."""
    from ostraka import home
    from ostraka.cli.endings import endings
    from ostraka.collection.codes import read_code
    from ostraka.learning.collected import Device

    device = Device(study, read_code(code), home.reports_directory(), seconds=DAY)

    async def all_rounds() -> None:
        async for number in device.run(train, first):
            voice.say(f"round {number} of {study.table.rounds}: update sent")

    endings.run(all_rounds())


def organise(
    study: Study,
    name: str,
    keys: Path | None,
    enough: int,
    first: Vector | None,
    models: Path | None,
) -> None:
    """Open each round, close it at so many reports, and write the models."""
    from ostraka import config, identity
    from ostraka.cli.endings import endings
    from ostraka.learning.collected import StudyOrganiser, read_codes
    from ostraka.learning.model import leave

    invited = study.base["collection"].get("from") == "invited"
    roster = read_codes(CODES).roster if invited else None
    own = identity.load(name, config.keys_directory(keys))
    if models is not None:
        models.mkdir(parents=True, exist_ok=True)  # what stands in the way is told before a round
    organiser, model = StudyOrganiser(study, own, roster, DAY), first

    async def all_rounds() -> None:
        nonlocal model
        for number in range(1, study.table.rounds + 1):
            start = study.start if model is None else model
            manifest = await organiser.open(number, start)
            await organiser.enough(manifest, enough)
            await organiser.close(manifest)
            model, counted = await organiser.next_model(manifest, start)
            voice.say(f"round {number} of {study.table.rounds}: {counted} devices counted")
            if models is not None:
                leave(models, number, study.shapes, model)

    endings.run(all_rounds())
