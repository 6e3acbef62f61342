"""A protocol from outside ostraka's own package: sums in which contributors count differently."""

import numpy as np
from pydantic import BaseModel, ConfigDict

from ostraka.errors import ManifestError
from ostraka.outcome import Output
from ostraka.protocols.bench_case import BenchCase
from ostraka.protocols.options import read_options
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.sentences import explain_linear


class WeightedSumOptions(BaseModel):
    """`[outputs]` of a weighted sum.

    Attributes:
        weights: how much each contributor counts, in the manifest's order.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    weights: tuple[int, ...]


class WeightedSum(Protocol):
    """Sum in which each contributor counts as often as the manifest says

    Contributors: one number each. Recipients learn the weighted sum, and nothing else.
    """

    name = "weighted-sum"
    options_model = WeightedSumOptions
    bench_cases = {  # noqa: RUF012 - as it stands in the base class
        "weighted": BenchCase(
            lambda _: {
                "input": {"type": "int", "min": 0, "max": 9},
                "outputs": {"weights": [1, 2, 3]},
            },
            lambda voter, _: voter,
            lambda n, _: (np.array([sum(i * (i + 1) for i in range(n))]),),
        )
    }

    def __init__(self, manifest):
        super().__init__(manifest)
        self.weights = read_options(WeightedSumOptions, manifest).weights
        self.opened = 1
        if len(self.weights) != len(self.contributors):
            raise ManifestError("outputs.weights: must be one for each contributor")

    def roster_weights(self):
        return dict(zip(self.contributors, self.weights, strict=True))

    async def compute(self, party, shares):
        total = self.scheme.zeros(1)
        for contributor, weight in self.roster_weights().items():
            for _ in range(weight):
                self.scheme.add(total, shares.of(contributor))
        return total

    def combine(self, opened, counted):
        return (Output("weighted sum", "", (self.scheme.to_signed(opened),), None, scalar=True),)

    def plaintext(self, inputs):
        weights = self.roster_weights()
        return {"weighted sum": sum(weights[c] * x for c, x in inputs.items())}

    def explain(self):
        return explain_linear(self, "the weighted sum")
