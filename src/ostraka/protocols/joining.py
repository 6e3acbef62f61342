"""Protocols on rows that lists of several owners have in common, found by tags and a helper."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import Draw, Stream, Words
from ostraka.engine.matching import WORDS
from ostraka.engine.sort import order_of
from ostraka.inputs.encoding import refuse as refuse_input
from ostraka.names import PartyId
from ostraka.protocols.forms.identifiers import Form, ListRows, hashed, read_rows
from ostraka.protocols.interactive import Interactive
from ostraka.protocols.options import refuse
from ostraka.protocols.sentences import names
from ostraka.protocols.shares import Shares
from ostraka.sharing.scheme import Explicit, Parcel

OWNERS: Final = 10
"""Owners of lists in one join."""


class ListOptions(BaseModel):
    """Keys of `[outputs]` where lists are joined.

    Attributes:
        identifiers: the form that identifiers are brought into before they are compared: exact,
            folded (in any case), email, phone.
        helper: the compute party that compares; by default the first that gives no list.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    identifiers: Form = "exact"
    helper: str | None = None


@dataclass(frozen=True)
class _OwnShare(Explicit):
    """An owner's share of its own list, with what goes to no other party as it is.

    Attributes:
        rows: `WORDS` words that identify each row.
        table: elements of the columns that the owner does not share, shape (columns, rows).
    """

    rows: Words
    table: Elements


