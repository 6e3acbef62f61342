"""Form of what a contributor shares for a sum: see `validity`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ostraka.manifest import BoolType
from ostraka.noise.clipping import Clipping
from ostraka.protocols.forms.conditions import (
    FEW_NUMBERS,
    PROJECTIONS,
    REACH,
    Bits,
    Condition,
    Few,
    Free,
    Inequality,
    Linear,
    Norm,
    Products,
    Projections,
    Totals,
    Within,
)
from ostraka.protocols.forms.validity import Form
from ostraka.protocols.options import refuse

if TYPE_CHECKING:
    from ostraka.protocols.forms.local_noise import LocalNoise
    from ostraka.protocols.forms.weighted import Weighted
    from ostraka.protocols.secure_sum import SecureSum


def form_of(protocol: SecureSum) -> Form:
    """Return the form of a row: every term of every value, as `SecureSum.encode` writes them.

    Raises:
        ManifestError: what is shared cannot be checked.
    """
    entries, codec, local = protocol.opened, protocol.codec, protocol.local
    whole = slice(0, entries)
    if protocol.weighted:
        return _weighted(protocol.weighted)
    if protocol.terms == ("1",):
        return Form(entries, (Free(whole), Totals(whole, 1, 1)), words="each counts as one")
    if local and not local.responds:
        return _with_noise(protocol, local)
    if k := protocol.options_count:
        one_hot = (Bits(whole), Totals(whole, codec.length, 1))
        said = f"each names exactly one of {k} options" + ", each time" * (codec.length > 1)
        return Form(entries, one_hot, words=said)
    return _of_numbers(protocol)


def _of_numbers(protocol: SecureSum) -> Form:
    codec, entries = protocol.codec, protocol.opened
    low, high, d = codec.low, codec.high, codec.length
    x, at = slice(0, d), slice(d, 2 * d)
    conditions, inequalities = list[Condition](), list[Inequality]()
    norm, few, said = None, None, ""
    if protocol.clipping:
        norm, bound = _clipped(protocol, protocol.clipping)
        conditions, inequalities = [Free(x)], [bound]
        of = protocol.manifest.privacy.clip
        assert of is not None
        said = f" and the {norm.kind.upper()} norm of all at most {of.at:f}"
    elif high - low == 1:
        conditions = [Bits(x, low)]
    elif 2 <= high - low < FEW_NUMBERS:
        conditions, few = [Free(x)], Few(x, low, high)
    else:
        conditions, inequalities = [Free(x)], [Within(x, low, high)]
    if "x^2" in protocol.terms:
        conditions += [Products(x, at)]
    if "spread" in protocol.terms:
        conditions += [Products(x, at, (1, -low), (-1, high))]
    words = _range(protocol) + said
    if entries > d:
        words += ", and what is added for the variance follows from it"
    return Form(entries, tuple(conditions), tuple(inequalities), few, norm, words)


def _range(protocol: SecureSum) -> str:
    schema = protocol.codec.schema
    if isinstance(schema.type, BoolType):
        return "each is 0 or 1"
    return f"each number is from {schema.min} to {schema.max}"


def _clipped(protocol: SecureSum, clipping: Clipping) -> tuple[Norm, Inequality]:
    """Bound the norm, and with it or with comparisons each entry, so that no norm wraps around."""
    codec, at = protocol.codec, clipping.at
    low, high, d = min(codec.low, 0), max(codec.high, 0), codec.length
    x, capacity = slice(0, d), protocol.scheme.capacity
    norm, most = Norm(x, clipping.norm, at), max(-low, high)
    implied = at <= min(-low, high)  # an entry is no larger than the norm
    if implied:
        low, high, most = -at, at, at
    if implied and clipping.norm == "l2" and PROJECTIONS < d <= capacity // (2 * REACH * at) ** 2:
        return norm, Projections(x, at)
    reach = d * most * (most if clipping.norm == "l2" else 1) + at**2
    if reach > capacity:
        refuse(
            f"privacy.clip: a norm of up to {clipping.at} in units of {codec.quantum} is too large "
            "to be checked",
            hint="use fewer digits, or leave invalid out of [outputs]",
        )
    return norm, Within(x, low, high)


def _with_noise(protocol: SecureSum, local: LocalNoise) -> Form:
    """Return the form of reports with noise, which may be as far from an input as noise can be."""
    codec, far, entries = protocol.codec, local.mechanism.headroom, protocol.opened
    low, high = codec.low, codec.high
    if protocol.clipping:
        low, high = min(low, 0), max(high, 0)
    if protocol.options_count:
        low, high = 0, 1
    first = slice(0, protocol.opened // len(protocol.terms))
    bounds: list[Inequality] = [Within(first, low - far, high + far)]
    if "spread" in protocol.terms:
        widest = (high - low) ** 2 // 4
        bounds.append(Within(slice(first.stop, entries), -far, widest + far))
    words = "each report is no further from a possible input than its noise can take it"
    return Form(entries, (Free(slice(0, entries)),), tuple(bounds), words=words)


def _weighted(weighted: Weighted) -> Form:
    """Return the form of sums of value times weight, and the sum of the weights behind them.

    With a weight W from 1 to the most, a sum is from low W to high W; all of these are possible.
    """
    d, codec = weighted.codec.length, weighted.codec
    above, below = np.eye(d + 1, d, dtype=np.int64), -np.eye(d + 1, d, dtype=np.int64)
    above[d], below[d] = -codec.low, codec.high
    matrix = np.concatenate([above, below], axis=1)
    whole, weight = slice(0, d + 1), slice(d, d + 1)
    words = (
        f"the weights of each add up to 1 to {weighted.most}, and its sums are those of values "
        f"from {codec.schema.min} to {codec.schema.max} with that weight"
    )
    bounds = (Linear(matrix, [0] * (2 * d)), Within(weight, 1, weighted.most))
    return Form(d + 1, (Free(whole),), bounds, words=words)
