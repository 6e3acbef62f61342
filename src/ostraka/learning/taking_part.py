"""Taking part in a study as one party: its rounds one after the other, from where it was.

Parties that learn the aggregate compute the next model themselves, and may put models into a
directory; a device that learns none takes it from there. It need not trust that directory: another
model makes another manifest, and the round ends with exit code 30 before anything is shared.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from ostraka import home, party
from ostraka.blocking import offload_whole
from ostraka.errors import PinMismatch, Temporary, UnconfirmedKey, UsageError
from ostraka.identity import Identity
from ostraka.learning.model import Vector, digest, leave, left, load, save
from ostraka.learning.study import Study
from ostraka.learning.training import Trainer
from ostraka.manifest import Manifest
from ostraka.manifest.words import read_words, six_words
from ostraka.names import PartyId, Role
from ostraka.outcome import Outcome
from ostraka.progress import Observer

LOOK_SECONDS: Final = 1.0
"""Seconds between two looks at whether a collection is closed, or a model is there."""


@dataclass(frozen=True)
class RoundEnd:
    """End of a round at one party.

    Attributes:
        number: the round's, from 1.
        model: the model after it; None where this party learns none.
        outcome: of the round's session; None where this party has no part in it.
    """

    number: int
    model: Vector | None
    outcome: Outcome | None


@dataclass(frozen=True)
class StudyPlace:
    """Place of one party in a study.

    Attributes:
        study: the study.
        me: the party's name.
        train: of a device; None at parties that only compute or receive.
        first: the model that the first round starts from, where the study names one.
        models: directory in which models are left, and found; None: there is none.
        keys, receipts, trust_new, keep_records: as in `ostraka.run`; `trust_new` is about the
            study: its six words stand for those of all rounds.
        observer: is told how far each round has come.
    """

    study: Study
    me: str
    train: Trainer | None = None
    first: Vector | None = None
    models: Path | None = None
    keys: Identity | Path | str | None = None
    receipts: Path | None = None
    trust_new: bool | str = False
    keep_records: bool = True
    observer: Observer = field(default_factory=Observer)

    async def rounds(self) -> AsyncIterator[RoundEnd]:
        """Take part in all rounds that are left, and yield the end of each.

        Raises:
            UsageError: the party is none of the study's, or a device has no trainer or no model.
            UnconfirmedKey: the six words are not the study's.
            OstrakaError: as `ostraka.run`; run again, it goes on with that round.
        """
        self._check()
        begin, model = self._where()
        for number in range(begin, self.study.table.rounds + 1):
            if model is None:
                model = await self._found(number - 1)
            manifest = self.study.manifest(number, model)
            outcome = await self._take_part(manifest, number, model)
            learned = outcome is not None and bool(outcome.outputs)
            model = self.study.after(model, outcome) if learned and outcome else None
            self._keep(number, model)
            yield RoundEnd(number, model, outcome)

    def _check(self) -> None:
        if self.me not in {each.get("name") for each in self.study.base.get("party", [])}:
            raise UsageError(f"{self.me!r} is no party of this study", data_left=False)
        words = self.trust_new
        if isinstance(words, str) and read_words(words) != self.words:
            raise UnconfirmedKey(
                "those are not the six words of this study: it is another than theirs",
                hint="do not go on with it: ask its author for the study again, another way",
                data_left=False,
            )

    @property
    def words(self) -> str:
        """The six words of the study."""
        return six_words(self.study.octets)

    async def _take_part(self, manifest: Manifest, number: int, model: Vector) -> Outcome | None:
        if self.me not in manifest.parties:
            return None
        update = None
        if Role.CONTRIBUTOR in manifest.party_named(self.me).roles:
            update = await offload_whole(lambda: self._trained(model, number))
        while True:
            try:
                return await party.run(
                    manifest,
                    self.me,
                    update,
                    keys=self.keys,
                    receipts=self.receipts,
                    keep_records=self.keep_records,
                    trust_new=bool(self.trust_new),
                    observer=self.observer,
                )
            except Temporary:
                if not self.study.collected:
                    raise
                # It is not opened yet, or not closed: the organiser may do either at any time.
                await asyncio.sleep(LOOK_SECONDS)

    def _trained(self, model: Vector, number: int) -> Vector:
        if self.train is None:
            message = f"{self.me} is asked for an update, and has nothing to train with"
            raise UsageError(message, hint="--trainer MODULE:NAME", data_left=False)
        layers = self.study.shapes.split(model.copy())
        return self.study.update(model, self.train(layers, number))

    # --- models on disk -------------------------------------------------------------------------

    def _where(self) -> tuple[int, Vector | None]:
        """Return the round to go on with, and the model that it starts from, if it is here."""
        kept = self._kept_rounds()
        if kept:
            path = self._path(max(kept))
            found = load(path, self.study.shapes) if path.stat().st_size else None
            return max(kept) + 1, found
        return 1, self._first()

    def _first(self) -> Vector:
        named = self.study.table.first
        first = self.study.start if self.first is None else self.first
        if named is None and self.first is not None:
            message = "the study names no first model, so it starts from zeros"
            raise UsageError(message, hint="leave --model out", data_left=False)
        if named is not None and digest(self.study.shapes, first) != named:
            raise PinMismatch(
                "the first model is not the one that the study names",
                hint="--model FILE.npz, as its author gave it out",
                data_left=False,
            )
        return first

    def _kept_rounds(self) -> list[int]:
        if not self.keep_records:
            return []
        names = (path.stem.rpartition("-")[2] for path in self._own.glob(f"{self._stem}-*.npz"))
        return [int(name) for name in names if name.isdecimal()]

    def _keep(self, number: int, model: Vector | None) -> None:
        """Note that a round has ended, with its model, before the next one begins.

        A file without bytes stands for a round that this party learned nothing of.
        """
        if self.keep_records and model is not None:
            save(self._path(number), self.study.shapes, model)
        elif self.keep_records:
            self._path(number).touch(0o600)
        if model is not None and self.models is not None:
            leave(self.models, number, self.study.shapes, model)

    async def _found(self, number: int) -> Vector:
        """Return the model after a round that another party left."""
        if self.models is None:
            raise UsageError(
                f"{self.me} does not learn the model after round {number}, which the next one "
                "starts from",
                hint="--models DIRECTORY, where a recipient leaves it",
                data_left=False,
            )
        path = left(self.models, number)
        while True:
            if path.exists():
                return load(path, self.study.shapes)
            await asyncio.sleep(LOOK_SECONDS / 4)

    @property
    def _own(self) -> Path:
        return home.learning_directory()

    @property
    def _stem(self) -> str:
        return f"{PartyId(self.me)}-{self.study.digest[7:39]}"

    def _path(self, number: int) -> Path:
        return self._own / f"{self._stem}-{number}.npz"
