"""Joins of lists that lie with different owners: how many rows they share, and sums over those."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictInt

from ostraka.arithmetic.randomness import Draw, Stream, Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.engine.compare import less_than_zero
from ostraka.engine.matching import WORDS, matched
from ostraka.engine.multiply import dot, mul
from ostraka.engine.noise import add_noise
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.encoding import refuse as refuse_input
from ostraka.manifest import IdType, Manifest
from ostraka.names import PartyId
from ostraka.noise.shares import NoiseShares
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import BenchCase
from ostraka.protocols.forms.central import by_compute_parties, explain_dealers
from ostraka.protocols.forms.identifiers import Form, ListRows, hashed, read_rows
from ostraka.protocols.forms.joined import Figure, JoinedFigures
from ostraka.protocols.interactive import Interactive, apart
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.sentences import explain_interactive, names
from ostraka.protocols.shares import Shares
from ostraka.record.budget import short
from ostraka.sharing.scheme import Explicit, Parcel

OWNERS: Final = 10
"""Owners of lists in one join."""


def _rows(owner: int, size: int) -> tuple[list[str], np.ndarray[Any, Any]]:
    """Make up a list: three quarters of it are in the next owner's list too."""
    first = owner * (size // 4)
    return [f"id-{i:09d}" for i in range(first, first + size)], np.arange(size) % 1000


def _expected(_: int, size: int) -> tuple[np.ndarray[Any, Any], ...]:
    first, count = size // 4, size - size // 4
    sums = [(np.arange(start, start + count) % 1000).sum() for start in (first, 0)]
    return tuple(np.array([number]) for number in (count, *sums))


BENCH: Final = {
    "join": BenchCase(
        lambda size: {
            "input": {"type": "int", "length": size, "min": 0, "max": 999},
            "outputs": {"figures": ["size", "sum"]},
        },
        _rows,
        _expected,
        owners=2,
    )
}


class JoinOptions(BaseModel):
    """`[outputs]` of a join.

    Attributes:
        figures: what becomes known: size, the number of rows in all lists; sum and mean, of the
            values in these rows, for each list that has values.
        identifiers: the form that identifiers are brought into before they are compared: exact,
            folded (in any case), email, phone.
        hide: who learns the pattern of matches: all-but-pattern, the helper alone.
        helper: the compute party that compares; by default the first that gives no list.
        min_intersection: fewest rows in common for which anything but "too few" becomes known.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    figures: tuple[Figure, ...] = Field(("size",), min_length=1)
    identifiers: Form = "exact"
    hide: Literal["all-but-pattern"] = "all-but-pattern"
    helper: str | None = None
    min_intersection: StrictInt = Field(0, ge=0)


@dataclass(frozen=True)
class _OwnShare(Explicit):
    """An owner's share of its own list, with what identifies each row.

    Attributes:
        rows: `WORDS` words a row; they go to no other party as they are.
    """

    rows: Words


class PrivateJoin(Interactive):
    """Rows that several owners' lists have in common: their number, and sums of values. [KMRS14]

    Contributors: two to ten owners, a list each: identifiers, or identifiers with a value each, at
    most `[input] length` of them. They compute, and so does the helper, who has none.
    Recipients learn: the figures asked for. The helper learns how many rows each subset of the
    lists has in common. No other party learns anything.
    Rounds: 7, or with `min_intersection` 2 and one comparison more. Bytes, of lists of d rows: an
    owner sends 16 d to the helper; values, and matches, cost 8 d for each of n - t - 1 parties.
    `cost()` is exact.
    Tolerates: one curious compute party of three or more, who must all stay. The helper together
    with an owner can try identifiers.
    """

    name = "private-join"
    between = "the lists of two owners or more"
    securities = ("passive",)
    noises = frozenset({"central"})
    usual_type = "id"
    bench_cases = BENCH
    options_model = JoinOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.asked = read_options(JoinOptions, manifest)
        self.size = self._common_length()
        self.valued = [c for c in self.contributors if self._has_values(c)]
        self.codecs = {c: Codec(manifest.input_of(c)) for c in self.valued}
        self.lengths = {c: self.size * (c in self.valued) + 1 for c in self.contributors}
        self._require_owners_and_helper()
        self._require_values()
        summed = self.valued if {"sum", "mean"} & set(self.asked.figures) else []
        self.figures = JoinedFigures.of(
            self.asked.figures,
            {owner: self.codecs[owner] for owner in summed},
            self.size,
            alone=len(self.valued) == 1,
            noise=manifest.privacy.central is not None,
        )
        self.gated = bool(self.asked.min_intersection)
        self.opened = self.figures.opened + self.gated
        self._require_room()
        self.noise = by_compute_parties(self, self.figures.sensitivity)

    # --- a list ---------------------------------------------------------------------------------

    def encode(self, me: PartyId, raw: object) -> Words:
        """Write a list as its values, their number, and what identifies each row."""
        rows = read_rows(raw, valued=me in self.valued)
        count = len(rows.ids)
        if count > self.size:
            refuse_input(f"the list has {count} rows; the manifest allows {self.size}")
        values = self._values(me, rows)
        signed = np.concatenate([values, np.zeros(self.lengths[me] - 1 - len(values), np.int64)])
        shared = self.scheme.from_signed(np.append(signed, count))
        ids = np.zeros(WORDS * self.size, np.uint64)
        ids[: WORDS * count] = hashed(rows, self.asked.identifiers)
        return np.concatenate([shared, ids])

    def _values(self, me: PartyId, rows: ListRows) -> Signed:
        if rows.values is None or not rows.values:
            return np.zeros(0, np.int64)
        schema = self.manifest.input_of(me).model_copy(update={"length": 1 + len(rows.values)})
        values = [v.item() if isinstance(v, np.generic) else v for v in rows.values]
        place = partial(_value_of, rows)  # one value alone would have none
        return Codec(schema).encode([*values, schema.min], place)[:-1]

    def with_noise(self, x: Words, me: PartyId, draw: Draw) -> Words:
        """Pad the list with rows that no other list has, and put its rows in a random order."""
        stream, k = Stream(draw.seed(), "join order"), self.lengths[me] - 1
        count = int(self.scheme.to_signed(x[k : k + 1])[0])
        ids = x[k + 1 :].reshape(self.size, WORDS)
        stream.fill(ids[count:].reshape(-1))
        keys = stream.fill(np.empty(2 * self.size, np.uint64)).reshape(2, -1)
        order = np.lexsort(keys)
        ids[:] = ids[order]
        if k:
            x[:k] = x[:k][order]
        return x

    def share(self, x: Words, me: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        shared, rows = x[: self.lengths[me]].copy(), x[self.lengths[me] :]
        parcels = self.scheme.split(shared, me, draw)
        own = parcels[me]
        assert isinstance(own, Explicit)
        return {**parcels, me: _OwnShare(own.vector, rows)}

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        vectors = apart(x, shares)
        places = {name: i for i, name in enumerate(self.scheme.compute)}
        wanted = [*self.figures.codecs] or self.contributors[:1]
        hits = await matched(
            engine,
            [places[owner] for owner in self.contributors],
            places[self.helper],
            self._own_rows(shares),
            self.size,
            [places[owner] for owner in wanted],
        )
        figures = [hits[0].sum().reshape(1)]
        for owner, hit in zip(self.figures.codecs, hits, strict=False):
            figures.append((await dot(hit, vectors[owner][: self.size])).reshape(1))
        found = concatenate(figures) * np.array(self.figures.scales)
        if self.noise:
            found = await add_noise(found, self.noise, shares.dealt)
        return await self._gate(engine, found) if self.gated else found

    def _own_rows(self, shares: Shares) -> Words | None:
        if shares.own not in self.contributors:
            return None
        own = shares.parcels[shares.own]
        if isinstance(own, _OwnShare):
            return own.rows
        return np.zeros(WORDS * self.size, np.uint64)  # a rehearsal, which has no lists

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
    def helper(self) -> PartyId:
        """The compute party that compares tags; it owns no list."""
        first = next(c for c in self.scheme.compute if c not in self.contributors)
        return first if self.asked.helper is None else PartyId(self.asked.helper)

    # --- before anything runs -------------------------------------------------------------------

    def _has_values(self, owner: PartyId) -> bool:
        return not isinstance(self.manifest.input_of(owner).type, IdType)

    def _common_length(self) -> int:
        lengths = {self.manifest.input_of(c).length for c in self.contributors}
        if len(lengths) != 1:
            refuse("input.length: the most rows of a list; it must be the same for all owners")
        return lengths.pop()

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
        for owner in self.figures.codecs:
            if self.size * self.codecs[owner].magnitude > self.scheme.capacity // 4:
                refuse(
                    f"input.max: a sum of {self.size} of {owner}'s values may be too large",
                    hint="narrow the bounds, or allow fewer rows",
                )

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        lists = {}
        for owner in self.contributors:
            rows = read_rows(inputs[owner], valued=owner in self.valued)
            ids = hashed(rows, self.asked.identifiers).reshape(-1, WORDS)
            values = self._values(owner, rows).tolist() or [0] * len(ids)
            lists[owner] = dict(zip(map(bytes, ids), values, strict=True))
        common = set.intersection(*(set(each) for each in lists.values()))
        size = np.array([len(common)])
        if len(common) < self.asked.min_intersection:
            return {}
        sums = [sum(lists[owner][each] for each in common) for owner in self.figures.codecs]
        numbers = np.concatenate([size, np.array(sums, np.int64)]) * np.array(self.figures.scales)
        found = self._outputs(numbers)
        return {output.name: output.value for output in found if output.parts}

    # --- in words -------------------------------------------------------------------------------

    def explain(self) -> list[str]:
        what = " and ".join(name for name, _ in self.figures.named())
        answer = [
            *self._explain_helper(),
            *(self._explain_noise(self.noise) if self.noise else self._explain_exact()),
            *self._explain_lists(),
        ]
        rows = f"the {what} of the rows that all lists have"
        return explain_interactive(self, rows, answer, told=[self.helper])

    def _explain_helper(self) -> Iterator[str]:
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

    def _explain_noise(self, noise: NoiseShares) -> Iterator[str]:
        n, spend = len(self.scheme.compute), noise.spends(noise.honest)
        assert spend.epsilon is not None
        yield (
            "Noise: the compute parties each deal a share of it, so no party ever sees the exact "
            "figures. What one row of a list, with its value, changes in all figures together is "
            f"bounded by epsilon = {short(spend.epsilon)}, and that is what a ledger counts: not "
            "for a person who has several identifiers, nor for a whole list. With probability 95% "
            f"the number of rows is within {math.ceil(noise.within(n) / self.figures.scales[0])}. "
            "The helper learns the exact number all the same."
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

    def _explain_lists(self) -> Iterator[str]:
        yield (
            f"Lists are padded to {self.size} rows, so that their lengths stay hidden. What is in "
            "a list is not checked: an owner may put in identifiers that it only guessed, and "
            "values beyond their bounds."
        )


def _value_of(rows: ListRows, i: int) -> str:
    return f"the value of {rows.place(i)}"
