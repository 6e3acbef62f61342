"""Reports whose shares contradict each other: found before anything is computed of them.

With active security the proof at the end fails if one contributor's shares are of no polynomial of
degree t. In a session that contributor stops the run; in a collection each reporter could, and not
be found. So in a collection every row is looked at first: one masked combination of its entries is
opened by all compute parties. Rows that contradict themselves are left out, as long as these are so
few that a compute party which lies may choose them: `max_unopenable`. docs/spec/validity.md
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.engine.backend import FREE_NS
from ostraka.engine.shamir.backend import ShamirBackend
from ostraka.engine.shamir.opening import contradicting
from ostraka.errors import Aborted
from ostraka.manifest import Collection, Manifest


@dataclass
class Contradictions:
    """Search for rows with shares of no polynomial. Made by `begin`, once all rows are fixed.

    Attributes:
        rho: a coefficient for each entry of a row, the same for all rows.
        found: how many such rows there are so far.
    """

    engine: ShamirBackend
    collection: Collection
    rho: Elements
    found: int = 0

    @classmethod
    async def begin(cls, engine: ShamirBackend, manifest: Manifest, entries: int) -> Self | None:
        """Begin by tossing the coefficients; None where no row may be left out for its shares.

        Rounds: 1, in a collection with active security.
        """
        if not engine.active or manifest.collection is None:
            return None
        rho = engine.field.uniform(await engine.toss(), np.empty(entries, np.uint64))
        return cls(engine, manifest.collection, rho)

    async def consistent(self, rows: Elements) -> NDArray[np.bool_]:
        """Tell which rows have shares of degree t. Rounds: 3. Bytes: 16 a row and compute party.

        Args:
            rows: this party's shares, shape (rows, entries).

        Raises:
            Aborted: a compute party told others different things.
        """
        mask = await self.engine.random((len(rows),))
        weigh = partial(_weighed, self.engine, rows, self.rho)
        own = await self.engine.offload(2 * FREE_NS * rows.size, weigh)
        found = ~await contradicting(self.engine, own, self.engine.share_of(mask))
        self.found += int((~found).sum())
        return found

    def require_few(self, reports: int) -> None:
        """Require that so few rows were found that a liar may have these left out.

        Args:
            reports: how many rows there are in all.

        Raises:
            Aborted: they are too many.
        """
        if self.found > self.collection.max_unopenable * reports:
            raise Aborted(
                f"the shares of {self.found} of {reports} reports contradict each other, which "
                "is more than max_unopenable allows: their contributors, or a compute party, did "
                "not follow the protocol; no result was revealed",
                hint="find out which before running again",
            )


def _weighed(engine: ShamirBackend, rows: Elements, rho: Elements) -> Elements:
    return engine.field.sum(engine.field.product(rows, rho[None]), axis=1)
