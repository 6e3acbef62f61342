"""Advice of `ostraka check`: how much noise an answer can bear, and what it tells without any.

A manifest is tried with noise of several epsilons, local and central; the errors are those that the
protocol itself would print beside its result.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, Literal

import numpy as np

from ostraka.errors import ManifestError
from ostraka.inputs.encoding import Codec
from ostraka.manifest import Central, Local, Manifest, Privacy
from ostraka.protocols.noised_range import NoisedRange
from ostraka.protocols.protocol import Protocol
from ostraka.record.budget import short

EPSILONS: Final = tuple(map(Decimal, ("0.1", "0.5", "1", "2", "4")))

USEFUL: Final = 0.05
"""Noise serves if it blurs a sum by at most this part of the range the sum may lie in."""

WEAK: Final = 10
"""Epsilon above which noise hides next to nothing."""

Place = Literal["local", "central"]


@dataclass(frozen=True)
class Row:
    """Errors with noise of one epsilon: half of the 95% interval, None where it is not possible."""

    epsilon: Decimal
    local: float | None
    central: float | None


@dataclass(frozen=True)
class Advice:
    """Advice on noise in one figure of a manifest.

    Attributes:
        figure: its name.
        reach: how far it ranges, and what moves it.
        rows: its errors for each of `EPSILONS`.
    """

    figure: str
    reach: NoisedRange
    rows: tuple[Row, ...]

    def least_useful(self, place: Place) -> Decimal | None:
        """Return the least epsilon whose error stays within `USEFUL`; None where none does."""
        for row in self.rows:
            error = row.local if place == "local" else row.central
            if error is not None and error <= USEFUL * self.reach.span:
                return row.epsilon
        return None


def advise(protocol: Protocol) -> Advice | None:
    """Compute a figure's error for noise of several epsilons; None for a protocol without noise."""
    manifest = protocol.manifest
    if not protocol.noises or protocol.noised_range("") is None:
        return None
    rows, name = [], ""
    for epsilon in EPSILONS:
        errors: dict[str, float | None] = {"local": None, "central": None}
        for place, noise in _noises(manifest, epsilon):
            for found, error in _errors(protocol, noise):
                name, errors[place] = found, error
                break
        rows.append(Row(epsilon, **errors))
    reach = protocol.noised_range(name) if name else None
    return Advice(name, reach, tuple(rows)) if reach is not None else None


def _noises(manifest: Manifest, epsilon: Decimal) -> Iterator[tuple[Place, Privacy]]:
    """Yield local and central noise of an epsilon: as agreed, else as suits this kind of answer."""
    clip, numeric = manifest.privacy.clip, manifest.input.type.numeric
    told: Literal["discrete-laplace", "randomized-response"]
    told = "discrete-laplace" if numeric else "randomized-response"
    local = manifest.privacy.local or Local(mechanism=told, epsilon=epsilon)
    central = manifest.privacy.central or Central(mechanism="discrete-laplace", epsilon=epsilon)
    if local.mechanism == "discrete-gaussian" and not manifest.privacy.central:
        central = Central(mechanism=local.mechanism, epsilon=epsilon, delta=local.delta)
    if central.mechanism == "discrete-gaussian" and not manifest.privacy.local and numeric:
        local = Local(mechanism=central.mechanism, epsilon=epsilon, delta=central.delta)
    now = {"epsilon": epsilon}
    yield "local", Privacy(local=local.model_copy(update={**now, "truth": None}), clip=clip)
    yield "central", Privacy(central=central.model_copy(update=now), clip=clip)


def _errors(asked: Protocol, privacy: Privacy) -> Iterator[tuple[str, float]]:
    """Yield each figure's error under this noise, the widest of a vector's; none if it is refused.

    Errors hardly depend on what is opened, but for a variance: its is widest where all inputs are
    the least.
    """
    try:
        protocol = type(asked)(asked.manifest.model_copy(update={"privacy": privacy}))
        least = len(protocol.contributors) * Codec(asked.manifest.input).low
        opened = protocol.scheme.from_signed(np.full(protocol.opened, least))
        outputs = protocol.combine(opened, protocol.contributors)
    except ManifestError:
        return
    for output in outputs:
        if output.error95 is not None:
            yield output.name, max(_numbers(output.error95))


def _numbers(value: Any) -> Iterator[float]:
    if isinstance(value, Mapping):
        value = list(value.values())
    if isinstance(value, Sequence) and not isinstance(value, str):
        for each in value:
            yield from _numbers(each)
    else:
        yield float(value)


def weak(protocol: Protocol) -> list[str]:
    """Return a warning where epsilon promises next to nothing; no sentence otherwise."""
    epsilon = protocol.spends(protocol.contributors).epsilon
    if epsilon is None or epsilon <= WEAK:
        return []
    return [
        f"WARNING: epsilon = {short(epsilon)} hides next to nothing: an answer may be more than "
        f"{math.exp(WEAK):,.0f} times as likely with one input as with another. The answer counts "
        f"as noised, and its noise may be 0. Noise protects with an epsilon of {WEAK} or less."
    ]


# --- in words ------------------------------------------------------------------------------------


def in_words(protocol: Protocol, advice: Advice) -> list[str]:
    """Say how far one input moves the figure and, where no noise is agreed, which would serve."""
    n, reach = len(protocol.contributors), advice.reach
    unit = f" {reach.unit}" if reach.unit else ""
    noised = protocol.manifest.privacy.local or protocol.manifest.privacy.central
    lines = [
        f"One contributor's input can move the {advice.figure} by up to "
        f"{number(reach.change)}{unit}; it lies in a range of {number(reach.span)}{unit}."
    ]
    if noised is None:
        lines += [reach.exact, *_which(advice, n)]
    return lines


def _which(advice: Advice, n: int) -> list[str]:
    """Say which kind of noise serves, by the least epsilon that leaves something to be seen."""
    local, central = advice.least_useful("local"), advice.least_useful("central")
    part = f"{USEFUL:.0%} of that range"
    if local is None and central is None:
        return [
            f"With {n} contributors noise of either kind blurs the answer by more than {part}, up "
            f"to epsilon = {EPSILONS[-1]}: ask more people, or give the exact answer under rules "
            "([policy] min_contributors, same_roster_only)."
        ]
    if local is not None and local <= 1:
        finer = central is not None and central <= local
        return [
            f"Local noise serves from epsilon = {local} on (an error within {part}), and needs "
            f"trust in no other party{'; central noise is finer' * finer}."
        ]
    kept = f"local noise does from epsilon = {local} on" if local else "local noise does not"
    if central is None:
        return [f"Noise within {part}: {kept}; central noise is not possible here."]
    return [
        f"Central noise serves from epsilon = {central} on (an error within {part}); {kept}. It "
        "holds as long as those who add it are honest, as many as the manifest says."
    ]


def table(advice: Advice) -> list[str]:
    """Lay out the errors against epsilon as lines for a terminal: a head, then a row each."""
    head = f"{'epsilon':>9}  {'local noise':>14}  {'central noise':>14}"
    return [head, *map(_row, advice.rows)]


def _row(row: Row) -> str:
    cells = (f"+- {number(e)}" if e is not None else "-" for e in (row.local, row.central))
    return f"{row.epsilon!s:>9}  " + "  ".join(f"{cell:>14}" for cell in cells)


def number(value: float) -> str:
    """Write a number with three significant digits, and with all of those before the point."""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
