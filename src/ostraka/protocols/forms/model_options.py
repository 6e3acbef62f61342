"""`[outputs]` of predictions."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictInt

from ostraka.protocols.options import InputOptions

Size = Annotated[StrictInt, Field(ge=1)]


class PredictOptions(InputOptions):
    """`[outputs]` of a prediction.

    Attributes:
        model: linear, logistic, or mlp, a network with ReLU between its layers; or trees: one, a
            forest, or gradient boosting.
        layers: features of a query, outputs of each layer: [30, 1], or [784, 128, 10].
        trees, depth: most trees, and most questions from root to leaf: of trees alone.
        reveal: label, the most likely class; top, the most likely ones; score, the exact output of
            the last layer. By default label, of a linear model score.
        top: number of classes where the most likely ones are revealed.
        classes: names of the classes, in the model's order; by default labels are numbers from 0.
        checked: whether the compute parties find every number of a query to be within its bounds,
            without seeing it.
        invalid: without the query there is no result: the run stops.
    """

    model: Literal["linear", "logistic", "mlp", "trees"]
    layers: tuple[Size, ...] = Field(min_length=2, max_length=20)
    trees: Annotated[StrictInt, Field(ge=1, le=10_000)] | None = None
    depth: Annotated[StrictInt, Field(ge=1, le=12)] | None = None
    reveal: Literal["label", "top", "score"] | None = None
    top: Annotated[StrictInt, Field(ge=2)] | None = None
    classes: tuple[str, ...] = ()
    checked: StrictBool = True
    invalid: Literal["abort"] = "abort"
