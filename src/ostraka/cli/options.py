"""Arguments and options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ostraka.cli.voice import OutputFormat

SessionArgument = Annotated[Path, typer.Argument(metavar="SESSION.toml", help="The manifest.")]

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
