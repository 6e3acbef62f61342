"""Command `contribute`: reports to a collection, and leaves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ostraka.cli import voice
from ostraka.cli.options import OutputOption

if TYPE_CHECKING:
    from ostraka.contribution import Contribution


def contribute(
    code: Annotated[
        str, typer.Argument(metavar="CODE|LINK", help="As the organiser sent it: ostraka2-...")
    ],
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="Our input: JSON, .npy, text with a value on each line, or a table; - is standard "
            "input; asked for without echo when left out.",
        ),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send it without being asked.")] = False,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Send our input to a collection, sealed to its compute parties, and keep a receipt.

    The same input again is sent with the same bytes; another one replaces it until the collection
    closes, where its manifest allows that.
    """
    from ostraka import home
    from ostraka.arithmetic.randomness import OsDraw
    from ostraka.cli import giving, known
    from ostraka.cli.mailboxes import at_mailbox
    from ostraka.collection.codes import read_code
    from ostraka.contribution import Contribution
    from ostraka.data.selection import Selection

    found, reports = read_code(code), home.reports_directory()
    at = found.mailbox, found.manifest
    invitation = at_mailbox(*at, lambda mailbox: Contribution.look_up(found, mailbox))
    invitation.require_open(reports)
    wanted = invitation.protocol.input_in_words(invitation.place)
    for line in _in_words(invitation, wanted):
        voice.say(line)
    raw = giving.read(invitation.protocol, invitation.place, input_, Selection(), sure=yes)
    if not yes and known.on_a_terminal():
        typer.confirm("Send it?", default=False, err=True, abort=True)
    report = invitation.write(raw, reports, OsDraw())
    path = at_mailbox(*at, lambda mailbox: invitation.send(report, mailbox, reports))
    if output is voice.OutputFormat.JSON:
        voice.emit({"report": report.digest.hex(), "receipt": str(path)})
    else:
        until = f": it may be replaced until {_closes(invitation)}"
        voice.say("sent" + until * invitation.collection.replaceable)
        print(path)


def _closes(invitation: Contribution) -> str:
    return f"{invitation.collection.closes:%Y-%m-%d %H:%M} UTC"


def _in_words(invitation: Contribution, wanted: str) -> list[str]:
    """Say what is asked, by whom, until when, who computes, and what the answer may betray."""
    from ostraka.cli import check
    from ostraka.protocols import advice

    manifest, collection = invitation.manifest, invitation.collection
    sentences = (*invitation.protocol.explain(), *advice.weak(invitation.protocol))
    return [
        manifest.session.title,
        f"  asked     {wanted}",
        f"  until     {_closes(invitation)}",
        f"  organiser {collection.organiser}",
        *(f"  computes  {name}, {manifest.party_named(name).key}" for name in manifest.compute),
        *check.sentences(sentences),
    ]
