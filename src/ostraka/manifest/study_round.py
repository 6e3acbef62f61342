"""Table `[round]`: the round of a study that a session is, so that parties agree on it, too.

A *study* trains one model over several rounds. Each round is a session, or a collection, whose
manifest follows from the study, the round's number and the model that devices train from: so a
party that has read the study need not read its rounds.
"""

from collections.abc import Iterator
from typing import Annotated

from pydantic import Field, StrictInt

from ostraka.manifest.fields import Fingerprint, Problem, Section

MOST_ROUNDS = 10_000
"""Rounds of one study."""

Count = Annotated[StrictInt, Field(ge=1, le=MOST_ROUNDS)]


class StudyRound(Section):
    """Table `[round]`.

    Attributes:
        study: digest of the study.
        number: the round's, from 1.
        of: how many rounds the study has.
        each: how many of these one contributor can be in, at most.
        model: digest of the model that the round starts from, and so of all aggregates before it.
    """

    study: Fingerprint
    number: Count
    of: Count
    each: Count
    model: Fingerprint


def problems(found: StudyRound) -> Iterator[Problem]:
    """Yield contradictions within a round."""
    for key in ("number", "each"):
        if getattr(found, key) > found.of:
            yield ("round", key), f"must be at most {found.of}, the number of rounds"
