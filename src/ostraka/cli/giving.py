"""Command `template`; the input of `run`: read, shown to its owner, confirmed, then sent."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import completing, known, voice
from ostraka.cli.options import SessionArgument

if TYPE_CHECKING:
    from ostraka.data.mapping import Prepared
    from ostraka.data.selection import Selection
    from ostraka.names import PartyId
    from ostraka.protocols.protocol import Protocol

ATTEMPTS = 3
"""Answers that a person at a terminal may give before the command ends."""


def selected(
    values: list[str] | None,
    groups: list[str] | None,
    weight: str | None,
    heads: str | None,
    sheet: str | None,
    where: str | None,
    query: str | None,
    decimal: str | None,
    thousands: str | None,
    add_up: bool,
    skip_empty: bool,
) -> Selection:
    """Return what the options of `run` select of a table.

    Raises:
        UsageError: two of them do not go together.
    """
    from ostraka.data.notation import Notation
    from ostraka.data.selection import Selection

    return Selection(
        values=tuple(values or ()), groups=tuple(groups or ()), weight=weight, heads=heads,
        sheet=sheet, where=where, query=query, add_up=add_up, skip_empty=skip_empty,
        notation=Notation(decimal, thousands),
    )  # fmt: skip


def read(
    protocol: Protocol, me: PartyId, source: str | None, selection: Selection, *, sure: bool
) -> Any:
    """Read the party's input from a file, stdin or a prompt; None when it is asked for none.

    A table is shown on stderr first. At a terminal a person is asked; elsewhere a table of which
    rows are left out is sent only if the caller is `sure`.

    Raises:
        InputError: the input is not what the manifest asks for, or the answer is no.
    """
    from ostraka.data.opening import is_table
    from ostraka.inputs.made_up import require_none

    _require_contributor(protocol, me, source, selection)
    if me not in protocol.contributors:
        return None
    if protocol.manifest.session.rehearsal:
        require_none(source)
        voice.say("this is a rehearsal: our input is made up here, and the result means nothing")
        return None
    if source is None:
        return _asked(protocol, me)
    if not is_table(source, selection):
        return _plain(protocol, me, source)
    from ostraka import preparing

    prepared = preparing.prepare_table(protocol, me, source, selection)
    person = known.on_a_terminal()
    if person or not prepared.preview.wrong:
        _show(prepared, secrets=person)
    preparing.require_valid(protocol, me, prepared, shown=person)
    if not sure:
        _confirm(prepared, person)
    return prepared.raw


def _asked(protocol: Protocol, me: PartyId) -> Any:
    """Ask a person for the input on the terminal; after a wrong answer again, `ATTEMPTS` in all.

    Other parties wait meanwhile for nothing: none has been contacted.

    Raises:
        InputError: this is no terminal, or the last answer is not what the manifest asks for.
    """
    from ostraka.errors import InputError
    from ostraka.inputs import reading

    schema, wanted = protocol.manifest.input_of(me), protocol.input_in_words(me)
    for left in range(ATTEMPTS - 1, -1, -1):
        try:
            raw = reading.read_input(None, schema, me, wanted)
            protocol.encode(me, raw)
        except InputError as error:
            if not left or not reading.askable(schema):
                raise
            voice.fail(error.message)
            voice.say(f"hint: {error.hint or f'expected: {wanted}'}")
            voice.say(f"nothing was sent; asked again, {left} more time{'s' * (left > 1)}")
        else:
            return raw
    raise AssertionError("the last attempt returns or raises")


def _plain(protocol: Protocol, me: PartyId, source: str) -> Any:
    """Read an input that is no table. The text of one whose columns are not named is no input, so
    it is encoded at once, and the error says how to name them."""
    from ostraka.errors import InputError
    from ostraka.inputs import reading

    raw = reading.read_input(source, protocol.manifest.input_of(me), me)
    if Path(source).suffix.lower() in (".csv", ".tsv"):
        try:
            protocol.encode(me, raw)
        except InputError as error:
            error.hint = (
                "a table needs the name of its column: --value COLUMN, and --group COLUMN where "
                "there are groups; ostraka template makes one that needs neither"
            )
            raise
    return raw


def _require_contributor(
    protocol: Protocol, me: PartyId, source: str | None, selection: Selection
) -> None:
    from ostraka.errors import InputError, UsageError

    if source is None and selection.given:
        problem = "options about a table are there, and no table"
        raise UsageError(problem, hint="--input FILE", data_left=False)
    if source is not None and me not in protocol.contributors:
        message = f"{me} is not a contributor in this session: leave --input out"
        raise InputError(message, data_left=False)


def _show(prepared: Prepared, *, secrets: bool) -> None:
    for line in prepared.preview.lines(secrets=secrets):
        voice.say(line)


def _confirm(prepared: Prepared, person: bool) -> None:
    from ostraka.errors import InputError

    if person:
        if not typer.confirm("Send?", default=False, err=True):
            raise InputError("not sent, as you answered no", data_left=False)
        return
    if skipped := prepared.preview.skipped:
        rows = "1 row is" if skipped == 1 else f"{skipped} rows are"
        raise InputError(
            f"{rows} left out of {prepared.preview.source}, and there is no terminal to ask at",
            hint="look at them with --dry-run, and then say --yes",
            data_left=False,
        )


def rehearse(
    session: Path, name: str, source: str | None, selection: Selection, output: voice.OutputFormat
) -> None:
    """Print what a run would send, and contact no party; no key is needed.

    Raises:
        InputError: the input is not what the manifest asks for.
    """
    from ostraka import config, preparing
    from ostraka.data.opening import is_table

    protocol = config.bind(session)
    me = protocol.manifest.party_named(name).name
    _require_contributor(protocol, me, source, selection)
    if me not in protocol.contributors:
        _print({}, [f"{me} is not a contributor: it has no input to send"], output)
    elif source is None:
        _asked(protocol, me)
        _print({"source": None}, [f"the input is {protocol.input_in_words(me)}"], output)
    elif not is_table(source, selection):
        protocol.encode(me, _plain(protocol, me, source))
        wanted = protocol.input_in_words(me)
        _print({"source": source}, [f"{source} is {wanted}"], output)
    else:
        prepared = preparing.prepare_table(protocol, me, source, selection)
        person = known.on_a_terminal()
        if person and prepared.preview.wrong:
            _show(prepared, secrets=True)
        preparing.require_valid(protocol, me, prepared, shown=person)
        _print(prepared.preview.as_json(), prepared.preview.lines(secrets=True), output)


def _print(found: dict[str, Any], lines: list[str], output: voice.OutputFormat) -> None:
    if output is voice.OutputFormat.JSON:
        voice.emit(found)
        return
    for line in lines:
        print(line)


# --- template ------------------------------------------------------------------------------------


def template(
    session: SessionArgument,
    as_: Annotated[
        str | None,
        typer.Option(
            "--as",
            metavar="NAME",
            help="Whose input it is for, where they differ.",
            autocompletion=completing.complete_party,
        ),
    ] = None,
) -> None:
    """Write a table to fill in, for `run --input`; it fits this manifest and no other."""
    from ostraka import config
    from ostraka.data.template import Template

    protocol = config.bind(session)
    manifest = protocol.manifest
    me = manifest.party_named(as_).name if as_ else _any_contributor(protocol)
    voice.emit_file(Template.of(protocol.row_form(me), manifest.digest).text())


def _any_contributor(protocol: Protocol) -> PartyId:
    """Return a contributor whose form of input is that of all.

    Raises:
        UsageError: there are several forms.
    """
    from ostraka.errors import UsageError

    forms = [protocol.row_form(name) for name in protocol.contributors]
    if any(form != forms[0] for form in forms):
        names = ", ".join(protocol.contributors)
        problem = "contributors of this session give different inputs"
        raise UsageError(problem, hint=f"--as NAME, one of {names}", data_left=False)
    return protocol.contributors[0]
