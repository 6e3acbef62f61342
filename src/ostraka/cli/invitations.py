"""Commands `join` and `seal`, and `new --invite`: parties meet by a code that a person pastes."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from ostraka.cli import voice
from ostraka.cli.options import KeysOption, OutputOption

if TYPE_CHECKING:
    from ostraka.collection.credentials import CredentialRoster
    from ostraka.identity import Identity
    from ostraka.invitations.code import Code
    from ostraka.invitations.draft import Draft
    from ostraka.manifest import Manifest
    from ostraka.transport.network import Network

T = TypeVar("T")


def invited_tables(me: str, invite: str, keys: Path | None) -> list[dict[str, Any]]:
    """Return the tables `[[party]]` of the organiser and of those it invites."""
    from ostraka.errors import UsageError
    from ostraka.invitations.draft import stand_in
    from ostraka.manifest.writing import party_in_all_roles

    if not me:
        raise UsageError("--invite needs --as NAME: the party that invites", data_left=False)
    tables = [party_in_all_roles(me, own_identity(me, keys).pin)]
    for text in invite.split(","):
        name, _, roles = text.strip().partition(":")
        table = party_in_all_roles(name, stand_in(name))
        tables.append({**table, "roles": roles.split("+")} if roles else table)
    return tables


def own_identity(name: str, keys: Path | None) -> Identity:
    """Load the key of a party, or make it if there is none, and say so."""
    from ostraka import config, identity

    return identity.load_or_create(name, config.keys_directory(keys), voice.say)


def _at_coordinator(own: Identity, work: Callable[[Network], Coroutine[Any, Any, T]]) -> T:
    """Do some work over the network, by the party's own proxy if it has one."""
    import asyncio

    from ostraka import home
    from ostraka.invitations import meeting
    from ostraka.transport.tcp import SystemNetwork

    proxy = home.own_network(own.name, own.key_path.parent).proxy

    async def visit() -> T:
        return await meeting.at_coordinator(SystemNetwork(proxy=proxy, warn=voice.warn), work)

    return asyncio.run(visit())


def draft(
    text: str,
    manifest: Manifest,
    names: list[str],
    keys: Path | None,
    valid: str,
    output: voice.OutputFormat,
) -> None:
    """Keep a draft, open a box for each invited party, and print the codes.

    Args:
        text: the manifest's TOML.
        names: the organiser, then those it invites, as `invited_tables` has them.
    """
    from ostraka import home

    me, *invited = names
    made = draft_of(text, manifest, me, invited, keys, valid)
    made.save(home.drafts_directory())
    print_codes(made.id, made.codes, output)


def draft_of(
    text: str, manifest: Manifest, me: str, invited: list[str], keys: Path | None, valid: str
) -> Draft:
    """Return a draft that is not saved yet; a box is open for each invited party."""
    import secrets

    from ostraka import config
    from ostraka.invitations import meeting
    from ostraka.invitations.draft import Draft, make_code

    number, expires = secrets.token_hex(8), _expiry(valid)
    found = {name: make_code(name, manifest, me, number, expires).write() for name in invited}
    made = Draft.new(me, config.keys_directory(keys), text, found, number)
    own = own_identity(me, keys)
    if invited:
        _at_coordinator(own, lambda network: meeting.publish(made, invited, own, network))
    return made


def _expiry(valid: str) -> int:
    from time import time

    return int(time() + _seconds("--valid", valid))


def _seconds(option: str, text: str) -> float:
    """Read the time that is the value of an option."""
    from ostraka.errors import UsageError
    from ostraka.manifest.fields import seconds

    try:
        return seconds(text)
    except ValueError as problem:
        raise UsageError(f"{option} {problem}", data_left=False) from None


def print_codes(draft: str, found: dict[str, str], output: voice.OutputFormat) -> None:
    """Print the codes of parties that are invited to a draft."""
    if output is voice.OutputFormat.JSON:
        voice.emit({"draft": draft, "codes": found})
        return
    print(f"draft {draft}")
    for name, code in found.items():
        print(f"\n{name}:\nostraka join {code}")
    if not found:
        return
    voice.say("\nsend each person its own code alone; when all have joined:")
    voice.say(f"  ostraka seal {draft}")


