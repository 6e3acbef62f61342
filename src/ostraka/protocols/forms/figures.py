"""Figures that a manifest may ask of a sum."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import BeforeValidator, Field, StrictInt

from ostraka.protocols.options import InputOptions

Statistic = Literal["sum", "mean", "count", "variance", "histogram"]


def _known(value: object) -> object:
    known = ", ".join(get_args(Statistic))
    if not isinstance(value, list):
        raise ValueError(f"must be a list of some of {known}")
    for each in value:
        if each not in get_args(Statistic):
            raise ValueError(f"{each!r} is not a statistic: must be a list of some of {known}")
    if not value or len(set(value)) != len(value):
        raise ValueError("must name each figure once, and at least one")
    return value


class SumOptions(InputOptions):
    """`[outputs]`: which figures the recipients get.

    Attributes:
        invalid: if given, compute parties check every input before it counts, without seeing it:
            abort stops the run at an invalid one, exclude does not count it.
        statistics: some of sum, mean, count, variance and histogram; by default the sum, and with
            weights the mean.
        weights: "own": a contributor gives a weight with each value; a mean is over weights.
        max_weight: the largest sum of one contributor's weights, a whole number.
    """

    statistics: Annotated[tuple[Statistic, ...], BeforeValidator(_known)] = ("sum",)
    weights: Literal["own"] | None = None
    max_weight: Annotated[StrictInt | None, Field(ge=1, lt=1 << 62)] = None

    @property
    def asked(self) -> tuple[Statistic, ...]:
        """Statistics asked for, the default included."""
        usual = "statistics" not in self.model_fields_set and self.weights
        return ("mean",) if usual else self.statistics
