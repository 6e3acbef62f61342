"""Form of what a contributor shares for a sum: see `validity`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ostraka.manifest import BoolType
from ostraka.protocols.forms.validity import (
    Bits,
    Condition,
    Form,
    Free,
    Inequality,
    Products,
    Totals,
    Within,
)
from ostraka.protocols.options import refuse

if TYPE_CHECKING:
    from ostraka.protocols.secure_sum import SecureSum


def form_of(protocol: SecureSum) -> Form:
    """Return the form of a row: every term of every value, as `SecureSum.encode` writes them.

    Raises:
        ManifestError: what is shared cannot be checked.
    """
    if protocol.weighted or protocol.clipping or (protocol.local and not protocol.local.responds):
        refuse("outputs.invalid: cannot be checked yet")
    entries, codec = protocol.opened, protocol.codec
    whole = slice(0, entries)
    if protocol.terms == ("1",):
        counted = (Free(whole), Totals(whole, 1, 1))
        return Form(entries, counted, words="each counts as one")
    if k := protocol.options_count:
        one_hot = (Bits(whole), Totals(whole, codec.length, 1))
        return Form(entries, one_hot, words=f"each names exactly one of {k} options")
    return _of_numbers(protocol)


def _of_numbers(protocol: SecureSum) -> Form:
    codec, entries = protocol.codec, protocol.opened
    low, high, d = codec.low, codec.high, codec.length
    x, at = slice(0, d), slice(d, 2 * d)
    conditions, inequalities = list[Condition](), list[Inequality]()
    if high - low == 1:
        conditions += [Bits(x, low)]
    else:
        conditions += [Free(x)]
        inequalities += [Within(x, low, high)]
    if "x^2" in protocol.terms:
        conditions += [Products(x, at)]
    if "spread" in protocol.terms:
        conditions += [Products(x, at, (1, -low), (-1, high))]
    schema = codec.schema
    words = "each is 0 or 1" if isinstance(codec.kind, BoolType) else (
        f"each number is from {schema.min} to {schema.max}"
    )  # fmt: skip
    if entries > d:
        words += ", and what is added for the variance follows from it"
    return Form(entries, tuple(conditions), tuple(inequalities), words)
