"""Base class of every protocol: copy `secure_sum.py` to write another.

A protocol is three methods named by who runs them: `share` (a contributor), `compute` (a compute
party), `combine` (a recipient), and what surrounds them: how inputs are encoded, a plaintext twin
to test against, and what `ostraka check` says before anything runs. `runner.run` does the rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from copy import copy
from fractions import Fraction
from functools import cached_property
from inspect import getdoc
from typing import Any, ClassVar, Self

from pydantic import BaseModel

from ostraka.arithmetic.randomness import Draw, Words
from ostraka.delivery import agree, consent, opening
from ostraka.delivery.attendance import Attendance
from ostraka.delivery.cost import Cost
from ostraka.delivery.enclosure import Enclosure
from ostraka.delivery.party import Party
from ostraka.errors import InputError, ManifestError, RefusedByPolicy
from ostraka.exchange import Expected
from ostraka.inputs.array_likes import unwrapped
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.reading import describe
from ostraka.inputs.row_forms import ColumnForm, RowForm
from ostraka.limits import READER_GROUPS
from ostraka.manifest import Manifest
from ostraka.names import PartyId, is_place
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import BenchCase
from ostraka.protocols.noised_range import NoisedRange
from ostraka.protocols.requirements import (
    require_honest_majority,
    require_noise_and_rules,
    require_places,
)
from ostraka.protocols.shares import Shares
from ostraka.record.budget import Spend, cost_of
from ostraka.sharing.catalogue import scheme_named
from ostraka.sharing.scheme import Parcel, Scheme


class Protocol(ABC):
    """One protocol under one manifest; knows no network and keeps no state between calls.

    Raises:
        ManifestError: the manifest asks this protocol for something it cannot do.
    """

    name: ClassVar[str]
    options_model: ClassVar[type[BaseModel] | None] = None
    """Model of `[outputs]`; its docstring explains each key, for `new NAME --help`."""
    usual_type: ClassVar[str] = "int"
    """The input's type where the caller of `new` names none."""
    usual_scheme: ClassVar[str] = "additive"
    """The sharing scheme where the caller of `new` names none."""
    bench_cases: ClassVar[Mapping[str, BenchCase]] = {}
    """Cases that `bench` can time of this protocol, by name."""
    securities: ClassVar[tuple[str, ...]] = ("passive",)
    """Values that [sharing] security may have."""
    noises: ClassVar[frozenset[str]] = frozenset()
    """Places of noise that [privacy] may ask for, of "local" and "central"."""
    rules: ClassVar[frozenset[str]] = frozenset()
    """Rules of [policy] that this protocol checks inside the computation; see `Policy.inside`."""
    lengths: Mapping[PartyId, int]
    """Elements in the vector that each contributor shares: as many as its input has values, if the
    protocol does not say otherwise."""
    absent: frozenset[PartyId] = frozenset()
    """Contributors that the session began without; the scheme knows only the others."""
    opened: int
    """Elements in the vector that is opened to the recipients."""
    proves: ClassVar[bool] = False
    """Whether with active security all that compute parties hold is proven before it is opened."""

    between: ClassVar[str] = ""
    """Inputs that the result is about, where each is of a party that the manifest names: reports of
    a collection cannot take their places. "" where any contributors will do."""

    all_take_part: ClassVar[bool] = False
    """Whether every compute party must take part in `compute`, for any to have its result."""

    def __init__(self, manifest: Manifest) -> None:
        self.manifest = manifest
        self.contributors = manifest.contributors
        self.recipients = manifest.recipients
        self.lengths = {c: given.length for c, given in manifest.given.items()}
        if manifest.sharing.security not in self.securities:
            raise ManifestError(
                f'{self.name} under security = "active" is not available yet: nothing would catch '
                "a contributor or compute party that sends wrong shares",
                hint='use security = "passive" among parties that follow the protocol',
                data_left=False,
            )
        require_honest_majority(manifest)
        require_places(manifest, self.name, self.between)
        require_noise_and_rules(manifest, self.name, self.noises, self.rules)

    @cached_property
    def scheme(self) -> Scheme:
        """The sharing scheme among the compute parties."""
        manifest = self.manifest
        return scheme_named(
            manifest.sharing.scheme,
            tuple(self.lengths),
            manifest.compute,
            manifest.sharing.threshold,
        )

    def without(self, absent: Collection[PartyId]) -> Self:
        """Return this protocol for a session that some contributors are absent from.

        What the manifest determines stays: the form of inputs and of results, noise, weights, and
        what a result may tell. Nothing is awaited from the absent, and no share is theirs.
        """
        if not absent:
            return self
        found, kind = copy(self), type(self)
        found.absent = frozenset(absent)
        found.lengths = {c: n for c, n in self.lengths.items() if c not in found.absent}
        for name in list(vars(found)):
            if isinstance(getattr(kind, name, None), cached_property):
                del vars(found)[name]
        return found

    # --- what others ask of a protocol --------------------------------------------------------

    @classmethod
    def summary(cls) -> str:
        """Say in one line what the protocol computes: the first line of its docstring."""
        first = (getdoc(cls) or "").partition("\n")[0]
        return first.partition(" [")[0].rstrip(".")

    @classmethod
    def usual_outputs(cls, given: Mapping[str, Any]) -> dict[str, Any]:
        """Complete what the caller of `new` gave for `[outputs]` with this protocol's defaults."""
        return dict(given)

    def roster_weights(self) -> Mapping[PartyId, int]:
        """Return how much each contributor's input counts, for rules on who is counted: 1 each."""
        return dict.fromkeys(self.contributors, 1)

    @property
    def truth_told(self) -> Fraction | None:
        """Probability that a contributor's report is its answer, where the manifest asks for
        randomized response; None for any other noise, and for none."""
        return None

    def figures_asked(self) -> tuple[str, ...]:
        """Return names of the figures asked for, defaults included, where a manifest may choose."""
        return ()

    def noised_range(self, figure: str) -> NoisedRange | None:
        """Return how far a figure ranges and what moves it, for advice on noise; None for none."""
        return None

    def spread_of_noise(self) -> float:
        """Return how far joint noise moves an opened number in two of three runs, in the unit of
        inputs; 0 without such noise."""
        return 0.0

    # --- the figure ---------------------------------------------------------------------------

    def input_in_words(self, me: PartyId) -> str:
        """Say what contributor `me` types in, for the prompt: "decimal(2) from 0 to 1000 USD"."""
        return describe(self.manifest.input_of(me))

    def row_form(self, me: PartyId) -> RowForm:
        """Return what rows of a table become as the input of `me`: by default a column."""
        schema = self.manifest.input_of(me)
        return ColumnForm(schema, schema.length, schema.length)

    def input_of(self, me: PartyId, raw: object, draw: Draw) -> Words | None:
        """Return the input of `me`, checked, encoded and with its own noise in it.

        That is done before any peer is contacted, so no peer can time how noise is drawn.

        Returns:
            `lengths[me]` elements; None where the manifest asks `me` for no input.

        Raises:
            InputError: the input is not what the manifest asks for, or it asks for none.
        """
        if me in self.contributors:
            return self.with_noise(self.encode(me, unwrapped(raw)), me, draw)
        if raw is None:
            return None
        raise InputError(
            f"the manifest does not ask {me} for an input, and one was given",
            hint="run without an input",
            data_left=False,
        )

    def encode(self, me: PartyId, raw: object) -> Words:
        """Check a contributor's input and write it as `lengths[me]` elements. Sends nothing.

        Raises:
            InputError: the input is not what the manifest asks `me` for.
        """
        return self.scheme.from_signed(Codec(self.manifest.input_of(me)).encode(raw))

    def with_noise(self, x: Words, me: PartyId, draw: Draw) -> Words:
        """Add the noise that the manifest asks contributor `me` for to `x`, which is consumed."""
        return x

    def dealt_noise(self, me: PartyId, draw: Draw) -> Signed | None:
        """Compute party: draw the noise that it deals while it computes; None where it deals none.

        As an input's noise, it is drawn before any peer is contacted.
        """
        return None

    def share(self, x: Words, me: PartyId, draw: Draw) -> dict[PartyId, Parcel]:
        """Split a contributor's encoded input, a parcel for each compute party. Consumes `x`.

        A parcel that the scheme says is agreed must come from `scheme.split` with this draw.
        """
        return self.scheme.split(x, me, draw)

    @abstractmethod
    async def compute(self, party: Party, shares: Shares) -> Words:
        """Compute one compute party's share of the vector to be opened, from shares of the inputs.

        Returns:
            `opened` elements.
        """

    @abstractmethod
    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        """Make a recipient's named results from the opened vector.

        Args:
            opened: `opened` elements, as recipients learn them.
            counted: the contributors whose inputs are in it.
        """

    def combine_for(
        self, me: PartyId, opened: Words, counted: Sequence[PartyId]
    ) -> tuple[Output, ...]:
        """Make the results of recipient `me`, where recipients learn different things.

        Args:
            opened: the part of the vector that `openings` gives `me`.
            counted: the contributors whose inputs are in it.
        """
        return self.combine(opened, counted)

    def of_one_element(self) -> Protocol:
        """Return this protocol for inputs of one element, with the same noise, to rehearse results;
        itself where results are of another form."""
        return self

    # --- around it ----------------------------------------------------------------------------

    @abstractmethod
    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        """Compute all results by the textbook, from the raw inputs in the clear: for tests."""

    @abstractmethod
    def explain(self) -> list[str]:
        """Say in sentences who learns what, how many colluders break it, who may go missing."""

    def enclosure(self, me: PartyId, draw: Draw) -> Enclosure | None:
        """Make what a compute party sends the others along with shares of inputs; None for nothing,
        and for other parties."""
        return None

    @property
    def givers(self) -> tuple[PartyId, ...]:
        """Parties that send a message to compute parties in the sharing step."""
        return self.scheme.contributors

    def expected(self, giver: PartyId, receiver: PartyId) -> Expected:
        """Return the form of the message from `giver` to `receiver` in the sharing step."""
        return self.scheme.expected(giver, receiver, self.lengths[giver])

    @cached_property
    def attendance(self) -> Attendance:
        """Rule on which parties may be missing, and how many of the others must then be there."""
        must, unanimous = self.must_be_counted(), self.all_take_part
        if self.manifest.collection is not None:  # reports were agreed on: all consent to them
            must, unanimous = (*self.scheme.compute, *self.scheme.contributors), True
        active = self.manifest.sharing.security == "active"
        of = Attendance.among_liars if active else Attendance.of
        return of(self.scheme, must, unanimous=unanimous, proven=active and self.proves)

    def must_be_counted(self) -> tuple[PartyId, ...]:
        """Return the parties that may not be missing, besides those that the scheme needs."""
        return ()

    @property
    def openings(self) -> tuple[tuple[tuple[PartyId, ...], slice], ...]:
        """Recipients of each part of the vector; every recipient is named once."""
        return ((self.recipients, slice(0, self.opened)),)

    @property
    def readers(self) -> Mapping[str, tuple[PartyId, ...]]:
        """Recipients entitled to each figure, by its name, where recipients learn different ones.

        A figure that is not named is for the recipients of its opening. Receipts show names of
        figures, and who their readers are: they may not depend on inputs.
        """
        return {}

    @cached_property
    def reader_groups(self) -> tuple[tuple[PartyId, ...], ...]:
        """Every group of recipients that are entitled to the same figures, once."""
        groups = [*(recipients for recipients, _ in self.openings), *self.readers.values()]
        found = dict.fromkeys(tuple(p for p in self.recipients if p in group) for group in groups)
        if any(sum(name in group for group in found) > READER_GROUPS for name in self.recipients):
            raise ManifestError(f"a recipient is in more than {READER_GROUPS} groups of readers")
        return tuple(found)

    def readers_of(self, me: PartyId, figure: str) -> tuple[PartyId, ...]:
        """Return the recipients entitled to what `me` learns under the name `figure`."""
        groups = (self.readers.get(figure, ()), *(recipients for recipients, _ in self.openings))
        group = next(group for group in groups if me in group)
        return tuple(p for p in self.recipients if p in group)

    def check_policy(self, counted: Sequence[PartyId]) -> None:
        """Refuse a result over fewer contributors than the manifest's policy allows.

        Raises:
            RefusedByPolicy: it names those who are missing.
        """
        least = self.manifest.policy.min_contributors
        if len(counted) < least:
            some = f"{len(counted)} contributor{'s' * (len(counted) != 1)}"
            text, hint = f"only {some} would be counted and the policy asks for {least}", ""
            if self.manifest.collection is None:
                missing = [c for c in self.contributors if c not in counted]
                text += f" (missing: {', '.join(missing)})"
                hint = "run it again with all of them, or agree on a lower min_contributors"
            raise RefusedByPolicy(f"{text}; nothing was revealed", hint=hint)

    @property
    def may_leave(self) -> tuple[PartyId, ...]:
        """Contributors without whom a result may be opened: those that may be absent from a
        session, missing, silent, or not valid."""
        if self.manifest.policy.min_contributors >= len(self.contributors):
            return ()
        if self.manifest.collection is not None:
            return self.contributors
        never_came = self.manifest.may_be_absent
        return tuple(
            c for c in self.contributors if c in never_came or self.attendance.may_be_missing(c)
        )

    @property
    def least_counted(self) -> int:
        """Fewest contributors that a result may count: by the policy, and by who may be missing."""
        there = len(self.contributors) - len(self.may_leave)
        return max(there, self.manifest.policy.min_contributors)

    def spends(self, counted: Sequence[PartyId]) -> Spend:
        """Return the most that a run tells of one contributor, once it is known who is counted."""
        return cost_of(self.manifest)

    def spends_at_worst(self) -> Spend:
        """Return the most that a run may tell of one contributor, over all sets it may count."""
        return self.spends(self.contributors[: self.least_counted])

    def cost(self) -> Cost:
        """Count exactly what one run without faults sends: rounds, and each party's bytes."""
        return self._cost

    @cached_property
    def _cost(self) -> Cost:
        total = Cost()
        for party in self.manifest.parties:
            total.send(party, [], 0)
        for giver in self.givers:
            for receiver in self.scheme.compute:
                if giver != receiver and not self.scheme.agrees(giver, receiver):
                    total.rounds = 1
                    if not is_place(giver):
                        total.send(giver, [receiver], self.expected(giver, receiver).nbytes)
        if self.attendance.must_agree:
            agree.add_cost(self.scheme, total)
        elif self.scheme.survives_dropouts:
            consent.add_cost(self.scheme, total)
        self.compute_cost(total)
        for recipients, part in self.openings:
            opening.add_cost(self.scheme, recipients, part.stop - part.start, total)
        return total

    def compute_cost(self, total: Cost) -> None:  # noqa: B027 - most sums are local
        """Add what `compute` sends; nothing when it is local."""
