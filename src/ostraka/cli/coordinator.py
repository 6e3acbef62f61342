"""Command `coordinator`: runs the relay, from a file of settings or from options."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostraka.cli import startup, voice
from ostraka.cli.options import KeysOption

if TYPE_CHECKING:
    from ostraka.coordinator.settings import Settings
    from ostraka.identity import Identity


def coordinator(
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            help='TOML: listen = "HOST:PORT"; perhaps name ("coordinator") and keys (the '
            "file's own directory), whose key it uses; allow, fingerprints it relays for; http, "
            "log, level, log_sources, drain.",
        ),
    ] = None,
    listen: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where parties connect. Without a file, the key coordinator.key is used, and made "
            "if there is none.",
        ),
    ] = None,
    keys: KeysOption = None,
    http: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Where /healthz, /readyz, /metrics and /status are, in plain HTTP.",
        ),
    ] = None,
    log: Annotated[str | None, typer.Option(metavar="text|json", help="Form of log lines.")] = None,
    level: Annotated[
        str | None, typer.Option(metavar="LEVEL", help="debug, info, warning or error.")
    ] = None,
) -> None:
    """Relay bytes between parties; the coordinator cannot read them. Runs until stopped."""
    import logging

    from ostraka.cli.endings import endings
    from ostraka.coordinator.operation import Operation
    from ostraka.identity import fingerprint_text
    from ostraka.service import logs

    def settings() -> Settings:
        return _settings(config_file, listen, http=http, log=log, level=level)

    found = settings()
    own = _identity(found, keys, made=config_file is None)
    startup.loaded()

    def ready(address: str) -> None:
        key = fingerprint_text(own.fingerprint)
        if found.log == "json":
            logs.event(logging.INFO, "listening", address=address, fingerprint=key)
        else:
            voice.say(f"listening on {address} as {key}")

    endings.run(Operation(found, own, settings if config_file else None).run(ready))


def _settings(file: Path | None, listen: str | None, **given: str | None) -> Settings:
    """Return the settings of a file, or the usual ones, with those given as options in place."""
    from ostraka.coordinator import settings
    from ostraka.errors import UsageError

    if file is None and listen is None:
        raise UsageError(
            "a coordinator needs an address to listen on",
            hint="--listen 0.0.0.0:9440, or --config FILE",
        )
    said = {name: value for name, value in {"listen": listen, **given}.items() if value is not None}
    chosen = settings.of_options(said)
    return settings.Settings(**chosen) if file is None else replace(settings.load(file), **chosen)


def _identity(settings: Settings, keys: Path | None, *, made: bool) -> Identity:
    """Load the coordinator's key; make one first if there is none and `made` allows it."""
    from ostraka import home, identity

    if not made:
        return identity.load(settings.name, keys or settings.keys)
    directory = keys or home.coordinator_directory()
    if not (directory / f"{settings.name}.key").exists():
        identity.create(settings.name, directory)
        voice.say(f"made {directory / settings.name}.key")
    return identity.load(settings.name, directory)
