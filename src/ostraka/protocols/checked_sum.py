"""Sums over inputs that compute parties check, without seeing them, before they count."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Draw, Words, blocks
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import FREE_NS, Backend
from ostraka.engine.noise import add_noise
from ostraka.engine.shamir.backend import ShamirBackend
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.noise.shares import Sensitivity
from ostraka.protocols.forms.central import (
    AdditiveShares,
    by_compute_parties,
    explain_dealers,
    explain_noise,
)
from ostraka.protocols.forms.contradictions import Contradictions
from ostraka.protocols.forms.figures import SumOptions
from ostraka.protocols.forms.sum_forms import form_of
from ostraka.protocols.forms.validity import as_checked
from ostraka.protocols.interactive import Interactive
from ostraka.protocols.options import refuse
from ostraka.protocols.secure_sum import SecureSum
from ostraka.protocols.sentences import IF_INVALID, explain_interactive, from_the_answer
from ostraka.protocols.shares import Shares
from ostraka.record.budget import short

COMPARISONS: Final = {"passive": 300_000_000, "three": 30_000_000, "active": 1_000_000}
"""Limit on the comparisons that check inputs, so that they take some minutes: with passive
security; with active security among three compute parties; among others."""

EXPAND_NS: Final = 8
"""Nanoseconds to read an element of a share, about."""


class CheckedSum(Interactive, SecureSum):
    """Sum of the contributors' vectors that are what the manifest asks for. [BBCGI19]

    Contributors share what they do for `SecureSum`. Compute parties learn whose vectors are not
    valid (`forms.validity`), and nothing else; these are left out, or the run stops. Recipients
    then learn what they do of a `SecureSum`, over the others. Compute parties deal central noise.
    Rounds: 3 more than without, and for inequalities one comparison, for each block of rows; noise
    takes one. Bytes: three products for each contributor, and for each inequality a comparison.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay; with active security t
    that lie. Contributors may share anything: a vector of which the shares are of no polynomial is
    not valid, or with active security stops the run.
    """

    options: SumOptions
    noise: AdditiveShares | None

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.form = form_of(self)
        self._require_few_comparisons()

    # --- the figure -----------------------------------------------------------------------------

    def with_noise(self, x: Words, me: PartyId, draw: Draw) -> Words:
        return self._reported(x, draw)

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        raise NotImplementedError("rows come in blocks: see `result`")

    async def result(self, engine: ShamirBackend, shares: Shares) -> SecretArray:
        tossed, liars = (
            await self.form.toss(engine),
            await Contradictions.begin(engine, self.manifest, self.form.entries),
        )
        total, valid = engine.public(np.zeros(self.opened, np.int64)), []
        for part in blocks(len(shares.counted), self.form.rows_at_once):
            rows = await self._rows(engine, shares, shares.counted[part])
            found = await liars.consistent(rows) if liars else np.ones(len(rows), bool)
            if found.any():
                x = engine.given(rows if found.all() else rows[found])
                fine = await self.form.valid(x, tossed)
                total = total + await engine.offload(FREE_NS * x.size, partial(_sum, x, fine))
                found[found] = fine
            valid.append(found)
        if liars:
            liars.require_few(len(shares.counted))
        await self._reject(engine, shares, np.concatenate(valid))
        total = await as_checked(total)
        return await add_noise(total, self.noise, shares.dealt) if self.noise else total

    @staticmethod
    async def _rows(engine: Backend, shares: Shares, those: Sequence[PartyId]) -> Elements:
        entries = len(those) * shares.lengths[those[0]]
        return await engine.offload(EXPAND_NS * entries, lambda: shares.rows(those))

    async def _reject(self, engine: Backend, shares: Shares, valid: NDArray[np.bool_]) -> None:
        """Reject rows that are not valid: with active security once it is proven which are."""
        if not valid.all():
            await engine.prove()
        await self.reject_invalid(shares, valid, "what the manifest asks for")

    def _require_few_comparisons(self) -> None:
        most, inputs = self.most_of(COMPARISONS), len(self.contributors)
        if self.form.compared * inputs > most:
            refuse(
                f"input.length: checking {inputs} inputs takes {self.form.compared} comparisons "
                f"each, and more than {most} in all take too long",
                hint="shorten the vectors, or let fewer contribute; bools and choices need none",
            )

    # --- noise ----------------------------------------------------------------------------------

    def _joint_noise(self, apart: Sensitivity) -> AdditiveShares | None:
        return by_compute_parties(self, apart)

    def _makers(self, n: int) -> int:
        return len(self.scheme.compute)

    # --- in words -------------------------------------------------------------------------------

    def _explain_parties(self, what: str, *, of_inputs: bool) -> list[str]:
        answer = from_the_answer(self, what) if of_inputs else []
        return explain_interactive(self, what, [*answer, self._explain_checks()])

    def _explain_checks(self) -> str:
        return (
            f"Inputs are checked before they count, without being seen: {self.form.words}. "
            f"Anything else is found, its content hidden: {IF_INVALID[self.options.invalid]}. A "
            "false input that is valid is not found: a contributor can still say what is not so."
        )

    def _explain_noise(self, noise: AdditiveShares) -> list[str]:
        n, quantum, unit = len(self.scheme.compute), self.codec.quantum, self.manifest.input.unit
        most = f"{short(noise.share.bound * quantum)} {unit}".strip()
        return [
            *explain_noise(noise, "the compute parties", n, n, n - noise.honest, quantum, unit),
            explain_dealers(self, most, "a sum"),
        ]


def _sum(x: SecretArray, those: NDArray[np.bool_]) -> SecretArray:
    return (x if those.all() else x[those]).sum(axis=0)
