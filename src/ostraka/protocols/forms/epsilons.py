"""Epsilons too small for their noise to fit into a share, and too large for it to hide a thing."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Final, NoReturn

from ostraka.manifest import Manifest
from ostraka.protocols.options import refuse
from ostraka.record.budget import short

LARGE: Final = 10
"""Epsilon of one number or answer beyond which noise is there in name only: e^10 is 22,000."""


def refuse_small(manifest: Manifest, most: int, room: int) -> NoReturn:
    """Refuse an epsilon whose noise does not fit into a shared number; raises ManifestError.

    Args:
        most: what noise can reach, in encoded units.
        room: what is left for it.
    """
    privacy = manifest.privacy
    place, noise = ("local", privacy.local) if privacy.local else ("central", privacy.central)
    assert noise is not None
    if noise.epsilon is None:
        refuse(f"privacy.{place}.truth: takes more noise than a shared number can hold")
    asked = Fraction(noise.epsilon)
    hint = "raise epsilon, or lower max (or raise min)"
    if noise.mechanism != "discrete-gaussian" and room > 0:  # otherwise its noise is no c / epsilon
        hint += f": {float(asked * most / room):.1e} or a little more would do"
    refuse(
        f"privacy.{place}.epsilon: {short(asked)} takes more noise than a shared number can hold: "
        f"it can reach {most:.1e}, and there is room for {max(room, 0):.1e}",
        hint=hint,
    )


def explain_large(epsilon: Fraction, length: int) -> list[str]:
    """Say that an epsilon hides nothing, where that is so.

    Args:
        length: numbers or answers of one contributor, which share epsilon.
    """
    each = epsilon / length
    if each <= LARGE:
        return []
    of = f"; that is {short(each)} for each of {length} numbers" if length > 1 else ""
    return [
        f"WARNING: noised in name only. With epsilon = {short(epsilon)} an answer may be "
        f"{odds(epsilon)} times as likely for one input as for another{of}: the noise hides next "
        "to nothing. Epsilons from 0.1 to 4 are usual."
    ]


def odds(epsilon: Fraction) -> str:
    """Return e^epsilon for people."""
    return f"{math.exp(epsilon):.3g}" if epsilon <= LARGE else f"e^{float(epsilon):.3g}"
