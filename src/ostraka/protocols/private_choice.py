"""A choice by secret scores: noise hides what one contributor said, and no score is opened."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from functools import partial
from typing import Annotated, Final

import numpy as np
from pydantic import BeforeValidator

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray
from ostraka.engine.backend import Backend
from ostraka.engine.choose import argmax
from ostraka.engine.noise import add_noise
from ostraka.inputs.encoding import Signed
from ostraka.inputs.row_forms import RowForm
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.noise.shares import GeometricShares
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.ballots import BallotOptions, Vote
from ostraka.protocols.forms.central import explain_dealers, on_scores
from ostraka.protocols.forms.epsilons import explain_large
from ostraka.protocols.forms.numbers import Comparing
from ostraka.protocols.interactive import name_of
from ostraka.protocols.options import InputOptions, read_options, refuse
from ostraka.protocols.sentences import explain_interactive
from ostraka.protocols.shares import Shares
from ostraka.record.budget import short
from ostraka.text import line, twice

GRAINS: Final = 1 << 10
"""Parts of a score's unit in which noise is drawn: of equal scores, hardly two stay equal."""


Option = Annotated[str, BeforeValidator(lambda name: line(name, 64))]


class ChoiceOptions(BallotOptions):
    """`[outputs]`: how options are scored.

    Attributes:
        options: the options to choose from, where contributors give a number for each.
    """

    options: tuple[Option, ...] = ()


class PrivateChoice(Vote, Comparing):
    """The option with the highest score, noise included; no score becomes known. [MS20]

    Contributors: a ballot for up to `choices` options, or a number for each option; an option's
    score is its weighted votes, or the sum of its numbers.
    Recipients learn: the option, and who was counted. Compute parties learn which inputs are no
    ballot, or out of bounds. No other party learns anything.
    Rounds: at most 9 to share, agree, check and open, one for noise, those of `choose.argmax`, and
    for numbers a comparison; bytes: `cost()`.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay. Contributors may share
    anything: only valid inputs count. A compute party that lies can deal noise that decides: see
    `engine.noise`.
    """

    name = "private-choice"
    options_model = ChoiceOptions
    options: ChoiceOptions
    noise: GeometricShares

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.votes = not manifest.input.type.numeric
        self._prepare(manifest, read_options(ChoiceOptions, manifest))
        if self.votes:
            self.names, change = self.ballots.options, max(self.weights.values())
        else:
            change = max(1, self.codec.high - self.codec.low)
            self.names = self.options.options
        self._check()
        self.unit = self.codec.quantum if not self.votes else Fraction(1)
        self.change = change * self.unit
        self.noise = on_scores(self, GRAINS * change, len(self.names))
        self.opened = 1

    def _prepare(self, manifest: Manifest, options: InputOptions) -> None:
        if self.votes:
            assert isinstance(options, BallotOptions)
            Vote._prepare(self, manifest, options)
        else:
            Comparing._prepare(self, manifest, options)

    def roster_weights(self) -> Mapping[PartyId, int]:
        return (Vote if self.votes else Comparing).roster_weights(self)

    # --- the figure -----------------------------------------------------------------------------

    def row_form(self, me: PartyId) -> RowForm:
        return (Vote if self.votes else Comparing).row_form(self, me)

    def encode(self, me: PartyId, raw: object) -> Words:
        return Vote.encode(self, me, raw) if self.votes else Comparing.encode(self, me, raw)

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        scores = await self._scores(engine, x, shares)
        return (await noisy_first(scores * GRAINS, self.noise, shares.dealt)).reshape(1)

    async def _scores(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        if self.votes:
            votes, _ = await self.count(engine, x, shares)
            return votes[0]
        found = await self.checked(
            x, shares, "a list of numbers within the bounds", lambda y: y[:0]
        )
        return found.x.sum(axis=0)

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        part = self.scheme.to_signed(opened)
        name = partial(name_of, self.names)
        return (Output("choice", "", (part,), name, scalar=True, noised=True),)

    # --- before anything runs -------------------------------------------------------------------

    def _check(self) -> None:
        k, length = len(self.names), self.manifest.input.length
        if self.votes and length != 1:
            refuse("input.length: a choice is one question")
        if self.votes and self.options.options:
            refuse("outputs.options: ballots name the options of input.type")
        if not self.votes and (k != length or twice(self.names) or k < 2):
            refuse(
                f"outputs.options: must name each of two options or more once, as many as the "
                f"numbers of an input, {length}"
            )
        for name in ("weights", "choices"):
            if not self.votes and name in self.options.model_fields_set:
                refuse(f"outputs.{name}: goes with ballots")
        largest = self.all_votes if self.votes else len(self.contributors) * self.codec.magnitude
        if 8 * GRAINS * largest > self.scheme.capacity:
            refuse("input.max: scores could become too large to be compared exactly")

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        if self.votes:
            ((scores, _),) = self.tallied(inputs)
        else:
            scores = np.sum([self.codec.encode(raw) for raw in inputs.values()], axis=0).tolist()
        return {"choice": self.names[scores.index(max(scores))]}

    @property
    def within(self) -> Fraction:
        """Gap between the best score and that of the option chosen, at most, 95 times in 100."""
        return -(-self.noise.within(len(self.scheme.compute)) // GRAINS) * self.unit

    @property
    def most_noise(self) -> Fraction:
        """Limit that a share of noise exceeds with probability below 2^-100."""
        return (self.noise.share.bound // GRAINS + 1) * self.unit

    def explain(self) -> list[str]:
        noise, n = self.noise, len(self.scheme.compute)
        h, k = noise.honest, len(self.names)
        epsilon = short(noise.epsilon)
        large = explain_large(noise.epsilon, 1)
        answer = [
            f"The rule: each of {k} options has a score; the compute parties each add a share of "
            "noise to every score, and the option with the highest sum is named.",
            "Noise: what one contributor's input changes in the choice is bounded by epsilon = "
            f"{epsilon}, however it changes the scores, each by up to {short(self.change)}. Of "
            f"{n} shares of noise {h} are enough: it holds against any {n - h} compute parties "
            "who pool theirs.",
            "With probability 95% or more the score of the option named is at most "
            f"{short(self.within)} below the best.",
            explain_dealers(self, short(self.most_noise), "a score"),
            *large,
            *(self.explain_ballots() if self.votes else [self.explain_bounds()]),
        ]
        return explain_interactive(self, "the option that was chosen, and no score", answer)


async def noisy_first(
    scores: SecretArray, noise: GeometricShares, dealt: Signed | None = None
) -> SecretArray:
    """Return the secret place, along the first axis, of the largest score with its noise.

    Of several largest it is the first. Rounds: 1 and those of `choose.argmax`.
    """
    return await argmax(await add_noise(scores, noise, dealt), axis=0)
