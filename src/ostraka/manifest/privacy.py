"""Tables `[privacy]` and `[policy]`: the noise to add, and the rules for giving no answer."""

from collections.abc import Iterator
from fractions import Fraction
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StrictBool, StrictInt

from ostraka.manifest.fields import Number, Problem, Section, Share, Size

SAME = {"laplace": "discrete-laplace", "gaussian": "discrete-gaussian"}
"""Short names of mechanisms, which mean the discrete ones: noise is added to whole numbers."""


def _mechanism(value: object) -> object:
    return SAME.get(value, value) if isinstance(value, str) else value


class Local(Section):
    """Noise that each contributor adds to its own input before anything is shared.

    Attributes:
        mechanism: the distribution of the noise; "laplace" and "gaussian" mean the discrete ones.
        epsilon, delta: what one contributor's report tells at most; exact.
        truth: instead of epsilon, for randomized response: the probability of telling the truth
            outright. Otherwise a second, fair coin decides the answer. 1/2 is epsilon = ln 3.
    """

    mechanism: Annotated[
        Literal["randomized-response", "discrete-laplace", "discrete-gaussian"],
        BeforeValidator(_mechanism),
    ]
    epsilon: Size = None
    delta: Size = None
    truth: Share | None = None


class Central(Section):
    """Noise drawn jointly, so that no party ever sees the exact answer.

    Attributes:
        mechanism: the distribution of the noise; "laplace" and "gaussian" mean the discrete ones.
        epsilon, delta: what the answer tells of one contributor at most; exact.
        honest: the least part of all parties adding noise that keep it to themselves. Which of
            them are missing from a result is not theirs to choose: noise is made for the case that
            only honest ones are, as many as `min_contributors` allows.
    """

    mechanism: Annotated[
        Literal["discrete-laplace", "discrete-gaussian", "exponential"],
        BeforeValidator(_mechanism),
    ]
    epsilon: Size
    delta: Size = None
    honest: Share = Fraction(1, 2)


class Clip(Section):
    """Longest norm of a contributor's vector, in the input's unit; longer vectors are shortened.

    Attributes:
        norm: how the length of a vector is measured.
        at: the longest that stays as it is.
    """

    norm: Literal["l1", "l2"]
    at: Size


class Privacy(Section):
    """Table `[privacy]`: noise of each contributor or drawn jointly, and clipping before it.

    Attributes:
        local: noise that each contributor adds before it shares.
        central: noise that compute parties draw jointly.
        clip: shortens vectors before noise is added.
    """

    local: Local | None = None
    central: Central | None = None
    clip: Clip | None = None


class Dominance(Section):
    """Rules against sums that tell too much of the largest contributor. None means no rule.

    Attributes:
        largest: no contributor makes up more than this part of the total.
        p: the total without the two largest is at least this part of the largest (p% rule).
        n, k: the n largest make up at most the part k of the total ((n, k) rule).
    """

    largest: Share | None = None
    p: Share | None = None
    n: Annotated[StrictInt | None, Field(ge=1)] = None
    k: Share | None = None


class Plausible(Section):
    """Bounds of a plausible answer, in the input's unit; an answer outside them is withheld.

    Attributes:
        min, max: the least and the greatest answer that is given.
    """

    min: Number = None
    max: Number = None


class Policy(Section):
    """Table `[policy]`: rules that must hold, or no result is opened.

    Attributes:
        min_contributors: how many contributors must be counted at least. By default all; with
            Shamir sharing, which tolerates missing parties, all but as many as the threshold, yet
            at least three if there are three.
        same_roster_only: whether each run of a series must have the same contributors.
        min_difference: by how many contributors at least the roster of a run must differ from that
            of another run of the series, if it differs at all; also from combinations of runs.
        dominance: rule against sums that tell too much of the largest contributor; it is checked
            inside the computation.
        plausible: bounds of a plausible answer, checked inside the computation.
        min_cell: a cell that fewer contributors contribute to is withheld; it is checked inside the
            computation.
    """

    min_contributors: StrictInt
    same_roster_only: StrictBool = False
    min_difference: Annotated[StrictInt, Field(ge=1)] = 1
    dominance: Dominance | None = None
    plausible: Plausible | None = None
    min_cell: Annotated[StrictInt, Field(ge=1)] = 1

    @property
    def inside(self) -> tuple[str, ...]:
        """Names of the rules in force that only the computation itself can check."""
        set_here = {
            "dominance": self.dominance is not None,
            "plausible": self.plausible is not None,
            "min_cell": self.min_cell > 1,
        }
        return tuple(rule for rule, there in set_here.items() if there)


def problems(privacy: Privacy, policy: Policy) -> Iterator[Problem]:
    """Yield contradictions within and between `[privacy]` and `[policy]`."""
    if privacy.local and privacy.central:
        yield ("privacy",), "has local and central noise: one of them is enough"
    for place, noise in (("local", privacy.local), ("central", privacy.central)):
        if noise is not None:
            yield from _parameters(place, noise)
    if privacy.clip and not (privacy.local or privacy.central):
        yield ("privacy", "clip"), "goes with noise: leave it out, or say local or central"
    rule = policy.dominance
    if rule and (rule.n is None) != (rule.k is None):
        yield ("policy", "dominance"), 'n and k go together: { n = 2, k = "80%" }'
    if rule and rule == Dominance():
        yield ("policy", "dominance"), 'says nothing: { largest = "50%" }, p, or n and k'
    bounds = policy.plausible
    if bounds and bounds.min is not None and bounds.max is not None and bounds.min > bounds.max:
        yield ("policy", "plausible"), "min is above max"


def _parameters(place: str, noise: Local | Central) -> Iterator[Problem]:
    path: Any = ("privacy", place)
    truth = noise.truth if isinstance(noise, Local) else None
    responds = noise.mechanism == "randomized-response"
    if truth is not None and not responds:
        yield path, "truth is a parameter of randomized-response: say epsilon"
    elif (noise.epsilon is None) == (truth is None):
        yield path, "epsilon is missing" if truth is None else "truth stands instead of epsilon"
    if truth == 1:
        yield path, "truth must be below 1: otherwise nothing is hidden"
    gaussian = noise.mechanism == "discrete-gaussian"
    if gaussian and noise.delta is None:
        yield path, "delta is missing: a Gaussian needs one, such as 1e-6"
    if not gaussian and noise.delta is not None:
        yield path, f"{noise.mechanism} has no delta"
    if noise.delta is not None and noise.delta >= 1:
        yield path, "delta must be below 1"
