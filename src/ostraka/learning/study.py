"""Studies: one model that devices train over several rounds, and the manifest of each round.

A study is a manifest with a table `[study]` in place of `[input]`, `[outputs]` and `[privacy]`:
these follow from it. The manifest of a round follows from the study, the round's number and the
model that it starts from. So a party reads and confirms the study once, and all parties of a round
agree on all rounds before it, or end with exit code 30 before anything is shared.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final, Self

import numpy as np
from pydantic import BeforeValidator, Field, StrictInt, ValidationError

from ostraka import config
from ostraka.errors import ManifestError
from ostraka.files import read_text
from ostraka.learning.cohort import cohort, rounds_of_one
from ostraka.learning.model import LayerShapes, Vector, digest
from ostraka.manifest import Manifest, canonical_json, parse
from ostraka.manifest.fields import Fingerprint, Seconds, Section, Size
from ostraka.manifest.study_round import Count
from ostraka.manifest.wording import in_words
from ostraka.manifest.writing import write_manifest
from ostraka.names import PartyId, Role
from ostraka.outcome import Outcome
from ostraka.record.accountant import MAIN
from ostraka.record.budget import epsilon_of, rho_of

ELEMENTS: Final = 1 << 24
"""Elements of a model."""

DERIVED: Final = ("input", "outputs", "privacy", "round")
"""Tables of a round's manifest that follow from `[study]`."""

REACH: Final = 1 << 25
"""Norm times the root of the length, in units of the resolution, up to which a norm is proven
without comparing each element (`conditions.Projections`)."""

FINEST: Final = 24
"""Binary digits after the point of an update at most, unless `[study] bits` says otherwise."""


def _layers(value: object) -> LayerShapes:
    """Read {name = [sizes]} as the shapes of layers."""
    found = []
    for name, sizes in (value if isinstance(value, dict) else {}).items():
        whole = isinstance(sizes, list) and all(type(n) is int and n >= 1 for n in sizes)
        if not whole or not sizes or not name.isidentifier():
            raise ValueError("must hold layers such as weights = [64, 10]")
        found.append((name, tuple(sizes)))
    shapes = LayerShapes(tuple(found))
    if not 1 <= shapes.size <= ELEMENTS:
        raise ValueError(f"must hold 1 to {ELEMENTS} elements: weights = [64, 10]")
    return shapes


class StudyTable(Section):
    """Table `[study]`.

    Attributes:
        rounds: how many there are.
        layers: shapes of the model's layers, by name: { weights = [64, 10], bias = [10] }.
        clip: L2 norm to which an update is shortened; compute parties prove it of each.
        epsilon, delta: what all rounds together tell of one contributor; None: there is no noise.
        bits: binary digits after the point of an update; None: as many as make the norm cheap to
            prove.
        cohort: how many devices are asked in a round, by a public draw; None: all.
        rate: by how much the model moves with the mean update.
        first: digest of the model that the first round starts from; None: all numbers are 0.
        every: the time between the ends of two rounds, where rounds are collections.
    """

    rounds: Count
    layers: Annotated[LayerShapes, BeforeValidator(_layers)]
    clip: Size
    epsilon: Size = None
    delta: Size = None
    bits: Annotated[StrictInt, Field(ge=0, le=40)] | None = None
    cohort: Annotated[StrictInt, Field(ge=1)] | None = None
    rate: Size = Decimal(1)
    first: Fingerprint | None = None
    every: Seconds | None = None


