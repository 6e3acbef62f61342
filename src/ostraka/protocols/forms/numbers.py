"""Numbers that compute parties check against the manifest's bounds before they count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import FREE_NS, backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import mul
from ostraka.inputs.encoding import Codec
from ostraka.inputs.rendering import renderer
from ostraka.manifest import DecimalType, FloatType, Manifest
from ostraka.outcome import Value
from ostraka.protocols.forms.order import pairs, ranks_from
from ostraka.protocols.interactive import Interactive, all_zero
from ostraka.protocols.options import InputOptions, refuse
from ostraka.protocols.sentences import IF_INVALID
from ostraka.protocols.shares import Shares


class Checked(NamedTuple):
    """Result of `Comparing.checked`.

    Attributes:
        x: the valid rows, shape (valid contributors, values each).
        valid: whether each row that was checked is within bounds, shape (contributors,).
        negative: 1 for each number of `also` below zero, else 0; made from all rows.
    """

    x: SecretArray
    valid: NDArray[np.bool_]
    negative: SecretArray


class Comparing(Interactive):
    """Base of the protocols that compare contributors' numbers: it checks and ranks them."""

    def _prepare(self, manifest: Manifest, options: InputOptions) -> None:
        self.options = options
        self.codec = Codec(manifest.input)
        if not manifest.input.type.numeric:
            refuse(f"input.type: {self.name} compares numbers, not {manifest.input.type}")
        if 2 * (self.codec.high - self.codec.low) + 2 * self.codec.magnitude > self.scheme.capacity:
            refuse(
                f"input.max: numbers from {manifest.input.min} to {manifest.input.max} are too far "
                f"apart to be compared in units of {self.codec.quantum}",
                hint="narrow the bounds, or use fewer digits",
            )

    async def checked(
        self,
        x: SecretArray,
        shares: Shares,
        what: str,
        also: Callable[[SecretArray], SecretArray],
    ) -> Checked:
        """Reject the rows of x that are out of the manifest's bounds, and find some signs beside.

        The rows are shared afresh, so that shares on no polynomial do no harm. Compute parties
        learn which contributors' rows are out of bounds, not by how much. Rounds: 3 and one
        comparison; with active security 4, one comparison and a proof.

        Args:
            x: shape (contributors counted, values each).
            what: an input should be, for the error: "a valid bid".
            also: makes, of all rows, valid or not, more rows whose signs are found in the same
                batch.

        Raises:
            PeerViolation: a row is out of bounds, and the manifest says to stop then.
            RefusedByPolicy: too few contributors are left without those rows.
        """
        y, k = await mul(x, x.engine.public(1)), len(x)
        asked = await backend_of(y).offload(
            FREE_NS * y.size * (k + 3),
            lambda: concatenate([y - self.codec.low, self.codec.high - y, also(y)]),
        )
        less = await less_than_zero(asked)
        valid = await all_zero(concatenate([less[:k], less[k : 2 * k]], axis=1))
        await self.reject_invalid(shares, valid, what)
        return Checked(y[valid], valid, less[2 * k :])

    async def ranked(
        self, x: SecretArray, shares: Shares, what: str
    ) -> tuple[SecretArray, SecretArray]:
        """Reject rows as `checked` does, and rank the valid ones, in the same rounds.

        Returns:
            The valid rows, and their ranks as in `order.ranks`, both secret and of one shape.
        """
        first, second = pairs(len(x))
        found = await self.checked(x, shares, what, lambda y: y[first] - y[second])
        both = found.valid[first] & found.valid[second]
        ranks = await backend_of(x).offload(
            FREE_NS * x.size * len(x), lambda: ranks_from(found.negative[both], len(found.x))
        )
        return found.x, ranks

    def shown(self, parts: int = 1, *, fraction: bool = False) -> Callable[[int], Value]:
        """Return a function from a sum of `parts` encoded numbers to their mean in input units."""
        factor = self.codec.quantum / parts
        if isinstance(self.codec.kind, FloatType):
            return lambda total: total * factor.numerator / factor.denominator
        render: Callable[[int], Any] = renderer(
            factor, as_text=fraction or isinstance(self.codec.kind, DecimalType)
        )
        return render

    def explain_bounds(self) -> str:
        """Say for `check` what happens to inputs that are out of the manifest's bounds."""
        low, high = self.manifest.input.min, self.manifest.input.max
        return (
            f"Inputs are checked before they count, without being seen: each is from {low} to "
            f"{high}. Anything else is found, its value hidden: {IF_INVALID[self.options.invalid]}."
        )
