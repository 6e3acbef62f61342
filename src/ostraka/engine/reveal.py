"""Opening a secret array to compute parties.

Recipients outside the computation get a protocol's result through `delivery.opening` instead.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray
from ostraka.engine.backend import FREE_NS, backend_of
from ostraka.names import PartyId


async def reveal(x: SecretArray, to: Iterable[PartyId] | None = None) -> NDArray[np.int64] | None:
    """Open x to compute parties. [Sha79]

    One round; over Shamir shares 8 bytes per element from every party to each that learns x. These
    n shares must lie on one polynomial of degree t, so up to n - t - 1 wrong shares are noticed.

    With active security everything done so far is proven first: some rounds more. Then, with
    n >= 3t + 1, up to t wrong shares are corrected, and the parties that announced them are noted
    in `Party.liars`.

    Args:
        to: the compute parties that learn x; all by default. Others learn nothing.

    Returns:
        Signed integers of x's shape, to a party that learns x; None to others.

    Raises:
        PeerViolation: the shares contradict each other, or with active security a party cheated.
    """
    engine = backend_of(x)
    opened = await engine.open(x, to)
    if opened is None:
        return None
    return await engine.offload(FREE_NS * opened.size, lambda: engine.ring.decode(opened))
