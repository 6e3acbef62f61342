from math import exp, fsum, sqrt

import numpy as np
import pytest

from ostraka.arithmetic.randomness import SeededDraw, Stream


@pytest.fixture(scope="session")
def stream():
    """A stream of its own for each name: the same in every run."""
    return lambda name: Stream(SeededDraw(name).seed(), "test")


@pytest.fixture(scope="session")
def chi_square():
    return excess


def excess(sample, weight, reach):
    """Standard deviations by which chi-square exceeds its mean; `weight` is the closed form, which
    is taken as 0 beyond `reach`. Cells with fewer than ten expected are put together."""
    assert np.abs(sample).max() <= reach
    width = max(1, (2 * reach + 1) // 4000)
    weights = np.array([weight(x) for x in range(-reach, reach + 1)])
    expected = np.add.reduceat(weights, np.arange(0, len(weights), width))
    expected *= len(sample) / fsum(weights)
    observed = np.bincount((sample + reach) // width, minlength=len(expected))
    rare = expected < 10
    cells = [*zip(observed[~rare], expected[~rare], strict=True)]
    if rare.any():
        cells.append((observed[rare].sum(), max(expected[rare].sum(), 1e-9)))
    value = fsum((o - e) ** 2 / e for o, e in cells)
    return (value - (len(cells) - 1)) / sqrt(2 * (len(cells) - 1))


@pytest.fixture(scope="session")
def bell():
    """Weights of a discrete Gaussian."""
    return lambda variance: lambda x: exp(-x * x / (2 * variance))


@pytest.fixture(scope="session")
def double():
    """Weights of a discrete Laplace."""
    return lambda scale: lambda x: exp(-abs(x) / scale)
