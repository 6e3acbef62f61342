"""Outputs of an audit: counts, rates with intervals, disparities and the match rate."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from math import isnan
from typing import Final

import numpy as np

from ostraka.errors import PeerViolation
from ostraka.inputs.encoding import Signed
from ostraka.noise.shares import NoiseShares
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.fairness import OVERALL, RATES, SELECTION, WITH_LABELS, Groups
from ostraka.protocols.forms.grid import Grid

UNDEFINED: Final = "is not defined: a rate is 0 in all groups, or no group has members"


class Audited:
    """Outputs from what an audit opens: which figures are given, the figures, lengths of lists.

    Args:
        grid: groups by cells.
        noise: that is in the figures; None for exact ones.
        makers: parties whose noise it is.
    """

    def __init__(self, grid: Grid, noise: NoiseShares | None, makers: int) -> None:
        self.grid, self.noise, self.makers = grid, noise, makers
        self.rates = RATES if grid.columns == WITH_LABELS else SELECTION

    def require_possible(self, row: Signed, most: int) -> None:
        """Require that exact counts are such as honest parties open.

        Raises:
            PeerViolation: a count is below 0, or of more people than a list has.
        """
        figures = row[self.grid.figures : 2 * self.grid.figures]
        if figures.min() < 0 or figures.max() > most:
            raise PeerViolation(
                "an opened count is not possible: a list, or a compute party, did not follow the "
                "protocol, and there is no result",
                hint="find out which before running again",
                data_left=True,
            )

    def outputs(self, row: Signed, why: str) -> Iterator[Output]:
        """Yield all outputs; `why` says why some cells are withheld, "" when none are."""
        make = partial(self._output, row)
        groups = self.groups(row)
        for name, read in (("counts", self.grid.arranged), ("count", self._members)):
            found = make(name, "people", partial(self._read, read), why)
            yield self._with_error(found, read(self._errors(row)))
        for name in self.rates:
            yield make(name, "", partial(self._rate, name), why)
            yield make(f"{name}_interval", self._kind, partial(self._interval, name), why)
        for name, number in groups.disparities(self.rates):
            missing = why if not groups.complete else f"{name} {UNDEFINED}." * isnan(number)
            yield make(name, "", partial(self._disparity, name), missing, whole=bool(missing))
        whole = bool(row[self.grid.figures - 1] == 0)
        yield make("match_rate", "", self._match_rate, why * whole, whole=whole)

    @property
    def _kind(self) -> str:
        return "95%, noise" if self.noise else "95%, Wilson"

    def _output(
        self, row: Signed, name: str, unit: str, read: Callable[[Signed], Value], why: str,
        *, whole: bool = False,
    ) -> Output:  # fmt: skip
        """Make one output; `whole`: it is withheld as a whole."""
        if whole or read(row) is None:
            return Output(name, unit, (), None, scalar=True, withheld=why or f"{name} {UNDEFINED}.")
        parts = (row.reshape(1, -1),)
        return Output(name, unit, parts, lambda x: read(np.array(x)), scalar=True, withheld=why)

    def _with_error(self, output: Output, error: Value) -> Output:
        """Add the error that noise leaves in each count, if there is noise."""
        return replace(output, error95=error) if self.noise and output.parts else output

    def _errors(self, row: Signed) -> dict[int, int]:
        """Return by how much noise moves each figure that is given, with probability 95%."""
        if self.noise is None:
            return {}
        cells = self.grid.layout.sums.sum(axis=1)
        return {f: self.noise.within(self.makers * int(cells[f])) for f in self._known(row)}

    # --- what is read off the figures -----------------------------------------------------------

    def _read(self, read: Callable[[Mapping[int, int]], Value], row: Signed) -> Value:
        return read(self._known(row))

    def _known(self, row: Signed) -> dict[int, int]:
        k = self.grid.figures
        return {f: int(row[k + f]) for f in np.flatnonzero(row[:k]).tolist()}

    def groups(self, row: Signed) -> Groups:
        """Return the counts of each group whose cells are all given."""
        known, rows = self._known(row), (*self.grid.rows, OVERALL)
        found = {}
        for i, name in enumerate(rows):
            cells = [self.grid.figure(i, j) for j in range(len(self.grid.columns))]
            if all(f in known for f in cells):
                counts = [known[f] for f in cells]
                found[name] = dict(zip(self.grid.columns, counts, strict=True))
        overall = found.pop(OVERALL, None)
        spread = None
        if self.noise is not None:
            spread = [self.noise.within(self.makers * k, 0.975) for k in range(1, 5)]
        return Groups(found, overall, len(self.grid.rows), spread)

    def _members(self, known: Mapping[int, int]) -> Value:
        rows, last = (*self.grid.rows, OVERALL), len(self.grid.columns)
        found = {name: self.grid.figure(i, last) for i, name in enumerate(rows)}
        return {name: known[f] for name, f in found.items() if f in known} or None

    def _rate(self, name: str, row: Signed) -> Value:
        return self.groups(row).rates(self.rates[name]) or None

    def _interval(self, name: str, row: Signed) -> Value:
        return self.groups(row).intervals(self.rates[name]) or None

    def _disparity(self, name: str, row: Signed) -> Value:
        return dict(self.groups(row).disparities(self.rates))[name]

    def _match_rate(self, row: Signed) -> Value:
        matched, lengths = int(row[2 * self.grid.figures - 1]), row[-2:].tolist()
        names = ("predictions", "groups")
        found: Mapping[str, float] = {
            name: min(1.0, max(0.0, matched / length))
            for name, length in zip(names, lengths, strict=True)
            if length > 0
        }
        return dict(found) or None