@dataclass(frozen=True)
class Study:
    """Study that is valid, with the manifest of every round; equal digests mean equal studies.

    Attributes:
        table: `[study]`.
        base: the other tables, as they were written.
    """

    table: StudyTable
    base: Mapping[str, Any]

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Read a study from a file.

        Raises:
            ManifestError: it is not valid. UsageError: it cannot be read.
        """
        return cls.read(read_text(Path(path)), str(path))

    @classmethod
    def read(cls, text: str, source: str = "study.toml") -> Self:
        """Read a study from TOML, and check its first round.

        Raises:
            ManifestError: it is not valid.
        """
        try:
            raw = tomllib.loads(text, parse_float=Decimal)
        except (ValueError, ArithmeticError, RecursionError) as error:
            raise ManifestError(f"{source}: not TOML: {error}", data_left=False) from None
        given = raw.pop("study", None)
        if not isinstance(given, dict):
            raise _refused(f"{source}: there is no table [study]")
        if not isinstance(raw.get("session"), dict):
            raise _refused(f"{source}: there is no table [session]")
        for name in DERIVED:
            if name in raw:
                raise _refused(f"{source}: {name}: follows from [study]: leave it out")
        try:
            found = cls(StudyTable.model_validate(given), raw)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            where = ".".join(map(str, ("study", *first["loc"])))
            raise _refused(f"{source}: {where}: {in_words(first)}") from None
        found._check(source)
        return found

    def _check(self, source: str) -> None:
        table, collection = self.table, self.base.get("collection")
        if (table.epsilon is None) != (table.delta is None):
            raise _refused(f"{source}: study: epsilon and delta go together")
        if collection is not None and table.cohort is not None:
            raise _refused(f"{source}: study.cohort: in a collection those report who are active")
        if (collection is not None) != (table.every is not None):
            raise _refused(f"{source}: study.every: is for collections, and needed there")
        if self.bits < 0:
            raise _refused(f"{source}: study.clip: is too large for so many elements")
        try:
            config.bind(self._template)
        except ManifestError as error:
            message = f"{source}, as its first round: {error.message}"
            raise ManifestError(message, hint=error.hint, data_left=False) from None

    # --- what it says ---------------------------------------------------------------------------

    @property
    def shapes(self) -> LayerShapes:
        """The shapes of the model's layers."""
        return self.table.layers

    @property
    def title(self) -> str:
        """The title."""
        return self._template.session.series or self._template.session.title

    @cached_property
    def digest(self) -> str:
        """The study's digest, as manifests have it: of `[study]` and of a round without number."""
        table = self.table.model_dump(exclude={"layers"}, exclude_none=True)
        if self.table.every is not None:
            table["every"] = Decimal(repr(self.table.every))
        shapes = [[name, list(shape)] for name, shape in self.shapes.shapes]
        told = {**table, "layers": shapes, "template": self._template.digest.hex()}
        said = b"ostraka study 1\0" + canonical_json(told)
        return f"sha256:{sha256(said).hexdigest()}"

    @property
    def octets(self) -> bytes:
        """The 32 bytes of the digest."""
        return bytes.fromhex(self.digest.removeprefix("sha256:"))

    @cached_property
    def _template(self) -> Manifest:
        """The manifest with all devices and without a round."""
        session, epsilon = dict(self.base["session"]), self.table.epsilon
        return parse(self._written(session, epsilon, self._parties(None)), "a round")

    @property
    def devices(self) -> tuple[PartyId, ...]:
        """Devices that contribute: parties, or places of a collection."""
        return self._template.contributors

    @property
    def collected(self) -> bool:
        """Whether rounds are collections."""
        return self._template.collection is not None

    @cached_property
    def bits(self) -> int:
        """Binary digits after the point of an update's elements."""
        if self.table.bits is not None:
            return self.table.bits
        assert self.table.clip is not None
        reach = REACH / math.sqrt(self.shapes.size) / float(self.table.clip)
        return min(FINEST, math.floor(math.log2(reach)))

    @property
    def rounds_of_one(self) -> int:
        """Number of rounds that one device can be in, at most."""
        return rounds_of_one(self.table.rounds, len(self.devices), self.table.cohort)

    def cohort(self, number: int) -> tuple[PartyId, ...]:
        """Return the devices that are asked in a round."""
        return cohort(self.digest, number, self.devices, self.table.cohort)

    @property
    def start(self) -> Vector:
        """The model of all zeros, which the first round starts from if none other is named."""
        return np.zeros(self.shapes.size)

    @cached_property
    def epsilon_of_round(self) -> Decimal | None:
        """The epsilon of one round at the study's delta: rhos of all rounds of a device add up to
        that of the study. Six digits, rounded down; None: there is no noise."""
        if self.table.epsilon is None or self.table.delta is None:
            return None
        delta = Fraction(self.table.delta) * MAIN
        rho = rho_of(Fraction(self.table.epsilon), delta) / self.rounds_of_one
        found = epsilon_of(rho, delta)
        return Context(prec=6, rounding=ROUND_FLOOR).divide(found.numerator, found.denominator)

    # --- rounds ---------------------------------------------------------------------------------

    def manifest(self, number: int, model: Vector) -> Manifest:
        """Return the manifest of a round, by its number from 1, that starts from a model."""
        return parse(self.manifest_text(number, model), f"round {number}")

    def manifest_text(self, number: int, model: Vector) -> str:
        """Return the manifest of a round as TOML."""
        of = {
            "study": self.digest,
            "number": number,
            "of": self.table.rounds,
            "each": self.rounds_of_one,
            "model": digest(self.shapes, model),
        }
        session = dict(self.base["session"])
        session["series"] = self._template.session.series or session["title"]
        session["title"] = f"{session['title']}, round {number}"
        if "coordinator" in session:
            session["room"] = self._room(number)
        more = {"collection": self._collection(number)} if self.collected else {}
        asked = self._parties(set(self.cohort(number)))
        return self._written(session, self.epsilon_of_round, asked, round=of, **more)

    def _room(self, number: int) -> str:
        """Return the room of a round: parties that are ahead wait in the next one."""
        said = b"ostraka round room 1\0" + f"{self.digest}\0{number}".encode()
        return sha256(said).hexdigest()[:32]

    def _collection(self, number: int) -> dict[str, Any]:
        found = dict(self.base["collection"])
        closes, every = self._template.collection, self.table.every
        assert closes is not None
        assert every is not None
        found["closes"] = closes.closes + (number - 1) * timedelta(seconds=math.ceil(every))
        return found

    def _written(
        self, session: dict[str, Any], epsilon: Decimal | None, parties: list[Any], **more: Any
    ) -> str:
        sharing = {"scheme": "shamir", "threshold": 1, **self.base.get("sharing", {})}
        tables = {
            "session": {"protocol": "secure-sum", **session},
            **self._derived(epsilon),
            **{k: v for k, v in self.base.items() if k not in ("session", "party", "sharing")},
            "sharing": sharing,
            **more,
        }
        return write_manifest(tables, parties)

    def _derived(self, epsilon: Decimal | None) -> dict[str, dict[str, Any]]:
        """Return the tables that follow from `[study]`, with noise of this epsilon."""
        clip = self.table.clip
        assert clip is not None
        found: dict[str, dict[str, Any]] = {
            "input": {
                "type": f"float({self.bits})",
                "length": self.shapes.size,
                "min": -clip,
                "max": clip,
            },
            "outputs": {"statistics": ["sum"], "invalid": "exclude"},
        }
        if epsilon is not None:
            noise = {"mechanism": "discrete-gaussian", "epsilon": epsilon}
            found["privacy"] = {
                "central": {**noise, "delta": self.table.delta},
                "clip": {"norm": "l2", "at": clip},
            }
        return found

    def _parties(self, asked: set[PartyId] | None) -> list[dict[str, Any]]:
        """Return the parties; those that are not asked do not contribute, or have no part."""
        found = []
        for party in self.base.get("party", []):
            roles = party.get("roles", [])
            if asked is not None and not self.collected and party.get("name") not in asked:
                roles = [role for role in roles if role != Role.CONTRIBUTOR]
            if roles or asked is None:
                found.append({**party, "roles": roles})
        return found

    # --- updates --------------------------------------------------------------------------------

    def update(self, before: Vector, after: Mapping[str, Any]) -> Vector:
        """Return what a device contributes: the change of the model, shortened to the clip.

        Raises:
            InputError: the trained layers are not those of the model.
        """
        change = self.shapes.join(after) - before
        at = float(self.table.clip or 0)
        norm = float(np.linalg.norm(change))
        shortened: Vector = np.clip(change * min(1.0, at / norm) if norm else change, -at, at)
        return shortened

    def next_model(self, model: Vector, total: Any, counted: int) -> Vector:
        """Return the model after a round: it moves by `rate` times the mean update."""
        by = float(self.table.rate or 1) / counted
        found: Vector = model + np.asarray(total, np.float64) * by
        return found

    def after(self, model: Vector, outcome: Outcome) -> Vector:
        """Return the model after a round, of which a recipient learned the outcome."""
        return self.next_model(model, outcome.value("sum"), len(outcome.contributors))


def _refused(problem: str) -> ManifestError:
    hint = "correct the study at every party"
    return ManifestError(problem, hint=hint, data_left=False)
