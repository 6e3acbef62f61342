"""Ballots: their encoding, and how compute parties check them without seeing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Final

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, StrictInt

from ostraka.arithmetic.randomness import Words, blocks
from ostraka.engine.array import SecretArray, concatenate, of_contributors
from ostraka.engine.backend import Backend
from ostraka.engine.rounds import Masked, Operation, Product, Random, side_by_side
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.encoding import refuse as refuse_input
from ostraka.inputs.lines import Lines
from ostraka.inputs.row_forms import ColumnForm, RowForm
from ostraka.manifest import BoolType, ChoiceType, Manifest
from ostraka.names import PartyId
from ostraka.protocols.forms.conditions import Bits, Condition, Totals
from ostraka.protocols.forms.validity import Form, as_checked
from ostraka.protocols.interactive import Interactive
from ostraka.protocols.options import InputOptions, refuse
from ostraka.protocols.sentences import IF_INVALID
from ostraka.protocols.shares import Shares

ABSTAIN = "abstain"
"""Option of an input's type that names no option: such a ballot is an abstention."""

YES_OR_NO = 'choice(["yes", "no"])'
"""Input type of a vote whose manifest names none."""

MANY: Final = 1 << 16
"""Entries of all ballots above which these are checked for the fewest bytes, not rounds."""

TOTAL_NS: Final = 100
"""Nanoseconds that adding up takes for an entry of a ballot, about."""

Weight = Annotated[StrictInt, Field(ge=1, le=1_000_000)]


class BallotOptions(InputOptions):
    """Options about ballots in `[outputs]`.

    Attributes:
        question: the text that voters answer; "" for none.
        choices: maximum number of options that one ballot may name.
        weights: what a contributor's ballot counts for; 1 for contributors without an entry.
    """

    question: str = ""
    choices: Annotated[StrictInt, Field(ge=1)] = 1
    weights: Mapping[str, Weight] = Field(default_factory=dict)


@dataclass(frozen=True)
class Ballots:
    """Encoding of a ballot as the vector of zeros and ones that a contributor shares.

    The vector has one entry for each option, then choices - 1 entries that fill a ballot with fewer
    options up to `choices` ones, then, where voters may abstain, one entry that counts as `choices`
    ones. A vector is a valid ballot exactly if every entry is 0 or 1 and the sum weighted by `ones`
    is `choices`. Of two entries the second is one minus the first, so only the first is shared.

    Attributes:
        options: names of the options, without `ABSTAIN`.
        choices: maximum number of options that one ballot may name.
        abstain: whether a ballot may name no option.
    """

    options: tuple[str, ...]
    choices: int
    abstain: bool

    @property
    def entries(self) -> int:
        """Number of entries of the whole vector."""
        return len(self.options) + self.choices - 1 + self.abstain

    @property
    def length(self) -> int:
        """Number of entries that are shared: 1 of two, else all."""
        return 1 if self.entries == 2 else self.entries

    @property
    def changed(self) -> int:
        """Maximum number of counts, options' and abstentions', that another ballot changes."""
        return max(min(2 * self.choices, len(self.options)), self.abstain * (self.choices + 1))

    @property
    def ones(self) -> Signed:
        """Weights of the entries, shape (entries,): 1, and `choices` for an abstention."""
        row = np.ones(self.entries, np.int64)
        row[self.entries - self.abstain :] = self.choices
        return row

    def encode(self, named: Sequence[str]) -> Signed:
        """Encode a ballot that names these options, or none to abstain: shape (length,)."""
        x = np.zeros(self.entries, np.int64)
        if not named:
            x[-1] = 1
            return x[: self.length]
        x[[self.options.index(option) for option in named]] = 1
        k = len(self.options)
        x[k : k + self.choices - len(named)] = 1
        return x[: self.length]

    def whole(self, x: SecretArray) -> SecretArray:
        """Return the whole vectors of shared ones: last axis `length` in, `entries` out. Local."""
        return concatenate([x, 1 - x], axis=-1) if self.entries == 2 else x

    def form(self, questions: int) -> Form:
        """Return the form of the vectors that a contributor shares for so many questions."""
        whole, ones = slice(0, questions * self.length), tuple(self.ones.tolist())
        conditions: tuple[Condition, ...] = (Bits(whole),)
        if self.length > 1:
            conditions += (Totals(whole, questions, self.choices, ones),)
        return Form(whole.stop, conditions)

    def checked(self, x: SecretArray) -> Operation[tuple[SecretArray, NDArray[np.bool_]]]:
        """Check all vectors of each contributor in the fewest rounds, without opening any of them.

        Compute parties learn of each row only whether all its vectors are ballots: the opened
        element is the sum of the row's errors times secret uniform coefficients, so it is zero or
        uniform. A row with an error passes with probability 1 / p. Rounds: 2,
        with active security 3.

        Args:
            x: shape (contributors, ballots of each, `length`).

        Returns:
            The squares of x, which equal x in valid rows and are shared afresh, so that a
            contributor whose shares lie on no polynomial is found or does no harm; and whether
            each row is valid, shape (contributors,).
        """
        rows, each = x.shape[0], x.shape[1] * (self.length + (self.length > 1))
        squares, coefficients = yield [Product(x, x), Random(x.engine, (rows, each))]
        errors = squares - x
        if self.length > 1:
            sums = (squares * self.ones).sum(axis=-1) - self.choices
            errors = concatenate([errors, sums[..., None]], axis=2)
        (opened,) = yield [Masked(errors.reshape(rows, each), coefficients)]
        return squares, opened == 0


