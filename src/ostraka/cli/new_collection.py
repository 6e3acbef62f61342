"""Options of `new` for a collection: its table, its parties, its draft."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostraka.cli import voice
from ostraka.cli.invitations import draft_of, own_identity, print_codes

if TYPE_CHECKING:
    from ostraka.manifest import Manifest


def collection_table(
    source: str,
    me: str,
    keys: Path | None,
    closes: str,
    mailboxes: list[str],
    most: int | None,
    *,
    early_close: bool,
    once: bool,
    public: bool,
) -> dict[str, Any]:
    """Return the table `[collection]` that options of `new` ask for; empty where they ask for none.

    Raises:
        UsageError: an option is missing, or goes with --collection alone.
    """
    from ostraka.errors import UsageError
    from ostraka.invitations.collecting import ROSTER
    from ostraka.manifest.writing import Bare

    if not source:
        if closes or mailboxes or most or early_close or once or public:
            message = "--closes, --mailbox and options like them go with --collection"
            raise UsageError(message, hint="--collection invited", data_left=False)
        return {}
    if not (me and closes and mailboxes):
        hint = "--as NAME --closes 7d --mailbox https://..."
        raise UsageError("a collection needs an organiser, an end and a mailbox", hint=hint,
                         data_left=False)  # fmt: skip
    invited = source == "invited"
    return {
        "from": source,
        "organiser": own_identity(me, keys).pin,
        "roster": ROSTER if invited else None,
        "size": (most or PLANNED) if invited else None,
        "closes": Bare(_closes(closes)),
        "early_close": early_close or None,
        "replace": False if once else None,
        "max_reports": None if invited else most,
        "mailbox": mailboxes if len(mailboxes) > 1 else mailboxes[0],
        "recipients": "public" if public else None,
    }


PLANNED = 1000
"""Size of a roster that stands in a draft without --max-reports, until `seal` writes and checks the
true one: as many contributors as a protocol can have that compares all pairs of them."""


def _closes(text: str) -> str:
    """Read a time from now, such as 7d, or a moment, and return the moment as manifests have it."""
    import re
    from datetime import UTC, datetime, timedelta

    from ostraka.errors import UsageError
    from ostraka.manifest.collection import moment_text

    if match := re.fullmatch(r"([0-9]{1,6})([mhd])", text):
        unit = {"m": "minutes", "h": "hours", "d": "days"}[match[2]]
        return moment_text(datetime.now(UTC) + timedelta(**{unit: int(match[1])}))
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        hint = "such as 7d, 12h or 2026-12-05T18:00:00Z"
        raise UsageError(f"--closes {text}: is not a time", hint=hint, data_left=False)
    return moment_text(moment)


def without_contributors(
    parties: list[dict[str, Any]], invited: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    """Return the parties of a collection, which contribute nothing; the organiser is none of them
    only because it invites."""
    from ostraka.manifest.writing import without_input

    return [without_input(party) for party in parties if party not in invited[:1]]


def draft_collection(
    text: str,
    manifest: Manifest,
    me: str,
    keys: Path | None,
    valid: str,
    output: voice.OutputFormat,
) -> None:
    """Keep the draft of a collection; open a box for each compute party that is invited."""
    from dataclasses import replace

    from ostraka import home
    from ostraka.invitations.draft import stand_in

    names: list[str] = [party.name for party in manifest.party if party.key == stand_in(party.name)]
    assert manifest.collection is not None
    made = draft_of(text, manifest, me, names, keys, valid)
    made = replace(made, invited=manifest.collection.invited)
    made.save(home.drafts_directory())
    print_codes(made.id, made.codes, output)
    if output is voice.OutputFormat.TEXT:
        voice.say(f"closes {manifest.collection.closes:%Y-%m-%d %H:%M} UTC; next:")
        if made.invited:
            voice.say(f"  ostraka invite {made.id} --count N")
        voice.say(f"  ostraka seal {made.id}")
