"""Decision trees in whole numbers: places, ranges and errors of what they compute.

Every tree is complete: 2^depth - 1 nodes, level by level, and 2^depth leaves. A node has one number
for each feature, of which the one it asks for is 1 and all others are 0, and a threshold, counted
in units of a query; a query goes left where its number is at most that. A leaf has one number for
each output, and a score adds up a leaf of every tree and a start. So thresholds are exact, and
only leaves are rounded.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ostraka.engine.array import SecretArray, stack
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import dot, matmul, mul
from ostraka.inputs.encoding import Codec, Signed
from ostraka.models import FlatTrees, flat_trees
from ostraka.protocols.forms.layers import Numbers

AT_ONCE: Final = 20_000
"""Comparisons up to which all nodes are compared at once: above, one node of each level is chosen
first, which takes the rounds of a comparison for each level."""


@dataclass(frozen=True)
class Trees:
    """A model's trees.

    Attributes:
        sizes: features and outputs.
        count, depth: number of trees, and of questions from the root to a leaf.
        query, weight: numbers of a query, and of leaves.
        least, most: bounds of an encoded number of a query.
    """

    sizes: Sequence[int]
    query: Numbers
    weight: Numbers
    count: int
    depth: int
    least: int
    most: int

    @property
    def nodes(self) -> int:
        """Number of nodes of a tree that ask for a feature."""
        return (1 << self.depth) - 1

    @property
    def values(self) -> int:
        """Number of leaves' numbers, and of the start's."""
        return (self.count * (self.nodes + 1) + 1) * self.sizes[1]

    @property
    def parameters(self) -> int:
        """Number of numbers that the owner shares."""
        return self.count * self.nodes * (self.sizes[0] + 1) + self.values

    @property
    def shape(self) -> str:
        """The part of the model that the manifest tells all parties."""
        return (
            f"{self.count} trees of depth {self.depth}, {self.sizes[0]} features and "
            f"{self.sizes[1]} outputs"
        )

    @property
    def unit(self) -> Fraction:
        """Value of an encoded 1 in a score."""
        return self.weight.unit

    def reaches(self) -> list[int]:
        """Return the largest absolute value of what is compared, and of a score, encoded."""
        return [2 * (self.query.magnitude + 1), (self.count + 1) * self.weight.magnitude]

    def fits(self, capacity: int, compared: int) -> bool:
        """Return whether nothing can exceed `capacity`, scores times `compared` included."""
        question, score = self.reaches()
        return max(question, compared * score) <= capacity

    def error(self) -> Fraction:
        """Return the most by which a score may differ from that of the model before rounding, for
        the query as it was rounded."""
        return (self.count + 1) * self.weight.rounding

    def comparisons(self, batch: int) -> int:
        """Return how many comparisons so many queries take."""
        return batch * self.count * (self.nodes if self._at_once(batch) else self.depth)

    def products(self, batch: int) -> int:
        """Return how many products so many queries take, terms of sums included."""
        return batch * self.parameters

    def _at_once(self, batch: int) -> bool:
        return batch * self.count * self.nodes <= AT_ONCE

    # --- a model's numbers --------------------------------------------------------------------

    def encode(self, raw: object, leaves: Codec) -> Signed:
        """Write a model as `parameters` whole numbers: a model file's, or a list of that length.

        Of a list the greatest of a node's numbers says which feature it asks for.
        """
        schema = leaves.schema.model_copy(update={"length": self.values})
        if not isinstance(raw, dict):
            plain = leaves.encode(raw)
            hot, thresholds, last = self._apart(plain)
            features, bounded = hot.argmax(-1), np.clip(thresholds, self.least - 1, self.most)
            return self._joined(features, bounded, last)
        flat = self._read(raw)
        thresholds = np.array([self._threshold(t) for t in flat.thresholds], np.int64)
        found = Codec(schema).encode(flat.values, lambda i: f"leaf value {i + 1}")
        return self._joined(np.array(flat.features, np.int64), thresholds, found)

    def _read(self, raw: Mapping[str, Any]) -> FlatTrees:
        return flat_trees(dict(raw), self.sizes, self.count, self.depth)

    def _threshold(self, value: float) -> int:
        """Return the greatest encoded number that is not above a threshold, or that all are."""
        bounded = min(max(value, float((self.least - 2) * self.query.unit)),
                      float((self.most + 2) * self.query.unit))  # fmt: skip
        found = floor(Fraction(bounded) / self.query.unit)
        return min(max(found, self.least - 1), self.most)

    def _joined(self, features: Signed, thresholds: Signed, values: Signed) -> Signed:
        nodes = self.count * self.nodes
        hot = np.zeros((nodes, self.sizes[0]), np.int64)
        hot[np.arange(nodes), features.reshape(-1)] = 1
        return np.concatenate([hot.reshape(-1), thresholds.reshape(-1), values])

    def _apart(self, model: Any) -> tuple[Any, Any, Any]:
        """Return the nodes' selections, shape (trees * nodes, features), thresholds, and leaves."""
        nodes = self.count * self.nodes
        start = nodes * self.sizes[0]
        hot = model[:start].reshape(nodes, self.sizes[0])
        return hot, model[start : start + nodes], model[start + nodes :]

    def _leaves(self, values: Any) -> tuple[Any, Any]:
        """Return the leaves, shape (trees * leaves, outputs), and the start."""
        outputs = self.sizes[1]
        return values[:-outputs].reshape(-1, outputs), values[-outputs:]

    # --- scores -------------------------------------------------------------------------------

    async def evaluate(self, queries: SecretArray, model: SecretArray) -> SecretArray:
        """Compute the encoded scores: shape (batch, outputs).

        Rounds: 3, one more for each level but the first, and those of a comparison; for many
        queries those of a comparison, and two more, for each level. Nothing is opened.
        """
        hot, thresholds, values = self._apart(model)
        batch = len(queries)
        asked = await matmul(queries, hot.T)
        above = thresholds.broadcast_to(asked.shape) - asked
        above = above.reshape(batch * self.count, self.nodes)
        if self._at_once(batch):
            above = await less_than_zero(above)
        here = queries.engine.public(1, (batch * self.count, 1))
        for level in range(self.depth):
            nodes = above[:, (1 << level) - 1 : (2 << level) - 1]
            here = await self._next_level(here, nodes, chosen=not self._at_once(batch))
        leaves, start = self._leaves(values)
        found = await matmul(here.reshape(batch, -1), leaves)
        started: SecretArray = found + start.broadcast_to(found.shape)
        return started

    async def _next_level(
        self, here: SecretArray, nodes: SecretArray, *, chosen: bool
    ) -> SecretArray:
        """Return which node of the next level is reached, from which one of this is.

        Args:
            here: 1 at the node that is reached, else 0: shape (paths, nodes).
            nodes: 1 where a query goes right; or what is below zero there, if one is `chosen`
                before it is compared.
        """
        if chosen:
            nodes = (await less_than_zero(await dot(here, nodes, axis=1)))[:, None]
        right = nodes if here.shape[1] == 1 and not chosen else await mul(here, nodes)
        return stack([here - right, right], axis=2).reshape(len(here), -1)

    def scores(self, queries: Signed, model: Signed) -> NDArray[np.int64]:
        """Compute the encoded scores in the clear: shape (batch, outputs)."""
        hot, thresholds, values = self._apart(model)
        above = (queries @ hot.T > thresholds).reshape(len(queries), self.count, self.nodes)
        at = np.zeros((len(queries), self.count), np.int64)
        for _ in range(self.depth):
            at = 2 * at + 1 + np.take_along_axis(above, at[..., None], 2)[..., 0]
        leaves, start = self._leaves(values)
        place = at - self.nodes + np.arange(self.count) * (self.nodes + 1)
        return np.asarray(leaves[place].sum(1) + start, np.int64)
