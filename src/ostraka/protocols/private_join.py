"""Joins of lists that lie with different owners: how many rows they share, and sums over those."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Literal

import numpy as np
from pydantic import Field, StrictInt

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.engine.compare import less_than_zero
from ostraka.engine.joining import Lists, joined
from ostraka.engine.matching import WORDS, matched
from ostraka.engine.multiply import dot, mul
from ostraka.engine.noise import add_noise
from ostraka.inputs.encoding import Codec, Signed
from ostraka.manifest import IdType, Manifest
from ostraka.names import PartyId
from ostraka.noise.shares import NoiseShares
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.central import by_compute_parties, explain_dealers
from ostraka.protocols.forms.identifiers import ListRows, hashed
from ostraka.protocols.forms.join_cases import BENCH
from ostraka.protocols.forms.joined import Figure, JoinedFigures
from ostraka.protocols.interactive import apart
from ostraka.protocols.joining import Joining, ListOptions
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.sentences import explain_interactive
from ostraka.protocols.shares import Shares
from ostraka.protocols.table import Names
from ostraka.record.budget import short
from ostraka.text import twice


class JoinOptions(ListOptions):
    """`[outputs]` of a join.

    Attributes:
        figures: what becomes known: size, the number of rows in all lists; sum and mean, of the
            values in these rows, for each list that has values; dot, of two lists with values, the
            sum of the products of the two values of each such row.
        columns: names of an owner's values, where each of its rows has several, all of the type and
            bounds of its input: { shop = ["spent", "visits"] }.
        hide: who learns the pattern of matches: all-but-pattern, the helper alone; everything, no
            party at all, of two lists, without a helper.
        members: an owner who is told, besides, which rows of its own list are in all lists.
        min_intersection: fewest rows in common for which anything but "too few" becomes known.
    """

    figures: tuple[Figure, ...] = Field(("size",), min_length=1)
    hide: Literal["all-but-pattern", "everything"] = "all-but-pattern"
    min_intersection: StrictInt = Field(0, ge=0)
    members: str | None = None
    columns: Mapping[str, Names] = Field(default_factory=dict)


class PrivateJoin(Joining):
    """Rows that several owners' lists have in common: their number, and sums of values. [KMRS14]

    Contributors: two to ten owners, a list each: identifiers, or identifiers with a value each, at
    most `[input] length` of them. They compute, and so does the helper, who has none.
    Recipients learn: the figures asked for. The helper learns how many rows each subset of the
    lists has in common. No other party learns anything.
    Rounds: 7; with `min_intersection` 2 and one comparison more, for a dot 5 more. Bytes, of lists
    of d rows: an owner sends 16 d to the helper; each column of values, and matches, cost 8 d for
    each of n - t - 1 parties.
    `cost()` is exact.
    Tolerates: one curious compute party of three or more, who must all stay. The helper together
    with an owner can try identifiers.
    """

    name = "private-join"
    noises = frozenset({"central"})
    bench_cases = BENCH
    options_model = JoinOptions
    asked: JoinOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.asked = read_options(JoinOptions, manifest)
        self.size = min(self.rows.values())
        self.valued = [c for c in self.contributors if self._has_values(c)]
        self.codecs = {c: Codec(manifest.input_of(c)) for c in self.valued}
        self._require_columns()
        self.paired = "dot" in self.asked.figures
        kept = {c: int(c == self.asked.members) for c in self.contributors}
        if self.paired:
            kept[self.contributors[-1]] += 1  # its values are brought into the other's order
        self.prepare(self.widths, kept)
        self._numbers = np.zeros(0, np.int64)  # of rows, at the owner who is told members
        self._require_values()
        self._require_member()
        summed = self.columns if {"sum", "mean"} & set(self.asked.figures) else {}
        self.figures = JoinedFigures.of(
            self.asked.figures,
            {label: self.codecs[owner] for label, (owner, _) in summed.items()},
            self.size,
            alone=len(self.columns) == 1,
            noise=manifest.privacy.central is not None,
            pair=self._pair() if self.paired else None,
        )
        self.gated = bool(self.asked.min_intersection)
        self.opened = sum(part.stop - part.start for _, part in self.openings)
        self._require_room()
        self.noise = by_compute_parties(self, self.figures.sensitivity)

    def _pair(self) -> tuple[Codec, Codec]:
        """Return the codecs of two lists whose values are multiplied."""
        if list(self.widths.values()) != [1, 1]:
            refuse("outputs.figures: dot is of two lists that both have values, one for each row")
        first, second = self.codecs.values()
        if self.size * first.magnitude * second.magnitude > self.scheme.capacity // 4:
            refuse("input.max: a sum of products may be too large", hint="narrow the bounds")
        return first, second

    # --- a list ---------------------------------------------------------------------------------

    def encode(self, me: PartyId, raw: object) -> Words:
        rows = self.read(me, raw, self.widths[me])
        values = self._values(me, rows)
        kept = [values] * (self.paired and me == self.contributors[-1])
        kept += [np.arange(1, len(rows.ids) + 1)[None]] * (me == self.member)
        return self.written(me, rows, values, np.concatenate(kept) if kept else None)

    def _values(self, me: PartyId, rows: ListRows) -> Signed:
        """Return the values of a list, a row for each column."""
        if not rows.columns or not rows.ids:
            return np.zeros((len(rows.columns), len(rows.ids)), np.int64)
        return np.stack([self._column(me, rows, column) for column in rows.columns])

    def _column(self, me: PartyId, rows: ListRows, column: Sequence[object]) -> Signed:
        schema = self.manifest.input_of(me).model_copy(update={"length": 1 + len(column)})
        values = [v.item() if isinstance(v, np.generic) else v for v in column]
        place = partial(_value_of, rows)  # one value alone would have none
        return Codec(schema).encode([*values, schema.min], place)[:-1]

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        figures, hits = await self.sums(engine, apart(x, shares), shares)
        found = concatenate(figures) * np.array(self.figures.scales)
        if self.noise:
            found = await add_noise(found, self.noise, shares.dealt)
        if self.gated:
            found = await self._gate(engine, found)
        if hits is None:
            return found
        table = self.own_table(shares)
        if table is not None and shares.own == self.member:
            self._numbers = self.scheme.to_signed(np.ascontiguousarray(table[-1]))
        if self.gated:
            hits = await mul(hits, found[:1].broadcast_to(hits.shape))
        return concatenate([*[found] * len(self.openings), hits])

    async def sums(
        self, engine: Backend, vectors: Mapping[PartyId, SecretArray], shares: Shares
    ) -> tuple[list[SecretArray], SecretArray | None]:
        """Compute the number of rows in all lists, and each sum asked for, a vector of one each;
        and which rows are, of the list whose owner is told."""
        places = self.places
        summed = [self.columns[label] for label in self.figures.codecs]
        wanted = [*dict.fromkeys(owner for owner, _ in summed)] or [self.contributors[0]]
        if self.member and self.member not in wanted:
            wanted.append(self.member)
        hits = await matched(
            engine,
            [places[owner] for owner in self.contributors],
            places[self.helper],
            self.own_rows(shares),
            [self.rows[c] for c in self.contributors],
            [places[owner] for owner in wanted],
        )
        figures = [hits[0].sum().reshape(1)]
        for owner, j in summed:
            column = vectors[owner][j * self.rows[owner] : (j + 1) * self.rows[owner]]
            figures.append((await dot(hits[wanted.index(owner)], column)).reshape(1))
        if self.paired:
            figures.append(await self._products(engine, vectors, shares))
        return figures, hits[wanted.index(self.member)] if self.member else None

    async def _products(
        self, engine: Backend, vectors: Mapping[PartyId, SecretArray], shares: Shares
    ) -> SecretArray:
        """Return the sum of products of two lists' values, the second in the order of the first."""
        first, second = self.contributors
        lists = Lists(
            [self.places[first], self.places[second]],
            self.places[self.helper],
            [self.rows[first], self.rows[second]],
            [0, 1],
        )
        table = self.own_table(shares) if shares.own == second else None
        rows = self.own_rows(shares)
        (moved,) = await joined(engine, lists, rows, None if table is None else table[:1])
        return (await dot(vectors[first][: self.rows[first]], moved[0])).reshape(1)

    async def _gate(self, engine: Backend, found: SecretArray) -> SecretArray:
        """Replace all figures by zeros, and say so, where too few rows are in common."""
        least = self.asked.min_intersection * self.figures.scales[0]
        enough = 1 - await less_than_zero(found[:1] - least)
        return concatenate([enough, await mul(found, enough.broadcast_to(found.shape))])

    # --- results --------------------------------------------------------------------------------

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        numbers = self.scheme.to_signed(opened)
        if self.gated and numbers[0] != 1:
            least = self.asked.min_intersection
            return self.figures.withheld(f"fewer than {least} rows are in all lists")
        return tuple(self._outputs(numbers[self.gated :]))

    def _outputs(self, numbers: Signed) -> Iterator[Output]:
        return self.figures.outputs(numbers, self.noise, len(self.scheme.compute))

    @property
    def member(self) -> PartyId | None:
        """Owner who is told which of its rows are in all lists."""
        return PartyId(self.asked.members) if self.asked.members is not None else None

    @property
    def openings(self) -> tuple[tuple[tuple[PartyId, ...], slice], ...]:
        width, others = self.figures.opened + self.gated, self.recipients
        if self.member is None:
            return ((others, slice(0, width)),)
        others = tuple(r for r in others if r != self.member)
        start = width if others else 0
        end = start + width + self.rows[self.member]
        own = ((self.member,), slice(start, end))
        return ((others, slice(0, width)), own) if others else (own,)

    @property
    def readers(self) -> Mapping[str, tuple[PartyId, ...]]:
        if self.member is None:
            return {}
        return {name: self.recipients for name, _ in self.figures.named()} | {
            "members": (self.member,)
        }

    def combine_for(
        self, me: PartyId, opened: Words, counted: Sequence[PartyId]
    ) -> tuple[Output, ...]:
        if me != self.member:
            return self.combine(opened, counted)
        width = self.figures.opened + self.gated
        outputs, hits = self.combine(opened[:width], counted), opened[width:].reshape(1, -1)
        if self.gated and any(output.withheld for output in outputs):
            why = outputs[0].withheld
            return (*outputs, Output("members", "rows", (), None, scalar=True, withheld=why))
        return (*outputs, Output("members", "rows", (hits,), self._members, scalar=True))

    def _members(self, hits: Sequence[int]) -> Value:
        """Return the numbers, from 1, of the owner's rows that are in all lists."""
        places = np.flatnonzero(np.array(hits[: len(self._numbers)], np.uint64))
        return sorted(self._numbers[places].tolist())

    # --- before anything runs -------------------------------------------------------------------

    @property
    def widths(self) -> dict[PartyId, int]:
        """Number of values of each owner's rows."""
        named, valued = self.asked.columns, self.valued
        return {c: len(named.get(c, (c,))) if c in valued else 0 for c in self.contributors}

    @property
    def columns(self) -> dict[str, tuple[PartyId, int]]:
        """Owner, and place among its values, of each column by name; an owner's only one is named
        after it."""
        named = {owner: self.asked.columns.get(owner, (owner,)) for owner in self.valued}
        return {name: (owner, j) for owner in named for j, name in enumerate(named[owner])}

    def _require_columns(self) -> None:
        if strange := set(self.asked.columns) - set(self.valued):
            refuse(f"outputs.columns: {min(strange)} is no owner of a list with values")
        named = [name for names in self.asked.columns.values() for name in names]
        if twice([*named, *self.valued]):
            refuse("outputs.columns: names each column once, and none like an owner with values")
        if not all(self.asked.columns.values()):
            refuse("outputs.columns: names at least one column of an owner")

    def _require_member(self) -> None:
        if self.member is None:
            return
        if self.member not in self.contributors or self.member not in self.recipients:
            refuse("outputs.members: names an owner of a list who is a recipient, too")
        if self.manifest.privacy.central is not None:
            refuse("outputs.members: tells of rows exactly: no noise can hide them")

    def _has_values(self, owner: PartyId) -> bool:
        return not isinstance(self.manifest.input_of(owner).type, IdType)

    def _require_values(self) -> None:
        for owner in self.valued:
            if not self.manifest.input_of(owner).type.numeric:
                refuse(
                    f"input.type: {owner}'s list has identifiers alone (id), or a number for each, "
                    f"not {self.manifest.input_of(owner).type}"
                )
        if not self.valued and set(self.asked.figures) != {"size"}:
            refuse("outputs.figures: no list has values: ask for size alone")
        if self.asked.min_intersection > self.size:
            refuse(f"outputs.min_intersection: must be at most the rows of a list, {self.size}")

    def _require_room(self) -> None:
        for owner in self.valued:
            if self.size * self.codecs[owner].magnitude > self.scheme.capacity // 4:
                refuse(
                    f"input.max: a sum of {self.size} of {owner}'s values may be too large",
                    hint="narrow the bounds, or allow fewer rows",
                )

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        lists = {}
        for owner in self.contributors:
            rows = self.read(owner, inputs[owner], self.widths[owner])
            ids = hashed(rows, self.asked.identifiers).reshape(-1, WORDS)
            values = self._values(owner, rows).T.tolist()
            lists[owner] = dict(zip(map(bytes, ids), values, strict=True))
        common = set.intersection(*(set(each) for each in lists.values()))
        size = np.array([len(common)])
        if len(common) < self.asked.min_intersection:
            return {}
        summed = [self.columns[label] for label in self.figures.codecs]
        sums = [sum(lists[owner][each][j] for each in common) for owner, j in summed]
        if self.paired:
            one, other = (lists[owner] for owner in self.contributors)
            sums.append(sum(one[each][0] * other[each][0] for each in common))
        numbers = np.concatenate([size, np.array(sums, np.int64)]) * np.array(self.figures.scales)
        found = self._outputs(numbers)
        return {output.name: output.value for output in found if output.parts}

    # --- in words -------------------------------------------------------------------------------

    def explain(self) -> list[str]:
        what = " and ".join(name for name, _ in self.figures.named())
        answer = [
            *self.explain_helper(),
            *(self._explain_noise(self.noise) if self.noise else self._explain_exact()),
            *self._explain_members(),
            self.explain_padding(),
        ]
        rows = f"the {what} of the rows that all lists have"
        return explain_interactive(self, rows, answer, told=self.told())

    def _explain_members(self) -> Iterator[str]:
        if self.member is not None:
            yield (
                f"Members: {self.member} also learns which rows of its own list are in all lists, "
                "and so, of every identifier that it puts in, whether the others have it."
            )

    def told(self) -> Sequence[PartyId]:
        """Return the parties that learn something though they are no recipients."""
        return [self.helper]

    def _explain_noise(self, noise: NoiseShares) -> Iterator[str]:
        n, spend = len(self.scheme.compute), noise.spends(noise.honest)
        assert spend.epsilon is not None
        yield (
            "Noise: the compute parties each deal a share of it, so no party ever sees the exact "
            "figures. What one row of a list, with its value, changes in all figures together is "
            f"bounded by epsilon = {short(spend.epsilon)}, and that is what a ledger counts: not "
            "for a person who has several identifiers, nor for a whole list. With probability 95% "
            f"the number of rows is within {math.ceil(noise.within(n) / self.figures.scales[0])}. "
            + "The helper learns the exact number all the same."
            * bool(self.told())
        )
        yield explain_dealers(self, str(noise.share.bound), "a figure")

    def _explain_exact(self) -> Iterator[str]:
        yield (
            "The answer itself: an owner who is told it, and puts one row of its choice into its "
            "list or leaves it out, learns from the difference of two sessions whether that row is "
            "in the other lists. A budget in the ledger refuses exact answers; joint noise "
            "([privacy] central) hides a row."
        )
        if self.asked.min_intersection:
            yield (
                f"With fewer than {self.asked.min_intersection} rows in common nothing else "
                "becomes known; whether it is so does."
            )


def _value_of(rows: ListRows, i: int) -> str:
    return f"the value of {rows.place(i)}"
