"""Cohorts: which devices contribute to a round, drawn by a seed that is public.

Rounds are taken in *epochs*. In each, the devices are put in an order that follows from the study's
digest and the epoch's number, and cut into cohorts, one a round. So all parties know who is asked,
each device is in one round of an epoch at most, and what it spends over all rounds is bounded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from ostraka.names import PartyId


def cohort(
    study: str, number: int, devices: Sequence[PartyId], size: int | None
) -> tuple[PartyId, ...]:
    """Return the devices of one round, in the order in which they are given.

    Args:
        study: the study's digest.
        number: the round's, from 1.
        size: how many; None for all.
    """
    if size is None or size >= len(devices):
        return tuple(devices)
    epoch, part = divmod(number - 1, len(devices) // size)
    ranked = sorted(devices, key=lambda name: _rank(study, epoch, name))
    chosen = set(ranked[part * size : (part + 1) * size])
    return tuple(name for name in devices if name in chosen)


def rounds_of_one(rounds: int, devices: int, size: int | None) -> int:
    """Return how many of the rounds one device can be in at most: one of each epoch."""
    if size is None or size >= devices:
        return rounds
    return -(-rounds // (devices // size))


def _rank(study: str, epoch: int, name: str) -> bytes:
    said = b"ostraka cohort 1\0" + f"{study}\0{epoch}\0{name}".encode()
    return hashlib.sha256(said).digest()
