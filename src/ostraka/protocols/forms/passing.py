"""Rules on what passes in a vote: a part of the votes, or a number of them, and a quorum."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StrictInt

from ostraka.manifest import exact_fraction
from ostraka.protocols.forms.ballots import BallotOptions
from ostraka.protocols.options import refuse


def _quorum(value: object) -> Fraction | int:
    """Read a number of votes, or a fraction of all."""
    if isinstance(value, int) and not isinstance(value, bool):
        if value < 1:
            raise ValueError("must be at least 1 vote")
        return value
    return exact_fraction(value)


class ThresholdVoteOptions(BallotOptions):
    """`[outputs]`: what passes, and what becomes known of it.

    Attributes:
        reveal: outcome: YES or NO to a question; winner: the option with the most votes;
            approved: which options pass, each on its own.
        pass_at: the fraction of votes that passes, exactly that many included.
        pass_above: instead, the fraction that does not pass, and any more does: "1/2" for more
            than half.
        of: of the votes cast, or of all contributors' in the manifest.
        pass_at_votes: instead, a number of votes.
        quorum: nothing passes and no option wins unless so many votes are cast, or such a fraction
            of all; abstentions are not cast.
        quorum_of: votes: a quorum counts votes by their weight; heads: it counts voters.
    """

    reveal: Literal["outcome", "winner", "approved"] = "outcome"
    pass_at: Annotated[Fraction | None, BeforeValidator(exact_fraction)] = None
    pass_above: Annotated[Fraction | None, BeforeValidator(exact_fraction)] = None
    pass_at_votes: Annotated[StrictInt | None, Field(ge=1)] = None
    of: Literal["cast", "all"] = "cast"
    quorum: Annotated[Fraction | int | None, BeforeValidator(_quorum)] = None
    quorum_of: Literal["votes", "heads"] = "votes"

    @property
    def fraction(self) -> Fraction | None:
        """Part of the votes that decides; None where a number of votes does, or the most votes."""
        return self.pass_at if self.pass_above is None else self.pass_above

    def needed(self, total: int) -> int:
        """Return the fewest votes that pass, of so many that the fraction is of."""
        if self.fraction is None:
            return self.pass_at_votes or 0
        if self.pass_above is not None:
            return self.fraction.numerator * total // self.fraction.denominator + 1
        return -(-self.fraction.numerator * total // self.fraction.denominator)

    def margin_of_cast(self, all_votes: int) -> tuple[int, int, int]:
        """Return a, b, c: an option passes where a votes - b cast - c is not negative, for any
        number of votes cast up to `all_votes`. Where all abstained nothing passes."""
        assert self.fraction is not None
        above, below = self.fraction.numerator, self.fraction.denominator
        if self.pass_above is not None:
            return below, above, 1
        # All may have abstained: then a b-th of 0 is 0, and nothing passes.
        return all_votes * below + 1, all_votes * above, 1

    def passes(self, votes: int, base: int) -> bool:
        """Say by the textbook whether an option passes; `base` is what the fraction is of."""
        if self.fraction is None:
            return votes >= (self.pass_at_votes or 0)
        if self.pass_above is not None:
            return base > 0 and Fraction(votes, base) > self.pass_above
        return base > 0 and Fraction(votes, base) >= self.fraction

    def check_rule(self) -> None:
        """Require exactly one of pass_at, pass_above and pass_at_votes; for a winner none.

        Raises:
            ManifestError: it is otherwise, or the rule could never be met.
        """
        kinds = ("pass_at", "pass_above", "pass_at_votes")
        given = [kind for kind in kinds if getattr(self, kind) is not None]
        if self.reveal == "winner" and given:
            refuse(
                f"outputs.reveal: the winner is the option with most votes; leave {given[0]} out"
            )
        if len(given) > 1:
            refuse(f"outputs.{given[1]}: stands instead of {given[0]}, not beside it")
        if self.reveal != "winner" and not given:
            refuse('outputs: pass_at is missing: say what passes, such as pass_at = "1/2"')
        if self.pass_above == 1:
            refuse("outputs.pass_above: more than all votes never pass: use pass_at for all")
        if self.of == "all" and self.fraction is None:
            refuse("outputs.of: goes with pass_at or pass_above, a fraction")
        if self.quorum_of == "heads" and self.quorum is None:
            refuse("outputs.quorum_of: goes with quorum")

    def in_words(self) -> str:
        """Say what passes, as in "YES if ..."."""
        base = "all contributors'" if self.of == "all" else "the cast"
        enough = f"at least {self.pass_at_votes}"
        if self.pass_above is not None:
            enough = f"more than {self.pass_above} of {base}"
        elif self.pass_at is not None:
            enough = f"{'all' if self.pass_at == 1 else f'at least {self.pass_at}'} of {base}"
        subject = "YES" if self.reveal == "outcome" else "an option passes"
        return f"{subject} if {enough} votes are for it"

    def tie_passes(self, total: int, *, some_missing: bool) -> bool | None:
        """Return whether an option passes with half of the votes cast; None where none can have
        it, or where it depends on how many are cast.

        Args:
            total: all contributors' votes.
            some_missing: whether fewer may be cast.
        """
        if self.reveal == "winner":
            return None
        if total % 2 and not some_missing:
            return None
        of_cast = self.fraction is not None and self.of == "cast"
        if of_cast:
            return self.needed(2 * total) <= total
        passes = self.needed(total) <= total // 2
        return None if passes and some_missing else passes
