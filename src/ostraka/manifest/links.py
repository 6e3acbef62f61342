"""Links that a session needs: a pair of parties has one only if the two send each other messages.

    compute party   with every party: parcels, steps, shares of the result
    recipient       with every other recipient: nonces of the result, slices of long results

Two parties without a link hear of each other from a compute party, to which both have a link.
"""

from __future__ import annotations

from collections.abc import Collection

from ostraka.names import Role


def needs_link(ours: Collection[Role], theirs: Collection[Role]) -> bool:
    """Return whether two parties with these roles send each other messages, so need a link."""
    if Role.COMPUTE in ours or Role.COMPUTE in theirs:
        return True
    return Role.RECIPIENT in ours and Role.RECIPIENT in theirs
