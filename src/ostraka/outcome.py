"""Results: opened figures with names, units and errors, and whose inputs are in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ostraka.names import PartyId

Value = Any
"""What goes into JSON: int, text, float, or a list or table of those."""


@dataclass(frozen=True, repr=False)
class Output:
    """One opened figure, or one for each element.

    Attributes:
        name, unit: what it is called and counted in; "" for no unit.
        parts: opened integers: one vector, or several of equal length, read side by side.
        render: one element's integers -> its value; None: the integer is the value.
        scalar: True when the value is that of the only element rather than a list.
        error95: for a noised figure, half of its 95% interval's width, in the unit of the value and
            shaped like it.
        withheld: why the figure, or cells of it, are not given, in one sentence. Such cells are
            absent from the value; a figure that is withheld as a whole has no parts.
        noised: whether noise decided on it; error95 says so too.
    """

    name: str
    unit: str
    parts: tuple[NDArray[Any], ...]
    render: Callable[..., Value] | None
    scalar: bool
    error95: Value | None = None
    withheld: str = ""
    noised: bool = False

    @property
    def value(self) -> Value:
        """The value for JSON; a list of Python objects is built each time, so ask once."""
        columns = [part.tolist() for part in self.parts]
        values = list(map(self.render, *columns)) if self.render else columns[0]
        return values[0] if self.scalar else values

    def within(self, width: int) -> Output:
        """The same, every opened integer being within `width` of the truth 95 times in 100."""
        parts = tuple(np.full((1, *part.shape[1:]), width) for part in self.parts)
        one = replace(self, parts=parts, scalar=True).value
        error = float(f"{one:.3g}") if isinstance(one, float) else one
        return replace(self, error95=error if self.scalar else [error] * len(self.parts[0]))

    def __repr__(self) -> str:
        return f"Output({self.name!r}, {len(self.parts[0]) if self.parts else 0} elements)"


@dataclass(frozen=True)
class Outcome:
    """What a recipient got: the outputs, whose inputs are in them, and which compute parties
    announced wrong shares, that were corrected."""

    outputs: tuple[Output, ...]
    contributors: tuple[PartyId, ...]
    liars: tuple[PartyId, ...] = ()

    @property
    def status(self) -> Literal["released", "noised", "suppressed"]:
        """What happened to the exact answer."""
        if any(output.withheld for output in self.outputs):
            return "suppressed"
        noised = any(o.noised or o.error95 is not None for o in self.outputs)
        return "noised" if noised else "released"

    @property
    def why(self) -> str:
        """What was withheld and why, a sentence for each reason; "" when nothing was."""
        reasons = dict.fromkeys(output.withheld for output in self.outputs)
        return " ".join(filter(None, reasons))

    def as_json(self) -> dict[str, Any]:
        """What the result of a recipient says: `status`, `why`, `outputs`, `contributors`, and
        `liars`, if there were any."""
        given = [_figure(output) for output in self.outputs if output.parts]
        why = {"why": self.why} if self.why else {}
        found: dict[str, Any] = {"status": self.status, **why, "outputs": given}
        liars = {"liars": list(self.liars)} if self.liars else {}
        return found | {"contributors": len(self.contributors)} | liars


def _figure(output: Output) -> dict[str, Value]:
    figure = {"name": output.name, "value": output.value}
    if output.unit:
        figure["unit"] = output.unit
    if output.error95 is not None:
        figure["error95"] = output.error95
    return figure
