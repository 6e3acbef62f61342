"""Rehearsal of results: figures and errors at the ends of their ranges, before anything is shared.

An error that first shows when a result is rendered comes too late: budgets are spent by then. So
every protocol is asked for results that a run under its manifest could open to, and a manifest is
refused if they cannot be worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from ostraka.errors import PeerViolation
from ostraka.names import PartyId
from ostraka.outcome import Outcome
from ostraka.protocols.options import refuse
from ostraka.protocols.protocol import Protocol

MOST: Final = 4096
"""Words of the longest opened vector that is rendered at once. Of longer ones every element is
rendered by the same function, and `Protocol.of_one_element` has the same noise."""


def require_results(protocol: Protocol) -> None:
    """Render results over the fewest and over all contributors, of zeros and of extreme numbers.

    Raises:
        ManifestError: a result, or its error, is beyond what a number can say.
    """
    small = protocol.of_one_element()
    if small.opened > MOST:
        return
    fewest = protocol.manifest.policy.min_contributors
    for count in sorted({fewest, len(protocol.contributors)}):
        for number in (0, protocol.scheme.capacity, -protocol.scheme.capacity):
            try:
                _render(small, protocol.contributors[:count], number)
            except ArithmeticError:
                refuse(
                    "outputs: with these bounds and this noise a result, or its error, is beyond "
                    "what a number can say",
                    hint="narrow the bounds, use fewer digits, or another epsilon",
                )


def _render(protocol: Protocol, counted: Sequence[PartyId], number: int) -> None:
    """Render the results of one recipient of each part, all of whose elements are `number`."""
    for (recipient, *_), part in protocol.openings:
        signed = np.full(part.stop - part.start, number, np.int64)
        try:
            found = protocol.combine_for(recipient, protocol.scheme.from_signed(signed), counted)
            Outcome(found, tuple(counted)).as_dict()
        except PeerViolation:  # a number that no honest run opens
            continue