# --- join --------------------------------------------------------------------------------------


def join(
    code: Annotated[str, typer.Argument(metavar="CODE", help="The code: ostraka1-...")],
    as_: Annotated[
        str, typer.Option("--as", metavar="NAME", help="Our name; the code has it already.")
    ] = "",
    keys: KeysOption = None,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the manifest goes; by default session-ID.toml."),
    ] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Accept the manifest without being asked.")
    ] = False,
    wait: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait for the manifest.")
    ] = "10m",
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Answer an invitation: make a key if there is none, then wait for the manifest."""
    from ostraka import config
    from ostraka.errors import UsageError
    from ostraka.invitations import code as codes
    from ostraka.invitations import meeting

    found, patience = codes.read(code), _seconds("--wait", wait)
    if as_ and as_ != found.name:
        raise UsageError(f"this code is for {found.name}, not for {as_}", data_left=False)
    meeting.require_valid(found)
    own = own_identity(found.name, keys)
    _at_coordinator(own, lambda network: meeting.answer(found, own, network))
    voice.say("answered; waiting for the organiser to seal the draft")
    text = _at_coordinator(own, lambda network: meeting.receive(found, own, network, patience))
    manifest = config.bind_text(text, "manifest").manifest
    _accept(manifest, found, yes)
    path = _write(out or Path(f"session-{found.draft.hex()}.toml"), text, manifest)
    _tell(output, path, manifest, own, name=found.name, fingerprint=own.pin)


def _accept(manifest: Manifest, code: Code, yes: bool) -> None:
    """Show the manifest in words, ask, and learn its keys, for which the organiser vouches."""
    from ostraka import home
    from ostraka.cli import check, known
    from ostraka.errors import UsageError
    from ostraka.explanation import check as explain
    from ostraka.names import PartyId
    from ostraka.record.trust import Trust

    for line in check.sentences(explain(manifest).sentences):
        voice.say(line)
    if not yes and not known.on_a_terminal():
        raise UsageError(
            "the manifest is there, and there is no terminal to ask on",
            hint="run the same command with --yes",
            data_left=False,
        )

    def ask(_: object) -> bool:
        return yes or typer.confirm("Take part?", default=False, err=True)

    home.meet(manifest, PartyId(code.name), Trust(ask=ask, tell=known.tell, vouched=True))


def _write(path: Path, text: str, manifest: Manifest) -> Path:
    from ostraka.errors import UsageError
    from ostraka.files import read_text

    if path.exists() and read_text(path) != text:
        raise UsageError(f"{path} is there already", hint="choose another: --out", data_left=False)
    path.write_text(text, encoding="utf-8")
    return path


def _tell(
    output: voice.OutputFormat, path: Path, manifest: Manifest, own: Identity, **more: Any
) -> None:
    """Print where the manifest is, its six words, and what comes next."""
    from ostraka.manifest.words import six_words

    words = six_words(manifest.digest)
    if output is voice.OutputFormat.JSON:
        voice.emit({**more, "manifest": str(path), "words": words})
        return
    print(path)
    voice.say(f"six words: {words}")
    if manifest.collection is not None and own.name not in manifest.parties:
        voice.say("next: each compute party accepts it: ostraka run FILE --as NAME; then")
        voice.say(f"      ostraka invite {path} prints a link for each person")
        return
    keys = own.key_path.parent
    where = f" --keys {keys}" if keys != Path() else ""
    voice.say(f"next: ostraka check {path}, then ostraka run {path} --as {own.name}{where}")


# --- seal --------------------------------------------------------------------------------------


def seal(
    draft: Annotated[str, typer.Argument(metavar="DRAFT", help="As `new --invite` printed it.")],
    without: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Leave an invited party out; may be repeated."),
    ] = None,
    wait: Annotated[
        str, typer.Option(metavar="TIME", help="How long to wait for parties to join.")
    ] = "",
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the manifest goes; by default session-ID.toml."),
    ] = None,
    revoke: Annotated[
        str, typer.Option(metavar="NAME", help="Only take back the code of a party.")
    ] = "",
    resend: Annotated[
        str, typer.Option(metavar="NAME", help="Only make a new code for a party; the old ends.")
    ] = "",
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """End a draft: all have joined, so the manifest is signed and left for each of them."""
    from ostraka import home, identity
    from ostraka.invitations import meeting
    from ostraka.invitations.collecting import roster_of
    from ostraka.invitations.draft import Draft

    found = Draft.load(draft, home.drafts_directory())
    own = identity.load(found.me, Path(found.keys))
    if revoke or resend:
        _replace_code(found, own, revoke or resend, again=bool(resend), output=output)
        return
    found = found.without(without or [])
    patience = _seconds("--wait", wait) if wait else 0.0
    joined, missing = _at_coordinator(
        own, lambda network: meeting.collect(found, own, network, patience)
    )
    if missing:
        raise _incomplete(missing)
    roster = roster_of(found)
    text, found = _finished(found, found.filled(joined), roster)
    manifest = _at_coordinator(own, lambda network: meeting.send(found, text, own, network))
    if manifest.collection is not None:
        _publish(roster, text, manifest, own)
    home.known_keys().learn(manifest, found.me)
    path = _write(out or Path(f"session-{found.id}.toml"), text, manifest)
    _tell(output, path, manifest, own, joined=list(joined))


def _finished(draft: Draft, text: str, roster: CredentialRoster) -> tuple[str, Draft]:
    """Return the manifest's TOML, of a collection with its roster, and the draft that is bound to
    it from now on."""
    from dataclasses import replace

    from ostraka import config, home
    from ostraka.invitations.collecting import with_roster

    if draft.invited:
        text = with_roster(draft, text, roster)
    manifest = config.bind_text(text, "manifest").manifest
    if manifest.collection is None:
        replace(draft, sealed=manifest.digest.hex()).save(home.drafts_directory())
        return text, draft
    if draft.sealed not in ("", manifest.digest.hex()):
        from ostraka.errors import UsageError

        hint = "make a new draft: ostraka new ... --collection"
        raise UsageError(f"draft {draft.id} was sealed otherwise", hint=hint, data_left=False)
    draft = replace(draft, sealed=manifest.digest.hex())
    draft.save(home.drafts_directory())
    return text, draft


def _publish(roster: CredentialRoster, text: str, manifest: Manifest, own: Identity) -> None:
    """Open the collection at each of its mailboxes."""
    from ostraka.cli.mailboxes import at_its_mailbox
    from ostraka.collection import orders

    publication = orders.write_publication(roster.write(), manifest.digest, own)
    at_its_mailbox(manifest, lambda mailbox: mailbox.publish(text.encode(), publication))


def _incomplete(missing: list[str]) -> Exception:
    from ostraka.errors import TimedOut

    names = ", ".join(missing)
    return TimedOut(
        f"{names} {'have' if len(missing) > 1 else 'has'} not joined yet",
        hint="wait longer: --wait 10m; or seal without them: --without NAME",
        data_left=False,
    )


def _replace_code(
    draft: Draft, own: Identity, name: str, *, again: bool, output: voice.OutputFormat
) -> None:
    """Take back the code of a party, and perhaps make a new one."""
    from ostraka import config, home
    from ostraka.invitations import meeting
    from ostraka.invitations.draft import make_code

    old = draft.code(name)
    _at_coordinator(own, lambda network: meeting.revoke(old, own, network))
    if draft.sealed:
        voice.warn(
            f"the manifest that was sealed before holds the key of {name}, and stays valid: tell "
            "the others not to run it, and give them the one that you seal now"
        )
    if not again:
        voice.say(f"revoked the code of {name}; seal the draft with --without {name}")
        return
    manifest = config.bind_text(draft.text, "manifest").manifest
    made = make_code(name, manifest, draft.me, draft.id, _expiry("72h"))
    draft = draft.with_code(made)
    _at_coordinator(own, lambda network: meeting.publish(draft, [name], own, network))
    draft.save(home.drafts_directory())
    print_codes(draft.id, {name: draft.codes[name]}, output)
