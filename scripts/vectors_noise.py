"""Vectors of noise from fixed streams, for scripts/vectors."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from vectors_engine import numbers, seed, sha256

from ostraka.arithmetic.randomness import Stream
from ostraka.noise import samplers

Vectors = list[dict[str, Any]]


def of_noise() -> Vectors:
    found = []
    for kind, parameter in (
        ("laplace", Fraction(1)),
        ("laplace", Fraction(1000, 3)),
        ("gaussian", Fraction(9)),
        ("gaussian", Fraction(10**6)),
    ):
        for length in (12, 300):
            drawn = getattr(samplers, kind)(parameter).draw(Stream(seed(9), "noise"), length)
            case = {"kind": kind, "parameter": str(parameter), "seed": seed(9).hex()}
            case |= {"label": "noise", "length": length, "first": numbers(drawn[:12])}
            found.append({**case, "sha256": sha256(drawn.astype("<i8").tobytes())})
    return found


def of_bad_noise() -> Vectors:
    return [
        {"kind": kind, "parameter": parameter, "error": "above 0"}
        for kind in ("laplace", "gaussian")
        for parameter in ("0", "-1")
    ]
