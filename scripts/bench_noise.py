#!/usr/bin/env python3
"""Noise on this machine, one core: samples a second in vectors, and reports a second.

scripts/bench_noise.py        medians of five runs each
"""

from __future__ import annotations

import time
from collections.abc import Callable
from fractions import Fraction
from statistics import median

import numpy as np

from ostraka.arithmetic.randomness import OsDraw, Stream
from ostraka.manifest import parse
from ostraka.noise.exact import Exact
from ostraka.noise.mechanisms import DiscreteGaussian, DiscreteLaplace, RandomizedResponse
from ostraka.noise.samplers import Gaussian, Laplace
from ostraka.noise.shares import Sensitivity
from ostraka.protocols import protocol_for

MILLION = 10**6
REPORTS = 2000


def seconds(run: Callable[[], object]) -> float:
    run()
    return median(_once(run) for _ in range(5))


def _once(run: Callable[[], object]) -> float:
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def vectors() -> None:
    print("million samples a second, in vectors of a million; tables")
    stream = Stream(OsDraw().seed(), "bench")
    samplers = {f"Laplace, scale {s:g}": Laplace(Fraction(s)) for s in (1, 100, 10**6)}
    samplers |= {f"Gaussian, deviation {s:g}": Gaussian(Fraction(s * s)) for s in (1, 100, 10**6)}
    for name, sampler in samplers.items():
        spent = seconds(lambda sampler=sampler: sampler.draw(stream, MILLION))
        print(f"{name:34}{MILLION / spent / 1e6:8.0f}{len(sampler.tables):8}")
    apart, zeros = Sensitivity(MILLION, MILLION, MILLION), np.zeros(MILLION, np.int64)
    mechanisms = {
        "randomized response, 2 answers": RandomizedResponse(2, Fraction(1, 2)),
        "randomized response, 10 answers": RandomizedResponse(10, Fraction(1, 2)),
        "discrete Laplace report": DiscreteLaplace(Fraction(1), apart),
        "discrete Gaussian report": DiscreteGaussian(Fraction(1), Fraction(1, 10**9), apart),
    }
    for name, mechanism in mechanisms.items():
        spent = seconds(lambda mechanism=mechanism: mechanism.randomize(zeros, stream))
        print(f"{name:34}{MILLION / spent / 1e6:8.0f}")


def one_by_one() -> None:
    exact = Exact(Stream(OsDraw().seed(), "bench"))
    print("\nexact values a second, one by one")
    for name, draw in {
        "Laplace, scale 100": lambda: exact.laplace(Fraction(100)),
        "Gaussian, deviation 100": lambda: exact.gaussian(Fraction(10_000)),
    }.items():
        spent = seconds(lambda draw=draw: [draw() for _ in range(10_000)])
        print(f"{name:34}{10_000 / spent:8.0f}")


def reports() -> None:
    print("\nreports a minute, noised and shared to three compute parties")
    for kind, noise in {
        "bool": '{ mechanism = "randomized-response", epsilon = 1 }',
        "int, 0 to 100": '{ mechanism = "laplace", epsilon = 1 }',
    }.items():
        protocol = protocol_for(parse(MANIFEST.format(_input(kind), noise)))
        me, draw = protocol.contributors[0], OsDraw()
        spent = seconds(
            lambda protocol=protocol, me=me, draw=draw: [
                protocol.share(protocol.input_of(me, 1, draw), me, draw) for _ in range(REPORTS)
            ]
        )
        print(f"{kind:34}{60 * REPORTS / spent:8.0f}")


def _input(kind: str) -> str:
    return 'type = "bool"' if kind == "bool" else 'type = "int"\nmin = 0\nmax = 100'


_PARTY = (
    '[[party]]\nname = "{0}"\nkey = "sha256:{1:064x}"\nroles = {2}\naddress = "127.0.0.1:{3}"\n'
)
MANIFEST = (
    '[session]\ntitle = "Bench"\nprotocol = "secure-sum"\ndeadline = "1m"\n'
    + "".join(_PARTY.format(f"k{i}", i, '["compute", "recipient"]', 9000 + i) for i in range(3))
    + _PARTY.format("a", 3, '["contributor"]', 9003)
    + "[input]\n{0}\n[policy]\nmin_contributors = 1\n[privacy]\nlocal = {1}\n"
)

if __name__ == "__main__":
    vectors()
    one_by_one()
    reports()
