"""Command `page`: writes the page of a collection, for a file or a web server."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ostraka.cli import completing, voice


def page(
    collection: Annotated[
        Path,
        typer.Argument(
            metavar="COLLECTION.toml",
            help="The collection's manifest.",
            autocompletion=completing.complete_session,
        ),
    ],
) -> None:
    """Write the page of a collection on stdout, and its SHA-256 on stderr.

    It is one file, without others, and asks for a report in a browser; the mailbox serves the same
    one at /c/ID. Tell contributors the SHA-256: a page cannot vouch for itself.
    """
    from ostraka import config
    from ostraka.page import building

    found = building.build(config.bind(collection))
    print(found, end="")
    voice.say(f"sha256 {building.digest(found)}")
