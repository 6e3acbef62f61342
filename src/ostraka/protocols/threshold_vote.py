"""Votes of which only the outcome becomes known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate
from ostraka.engine.backend import Backend, backend_of
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import mul
from ostraka.engine.noise import add_noise
from ostraka.engine.rounds import Operation, alone
from ostraka.engine.table import is_small, looked_up, randomness
from ostraka.inputs.encoding import Signed
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.noise.shares import NoiseShares
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import BenchCase, Tables, yes_or_no, yes_or_no_input, yes_votes
from ostraka.protocols.forms.ballots import TOTAL_NS, YES_OR_NO, Vote
from ostraka.protocols.forms.central import explain_dealt_noise, on_counts
from ostraka.protocols.forms.fewest import explain_coalition, explain_fewest_votes
from ostraka.protocols.forms.order import pairs, places, ranks_from
from ostraka.protocols.forms.passing import ThresholdVoteOptions
from ostraka.protocols.interactive import name_of
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.sentences import explain_interactive, second_session
from ostraka.protocols.shares import Shares


def _ballots_to_time(size: int) -> Tables:
    return {**yes_or_no_input(size), "outputs": {"pass_at": "1/2"}}


def _passed(n: int, size: int) -> tuple[NDArray[np.int64]]:
    (votes,) = yes_votes(n, size)
    return ((2 * votes >= n).astype(np.int64),)


class ThresholdVote(Vote):
    """A vote whose outcome becomes known, and no count. [BGW88]

    Contributors: a ballot: one of the manifest's options, or up to `choices` of them; for d
    questions at once (`[input] length`), d times yes or no.
    Recipients learn: YES or NO (a referendum), the winner, or which options are approved; and who
    was counted. Compute parties learn which ballots are invalid. No other party learns anything.
    Rounds: 4 for up to some 64 t votes, with a quorum 5, a winner of k options ceil(log2(k - 1))
    more; for larger ranges a comparison more; 2 to agree on whom to count, where some who do not
    compute may be missing. Bytes: `cost()`.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay. Contributors may share
    anything: only valid ballots count.
    With central noise the compute parties add it to the counts, and compare what comes out: it
    takes the rounds of many votes, and one more. [GX15] [KLS21]
    """

    name = "threshold-vote"
    bench_cases = {"vote": BenchCase(_ballots_to_time, yes_or_no, _passed)}  # noqa: RUF012
    usual_type = YES_OR_NO
    options_model = ThresholdVoteOptions
    options: ThresholdVoteOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._prepare(manifest, read_options(ThresholdVoteOptions, manifest))
        self.noise = self._noise()
        self._check()
        # options that matter: of yes and no, only yes
        self.figures = 1 if self.options.reveal == "outcome" else len(self.ballots.options)
        self.opened = self.questions * (self.figures if self.options.reveal == "approved" else 1)
        self._is_small, self.randomness = self._small()

    @classmethod
    def usual_outputs(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        rules = {"pass_at", "pass_above", "pass_at_votes", "reveal"} & set(given)
        return dict(given) if rules else {"pass_at": "1/2", **given}

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        if not self._is_small:
            squares, valid, _ = await self.check(engine, x, shares)
            votes, cast = await self.added(engine, squares[valid], shares)
            votes, present = votes[:, : self.figures], self._present(squares[valid], cast)
            if self.noise:
                votes, cast = await self._noised(votes, cast, self.noise, shares.dealt)
                present = cast
            margins = self._margins(votes, cast, present, shares)
            return await self._result(await less_than_zero(margins))
        # Totals are looked up while ballots are checked: that tells nothing, of invalid ones too.
        ballots = x.reshape(len(x), self.questions, -1)
        early = await self._negative(ballots, shares, afresh=engine.n > 2 * engine.t + 1)
        squares, valid, (negative,) = await self.check(engine, x, shares, early)
        if not valid.all():
            negative = await alone(engine, await self._negative(squares[valid], shares))
        return await self._result(negative)

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        parts = tuple(self.scheme.to_signed(opened).reshape(-1, self.questions))
        scalar = self.questions == 1
        found = Output("outcome", "", parts, lambda *found: self._words(found), scalar)
        return (replace(found, noised=self.noise is not None),)

    # --- rules ----------------------------------------------------------------------------------

    @property
    def quorum(self) -> int:
        """Number of votes that must be cast; 0: any. Where all may abstain, a winner needs one."""
        quorum = self.options.quorum
        if isinstance(quorum, Fraction):
            return -(-quorum.numerator * self.all_present // quorum.denominator)
        if quorum is None:
            return int(self.options.reveal == "winner" and self.ballots.abstain)
        return quorum

    @property
    def all_present(self) -> int:
        """Number that a quorum counts if all contributors vote: their votes or, of heads, they."""
        heads = self.options.quorum_of == "heads"
        return len(self.contributors) if heads else self.all_votes

    def _present(self, ballots: SecretArray, cast: SecretArray) -> SecretArray:
        """Return what a quorum counts: the votes cast, or their voters."""
        return self.heads(ballots) if self.options.quorum_of == "heads" else cast

    def _margins(
        self, votes: SecretArray, cast: SecretArray, present: SecretArray, shares: Shares
    ) -> SecretArray:
        """Compute numbers that are negative where an option does not pass or, of two options, the
        first has fewer votes; in the last column, where the quorum is missed."""
        if self.options.reveal == "winner":
            first, second = pairs(votes.shape[1])
            margins = votes[:, first] - votes[:, second]
        else:
            of_votes, of_cast, least = self._rule(self.weight(shares))
            margins = of_votes * votes - of_cast * cast - least
        return concatenate([margins, present - self.quorum], axis=1) if self.quorum else margins

    def _rule(self, weight: int) -> tuple[int, int, int]:
        """Return a, b, c: an option passes where a votes - b cast - c is not negative. Without any
        vote for it none does.

        Args:
            weight: the votes of all contributors counted.
        """
        rule = self.options
        if rule.fraction is not None and rule.of == "cast" and self.ballots.abstain:
            return rule.margin_of_cast(self.all_votes)
        return 1, 0, rule.needed(self.all_votes if rule.of == "all" else weight)

    def _bounds(self, weight: int) -> tuple[int, int]:
        """Bound the margins, where all ballots are valid."""
        low, high = -weight, weight
        if self.options.reveal != "winner":
            of_votes, of_cast, least = self._rule(weight)
            low, high = -of_cast * weight - least, (of_votes - of_cast) * weight - least
        if not self.quorum:
            return low, high
        return min(low, -self.quorum), max(high, weight - self.quorum)

    async def _negative(
        self, ballots: SecretArray, shares: Shares, *, afresh: bool = False
    ) -> Operation[SecretArray]:
        """Return the operation that looks up in a table where margins are negative: 1 there, 0
        elsewhere. Sends nothing itself."""

        def margined() -> SecretArray:
            votes, cast = self.totals(ballots, shares)
            present = self._present(ballots, cast)
            return self._margins(votes[:, : self.figures], cast, present, shares)

        margins = await backend_of(ballots).offload(TOTAL_NS * ballots.size, margined)
        low, high = self._bounds(self.weight(shares))
        return looked_up(margins, np.arange(low, high + 1) < 0, low, afresh=afresh)

    async def _result(self, negative: SecretArray) -> SecretArray:
        """Compute 1 for each option that passes; or the winner's place from 1, 0 for no winner."""
        if self.quorum:
            negative, missed = negative[:, :-1], negative[:, -1:]
        found = 1 - negative
        if self.options.reveal == "winner":
            k = len(self.ballots.options)
            first = await places(ranks_from(negative[0], k), [k - 1])
            found = (first @ np.arange(1, k + 1)).reshape(1, 1)
        return await mul(found, 1 - missed) if self.quorum else found

    def _words(self, found: Sequence[int]) -> Value:
        options = self.ballots.options
        if self.options.reveal == "approved":
            return [option for option, passes in zip(options, found, strict=True) if passes]
        if self.options.reveal == "winner":
            return name_of(options, found[0] - 1) if found[0] else "no winner"
        return "YES" if found[0] else "NO"

    def _small(self) -> tuple[bool, int]:
        """Decide whether margins are looked up, not compared; count the randomness that takes."""
        low, high = self._bounds(self.all_votes)
        k = self.figures
        each = k * (k - 1) // 2 if self.options.reveal == "winner" else k
        size = self.questions * (each + bool(self.quorum))
        if self.noise or not is_small(high - low, size, self.scheme.colluders):
            return False, 0
        active = self.manifest.sharing.security == "active"
        return True, 0 if active else randomness(high - low, size)

    # --- noise ----------------------------------------------------------------------------------

    def _noise(self) -> NoiseShares | None:
        """Make noise for the counts that decide: the rule is then applied to what may be known."""
        outcome, abstain = self.options.reveal == "outcome", self.ballots.abstain
        counts = (1 if outcome else len(self.ballots.options)) + abstain
        changed = 1 + abstain if outcome else self.ballots.changed
        return on_counts(
            self, self.weights.values(), counts * self.questions, changed * self.questions
        )

    async def _noised(
        self, votes: SecretArray, cast: SecretArray, noise: NoiseShares, dealt: Signed | None
    ) -> tuple[SecretArray, SecretArray]:
        """Add noise to the counts; where no voter can abstain, all are known to have cast."""
        k = votes.shape[1]
        both = concatenate([votes, cast], axis=1) if self.ballots.abstain else votes
        found = await add_noise(both, noise, dealt)
        return found[:, :k], found[:, k:] if self.ballots.abstain else cast

    # --- before anything runs -------------------------------------------------------------------

    def _check(self) -> None:
        rule, total = self.options, self.all_votes
        rule.check_rule()
        if rule.reveal == "outcome" and set(self.ballots.options) != {"yes", "no"}:
            refuse(
                f"input.type: YES or NO needs the options yes and no, not {self.codec.kind}",
                hint='for other options: reveal = "winner" or "approved" in [outputs]',
            )
        if rule.reveal == "outcome" and rule.choices != 1:
            refuse("outputs.choices: a ballot is yes or no, not both")
        if rule.reveal != "outcome" and self.questions != 1:
            refuse("input.length: several questions at once are answered with YES or NO")
        if rule.pass_at_votes is not None and rule.pass_at_votes > total:
            refuse(f"outputs.pass_at_votes: {rule.pass_at_votes} votes are more than all, {total}")
        if self.quorum > self.all_present:
            unit = "votes" if rule.quorum_of == "votes" else "voters"
            refuse(f"outputs.quorum: {self.quorum} {unit} are more than all, {self.all_present}")
        if self.noise and rule.quorum_of == "heads" and set(self.weights.values()) != {1}:
            refuse(
                "outputs.quorum_of: noise is on votes by weight, and heads would be counted "
                "without: leave out weights, quorum_of or [privacy]"
            )
        below = rule.fraction.denominator if rule.fraction else 1
        largest = total + (len(self.scheme.compute) * self.noise.share.bound if self.noise else 0)
        if 2 * below * total * largest > self.scheme.capacity:
            refuse(f"outputs.weights: {total} votes in all are too many to be compared exactly")

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        heads = self.options.quorum_of == "heads"
        ballots = [self.read(raw) for raw in inputs.values()]
        found = [
            self._textbook(votes, cast, sum(bool(b[q]) for b in ballots) if heads else cast)
            for q, (votes, cast) in enumerate(self.tallied(inputs))
        ]
        return {"outcome": found[0] if self.questions == 1 else found}

    def _textbook(self, votes: list[int], cast: int, present: int) -> Value:
        quorate = present >= self.quorum
        if self.options.reveal == "winner":
            winner = self.ballots.options[votes.index(max(votes))]
            return winner if quorate else "no winner"
        base = self.all_votes if self.options.of == "all" else cast
        passed = [quorate and self.options.passes(count, base) for count in votes]
        if self.options.reveal == "approved":
            named = zip(self.ballots.options, passed, strict=True)
            return [option for option, passes in named if passes]
        return "YES" if passed[0] else "NO"

    def explain(self) -> list[str]:
        what = {
            "outcome": "whether the outcome is YES or NO, no count and no margin",
            "winner": "the winning option, no count and no margin",
            "approved": "which options are approved, no count and no margin",
        }[self.options.reveal]
        if self.questions > 1:
            what = f"for each of {self.questions} questions {what}"
        exact = [
            *_dictators(self),
            *_unanimity(self),
            *explain_fewest_votes(
                self.weights,
                self.least_counted,
                partial(_needed, self),
                abstain=self.ballots.abstain,
            ),
            *_quorum_edge(self),
            *explain_coalition(self),
            second_session(self, "vote"),
        ]
        answer = [
            f"The rule{', applied to noisy counts' * bool(self.noise)}: {_rule_in_words(self)}.",
            *(explain_dealt_noise(self, self.noise) if self.noise else exact),
            *self.explain_ballots(),
        ]
        return explain_interactive(self, what, answer)


