"""Votes of which only the outcome becomes known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Annotated, Literal

import numpy as np
from pydantic import BeforeValidator, Field, StrictInt

from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.compare import less_than_zero
from ostraka.engine.context import Engine
from ostraka.engine.multiply import mul
from ostraka.engine.noise import add_noise
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.privacy.shares import NoiseShares
from ostraka.protocols.ballots import BallotOptions, Vote
from ostraka.protocols.central import on_counts
from ostraka.protocols.interactive import exact_fraction, read_options, refuse
from ostraka.protocols.leakage import explain_vote
from ostraka.protocols.order import places, ranks
from ostraka.protocols.protocol import Output, Shares, Value
from ostraka.sharing.randomness import Words


def _quorum(value: object) -> Fraction | int:
    """A number of votes, or a fraction of all."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("must be at least 1 vote")
        return value
    return exact_fraction(value)


class Options(BallotOptions):
    """`[outputs]`: what passes, and what becomes known of it.

    Attributes:
        reveal: outcome: YES or NO to a question; winner: the option with the most votes;
            approved: which options pass, each on its own.
        pass_at: the fraction of votes that passes, exactly that many included.
        of: of the votes cast, or of all contributors' in the manifest.
        pass_at_votes: instead, a number of votes.
        quorum: nothing passes and nobody wins unless so many votes are cast, or such a fraction
            of all; abstentions are not cast.
    """

    reveal: Literal["outcome", "winner", "approved"] = "outcome"
    pass_at: Annotated[Fraction | None, BeforeValidator(exact_fraction)] = None
    pass_at_votes: Annotated[StrictInt | None, Field(ge=1)] = None
    of: Literal["cast", "all"] = "cast"
    quorum: Annotated[Fraction | int | None, BeforeValidator(_quorum)] = None


