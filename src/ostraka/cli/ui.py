"""Command `ui`: a page of one's own, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ostraka.cli import startup, voice
from ostraka.cli.options import KeysOption, ListenOption, OutputOption, ProxyOption, ReceiptsOption


def ui(
    sessions: Annotated[
        list[Path] | None,
        typer.Argument(
            metavar="[DIR|SESSION.toml]...",
            help="Directories of manifests, and manifests; by default here.",
        ),
    ] = None,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as", metavar="NAME", help="The party; by default the one whose key is here."
        ),
    ] = None,
    keys: KeysOption = None,
    receipts: ReceiptsOption = None,
    port: Annotated[
        int,
        typer.Option(metavar="PORT", min=0, max=65535, help="Of 127.0.0.1; by default any."),
    ] = 0,
    listen: ListenOption = None,
    proxy: ProxyOption = None,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Open a page for one party on this machine: sessions, input, progress, results, budget.

    Open the address that it prints, all of it: the end is the page's secret. It lasts until Ctrl-C.
    """
    from ostraka import config
    from ostraka.cli.endings import endings
    from ostraka.service.packages import require_server

    require_server("the page")
    from ostraka.ui.operation import serve
    from ostraka.ui.settings import PageSettings

    found = tuple(sessions or [Path()])
    _require_there(found)
    settings = PageSettings(
        sessions=found,
        keys=config.keys_directory(keys),
        receipts=config.receipts_directory(receipts),
        name=as_,
        proxy=proxy,
        listen=listen,
        say=voice.say,
    )
    startup.loaded()

    def ready(address: str) -> None:
        if output is voice.OutputFormat.JSON:
            voice.emit({"address": address})
        else:
            print(address, flush=True)
            voice.say("open it in a browser on this machine; Ctrl-C ends it")

    endings.run(serve(settings, port, ready))


def _require_there(paths: tuple[Path, ...]) -> None:
    from ostraka.errors import UsageError

    for path in paths:
        if not path.exists():
            raise UsageError(f"{path} is not there", hint="a directory, or a manifest")