def _rule_in_words(vote: ThresholdVote) -> str:
    rule = vote.options
    if rule.reveal == "winner":
        text = "the option with the most votes wins; of several, the first in the manifest's order"
    else:
        text = rule.in_words()
    if vote.quorum:
        heads = vote.options.quorum_of == "heads"
        of = f"{vote.quorum} of {vote.all_present}"
        text += f", and at least {of} {'voters cast a vote' if heads else 'are cast'}"
    if rule.weights:
        shown = ", ".join(f"{name} {weight}" for name, weight in vote.weights.items())
        text += f"; votes count as often as said ({shown})"
    few = vote.ballots.abstain or vote.least_counted < len(vote.contributors)
    if (passes := rule.tie_passes(vote.all_votes, some_missing=few)) is not None:
        text += f"; a tie, as many for it as not, {'passes' if passes else 'does not pass'}"
    return text


def _needed(vote: ThresholdVote, total: int) -> int | None:
    """Count the votes that pass when voters of this total vote; None: there is no such number."""
    rule = vote.options
    if rule.reveal == "winner":
        return None
    return rule.needed(vote.all_votes if rule.of == "all" else total)


def _dictators(vote: ThresholdVote) -> list[str]:
    needed, total = _needed(vote, vote.all_votes), vote.all_votes
    for name, weight in vote.weights.items():
        if needed is not None and total - weight < needed <= weight and not vote.ballots.abstain:
            return [f"WARNING: {name}'s vote alone decides: the outcome is {name}'s vote."]
        if needed is None and 2 * weight > total:
            return [f"WARNING: {name}'s vote alone decides: the winner is {name}'s vote."]
    return []