class ThresholdVote(Vote):
    """A vote whose outcome becomes known, and no count. [BGW88]

    Contributors: a ballot: one of the manifest's options, or up to `choices` of them; for d
    questions at once (`[input] length`), d times yes or no.
    Recipients learn: YES or NO (a referendum), the winner, or which options are approved; and who
    was counted. Compute parties learn which ballots are invalid. Nobody else learns anything.
    Rounds: at most 9 to share, agree, check and open, and one comparison or two; bytes:
    `cost()`.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay. Whatever contributors
    share, what counts are valid ballots.
    With central noise the compute parties add it to the counts, in one round more. [GX15] [KLS21]
    """

    name = "threshold-vote"
    options: Options

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._prepare(manifest, read_options(Options, manifest))
        self.noise = self._noise()
        self._check()
        each = len(self.ballots.options) if self.options.reveal == "approved" else 1
        self.opened = each * self.questions

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Engine, x: SecretArray, shares: Shares) -> SecretArray:
        votes, cast = await self.count(engine, x, shares)
        if self.options.reveal == "outcome":
            votes = votes[:, :1]
        if self.noise:
            votes, cast = await self._noised(votes, cast, self.noise)
        if self.options.reveal == "winner":
            return await self._winner(votes[0], cast[0])
        margins = self._margins(votes, cast)
        if self.quorum:
            margins = concatenate([margins, cast - self.quorum], axis=1)
        passes = 1 - await less_than_zero(margins)
        return await mul(passes[:, :-1], passes[:, -1:]) if self.quorum else passes

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        parts = tuple(self.scheme.to_signed(opened).reshape(-1, self.questions))
        scalar = self.questions == 1
        found = Output("outcome", "", parts, lambda *found: self._words(found), scalar)
        return (replace(found, noised=self.noise is not None),)

    # --- rules ----------------------------------------------------------------------------------

    @property
    def quorum(self) -> int:
        """Votes that must be cast; 0 for no rule. Where all may abstain, a winner needs one."""
        quorum = self.options.quorum
        if isinstance(quorum, Fraction):
            return -(-quorum.numerator * self.all_votes // quorum.denominator)
        if quorum is None:
            return int(self.options.reveal == "winner" and self.ballots.abstain)
        return quorum

    def _margins(self, votes: SecretArray, cast: SecretArray) -> SecretArray:
        """Not negative exactly where an option passes. Without any vote for it none does."""
        rule = self.options
        if rule.pass_at is None:
            return votes - int(rule.pass_at_votes or 0)
        above, below = rule.pass_at.numerator, rule.pass_at.denominator
        margin = below * votes - above * (self.all_votes if rule.of == "all" else cast)
        if rule.of == "all" or not self.ballots.abstain:
            return margin
        # All may have abstained: then the margin is 0 of 0, and nothing passes.
        return self.all_votes * margin + votes - 1

    async def _winner(self, votes: SecretArray, cast: SecretArray) -> SecretArray:
        """1 for the first option, 2 for the second, 0 for nobody."""
        k = len(self.ballots.options)
        first = await places(await ranks(votes), [k - 1])
        place = first @ np.arange(1, k + 1)
        if not self.quorum:
            return place
        return await mul(place, 1 - await less_than_zero(cast - self.quorum))

    def _words(self, found: Sequence[int]) -> Value:
        options = self.ballots.options
        if self.options.reveal == "approved":
            return [option for option, passes in zip(options, found, strict=True) if passes]
        if self.options.reveal == "winner":
            return options[found[0] - 1] if found[0] else "no winner"
        return "YES" if found[0] else "NO"

    # --- noise ----------------------------------------------------------------------------------

    def _noise(self) -> NoiseShares | None:
        """For the counts that decide: the rule is then applied to what may be known."""
        outcome, abstain = self.options.reveal == "outcome", self.ballots.abstain
        counts = (1 if outcome else len(self.ballots.options)) + abstain
        changed = 1 + abstain if outcome else self.ballots.changed
        return on_counts(self, counts * self.questions, changed)

    async def _noised(
        self, votes: SecretArray, cast: SecretArray, noise: NoiseShares
    ) -> tuple[SecretArray, SecretArray]:
        """Where nobody can abstain, all are known to have cast."""
        k = votes.shape[1]
        both = concatenate([votes, cast], axis=1) if self.ballots.abstain else votes
        found = await add_noise(both, noise)
        return found[:, :k], found[:, k:] if self.ballots.abstain else cast

    # --- before anything runs -------------------------------------------------------------------

    def _check(self) -> None:
        rule, total = self.options, self.all_votes
        rules = [rule.pass_at, rule.pass_at_votes]
        if rule.reveal == "winner" and rules != [None, None]:
            refuse("outputs.reveal: the winner is who has the most votes; leave pass_at out")
        if rule.reveal != "winner" and None not in rules:
            refuse("outputs.pass_at_votes: stands instead of pass_at, not beside it")
        if rule.reveal != "winner" and rules == [None, None]:
            refuse('outputs: pass_at is missing: say what passes, such as pass_at = "1/2"')
        if rule.of == "all" and rule.pass_at is None:
            refuse("outputs.of: goes with pass_at, a fraction")
        if rule.reveal == "outcome" and set(self.ballots.options) != {"yes", "no"}:
            refuse(
                f"input.type: YES or NO needs the options yes and no, not {self.codec.kind}",
                hint='for other options: reveal = "winner" or "approved" in [outputs]',
            )
        if rule.reveal == "outcome" and rule.choices != 1:
            refuse("outputs.choices: a ballot is yes or no, not both")
        if rule.reveal != "outcome" and self.questions != 1:
            refuse("input.length: several questions at once are answered with YES or NO")
        for path, votes in (("pass_at_votes", rule.pass_at_votes), ("quorum", self.quorum)):
            if votes is not None and votes > total:
                refuse(f"outputs.{path}: {votes} votes are more than all, {total}")
        below = rule.pass_at.denominator if rule.pass_at else 1
        largest = total + (len(self.scheme.compute) * self.noise.share.bound if self.noise else 0)
        if 2 * below * total * largest > self.scheme.capacity:
            refuse(f"outputs.weights: {total} votes in all are too many to be compared exactly")

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        found = [self._textbook(votes, cast) for votes, cast in self.tallied(inputs)]
        return {"outcome": found[0] if self.questions == 1 else found}

    def _textbook(self, votes: list[int], cast: int) -> Value:
        quorate = cast >= self.quorum
        if self.options.reveal == "winner":
            winner = self.ballots.options[votes.index(max(votes))]
            return winner if quorate else "no winner"
        passed = [quorate and self._passes(count, cast) for count in votes]
        if self.options.reveal == "approved":
            named = zip(self.ballots.options, passed, strict=True)
            return [option for option, passes in named if passes]
        return "YES" if passed[0] else "NO"

    def _passes(self, votes: int, cast: int) -> bool:
        rule = self.options
        if rule.pass_at is None:
            return votes >= int(rule.pass_at_votes or 0)
        base = self.all_votes if rule.of == "all" else cast
        return base > 0 and Fraction(votes, base) >= rule.pass_at

    def explain(self) -> list[str]:
        return explain_vote(self)
