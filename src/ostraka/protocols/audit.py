"""Fairness audits: predictions that one party has, by groups that only another party knows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np
from pydantic import StrictBool

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.engine.compare import less_than_zero
from ostraka.engine.joining import Lists, joined
from ostraka.engine.multiply import matmul
from ostraka.engine.noise import add_noise
from ostraka.errors import PeerViolation
from ostraka.inputs.encoding import Signed
from ostraka.manifest import IdType, Manifest
from ostraka.names import PartyId
from ostraka.noise.shares import Sensitivity
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import BenchCase
from ostraka.protocols.forms.audited import Audited
from ostraka.protocols.forms.audited_rows import groups_of, outcomes_of
from ostraka.protocols.forms.central import by_compute_parties, explain_dealers
from ostraka.protocols.forms.fairness import PARITY, RATES, WITH_LABELS, WITHOUT_LABELS
from ostraka.protocols.forms.grid import TOTAL, Grid
from ostraka.protocols.forms.one_hot import are_one_hot
from ostraka.protocols.forms.release import figures_given, given_openly, summed
from ostraka.protocols.forms.suppression import Layout
from ostraka.protocols.forms.withheld import explain_pattern, why_withheld
from ostraka.protocols.interactive import apart
from ostraka.protocols.joining import Joining, ListOptions
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.sentences import explain_interactive
from ostraka.protocols.shares import Shares
from ostraka.protocols.table import CELLS, Names
from ostraka.record.budget import short
from ostraka.text import same, twice

BENCH_GROUPS: Final = tuple(f"group {i}" for i in range(10))


def _made_up(owner: int, size: int) -> tuple[Any, ...]:
    """Make up the predictions, or the groups, of `size` people, in two orders."""
    people = np.arange(size)
    if owner == 0:
        return [f"id-{i:09d}" for i in range(size)], people // 3 % 2, people // 5 % 2
    return [f"id-{i:09d}" for i in range(size - 1, -1, -1)], [
        BENCH_GROUPS[i % 10] for i in range(size - 1, -1, -1)
    ]


def _expected(_: int, size: int) -> tuple[np.ndarray[Any, Any], ...]:
    """Return what is opened, once for each output, as all outputs are read off the same numbers."""
    people, layout = np.arange(size), Layout(len(BENCH_GROUPS), len(WITH_LABELS))
    cells = np.bincount(people % 10 * 4 + people // 3 % 2 * 2 + people // 5 % 2, minlength=40)
    row = np.concatenate([[1] * layout.figures, layout.sums @ cells, [size, size]])
    return (row,) * (3 + 2 * len(RATES) + 2 * len(PARITY))


BENCH: Final = {
    "audit": BenchCase(
        lambda size: {
            "input": [
                {"name": "predictions", "of": ["p1"], "type": "id", "length": size},
                {"name": "groups", "of": ["p2"], "type": "id", "length": size},
            ],
            "outputs": {"groups": list(BENCH_GROUPS)},
        },
        _made_up,
        _expected,
        owners=2,
    )
}


class AuditOptions(ListOptions):
    """`[outputs]` of an audit.

    Attributes:
        groups: names of the groups that the attribute has: ["women", "men"].
        second: names of a second attribute's groups; then every pair is a group.
        labels: whether each prediction comes with the label that turned out to be right; without,
            only selection rates are known.
    """

    groups: Names
    second: Names = ()
    labels: StrictBool = True


class FairnessAudit(Joining):
    """Rates of predictions by group, where predictions and groups lie apart. [KMRS14] [MRR20]

    Contributors: an owner gives the input "predictions", a list of identifiers, each with a label
    and a prediction of 0 or 1; another gives "groups", identifiers, each with its group or two.
    They compute, and so does the helper, who has no list.
    Recipients learn: how many people of each group are in both lists, by label and prediction, as
    far as `min_cell` allows or with noise; the lengths of the lists; rates follow. The helper
    learns how many rows match, and at which places. No other party learns anything.
    Rounds: 11; with `min_cell` 4 and two comparisons more. Bytes, for lists of d rows, g groups and
    c cells each: 8 g d for the groups, 16 c d for the rows that are moved, 16 c d to deal them, 16
    d and 8 d for tags and places. `cost()` is exact.
    Tolerates: one curious compute party of three or more, who must all stay. The helper together
    with an owner can try identifiers.
    """

    name = "audit"
    noises = frozenset({"central"})
    rules = frozenset({"min_cell"})
    bench_cases = BENCH
    options_model = AuditOptions
    asked: AuditOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.asked = read_options(AuditOptions, manifest)
        self.predictions, self.groups = self._giver("predictions"), self._giver("groups")
        columns = WITH_LABELS if self.asked.labels else WITHOUT_LABELS
        self.grid = Grid(self._names(), columns, totals=True)
        self._require_grid()
        self.prepare(
            {self.predictions: 0, self.groups: len(self.grid.rows)},
            {self.predictions: len(columns), self.groups: 0},
        )
        cells = self.grid.layout.cells
        self.opened = 2 * self.grid.figures + 2
        self.noise = by_compute_parties(self, Sensitivity(2, 2, cells + 2))
        self._require_rules()
        self.audited = Audited(self.grid, self.noise, len(self.scheme.compute))

    def _names(self) -> tuple[str, ...]:
        first, second = self.asked.groups, self.asked.second
        return tuple(f"{a}, {b}" for a in first for b in second) if second else first

    def _giver(self, name: str) -> PartyId:
        """Return the contributor that gives the input of this name."""
        found = [c for c in self.contributors if self.manifest.input_of(c).name == name]
        if len(found) != 1 or len(self.contributors) != 2:
            refuse(
                'input: an audit has two inputs, named "predictions" and "groups", each of one '
                "contributor",
                hint='write [[input]] with name = "predictions" and of = ["OWNER"], and another '
                'with name = "groups" and of = ["REGISTRY"]',
            )
        return found[0]

    # --- lists ----------------------------------------------------------------------------------

    def input_in_words(self, me: PartyId) -> str:
        if me == self.groups:
            what = "identifier,group" + ",second group" * bool(self.asked.second)
        else:
            what = "identifier" + ",label" * self.asked.labels + ",prediction"
        return f"a row for each person, {what}; at most {self.rows[me]}"

    def encode(self, me: PartyId, raw: object) -> Words:
        if me == self.predictions:
            rows = self.read(me, raw, 1 + self.asked.labels)
            places = outcomes_of(rows)
            return self.written(me, rows, _one_hot(places, 0), _one_hot(places, self.kept[me]))
        second = self.asked.second
        rows = self.read(me, raw, 1 + bool(second))
        places = groups_of(rows, [self.asked.groups, second][: 1 + bool(second)])
        return self.written(me, rows, _one_hot(places, self.shared[me]))

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        vectors = apart(x, shares)
        (moved,) = await joined(
            engine, self._lists(), self.own_rows(shares), self.own_table(shares)
        )
        groups = vectors[self.groups][:-1].reshape(len(self.grid.rows), -1)
        await self._require_one_hot(groups, moved)
        counts = await matmul(groups, moved.T)
        lengths = [vectors[owner][-1:] for owner in (self.predictions, self.groups)]
        found = concatenate([counts.reshape(-1), *lengths])
        if self.noise:
            found = await add_noise(found, self.noise, shares.dealt)
        figures = summed(found[:-2], self.grid.layout.sums.T)
        given = [True] * len(figures)
        if self.manifest.policy.min_cell > 1:
            given = list(await figures_given(self.grid, figures[None], self._too_few))
        return concatenate([engine.public(given), figures * np.array(given), found[-2:]])

    def _lists(self) -> Lists:
        owners = self.groups, self.predictions
        return Lists(
            [self.places[owner] for owner in owners],
            self.places[self.helper],
            [self.rows[owner] for owner in owners],
            [self.kept[owner] for owner in owners],
        )

    async def _require_one_hot(self, groups: SecretArray, moved: SecretArray) -> None:
        """Stop unless each row of the groups is of one group, and each moved one of one cell."""
        valid, moved_valid = await are_one_hot([groups, moved])
        if valid and moved_valid:
            return
        whose = f"{self.groups}'s list" if not valid else f"{self.predictions}'s list"
        brought = f", as {self.helper} and {self.groups} brought it into order," * bool(valid)
        raise PeerViolation(
            f"{whose}{brought} does not have one choice for each row. Its content stays hidden; "
            "nothing was computed.",
            hint="run it again without those who did not follow the protocol",
            peer=None if valid else self.groups,
        )

    async def _too_few(self, y: SecretArray, plausible: bool) -> SecretArray:
        return await less_than_zero(y - self.manifest.policy.min_cell)

    # --- results --------------------------------------------------------------------------------

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        row = self.scheme.to_signed(opened)
        if self.noise is None:
            self.audited.require_possible(row, min(self.rows.values()))
        given = row[: self.grid.figures].tolist()
        why = why_withheld(self.grid.titles, given, self.manifest.policy)
        found = tuple(self.audited.outputs(row, why))
        if self.noise is None:
            return found
        return tuple(o if o.error95 is not None else replace(o, noised=True) for o in found)

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        rows, cells = dict[PartyId, Mapping[bytes, Signed]](), np.zeros(self.grid.layout.cells, int)
        for owner in self.contributors:
            rows[owner] = self._in_the_clear(owner, inputs[owner])
        groups, outcomes = rows[self.groups], rows[self.predictions]
        for person in groups.keys() & outcomes.keys():
            cells += np.outer(groups[person], outcomes[person]).reshape(-1)
        figures = (self.grid.layout.sums @ cells).tolist()
        least = self.manifest.policy.min_cell
        given = given_openly(
            self.grid, lambda those, _: least == 1 or sum(figures[f] for f in those) >= least
        )
        shown = [figure * known for figure, known in zip(figures, given, strict=True)]
        row = np.array([*given, *shown, len(outcomes), len(groups)])
        found = self.audited.outputs(
            row, why_withheld(self.grid.titles, given, self.manifest.policy)
        )
        return {output.name: output.value if output.parts else None for output in found}

    def _in_the_clear(self, owner: PartyId, raw: object) -> dict[bytes, Signed]:
        """Return the one-hot row of each person in a list, by what identifies the person."""
        x, k, most = self.encode(owner, raw), self.lengths[owner], self.rows[owner]
        count = int(self.scheme.to_signed(x[k - 1 : k])[0])
        ids = x[k : k + 2 * most].reshape(most, 2)[:count]
        table = x[: k - 1] if self.shared[owner] else x[k + 2 * most :]
        rows = self.scheme.to_signed(np.ascontiguousarray(table)).reshape(-1, most).T
        return dict(zip(map(bytes, ids), rows[:count], strict=True))

    # --- before anything runs -------------------------------------------------------------------

    def _require_grid(self) -> None:
        for path, names in (("groups", self.asked.groups), ("second", self.asked.second)):
            if twice(names) or (len(names) < 2 and (names or path == "groups")):
                refuse(f"outputs.{path}: names two groups or more, each once")
            if {TOTAL, "overall"} & set(map(same, names)):
                refuse(f'outputs.{path}: "total" and "overall" are no names of groups')
        if self.grid.layout.cells > CELLS:
            refuse(f"outputs.groups: {self.grid.layout.cells} cells are more than {CELLS}")

    def _require_rules(self) -> None:
        for owner in self.contributors:
            if not isinstance(self.manifest.input_of(owner).type, IdType):
                refuse('input.type: a list of an audit has type = "id"')
        if self.noise and self.manifest.policy.min_cell > 1:
            refuse("policy.min_cell: noise and min_cell each protect small groups: choose one")

    # --- in words -------------------------------------------------------------------------------

    def explain(self) -> list[str]:
        what = "how many people of each group are in both lists"
        what += ", by label and prediction" if self.asked.labels else ", by prediction"
        what += ", the lengths of both lists, and the rates that follow"
        answer = [
            *self.explain_helper(),
            *(self._explain_noise() if self.noise else self._explain_rules()),
            "Match rate: people who are in one list alone are in no figure. If they are of some "
            "groups more than of others, the rates are not those of all people predicted for.",
            self._explain_lists(),
        ]
        return explain_interactive(self, what, answer, told=[self.helper])

    def _explain_lists(self) -> str:
        first, second = self.rows[self.predictions], self.rows[self.groups]
        return (
            f"Lists are padded to {first} and {second} rows, so that their lengths are told in the "
            "result alone. That each row is of one group, and of one cell, is checked without "
            "being seen; whether it is the right one, or the identifier a guess, is not."
        )

    def _explain_rules(self) -> Iterator[str]:
        least = self.manifest.policy.min_cell
        if least == 1:
            yield (
                "WARNING: [policy] has no rule for what is given: a cell with one person in it "
                f"tells {self.groups} what was predicted for that person, or {self.predictions} "
                "which group the person is of. Say min_cell, or joint noise ([privacy] central)."
            )
        else:
            yield (f"The rules: a cell or total is given if at least {least} people are in it.")
            yield from explain_pattern(totals=True)
        yield (
            "The answer itself: an owner that leaves out one row and asks again learns from the "
            "difference of exact answers in which cell that person is. A budget in the ledger "
            "refuses exact answers; joint noise ([privacy] central) hides a row."
        )

    def _explain_noise(self) -> Iterator[str]:
        assert self.noise
        n, spend = len(self.scheme.compute), self.noise.spends(self.noise.honest)
        assert spend.epsilon is not None
        yield (
            "Noise: the compute parties each deal a share of it, so no party ever sees the exact "
            "counts. What one person's row in either list changes in all figures together is "
            f"bounded by epsilon = {short(spend.epsilon)}. With probability 95% a cell is within "
            f"{self.noise.within(n)} of its count; rates come with the interval that this leaves."
        )
        yield explain_dealers(self, str(self.noise.share.bound), "a count")


def _one_hot(places: Signed, width: int) -> Signed:
    """Return a row for each of `width` places: 1 where an element of `places` is it."""
    found: Signed = (places == np.arange(width)[:, None]).astype(np.int64)
    return found
