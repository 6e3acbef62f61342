"""Rendering of opened integers as numbers in the input's unit, of one type for each unit."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from ostraka.values import Rounded


def renderer(factor: Fraction, *, as_text: bool) -> Callable[[int], int | str]:
    """Make the function that turns an opened integer, counted in units of `factor`, into its value.

    The value is text, or an int unless `as_text` where `factor` is a whole number: it depends on
    the factor, never on the integer. Text is a decimal without trailing zeros; where no finite one
    holds the value it is `Rounded`.
    """
    twos, rest = _without(factor.denominator, 2)
    fives, rest = _without(rest, 5)
    places = max(twos, fives)
    if factor.denominator == 1 and not as_text:
        return factor.numerator.__mul__
    lift = factor.numerator * 10**places // (factor.denominator // rest)

    def render(total: int) -> str:
        scaled, endless = divmod(total * lift, rest)
        return (
            Rounded.of(total * factor.numerator, factor.denominator)
            if endless
            else _decimal(scaled, places)
        )

    return render


def _decimal(scaled: int, places: int) -> str:
    digits = f"{abs(scaled):0{places + 1}d}"
    whole, part = digits[: len(digits) - places], digits[len(digits) - places :].rstrip("0")
    return "-" * (scaled < 0) + whole + "." * bool(part) + part


def _without(number: int, prime: int) -> tuple[int, int]:
    count = 0
    while number % prime == 0:
        number, count = number // prime, count + 1
    return count, number
