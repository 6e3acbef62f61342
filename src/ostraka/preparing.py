"""Preparation of a party's input from a table, before its owner is asked: read, mapped, checked."""

from __future__ import annotations

from ostraka.data.mapping import Prepared, prepare
from ostraka.data.opening import open_table
from ostraka.data.selection import Selection
from ostraka.data.template import Template
from ostraka.errors import InputError
from ostraka.names import PartyId
from ostraka.protocols.protocol import Protocol


def prepare_table(protocol: Protocol, me: PartyId, source: str, selection: Selection) -> Prepared:
    """Make the input of `me` from a table; rows that are wrong are in its preview.

    Args:
        source: a file, "-" for standard input, or postgresql://USER@HOST/NAME.

    Raises:
        UsageError: a library is missing, or the selection does not go with the input's form.
        InputError: the table cannot be read, or has too many rows, or none.
    """
    form = protocol.row_form(me)
    template = Template.of(form, protocol.manifest.digest)
    return prepare(open_table(source, selection, template), form)


def require_valid(protocol: Protocol, me: PartyId, prepared: Prepared, *, shown: bool) -> None:
    """Check that an input is what the manifest asks for.

    Args:
        shown: whether the preview has been shown, so that the message need not list its findings.

    Raises:
        InputError: it is not; names the table.
    """
    prepared.preview.require_right(shown=shown)
    try:
        protocol.encode(me, prepared.raw)
    except InputError as error:
        if prepared.preview.source not in error.message:
            error.message = f"{prepared.preview.source}: {error.message}"
        raise
