"""Attendance: parties that may be missing from a run, and how many others it then needs.

One value answers it for the sharing step, for the agreement on whom to count, for the opening, and
for the sentences of `check`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from ostraka.names import PartyId
from ostraka.sharing.scheme import Scheme


def quorum(n: int, t: int, *, everybody: bool) -> int:
    """Return how many of n compute parties must vote for a set before it is opened."""
    return t + 1 if everybody else max(n - t, n // 2 + 1)


@dataclass(frozen=True, slots=True)
class Attendance:
    """Parties that must be there, and parties that may be missing, in one protocol.

    Attributes:
        contributors, compute: in manifest order.
        colluders: how many compute parties may pool their shares and learn nothing.
        must_be_counted: the parties without whose message in the sharing step no compute party
            goes on.
        announcements: how many compute parties must announce their share to a recipient.
        unanimous: whether nothing can be opened unless every compute party goes on; going on is
            then its consent, and a vote is not needed for that.
        lying: whether compute parties may lie. Then all of them must vote.
        proven: whether the shares of honest compute parties are known to be of one value when they
            are opened, so that a share which contradicts them is its party's lie.
    """

    contributors: tuple[PartyId, ...]
    compute: tuple[PartyId, ...]
    colluders: int
    must_be_counted: frozenset[PartyId]
    announcements: int
    unanimous: bool
    lying: bool = False
    proven: bool = False

    @classmethod
    def of(
        cls,
        scheme: Scheme,
        must_be_counted: Iterable[PartyId] = (),
        *,
        unanimous: bool = False,
        proven: bool = False,
    ) -> Attendance:
        """Return the attendance of parties that follow the protocol.

        Args:
            must_be_counted: more parties than the scheme asks for.
            unanimous: every compute party takes part in the computation.
            proven: the protocol proves what compute parties hold before it is opened.
        """
        all_needed = () if scheme.survives_dropouts else (*scheme.contributors, *scheme.compute)
        return cls(
            scheme.contributors,
            scheme.compute,
            scheme.colluders,
            frozenset((*must_be_counted, *all_needed)),
            scheme.needed,
            unanimous or not scheme.survives_dropouts,
            proven=proven,
        )

    @classmethod
    def among_liars(
        cls,
        scheme: Scheme,
        must_be_counted: Iterable[PartyId] = (),
        *,
        unanimous: bool = False,
        proven: bool,
    ) -> Attendance:
        """Return the attendance where up to `scheme.colluders` compute parties may lie.

        So many more announcements must come than open a value, or all if nothing is proven. No
        compute party may be missing in the sharing step: a liar could otherwise have contributors
        left out, down to one and itself.
        """
        honest = cls.of(
            scheme, (*must_be_counted, *scheme.compute), unanimous=unanimous, proven=proven
        )
        n, enough = len(scheme.compute), scheme.needed + scheme.colluders
        return replace(honest, announcements=min(n, enough) if proven else n, lying=True)

    def may_be_missing(self, party: PartyId) -> bool:
        """Return whether a run goes on without what `party` sends in the sharing step."""
        return party not in self.must_be_counted

    @property
    def must_agree(self) -> bool:
        """Whether compute parties must agree on whom to count.

        Otherwise there is only one set of contributors that can be opened, and only if every
        compute party consents to it.
        """
        return not self.unanimous or any(map(self.may_be_missing, self.contributors))

    def votes(self, counted: Collection[PartyId]) -> int:
        """Return how many compute parties must vote for this set before it is opened."""
        n = len(self.compute)
        if self.lying:
            return n
        return quorum(n, self.colluders, everybody=len(counted) == len(self.contributors))