class Joining(Interactive):
    """A protocol on lists of two or more owners, who compute, with a helper, who has no list.

    An owner encodes its list as the elements it shares, column by column, and the number of rows;
    then what identifies each row, and the columns that it keeps. Subclasses call `prepare`.

    Attributes:
        asked: the protocol's options.
        shared, kept: columns that each owner shares, and keeps.
    """

    between = "the lists of two owners or more"
    securities = ("passive",)
    usual_type = "id"
    asked: ListOptions
    shared: Mapping[PartyId, int]
    kept: Mapping[PartyId, int]

    def prepare(
        self, shared: Mapping[PartyId, int], kept: Mapping[PartyId, int] | None = None
    ) -> None:
        """Set the columns of each owner's list, and refuse parties that cannot join lists."""
        self.shared, self.kept = shared, kept or dict.fromkeys(self.contributors, 0)
        self.lengths = {c: self.rows[c] * shared[c] + 1 for c in self.contributors}
        self._require_owners_and_helper()

    @property
    def rows(self) -> dict[PartyId, int]:
        """Rows that each owner's list has at most, and is padded to."""
        return {c: self.manifest.input_of(c).length for c in self.contributors}

    @property
    def helper(self) -> PartyId:
        """The compute party that compares tags; it owns no list."""
        first = next(c for c in self.scheme.compute if c not in self.contributors)
        return first if self.asked.helper is None else PartyId(self.asked.helper)

    # --- a list ---------------------------------------------------------------------------------

    def read(self, me: PartyId, raw: object, columns: int) -> ListRows:
        """Read an owner's list, whose rows have so many values each, and check its length."""
        found, most = read_rows(raw, columns), self.rows[me]
        if len(found.ids) > most:
            refuse_input(f"the list has {len(found.ids)} rows; the manifest allows {most}")
        return found

    def written(
        self,
        me: PartyId,
        rows: ListRows,
        shared: NDArray[np.int64],
        kept: NDArray[np.int64] | None = None,
    ) -> Words:
        """Write a list as `with_noise` takes it.

        Args:
            shared, kept: integers, a row for each column and a column for each of `rows`.
        """
        most, count = self.rows[me], len(rows.ids)
        table = np.zeros((self.shared[me], most), np.int64)
        table[:, : shared.shape[1]] = shared
        own = np.zeros((self.kept[me], most), np.int64)
        if kept is not None:
            own[:, : kept.shape[1]] = kept
        ids = np.zeros(WORDS * most, np.uint64)
        ids[: WORDS * count] = hashed(rows, self.asked.identifiers)
        head, tail = (self.scheme.from_signed(a) for a in (np.append(table, count), own.ravel()))
        return np.concatenate([head, ids, tail])

    def with_noise(self, x: Words, me: PartyId, draw: Draw) -> Words:
        """Pad the list with rows that no other list has, and put its rows in a random order."""
        stream, most, k = Stream(draw.seed(), "join order"), self.rows[me], self.lengths[me]
        count = int(self.scheme.to_signed(x[k - 1 : k])[0])
        ids = x[k : k + WORDS * most].reshape(most, WORDS)
        stream.fill(ids[count:].reshape(-1))
        order = order_of(*stream.fill(np.empty(2 * most, np.uint64)).reshape(2, -1))
        ids[:] = ids[order]
        for table in (x[: k - 1], x[k + WORDS * most :]):
            columns = table.reshape(-1, most)
            for column in columns:
                column[:] = column[order]
        return x

    def share(self, x: Words, me: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        k, most = self.lengths[me], self.rows[me]
        ids, table = x[k : k + WORDS * most], x[k + WORDS * most :].reshape(-1, most)
        parcels = self.scheme.split(x[:k].copy(), me, draw)
        own = parcels[me]
        assert isinstance(own, Explicit)
        return {**parcels, me: _OwnShare(own.vector, ids, table)}

    # --- inside the computation -----------------------------------------------------------------

    def own_rows(self, shares: Shares) -> Words | None:
        """Return what identifies this party's rows; None at a party without a list."""
        own = self._own(shares)
        return own.rows if own else None

    def own_table(self, shares: Shares) -> Elements | None:
        """Return the columns that this party keeps; None where there are none."""
        own = self._own(shares)
        return own.table if own and len(own.table) else None

    def _own(self, shares: Shares) -> _OwnShare | None:
        me = shares.own
        if me not in self.contributors:
            return None
        if isinstance(own := shares.parcels[me], _OwnShare):
            return own
        most = self.rows[me]  # a rehearsal, which has no lists
        zeros = np.zeros((self.kept[me], most), np.uint64)
        return _OwnShare(zeros[:0, 0], np.zeros(WORDS * most, np.uint64), zeros)

    @property
    def places(self) -> dict[PartyId, int]:
        """Place of each compute party in the engine."""
        return {name: i for i, name in enumerate(self.scheme.compute)}

    # --- before anything runs -------------------------------------------------------------------

    def _require_owners_and_helper(self) -> None:
        compute, owners = self.scheme.compute, self.contributors
        if not 2 <= len(owners) <= OWNERS:
            refuse(f"party: a join is of 2 to {OWNERS} contributors' lists, not of {len(owners)}")
        outside = [owner for owner in owners if owner not in compute]
        helpers = [name for name in compute if name not in owners]
        if outside or not helpers:
            refuse(
                "party: the owners of the lists compute, and one more party, the helper, that "
                "gives no list",
                hint='give each owner the roles "contributor" and "compute", one party "compute"',
            )
        if self.asked.helper is not None and self.asked.helper not in helpers:
            refuse(
                "outputs.helper: must be a compute party that gives no list: " + ", ".join(helpers)
            )
        if self.scheme.colluders != 1:
            refuse(
                "sharing.threshold: the helper sees which rows match, so a join protects against "
                "one curious compute party",
                hint="set threshold = 1 in [sharing]",
            )
        if self.manifest.policy.min_contributors != len(owners):
            refuse("policy.min_contributors: all lists are needed: leave it out")

    # --- in words -------------------------------------------------------------------------------

    def explain_helper(self) -> Iterator[str]:
        """Say what the helper learns, and what it can do with an owner."""
        owners = names(self.contributors)
        yield (
            f"The helper: {self.helper} learns how many rows the lists of {owners} have in common, "
            "each two of them and all, and in which places of the lists, whose order is random; no "
            "identifier and no value."
        )
        yield (
            f"WARNING: {self.helper} together with one of {owners} can try identifiers: whether "
            "any that it thinks of is in the other lists. Where there are few possible ones, such "
            "as telephone numbers, that is all of them. Choose a helper that no owner has a hold "
            "on."
        )

    def explain_padding(self) -> str:
        """Say that lengths of lists stay hidden, and that lists are taken as they are."""
        most = sorted(set(self.rows.values()))
        each = f"{most[0]} rows" if len(most) == 1 else "the rows that the manifest allows each"
        return (
            f"Lists are padded to {each}, so that their lengths stay hidden. What is in "
            "a list is not checked: an owner may put in identifiers that it only guessed, and "
            "values beyond their bounds."
        )
