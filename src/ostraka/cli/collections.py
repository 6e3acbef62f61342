"""Commands of a collection's organiser: `invite`, `status` and `close`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import completing, voice
from ostraka.cli.options import KeysOption, OutputOption
from ostraka.text import visible

if TYPE_CHECKING:
    from ostraka.collection.merkle import Proof
    from ostraka.identity import Identity
    from ostraka.invitations.collecting import GivenCode
    from ostraka.invitations.draft import Draft
    from ostraka.mailbox.client import CollectionStatus, MailboxClient
    from ostraka.manifest import Manifest
    from ostraka.manifest.collection import Collection
    from ostraka.protocols.protocol import Protocol

CollectionArgument = Annotated[
    Path,
    typer.Argument(
        metavar="COLLECTION.toml",
        help="The collection's manifest.",
        autocompletion=completing.complete_session,
    ),
]


def invite(
    collection: Annotated[
        str,
        typer.Argument(
            metavar="DRAFT|COLLECTION.toml",
            help="A draft, to add invitations; or the sealed manifest, to get their codes.",
        ),
    ],
    count: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="How many; by default a line of NAMES.")
    ] = None,
    names: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Names for our own list, one on each line."),
    ] = None,
    weights: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="What each report counts for, a number on each line."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--again", help="Print the codes that were given before.")
    ] = False,
    revoke: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME|#PLACE|CODE", help="Take an invitation back; may be repeated."),
    ] = None,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Add invitations to the draft of a collection; once it is sealed, print their codes."""
    from ostraka import config, home
    from ostraka.invitations import collecting
    from ostraka.invitations.draft import Draft

    listed = _read_lines(names) if names else []
    if not Path(collection).is_file():
        draft = Draft.load(collection, home.drafts_directory())
        _add(draft, _names(listed, count), weights, output)
        return
    manifest = config.load(Path(collection))
    if not collection_of(manifest).invited:
        _show([collecting.open_code(manifest)], output)
        return
    draft = collecting.sealed_draft(manifest, home.drafts_directory())
    if revoke:
        _revoke(draft, manifest, revoke, output)
    elif again:
        _show(collecting.given_codes(draft, manifest), output)
    else:
        wanted = len(listed) if listed else count
        given = _names(listed, count) if listed else []
        made, found = collecting.give_codes(draft, manifest, wanted, given)
        made.save(home.drafts_directory())
        _show(found, output)


def collection_of(manifest: Manifest) -> Collection:
    """Return the table `[collection]` of a manifest; UsageError where it has none."""
    from ostraka.errors import UsageError

    if manifest.collection is None:
        hint = "ostraka new PROTOCOL --collection invited makes one"
        raise UsageError("this manifest has no [collection]", hint=hint, data_left=False)
    return manifest.collection


