"""Opening a secret array to compute parties.

Recipients outside the computation get a protocol's result through `engine.open` instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.delivery.combining import combined
from ostraka.engine.array import SecretArray
from ostraka.exchange import words
from ostraka.names import PartyId

PIECE: Final = 1 << 17
"""Elements of one message."""


async def reveal(x: SecretArray, to: Iterable[PartyId] | None = None) -> NDArray[np.int64] | None:
    """Open x: one round, 8 bytes per element from every party to every recipient. [Sha79]

    All n shares must lie on one polynomial of degree t, so up to n - t - 1 wrong shares are
    noticed.

    Args:
        to: the compute parties that learn x; everybody by default.

    Returns:
        Signed integers of x's shape, to a recipient; None to others.

    With active security everything done so far is checked first: some rounds more. Then, with
    n >= 3t + 1, up to t wrong shares are corrected, and whose they are is noted in `Party.liars`.

    Raises:
        PeerViolation: the shares contradict each other, or with active security somebody cheated.
    """
    opened = await open_elements(x, to)
    return None if opened is None else x.engine.field.decode(opened)


async def open_elements(
    x: SecretArray, to: Iterable[PartyId] | None = None, *, masked: bool = False
) -> Elements | None:
    """As `reveal`, as elements of the field.

    Args:
        masked: whoever learns x could have drawn it, whatever was falsified before: nothing is
            checked first, and a contradiction is nobody's fault for certain.
    """
    engine = x.engine
    proven = engine.audit is not None and not masked
    if engine.audit and proven:
        await engine.audit.settle()
    recipients = tuple(engine.names if to is None else to)
    unknown = [name for name in recipients if name not in engine.names]
    if unknown:
        raise ValueError(f"{', '.join(unknown)} is no compute party")
    own = np.ascontiguousarray(x.parts[0]).reshape(-1)
    pieces = [slice(i, min(i + PIECE, x.size)) for i in range(0, x.size, PIECE)]
    step = engine.begin(len(pieces))
    for i, piece in enumerate(pieces):
        for name in recipients:
            if name != engine.party.me:
                engine.send(engine.names.index(name), step.later(i), own[piece])
    if engine.party.me not in recipients:
        return None
    value = np.empty(x.size, np.uint64)
    for i, piece in enumerate(pieces):
        shares = {engine.party.me: own[piece]}
        for name in engine.names:
            if name != engine.party.me:
                expected = words(piece.stop - piece.start)
                shares[name] = await engine.party.receive(name, step.later(i), expected)
        value[piece] = combined(engine.party, shares, certain=proven)
    return value.reshape(x.shape)
