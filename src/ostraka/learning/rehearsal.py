"""Rehearsal of a study in one process: all devices, all rounds, made-up or public data."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from ostraka.errors import OstrakaError
from ostraka.learning.model import Vector
from ostraka.learning.study import Study
from ostraka.learning.training import Trainer
from ostraka.outcome import Outcome
from ostraka.simulation import simulate_sync


@dataclass(frozen=True)
class Rehearsed:
    """End of one rehearsed round.

    Attributes:
        number: the round's, from 1.
        model: the model after it.
        outcome: as a recipient would have it; its contributors are those counted.
    """

    number: int
    model: Vector
    outcome: Outcome


def rehearse(
    study: Study,
    trainers: Mapping[str, Trainer],
    *,
    first: Vector | None = None,
    missing: Callable[[int], Mapping[str, int]] = lambda _: {},
    seed: int = 0,
) -> Iterator[Rehearsed]:
    """Yield the rounds of a study, each with the real protocol, by `simulate`.

    Args:
        trainers: of all devices, by name.
        first: the model that the first round starts from; by default zeros.
        missing: returns for a round the devices that crash, and after how many messages.
        seed: the same seed gives the same rounds.

    Raises:
        OstrakaError: that a round ended with at a recipient.
    """
    model = study.start if first is None else first
    for number in range(1, study.table.rounds + 1):
        manifest, lost = study.manifest(number, model), dict(missing(number))
        given: dict[str, object] = {
            name: study.update(model, trainers[name](study.shapes.split(model.copy()), number))
            for name in study.cohort(number)
            if lost.get(name) != 0
        }
        drop = {name: count for name, count in lost.items() if name in manifest.parties}
        ends = simulate_sync(manifest, given, seed=seed + number, drop=drop)
        outcome = ends[manifest.recipients[0]]
        if isinstance(outcome, OstrakaError):
            raise outcome
        model = study.after(model, outcome)
        yield Rehearsed(number, model, outcome)


def without_protocol(study: Study, trainers: Mapping[str, Trainer], first: Vector) -> Vector:
    """Return the model of the same rounds without noise, clipped and added up in the clear."""
    model = first
    for number in range(1, study.table.rounds + 1):
        asked = study.cohort(number)
        layers = [trainers[name](study.shapes.split(model.copy()), number) for name in asked]
        total = np.sum([study.update(model, after) for after in layers], axis=0)
        model = study.next_model(model, total, len(asked))
    return model