def _read_lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not blank."""
    from ostraka.files import read_text

    lines = (line.strip() for line in read_text(path).splitlines())
    return [line for line in lines if line]


def _names(listed: list[str], count: int | None) -> list[str]:
    """Return a name for each invitation, "" for one without.

    Raises:
        UsageError: as many names as invitations are not there, or neither is given.
    """
    from ostraka.errors import UsageError

    if not listed and count is None:
        message = "the number of invitations is needed"
        raise UsageError(message, hint="--count N, or --names FILE", data_left=False)
    if listed and count not in (None, len(listed)):
        message = f"--count {count}, and {len(listed)} names"
        raise UsageError(message, hint="leave --count out", data_left=False)
    return listed or [""] * (count or 0)


def _add(draft: Draft, names: list[str], weights: Path | None, output: voice.OutputFormat) -> None:
    from ostraka import home
    from ostraka.invitations import collecting

    made = collecting.add_credentials(draft, names, _weights(weights, len(names)))
    collecting.require_weights_taken(made)
    made.save(home.drafts_directory())
    if output is voice.OutputFormat.JSON:
        voice.emit({"draft": made.id, "invitations": len(made.credentials), "codes": []})
        return
    voice.say(f"{len(made.credentials)} invitations; their codes are there once it is sealed:")
    voice.say(f"  ostraka seal {made.id} --out COLLECTION.toml")
    voice.say("  ostraka invite COLLECTION.toml --count N")


def _weights(path: Path | None, count: int) -> list[int]:
    from ostraka.errors import UsageError

    if path is None:
        return [1] * count
    lines = _read_lines(path)
    if len(lines) != count or not all(line.isascii() and line.isdecimal() for line in lines):
        message = f"{path} does not hold {count} whole numbers, one on each line"
        raise UsageError(message, data_left=False)
    return [int(line) for line in lines]


def _show(found: list[GivenCode], output: voice.OutputFormat) -> None:
    if output is voice.OutputFormat.JSON:
        voice.emit({"codes": [given.table() for given in found]})
        return
    for given in found:
        print(*filter(None, (given.name, given.code.link)))
    voice.say("send each person its own link alone; it opens the page, and this takes it, too:")
    voice.say("  ostraka contribute LINK --input FILE")


# --- orders of the organiser ---------------------------------------------------------------------


def _revoke(
    draft: Draft, manifest: Manifest, wanted: list[str], output: voice.OutputFormat
) -> None:
    """Sign the list of all invitations taken back, and leave it at each mailbox."""
    from ostraka import home, identity
    from ostraka.cli.mailboxes import at_its_mailbox
    from ostraka.collection import orders
    from ostraka.invitations.collecting import numbers_of

    numbers = sorted({*draft.revoked, *numbers_of(draft, wanted)})
    made = replace(draft, revoked=numbers)
    own = identity.load(draft.me, Path(draft.keys))
    statement = orders.write_revocations(numbers, manifest.digest, own)
    at_its_mailbox(manifest, lambda mailbox: mailbox.put_revocations(statement))
    made.save(home.drafts_directory())
    if output is voice.OutputFormat.JSON:
        voice.emit({"revoked": [f"#{number + 1}" for number in numbers]})
    else:
        voice.say(f"taken back: {', '.join(f'#{number + 1}' for number in numbers)}")


def close(
    collection: CollectionArgument,
    as_: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The organiser, whose key is here.")
    ] = "",
    keys: KeysOption = None,
) -> None:
    """Close a collection before its time, where its manifest lets the organiser."""
    from time import sleep, time

    from ostraka import config
    from ostraka.cli.mailboxes import at_its_mailbox
    from ostraka.collection import orders
    from ostraka.errors import RefusedByPolicy

    manifest = config.load(collection)
    if not collection_of(manifest).early_close:
        raise RefusedByPolicy(
            "the manifest does not let the organiser close it before its time",
            hint=f"it closes at {collection_of(manifest).closes:%Y-%m-%d %H:%M} UTC",
            data_left=False,
        )
    own = _organiser(manifest, as_, keys)
    closes = int(time()) + 1  # a mailbox refuses a second in which it has taken reports
    statement = orders.write_close(closes, manifest.digest, own)
    at_its_mailbox(manifest, lambda mailbox: mailbox.put_close(statement))
    sleep(max(0.0, closes - time()))
    voice.say("closed: it takes no more reports")


def _organiser(manifest: Manifest, name: str, keys: Path | None) -> Identity:
    """Return the organiser's identity: the one named, or that of the draft.

    Raises:
        PinMismatch: it is not the organiser of the manifest.
    """
    from ostraka import config, home, identity
    from ostraka.errors import PinMismatch
    from ostraka.invitations.collecting import sealed_draft

    if name:
        own = identity.load(name, config.keys_directory(keys))
    else:
        draft = sealed_draft(manifest, home.drafts_directory())
        own = identity.load(draft.me, Path(draft.keys))
    if own.pin != collection_of(manifest).organiser:
        message = f"{own.certificate_path} is not the organiser's key"
        raise PinMismatch(message, hint="--as NAME --keys DIR", data_left=False)
    return own


def status(
    collection: Annotated[
        Path,
        typer.Argument(
            metavar="COLLECTION.toml|RECEIPT",
            help="The collection's manifest; or the receipt of our report, to see whether it was "
            "counted.",
        ),
    ],
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Ask the mailbox how a collection stands."""
    from ostraka import config
    from ostraka.cli.mailboxes import at_mailbox

    if collection.suffix == ".json":
        _status_of_report(collection, output)
        return
    manifest = config.load(collection)
    found, receipts = at_mailbox(collection_of(manifest).mailbox, manifest.digest, _ask)
    missing = [name for name in manifest.compute if name not in found.statements]
    shown = _shown(found) | ({"not_accepted": missing} if missing else {})
    _print_status(shown | _published(receipts, config.bind(manifest)), output)