def _unanimity(vote: ThresholdVote) -> list[str]:
    rule, needed = vote.options, _needed(vote, vote.all_votes)
    yes = "a YES" if rule.reveal == "outcome" else "an approval"
    no = "a NO" if rule.reveal == "outcome" else "no approval"
    narrow = "Unanimity: a unanimous vote looks like a narrow one"
    if rule.reveal == "winner":
        return [f"{narrow}. That an option won tells that no other had more votes."]
    lines = [f"{narrow}, in the outcome and in the traffic."]
    least = min(vote.weights.values())
    if needed is not None and needed > vote.all_votes - least:
        of_cast = rule.of == "cast" and rule.fraction is not None and vote.ballots.abstain
        all_for = "every voter counted voted for it"
        who = "no voter who cast a vote was against it" if of_cast else all_for
        lines = [f"WARNING: unanimity is asked for: {yes} tells that {who}."]
    elif needed is not None and needed <= least:
        lines = [f"WARNING: one vote is enough: {no} tells that no voter voted for it."]
    return lines


def _quorum_edge(vote: ThresholdVote) -> list[str]:
    if not vote.quorum:
        return []
    heads = vote.options.quorum_of == "heads"
    least = f"{vote.quorum} voters' votes were" if heads else f"{vote.quorum} votes were"
    if vote.options.reveal == "winner":
        text = f"that there is no winner tells that fewer than {least} cast"
    else:
        text = "no party learns whether too few votes were cast or too few were in favour"
    edge = f"a result that passes tells that at least {least} cast"
    if vote.quorum == vote.all_present:
        edge += ", that is by every voter: none abstained"
    return [f"Quorum: {text}; {edge}."]
