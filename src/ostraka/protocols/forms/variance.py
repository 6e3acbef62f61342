"""The sample variance from sums that have noise in them, without bias.

Beside x, contributors share its spread (x - min)(max - x). With w = max - min, and Y and Q the sums
of x - min and of the spreads, the variance is (Y (n w - Y) - n Q) / (n (n - 1)). Noise in Y of
variance v takes v from that in the mean, so v is added; of the noise in Q the mean is 0.

For w = 1 every spread is 0, and Y alone will do.
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import cache

from ostraka.inputs.encoding import Codec
from ostraka.noise.shares import Blur
from ostraka.outcome import Output, Value


class NoisedVariance:
    """Estimate of the sample variance of n contributors, from their noised sums, with its error.

    Args:
        codec: encoding of the inputs; gives min, max and the unit.
        n: number of contributors counted, at least 2.
        blur: the noise in their sums.
    """

    def __init__(self, codec: Codec, n: int, blur: Blur) -> None:
        self.n, self.blur = n, blur
        self.low, self.width = codec.low, max(1, codec.high - codec.low)
        self.factor = codec.quantum**2 / (n * (n - 1))
        self._figures = cache(self._both)

    def of(self, figure: Output) -> Output:
        """Make a figure of noised sums show the variance and its 95% error.

        Args:
            figure: its first part is the sum of x, or an estimate of it; a second part is the sum
                of spreads.
        """
        rows = list(zip(*(part.tolist() for part in figure.parts), strict=True))
        errors = [self._figures(*row)[1] for row in rows]
        return replace(
            figure,
            render=lambda *row: self._figures(*row)[0],
            error95=errors[0] if figure.scalar else errors,
        )

    def within(self, part: Fraction) -> float:
        """Return the 95% error for a mean at this part, 0 to 1, of the way from min to max."""
        return self._error(part * self.n * self.width) * float(self.factor)

    def explain(self, unit: str) -> str:
        """Say for `check` how near the estimate is, for a mean in the middle and at an end."""
        square = f" {unit}^2" if unit else ""
        middle, end = (to_its_error(0, self.within(Fraction(part)))[1] for part in ("1/2", "0"))
        alone = "the sum alone"
        if self.width > 1:
            alone = (
                "the sum and the sum of (x - min)(max - x), whose noise is so wide that epsilon "
                "holds for both together"
            )
        return (
            f"Variance: it follows from {alone}. About 95 times in 100 the variance is within "
            f"{middle}{square} of the truth if the mean is in the middle of its range, and within "
            f"{end}{square} if it is at one end. It may come out below 0."
        )

    def _both(self, total: int | Fraction, spreads: int = 0) -> tuple[Value, Value]:
        y = total - self.n * self.low
        exact = y * (self.n * self.width - y) - self.n * spreads
        found = float(exact * self.factor) + self.blur.variance * float(self.factor)
        return to_its_error(found, self._error(y) * float(self.factor))

    def _error(self, y: int | Fraction) -> float:
        """Estimate by propagation: noise e in Y moves the numerator by (n w - 2 Y) e - (e^2 - v).

        As Y is noised here too, the error is rather too wide where noise is most of it.
        """
        slope, blur = float(self.n * self.width - 2 * y), self.blur
        spreads = self.n**2 * blur.of_spread
        return blur.sure * math.sqrt(slope**2 * blur.variance + blur.of_square + spreads)


def to_its_error(found: float, width: float) -> tuple[Value, Value]:
    """Round a figure and its error to three digits of the error."""
    if width == 0:
        return found, 0
    digits = 2 - math.floor(math.log10(width))
    if digits <= 0:
        return round(found), round(width)
    return round(found, digits), round(width, digits)