async def _ask(mailbox: MailboxClient) -> tuple[CollectionStatus, dict[str, bytes]]:
    found = await mailbox.status()
    return found, await mailbox.receipts() if found.state == "done" else {}


def _published(receipts: dict[str, bytes], protocol: Protocol) -> dict[str, object]:
    """Return the result that the compute parties have published, if they have."""
    from ostraka.collection.published import published_result
    from ostraka.collection.shape import Shape

    found = published_result(receipts, Shape.of(protocol))
    return {} if found is None else {"result": found}


def _shown(status: CollectionStatus) -> dict[str, object]:
    """Return what is printed of a collection; it is "open" while compute parties accept it."""
    from datetime import UTC, datetime

    from ostraka.manifest.collection import moment_text

    closes = moment_text(datetime.fromtimestamp(status.closes, UTC))
    state = "open" if status.state == "waiting" else status.state
    return {"reports": status.reports, "closes": closes, "state": state}


def _print_status(shown: dict[str, object], output: voice.OutputFormat) -> None:
    if output is voice.OutputFormat.JSON:
        voice.emit(shown)
        return
    for line in _status_lines(shown):
        print(visible(line))


def _status_lines(shown: dict[str, Any]) -> list[str]:
    """Write a status for people, a line for each thing that is known."""
    from ostraka.cli import results

    lines = [f"{key:8} {shown[key]}" for key in ("reports", "closes", "state")]
    if missing := shown.get("not_accepted"):
        lines.append(f"waits    for {', '.join(missing)} to accept it: until then no report can "
                     "be sent")  # fmt: skip
    if "counted" in shown:
        names = ", ".join(shown["counted"])
        lines.append(f"counted  by {names}" if names else "counted  by no compute party yet")
    if result := shown.get("result"):
        outputs = results.lines(result.get("outputs", []))
        lines += [f"result   {line}" for line in outputs]
        lines += [f"         {result['why']}"] if result.get("why") else []
        lines.append(f"         from {result.get('contributors')} contributors")
    return lines


def _status_of_report(path: Path, output: voice.OutputFormat) -> None:
    """Ask for the proof that a report was counted, and keep it in the report's receipt."""
    from ostraka.cli.mailboxes import at_mailbox
    from ostraka.collection.published import signed_roots
    from ostraka.collection.shape import Shape
    from ostraka.contribution import bind
    from ostraka.record.kept_report import load_receipt, save_receipt

    mine = load_receipt(path)
    digest, manifest = bytes.fromhex(mine["report"]), bytes.fromhex(mine["manifest_sha256"])

    async def ask(mailbox: MailboxClient) -> tuple[Any, ...]:
        return await mailbox.status(), await mailbox.receipts(), await mailbox.inclusion(digest)

    status, receipts, proofs = at_mailbox(mine["mailbox"], manifest, ask)
    if proofs:
        tables = {party: proof.table() for party, proof in proofs.items()}
        save_receipt(path, {**mine, "proofs": tables})
    protocol = bind(status.manifest, manifest)
    roots = signed_roots(receipts, Shape.of(protocol))
    counted = [name for name in roots if _leads(proofs.get(name), roots[name], digest)]
    shown = {**_shown(status), "counted": sorted(counted)}
    published = _published(receipts, protocol) if status.state == "done" else {}
    _print_status(shown | published, output)


def _leads(proof: Proof | None, root: bytes, digest: bytes) -> bool:
    """Whether a proof leads to the root that its party signed; the mailbox may have made it up."""
    from ostraka.collection.merkle import check_proof
    from ostraka.errors import PeerViolation

    if proof is None:
        return False
    try:
        check_proof(root, digest, proof)
    except PeerViolation:
        return False
    return True
