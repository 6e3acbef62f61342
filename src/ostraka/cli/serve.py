"""Commands `serve`, a party that stays, and `approve`, its operator's word on a session."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ostraka.cli import startup, voice

Config = Annotated[
    Path,
    typer.Option(
        "--config",
        metavar="FILE",
        help='TOML: name = "c1"; perhaps keys, sessions, receipts (directories), organisers, '
        "protocols, approve (ask or auto), trust_new, min_contributors, threshold, http, log.",
    ),
]


def serve(config_file: Config = Path("party.toml")) -> None:
    """Take part in the sessions and collections that are due. Runs until stopped."""
    import logging

    from ostraka import identity
    from ostraka.cli.endings import endings
    from ostraka.service import logs
    from ostraka.serving import settings
    from ostraka.serving.operation import PartyService

    found = settings.load(config_file)
    own = identity.load(found.name, found.keys)
    service = PartyService(found, lambda: settings.load(config_file))
    startup.loaded()

    def ready(directory: str) -> None:
        if found.log == "json":
            logs.event(logging.INFO, "serving", fingerprint=own.pin)
        else:
            voice.say(f"{found.name} ({own.pin}) looks at {directory}")

    endings.run(service.run(ready))


def approve(
    session: Annotated[str, typer.Argument(metavar="SESSION", help="As the service's log has it.")],
    config_file: Config = Path("party.toml"),
) -> None:
    """Allow a session that waits, or that failed, to begin. SESSION: the first 8 digits or more."""
    from ostraka import home
    from ostraka.serving import settings
    from ostraka.serving.book import SessionBook

    found = settings.load(config_file)
    approved = SessionBook(home.serving_directory(), found.name).approve(session)
    voice.say(f'approved: "{approved.title}" ({approved.manifest[:16]})')
