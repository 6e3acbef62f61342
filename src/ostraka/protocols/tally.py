"""Votes whose counts become known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend
from ostraka.engine.noise import add_noise
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.ballots import ABSTAIN, YES_OR_NO, BallotOptions, Vote
from ostraka.protocols.forms.central import explain_dealt_noise, noised, on_counts
from ostraka.protocols.noised_range import KNOWN_VOTES, NoisedRange
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.sentences import explain_interactive, from_the_answer
from ostraka.protocols.shares import Shares


class Tally(Vote):
    """Count of votes for every option, and of abstentions. [BGW88]

    Contributors: a ballot: one of the manifest's options, or up to `choices` of them.
    Recipients learn: the weighted count of every option, and who was counted. Compute parties
    learn which ballots are invalid. No other party learns anything.
    Rounds: 4, or 6 where some may be missing, and one for noise; bytes: `cost()`. Tolerates: t
    curious compute parties of n >= 2t + 1, who must all stay. Contributors may share anything: only
    valid ballots count.
    """

    name = "tally"
    options_model = BallotOptions
    usual_type = YES_OR_NO

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._prepare(manifest, read_options(BallotOptions, manifest))
        if self.questions != 1:
            refuse("input.length: a tally is of one question")
        self.opened = len(self._names)
        self.noise = on_counts(self, self.weights.values(), self.opened, self.ballots.changed)

    @property
    def _names(self) -> tuple[str, ...]:
        return self.ballots.options + (ABSTAIN,) * self.ballots.abstain

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        votes, cast = await self.count(engine, x, shares)
        found = votes[0]
        if self.ballots.abstain:
            counted = sum(self.weights[c] for c in shares.counted)
            found = concatenate([found, counted - cast[0]])
        return await add_noise(found, self.noise, shares.dealt) if self.noise else found

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        parts = tuple(np.asarray(self.scheme.to_signed(opened)).reshape(-1, 1))
        found = Output("tally", "votes", parts, self._by_name, scalar=True)
        return (noised(found, self.noise, len(self.scheme.compute)),)

    def _by_name(self, *votes: int) -> dict[str, int]:
        return dict(zip(self._names, votes, strict=True))

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        ((votes, cast),) = self.tallied(inputs)
        abstained = sum(self.weights[voter] for voter in inputs) - cast
        return {"tally": self._by_name(*votes, *[abstained] * self.ballots.abstain)}

    def noised_range(self, figure: str) -> NoisedRange:
        most = float(max(self.weights.values()))
        unit, reach = self.manifest.input.unit, most * len(self.contributors)
        return NoisedRange(unit, reach, most, KNOWN_VOTES)

    def explain(self) -> list[str]:
        what = "the votes for each option" + " and the abstentions" * self.ballots.abstain
        exact = [
            *from_the_answer(self, "the counts"),
            "A unanimous vote shows in the counts, and with it every voter's ballot.",
        ]
        answer = explain_dealt_noise(self, self.noise) if self.noise else exact
        return explain_interactive(self, what, [*answer, *self.explain_ballots()])
