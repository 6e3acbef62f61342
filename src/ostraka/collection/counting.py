"""Choice of the reports that count, once all compute parties said what they hold. Pure.

A report counts if every compute party has it and can open it, and its credential was not taken
back. Of several reports of one credential the one with the highest counter counts; they are all
signed with one contributor's key, and where there are two such keys, the one counts that most
compute parties got a report of first.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from fractions import Fraction
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ostraka.collection.merkle import Tree
from ostraka.errors import Aborted
from ostraka.names import PartyId, place_name


class ReportStanding(IntEnum):
    """Standing of one report at one compute party."""

    HELD = 0
    MISSING = 1
    REFUSED = 2


class PublicPart(NamedTuple):
    """Public part of a report.

    Attributes:
        credential: its number in the roster, from 0; None in an open collection.
        counter: the higher one replaces the lower.
        contributor: the key that all reports of one credential are signed with.
    """

    credential: int | None
    counter: int
    contributor: bytes


About = Callable[[bytes], PublicPart]
"""Function from the digest of a report that this party has to its public part."""


@dataclass(frozen=True)
class Summary:
    """Summary of an agreement, which all parties sign.

    Attributes:
        root: of the Merkle tree over the reports that count if they are valid, 32 bytes.
        in_time: reports that some compute party had.
        left_out: reports that some compute party did not have, or could not open.
        revoked: the others of credentials that were taken back.
        replaced: the others that a later one of the same credential replaced.
        agreed: the rest: reports in the tree.
        refused: by compute party in manifest order, how many it did not have or could not open.
    """

    root: bytes
    in_time: int
    left_out: int
    revoked: int
    replaced: int
    agreed: int
    refused: tuple[int, ...]

    def numbers(self) -> list[int]:
        """Return all but the root as numbers, in the order in which they travel."""
        return [
            self.in_time, self.left_out, self.revoked, self.replaced, self.agreed, *self.refused
        ]  # fmt: skip

    @classmethod
    def of_numbers(cls, root: bytes, numbers: Sequence[int]) -> Summary:
        """Read what `numbers` returned."""
        in_time, left_out, revoked, replaced, agreed, *refused = numbers
        return cls(root, in_time, left_out, revoked, replaced, agreed, tuple(refused))

    def table(self) -> dict[str, object]:
        """Return the summary as statements have it."""
        return {
            "root": self.root.hex(),
            "in_time": self.in_time,
            "left_out": self.left_out,
            "revoked": self.revoked,
            "replaced": self.replaced,
            "agreed": self.agreed,
            "refused": list(self.refused),
        }


@dataclass(frozen=True)
class Agreed:
    """Agreement on the reports of a collection.

    Attributes:
        places: the places that are filled, from 1, rising.
        summary: what all parties sign of it.
        reports: the digest of the report in each place; empty at a recipient that does not compute.
    """

    places: tuple[int, ...]
    summary: Summary
    reports: Mapping[int, bytes]

    def absent(self, contributors: Sequence[PartyId]) -> list[PartyId]:
        """Return the places that no report fills, of all places."""
        filled = {place_name(place) for place in self.places}
        return [name for name in contributors if name not in filled]


@dataclass(frozen=True)
class Refusals:
    """Refusals of all compute parties.

    Args:
        standings: of each report at each compute party, shape (parties, reports).
        colluders: how many compute parties may lie.
    """

    standings: NDArray[np.uint8]
    colluders: int

    @property
    def held(self) -> NDArray[np.bool_]:
        """Mark of each report that every party holds, shape (reports,)."""
        found: NDArray[np.bool_] = (self.standings == ReportStanding.HELD).all(axis=0)
        return found

    @property
    def by_party(self) -> tuple[int, ...]:
        """Number of reports that each party refused."""
        return tuple((self.standings != ReportStanding.HELD).sum(axis=1).tolist())

    def check(self, most: Fraction, names: Sequence[PartyId]) -> None:
        """Check that few enough reports were refused by so few parties that all of them may lie.

        What more parties refuse is not in the total: those who list it may have made it up, to make
        their own refusals a small part.

        Args:
            most: part of the reports that no more parties than may lie refuse.

        Raises:
            Aborted: there are more; it names the party that refused most.
        """
        refused = self.standings != ReportStanding.HELD
        count = refused.sum(axis=0)
        doubtful = (count > 0) & (count <= self.colluders)
        reports, total = int(doubtful.sum()), int((count <= self.colluders).sum())
        if reports <= most * total:
            return
        worst = int(np.argmax((refused & doubtful).sum(axis=1)))
        its = int((refused & doubtful)[worst].sum())
        raise Aborted(
            f"{names[worst]} does not have or cannot open {its} of {total} reports that others "
            f"can; more than {float(most) * 100:g}% may not be left out, so nothing was opened",
            hint=f"ask {names[worst]}: is its mailbox the same, is its sealing key the one it "
            "published? Run it again then: the reports are kept",
        )


def count(
    known: Sequence[bytes],
    refusals: Refusals,
    revoked: Collection[int],
    about: About,
    lists: Sequence[Sequence[bytes]],
    size: int,
) -> Agreed:
    """Return which reports count.

    Args:
        known: digests of all reports that some party had, rising.
        revoked: credentials that were taken back.
        about: is asked for reports that all hold.
        lists: what each compute party listed, in the order in which it got it.
        size: number of places.
    """
    held = [digest for digest, ok in zip(known, refusals.held, strict=True) if ok]
    public = {digest: about(digest) for digest in held}
    kept = [digest for digest in held if public[digest].credential not in revoked]
    chosen = _by_credential(kept, public, lists)
    if len(chosen) > size:  # an open collection whose mailbox took too many
        chosen = dict(list(chosen.items())[:size])
    tree = Tree.of(chosen.items())
    summary = Summary(
        root=tree.root,
        in_time=len(known),
        left_out=len(known) - len(held),
        revoked=len(held) - len(kept),
        replaced=len(kept) - len(chosen),
        agreed=len(chosen),
        refused=refusals.by_party,
    )
    return Agreed(tuple(sorted(chosen)), summary, chosen)


def _by_credential(
    kept: Sequence[bytes], public: Mapping[bytes, PublicPart], lists: Sequence[Sequence[bytes]]
) -> dict[int, bytes]:
    """Return the report of each place: of its credential, or by rank where there are none."""
    groups: dict[int, list[bytes]] = defaultdict(list)
    for rank, digest in enumerate(kept):
        credential = public[digest].credential
        groups[(rank if credential is None else credential) + 1].append(digest)
    several = {place: group for place, group in groups.items() if len(group) > 1}
    chosen = {place: group[0] for place, group in groups.items()}
    if several:
        order = _first_keys(several, public, lists)
        for place, group in several.items():
            own = [d for d in group if public[d].contributor == order[place]]
            chosen[place] = max(own, key=lambda d: (public[d].counter, d))
    return chosen


def _first_keys(
    groups: Mapping[int, Sequence[bytes]],
    public: Mapping[bytes, PublicPart],
    lists: Sequence[Sequence[bytes]],
) -> dict[int, bytes]:
    """Return the contributor's key of each group that most parties got a report of first."""
    place_of = {digest: place for place, group in groups.items() for digest in group}
    votes: dict[int, Counter[bytes]] = defaultdict(Counter)
    for listed in lists:
        seen: set[int] = set()
        for digest in listed:
            place = place_of.get(digest)
            if place is not None and place not in seen:
                seen.add(place)
                votes[place][public[digest].contributor] += 1
    return {place: max(sorted(cast), key=cast.__getitem__) for place, cast in votes.items()}
