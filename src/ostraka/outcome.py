"""Results: opened figures with names, units and errors, and whose inputs are in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from ostraka.errors import UsageError
from ostraka.names import PartyId
from ostraka.values import Rounded, exactly, of_three_digits, wide_as_text

Value = Any
"""Value as it goes into JSON: int, text, float, or a list or table of those."""

Status = Literal["released", "noised", "suppressed", "no-output"]


@dataclass(frozen=True, repr=False)
class Output:
    """Named part of a result: one opened figure, or one for each element of a vector.

    Attributes:
        name, unit: its name, and the unit of its value; "" for no unit.
        parts: opened integers: one vector, or several of equal length, read side by side.
        render: one element's integers -> its value; None: the integer is the value.
        scalar: True when the value is that of the only element rather than a list.
        error95: for a noised figure, half of its 95% interval's width, in the unit of the value and
            shaped like it.
        withheld: why the figure, or cells of it, are withheld, in one sentence; "" when nothing
            is. Withheld cells are absent from the value; a figure withheld as a whole has no parts.
        wide: whether the manifest allows whole numbers beyond 2^53, which JSON then has as text.
        noised: whether noise changed it; so it also did where error95 is given.
    """

    name: str
    unit: str
    parts: tuple[NDArray[Any], ...]
    render: Callable[..., Value] | None
    scalar: bool
    error95: Value | None = None
    withheld: str = ""
    noised: bool = False
    wide: bool = False

    @property
    def value(self) -> Value:
        """The value for JSON; each access builds a list of Python objects anew, so keep it."""
        columns = [part.tolist() for part in self.parts]
        values = list(map(self.render, *columns)) if self.render else columns[0]
        return values[0] if self.scalar else values

    def within(self, width: int) -> Output:
        """Return a copy with `error95` set: 95 times in 100, each opened integer is within `width`
        of the truth."""
        parts = tuple(np.full((1, *part.shape[1:]), width) for part in self.parts)
        one = replace(self, parts=parts, scalar=True).value
        error = float(f"{one:.3g}") if isinstance(one, float) else one
        error = of_three_digits(one) if isinstance(one, Rounded) else error
        return replace(self, error95=error if self.scalar else [error] * len(self.parts[0]))

    def __repr__(self) -> str:
        return f"Output({self.name!r}, {len(self.parts[0]) if self.parts else 0} elements)"


@dataclass(frozen=True)
class Outcome:
    """End of a run at one party: the outputs it learned, whose inputs are in them, and the proof.

    Attributes:
        outputs: none at a party that learns no result.
        contributors: the contributors whose inputs are in the outputs.
        liars: compute parties that announced wrong shares, which were corrected.
        session: the session's id, 64 hex digits; "" where there was no network.
        protocol: its name in the manifest.
        manifest_sha256: the manifest's digest, 64 hex digits.
        receipt: the path of the receipt; None if none was written.
    """

    outputs: tuple[Output, ...] = ()
    contributors: tuple[PartyId, ...] = ()
    liars: tuple[PartyId, ...] = ()
    session: str = ""
    protocol: str = ""
    manifest_sha256: str = ""
    receipt: Path | None = None

    @property
    def elements(self) -> int:
        """Number of opened integers in all outputs."""
        return sum(part.size for output in self.outputs for part in output.parts)

    @property
    def status(self) -> Status:
        """Status of the answer: "released" exactly, "noised", or "suppressed" in part or whole;
        "no-output" at a party that learns no result."""
        if not self.contributors:
            return "no-output"
        if any(output.withheld for output in self.outputs):
            return "suppressed"
        noised = any(o.noised or o.error95 is not None for o in self.outputs)
        return "noised" if noised else "released"

    @property
    def why(self) -> str:
        """Reasons for which figures were withheld, a sentence each; "" when none was."""
        reasons = dict.fromkeys(output.withheld for output in self.outputs)
        return " ".join(filter(None, reasons))

    def warnings(self, contributors: Iterable[PartyId]) -> list[str]:
        """Return a sentence about the contributors that are not counted, and one for each liar.

        Args:
            contributors: all contributors of the manifest.
        """
        counted = set(self.contributors)
        without = [name for name in contributors if name not in counted]
        return [f"not counted: {', '.join(without)}"] * bool(without) + [
            f"{liar} announced wrong shares of the result; they were corrected"
            for liar in self.liars
        ]

    def value(self, name: str) -> Value:
        """Return the value of the output called `name`.

        Raises:
            UsageError: there is no such output here, or it is withheld as a whole.
        """
        for output in self.outputs:
            if output.name == name and output.parts:
                return output.value
            if output.name == name:
                raise UsageError(f"{name} is withheld: {output.withheld}")
        known = ", ".join(output.name for output in self.outputs) or "no output"
        raise UsageError(f'there is no output "{name}"', hint=f"this party learned {known}")

    def as_dict(self) -> dict[str, Any]:
        """Return the JSON that `ostraka run --output json` prints; it has only what this party may
        learn."""
        proof = {
            "session": self.session,
            "protocol": self.protocol,
            "manifest_sha256": self.manifest_sha256,
        }
        found = {key: text for key, text in proof.items() if text} | {"status": self.status}
        receipt = {"receipt": str(self.receipt)} if self.receipt else {}
        return found | (self._learned() if self.contributors else {}) | receipt

    def _learned(self) -> dict[str, Any]:
        why = {"why": self.why} if self.why else {}
        liars = {"liars": list(self.liars)} if self.liars else {}
        return {**why, "outputs": self._figures(), "contributors": len(self.contributors), **liars}

    def _repr_html_(self) -> str:
        """Return tables and charts of the outputs, for notebooks; all texts are escaped."""
        from ostraka.presentation.page import notebook_view

        return notebook_view(self._figures(), self._in_a_line())

    def _figures(self) -> list[dict[str, Any]]:
        return [_figure(output) for output in self.outputs if output.parts]

    def _in_a_line(self) -> str:
        if not self.contributors:
            return "done; the manifest gives this party no result"
        counted = f"{self.status}, from {len(self.contributors)} contributors"
        return ". ".join([counted, *filter(None, [self.why])])


def _figure(output: Output) -> dict[str, Value]:
    value = output.value
    figure = {"name": output.name, "value": wide_as_text(value) if output.wide else value}
    if output.error95 is None and (exact := exactly(value)) is not None:
        figure["exact"] = exact
    if output.unit:
        figure["unit"] = output.unit
    if output.error95 is not None:
        figure["error95"] = wide_as_text(output.error95) if output.wide else output.error95
    return figure