class Vote(Interactive):
    """Base of the protocols on ballots: it reads, encodes, checks, weighs and adds up ballots."""

    noises = frozenset({"central"})
    ballots: Ballots
    options: BallotOptions

    def roster_weights(self) -> Mapping[PartyId, int]:
        return self.weights

    def _prepare(self, manifest: Manifest, options: BallotOptions) -> None:
        self.options = options
        self.ballots = _ballots(manifest, options.choices)
        self.questions = manifest.input.length
        self.lengths = dict.fromkeys(self.contributors, self.questions * self.ballots.length)
        self.codec = Codec(manifest.input)
        for name in options.weights:
            if name not in self.contributors:
                refuse(f"outputs.weights: {name} is not a contributor")
        self.weights = {c: options.weights.get(c, 1) for c in self.contributors}

    @property
    def all_votes(self) -> int:
        """Sum of the weights of all contributors in the manifest, counted or not."""
        return sum(self.weights.values())

    # --- one ballot -----------------------------------------------------------------------------

    def read(self, raw: object) -> list[tuple[str, ...]]:
        """Read a contributor's ballots: for each question the options named, () for an abstention.

        Raises:
            InputError: the input is not a valid ballot; the text does not repeat its content.
        """
        if self.questions > 1:
            return [self._named[index] for index in self.codec.encode(raw).tolist()]
        if raw is None:
            refuse_input("there is no ballot")
        values = list(raw) if isinstance(raw, list | tuple | Lines) else [raw]
        if len(values) != 1 and not 1 <= len(values) <= self.options.choices:
            most = self.options.choices
            refuse_input(f"the ballot has {len(values)} entries; at most {most} may be named")
        found = [self._named[int(self.codec.encode(value)[0])] for value in values]
        if len(set(found)) != len(found):
            refuse_input("the ballot names an option twice")
        if () in found and len(found) > 1:
            refuse_input("the ballot abstains and names options")
        return [tuple(option for named in found for option in named)]

    def row_form(self, me: PartyId) -> RowForm:
        if self.questions > 1:
            return super().row_form(me)
        return ColumnForm(self.codec.schema, 1, self.options.choices)

    @property
    def _named(self) -> list[tuple[str, ...]]:
        """Options that each encoded value of the input names; () for an abstention."""
        if isinstance(self.codec.kind, ChoiceType):
            return [() if o == ABSTAIN else (o,) for o in self.codec.kind.options]
        return [("no",), ("yes",)]

    def encode(self, me: PartyId, raw: object) -> Words:
        if self.questions > 1:
            vectors = np.stack([self.ballots.encode(named) for named in self._named])
            return self.scheme.from_signed(vectors[self.codec.encode(raw)].reshape(-1))
        return self.scheme.from_signed(self.ballots.encode(self.read(raw)[0]))

    # --- all ballots ----------------------------------------------------------------------------

    async def count(
        self, engine: Backend, x: SecretArray, shares: Shares
    ) -> tuple[SecretArray, SecretArray]:
        """Check every ballot, then add up the valid ones. Opens only which contributors' are valid.

        Args:
            x: every counted contributor's vectors, shape (contributors, questions x length).

        Returns:
            The weighted votes for each option, shape (questions, options), and the weight of all
            votes cast, abstentions left out, shape (questions, 1). Both stay secret.

        Raises:
            PeerViolation: a contributor's vector is not a ballot, and the manifest says to stop.
            RefusedByPolicy: too few contributors are left without the invalid ones.
        """
        squares, valid, _ = await self.check(engine, x, shares)
        return await self.added(engine, squares[valid], shares)

    async def check(
        self, engine: Backend, x: SecretArray, shares: Shares, *others: Operation[Any]
    ) -> tuple[SecretArray, NDArray[np.bool_], list[Any]]:
        """Check every ballot and run other operations in the same rounds; raises as `count`.

        With active security all is proven before a contributor is named for an invalid ballot.

        Returns:
            Shares of x of degree t, or else of vectors that are equal to x in valid rows; whether
            each row is valid; and a list of the other operations' results.
        """
        x = x.reshape(len(x), self.questions, -1)
        if x.size > MANY and not others:
            found, valid, results = *await self._of_many(engine, x), list[Any]()
        else:
            ballots = self.ballots.checked(x)
            (found, valid), *results = await side_by_side(engine, ballots, *others)
        if not valid.all():
            await engine.prove()
        await self.reject_invalid(shares, valid, "a valid ballot")
        return found, valid, results

    async def _of_many(
        self, engine: Backend, x: SecretArray
    ) -> tuple[SecretArray, NDArray[np.bool_]]:
        """Check ballots by `validity`: for few elements a row, but some rounds more."""
        form = self.ballots.form(self.questions)
        tossed = await form.toss(engine)
        rows = x.reshape(len(x), -1)
        valid = [
            await form.valid(of_contributors(rows[part]), tossed)
            for part in blocks(len(x), form.rows_at_once)
        ]
        return await as_checked(x), np.concatenate(valid)

    def weight(self, shares: Shares) -> int:
        """Add up the weights of the contributors counted."""
        return sum(self.weights[c] for c in shares.counted)

    async def added(
        self, engine: Backend, x: SecretArray, shares: Shares
    ) -> tuple[SecretArray, SecretArray]:
        """Return the totals of valid ballots x; of many, without holding the event loop up."""
        return await engine.offload(TOTAL_NS * x.size, lambda: self.totals(x, shares))

    def totals(self, x: SecretArray, shares: Shares) -> tuple[SecretArray, SecretArray]:
        """Add up valid ballots x, by weight: returns what `count` does. Local."""
        return self._added(x, np.array([self.weights[c] for c in shares.counted]))

    def heads(self, x: SecretArray) -> SecretArray:
        """Count the voters of valid ballots x who do not abstain, shape (questions, 1). Local."""
        return self._added(x, np.ones(len(x), np.int64))[1]

    def _added(self, x: SecretArray, w: Signed) -> tuple[SecretArray, SecretArray]:
        votes = (self.ballots.whole(x) * w[:, None, None]).sum(axis=0)
        cast = x.engine.public(np.full((self.questions, 1), w.sum()))
        if self.ballots.abstain:
            cast = cast - votes[:, -1:]
        return votes[:, : len(self.ballots.options)], cast

    def explain_ballots(self) -> list[str]:
        """Say for `check` what happens to vectors that are not valid ballots."""
        few = "exactly one option" if self.options.choices == 1 else (
            f"one to {self.options.choices} options"
        )  # fmt: skip
        return [
            f"Ballots are checked before they count, without being seen: each names {few}"
            f"{' or abstains' if self.ballots.abstain else ''}, each once. Anything else, a ballot "
            f"of 1000 or of -1, is found, its content hidden: {IF_INVALID[self.options.invalid]}."
            + " Each party's ballot counts once, large or small."
            * (not self.options.weights)
        ]

    # --- for tests ------------------------------------------------------------------------------

    def tallied(self, inputs: Mapping[PartyId, object]) -> list[tuple[list[int], int]]:
        """Count raw ballots in the clear: for each question the votes for each option, and all."""
        named = {voter: self.read(raw) for voter, raw in inputs.items()}
        found = []
        for q in range(self.questions):
            votes = [
                sum(self.weights[voter] for voter, ballots in named.items() if option in ballots[q])
                for option in self.ballots.options
            ]
            cast = sum(self.weights[voter] for voter, ballots in named.items() if ballots[q])
            found.append((votes, cast))
        return found


def _ballots(manifest: Manifest, choices: int) -> Ballots:
    kind = manifest.input.type
    if manifest.input.length != 1 and choices != 1:
        refuse("input.length: several ballots at once name one option each; leave choices out")
    if isinstance(kind, BoolType):
        found = Ballots(("yes", "no"), choices, abstain=False)
    elif isinstance(kind, ChoiceType):
        options = tuple(option for option in kind.options if option != ABSTAIN)
        found = Ballots(options, choices, abstain=ABSTAIN in kind.options)
    else:
        refuse(f'input.type: a ballot is a choice(["...", "..."]) or a bool, not {kind}')
    if len(found.options) < 2:
        refuse("input.type: a ballot needs two options at least, beside abstaining")
    if choices > len(found.options):
        refuse(f"outputs.choices: must be at most the number of options, {len(found.options)}")
    if set(found.options) == {"yes", "no"}:
        return replace(found, options=("yes", "no"))
    return found
