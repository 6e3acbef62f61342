"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ostraka.cli import completing
from ostraka.cli.voice import OutputFormat

SessionArgument = Annotated[
    Path,
    typer.Argument(
        metavar="SESSION.toml", help="The manifest.", autocompletion=completing.complete_session
    ),
]

OutputOption = Annotated[
    OutputFormat, typer.Option(metavar="text|json", help="Format of the result on stdout.")
]

KeysOption = Annotated[
    Path | None,
    typer.Option(
        "--keys",
        metavar="DIR",
        help="Where NAME.key and NAME.crt are; by default OSTRAKA_KEYS, or here.",
    ),
]

ReceiptsOption = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where receipts go; by default OSTRAKA_RECEIPTS, or here."),
]

ListenOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="Where to listen on this machine, if not at the manifest's address for us.",
    ),
]

ProxyOption = Annotated[
    str | None,
    typer.Option(
        metavar="HOST:PORT",
        help="A SOCKS5 proxy for all connections we make, and their names; by default "
        "OSTRAKA_PROXY, or [network] proxy in NAME.toml, where its password goes.",
    ),
]
