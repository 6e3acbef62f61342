"""Predictions of one party's model for another's query, without showing either."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Final, Literal

import numpy as np

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.backend import FREE_NS, Backend, backend_of
from ostraka.engine.choose import argmax, leaders
from ostraka.engine.compare import less_than_zero
from ostraka.engine.multiply import mul
from ostraka.inputs.encoding import Codec, Signed
from ostraka.inputs.rendering import renderer
from ostraka.manifest import BoolType, InputSchema, Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.forms.layers import Layers, Numbers, narrower
from ostraka.protocols.forms.model_cases import made_up_model
from ostraka.protocols.forms.model_options import PredictOptions
from ostraka.protocols.forms.trees import Trees
from ostraka.protocols.interactive import COMPARISONS, Interactive, all_zero, apart, name_of
from ostraka.protocols.options import read_options, refuse
from ostraka.protocols.sentences import IF_INVALID, explain_interactive, names
from ostraka.protocols.shares import Shares

PRODUCTS: Final = 10_000_000_000
"""Limit on a run's products of a number of a query and a weight: some tens of seconds."""

NETWORK: Final = (784, 128, 10)

BENCH: Final = {
    "predict": made_up_model(NETWORK, 255, 12, model="mlp", checked=False),
    "predict-checked": made_up_model(NETWORK, 255, 12, model="mlp"),
    "logistic": made_up_model(
        (30, 1), 1 << 16, 16, model="logistic", reveal="score", checked=False
    ),
}


class Predict(Interactive):
    """Predictions of one party's model for another party's queries. [BGW88] [GRR98] [NO07]

    Contributors: a client gives the input "query", numbers of one or more queries; an owner gives
    "model", weights and biases. The model's shape is in the manifest.
    Recipients learn: of each query the label, or the exact scores. Compute parties learn whether
    the query is out of bounds. No party learns more of the query or the model.
    Rounds: 2 and one for each layer; for each hidden layer a comparison and one more; a label costs
    one comparison, or what the largest of several costs; the check of bounds 3 and a comparison.
    Bytes: 8 for each element of query and model to each of n - t compute parties; between compute
    parties one element for each output of a layer, and comparisons. `cost()` is exact.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay; client and owner may be
    among them. With active security t that lie can only stop the run.
    """

    name = "predict"
    between = "the query of one and the model of another"
    bench_cases = BENCH
    usual_type = "float(12)"
    options_model = PredictOptions
    options: PredictOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self.options = read_options(PredictOptions, manifest)
        self.client, self.owner = self._giver("query"), self._giver("model")
        self._require_inputs()
        self.query, self.model = (Codec(manifest.input_of(c)) for c in (self.client, self.owner))
        self._require_options()
        self.layers = self._shape()
        self.reveal = self.options.reveal or self._usual_reveal
        self._require_lengths()
        self.batch = self.query.length // self.layers.sizes[0]
        opened = {"label": 1, "top": self.options.top or 0, "score": self.outputs}
        self.opened = self.batch * opened[self.reveal]
        self._require_no_overflow()
        self._require_bounded_work()

    def _giver(self, name: str) -> PartyId:
        """Return the contributor that gives the input of this name."""
        found = [c for c in self.contributors if self.manifest.input_of(c).name == name]
        if len(found) != 1 or len(self.contributors) != 2:
            refuse(
                'input: a prediction has two inputs, named "query" and "model", each of one '
                "contributor",
                hint='write [[input]] with name = "query" and of = ["CLIENT"], and another with '
                'name = "model" and of = ["OWNER"]',
            )
        return found[0]

    def _shape(self) -> Layers | Trees:
        asked, numbers = self.options, (Numbers.of(self.query), Numbers.of(self.model))
        if asked.trees is None or asked.depth is None:
            return Layers(asked.layers, *numbers, asked.model)
        bounds = self.query.low, self.query.high
        return Trees(asked.layers, *numbers, asked.trees, asked.depth, *bounds)

    @property
    def outputs(self) -> int:
        """Number of outputs of the last layer."""
        return self.layers.sizes[-1]

    @property
    def classes(self) -> Sequence[str]:
        """Names of the classes; numbers from 0 where the manifest gives none."""
        return self.options.classes or [str(i) for i in range(max(2, self.outputs))]

    @property
    def _usual_reveal(self) -> Literal["label", "top", "score"]:
        return "score" if self.options.model == "linear" else "label"

    # --- inputs ---------------------------------------------------------------------------------

    def encode(self, me: PartyId, raw: object) -> Words:
        """Write queries, one after another, or a model, whose weights are rounded here."""
        if me == self.client:
            return self.scheme.from_signed(self.query.encode(_in_a_row(raw)))
        return self.scheme.from_signed(self.layers.encode(raw, self.model))

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        vectors = apart(x, shares)
        query = vectors[self.client]
        if self.options.checked:
            query = await self._checked(query, shares)
        found = await self.layers.evaluate(query.reshape(self.batch, -1), vectors[self.owner])
        return (found if self.reveal == "score" else await self._labels(found)).reshape(-1)

    async def _labels(self, scores: SecretArray) -> SecretArray:
        """Return the places of the largest scores, or of one score whether it is above 0."""
        if self.outputs == 1:
            return await less_than_zero(-scores)
        if self.reveal == "label":
            return await argmax(scores)
        places = scores.engine.public(np.arange(self.outputs)[:, None], scores.T.shape)
        return (await leaders(stack([scores.T, places]), self.options.top or 1))[1].T

    async def _checked(self, query: SecretArray, shares: Shares) -> SecretArray:
        """Share the query afresh, and stop unless all of its numbers are within bounds."""
        fresh, low, high = await mul(query, query.engine.public(1)), self.query.low, self.query.high
        asked = await backend_of(fresh).offload(
            4 * FREE_NS * fresh.size, lambda: concatenate([fresh - low, high - fresh])
        )
        less = await less_than_zero(asked)
        fine = (await all_zero(less.reshape(1, -1)))[0]
        valid = np.array([fine or c != self.client for c in shares.counted])
        await self.reject_invalid(shares, valid, "a query within its bounds")
        return fresh

    # --- results --------------------------------------------------------------------------------

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        return (self._output(self.scheme.to_signed(opened)),)

    def _output(self, numbers: Signed) -> Output:
        alone = self.batch == 1
        if self.reveal != "score":
            return self._labels_out(numbers)
        unit = self.manifest.input_of(self.owner).unit
        shown = renderer(self.layers.unit, as_text=True)
        if self.outputs == 1:
            return Output("score", unit, (numbers,), shown, scalar=alone)
        columns = tuple(np.ascontiguousarray(numbers.reshape(self.batch, -1).T))
        return Output("score", unit, columns, lambda *row: list(map(shown, row)), scalar=alone)

    def _labels_out(self, numbers: Signed) -> Output:
        for number in numbers.tolist():
            name_of(self.classes, number)
        alone, named = self.batch == 1, self.classes.__getitem__ if self.options.classes else int
        if self.reveal == "label":
            return Output("label", "", (numbers,), named if self.options.classes else None,
                          scalar=alone)  # fmt: skip
        columns = tuple(np.ascontiguousarray(numbers.reshape(self.batch, -1).T))
        return Output("labels", "", columns, lambda *row: list(map(named, row)), scalar=alone)

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        queries = self.query.encode(_in_a_row(inputs[self.client])).reshape(self.batch, -1)
        scores = self.layers.scores(queries, self.layers.encode(inputs[self.owner], self.model))
        if self.reveal == "label":
            scores = scores.argmax(1) if self.outputs > 1 else (scores[:, 0] > 0).astype(np.int64)
        elif self.reveal == "top":
            scores = np.argsort(-scores, axis=1, kind="stable")[:, : self.options.top]
        output = self._output(scores.reshape(-1))
        return {output.name: output.value}

    # --- before anything runs -------------------------------------------------------------------

    def _require_inputs(self) -> None:
        if self.manifest.policy.min_contributors != 2:
            refuse("policy.min_contributors: query and model are needed: leave it out, or say 2")
        for name in (self.client, self.owner):
            kind = self.manifest.input_of(name).type
            if not kind.numeric and not (isinstance(kind, BoolType) and name == self.client):
                refuse(f"input.type: {name} gives numbers, not {kind}")

    def _require_lengths(self) -> None:
        features, wanted = self.layers.sizes[0], self.layers.parameters
        if self.query.length % features:
            refuse(
                f"input.length: the query must be {features} numbers, or a multiple for several "
                f"queries, as outputs.layers begins with {features}; not {self.query.length}"
            )
        if self.model.length != wanted:
            what = "numbers" if self.options.trees else "weights and biases"
            refuse(
                f"input.length: a model of {'' if self.options.trees else 'layers '}"
                f"{self.layers.shape} has {wanted} {what}, not {self.model.length}",
                hint=f'set length = {wanted} for the input "model"',
            )

    def _require_options(self) -> None:
        kind, asked, outputs = self.options.model, self.options, self.options.layers[-1]
        if {kind == "trees"} != {asked.trees is not None, asked.depth is not None}:
            refuse(
                "outputs.trees: trees and depth are for a model of trees, which needs both",
                hint="such as trees = 100 and depth = 6, the most that the model may have",
            )
        if (kind == "mlp") != (len(asked.layers) > 2):
            shape = "two numbers, or say model = mlp" if kind != "mlp" else "three numbers or more"
            refuse(f"outputs.layers: a {kind} model has {shape}")
        reveal = asked.reveal or self._usual_reveal
        if kind == "linear" and reveal != "score":
            refuse("outputs.reveal: a linear model gives a score, no label: leave it out")
        if (reveal == "top") != (asked.top is not None) or (asked.top or 0) > outputs:
            refuse('outputs.top: reveal = "top" takes top = 2 or more, at most the outputs')
        if asked.classes and (reveal == "score" or len(asked.classes) != max(2, outputs)):
            refuse(
                f"outputs.classes: {max(2, outputs)} names for labels; none where scores are "
                "revealed"
            )

    def _fits(self, layers: Layers | Trees) -> bool:
        several = self.reveal != "score" and self.outputs > 1
        return layers.fits(self.scheme.capacity, 2 if several else 1)

    def _require_no_overflow(self) -> None:
        """Refuse ranges with which a score, or a comparison, could wrap around."""
        if 4 * max(self.query.magnitude, 1) > self.scheme.capacity:
            refuse("input.max: the query's numbers are too large")
        if self._fits(self.layers):
            return
        other = narrower(self.layers, self.model, self._fits)
        schema = self.manifest.input_of(self.owner)
        hint = f'{other} for the input "model" fits' if other else "no type of these bounds fits"
        refuse(
            f"input.type: with weights of {schema.type} from {schema.min} to {schema.max} what a "
            f"layer computes can reach {max(self.layers.reaches())}, and {self.scheme.name} "
            f"sharing holds at most {self.scheme.capacity}",
            hint=f"{hint}; narrower bounds, or a coarser query, help too",
        )

    def _require_bounded_work(self) -> None:
        if self.layers.products(self.batch) > PRODUCTS:
            refuse("input.length: so many queries of such a model take too long: ask for fewer")
        k = self.outputs
        last = (max(1, k * (k - 1) // 2)) if self.reveal != "score" else 0
        checks = 2 * self.query.length * self.options.checked
        count = self.layers.comparisons(self.batch) + self.batch * last + checks
        most = self.most_of(COMPARISONS)
        if count > most:
            refuse(
                f"input.length: {self.batch} queries take {count} comparisons, which is too long; "
                f"at most {most}",
                hint="ask for fewer queries, or say checked = false in [outputs], if the owner of "
                "the model trusts the client's program",
            )

    # --- in words -------------------------------------------------------------------------------

    def explain(self) -> list[str]:
        what = f"{self._answer} of {self.owner}'s model for {self.client}'s "
        what += "query" if self.batch == 1 else f"{self.batch} queries"
        said = [self._exact(), *self._stealing(), self._again(), self._bounds_in_words()]
        return explain_interactive(self, what, said)

    @property
    def _answer(self) -> str:
        if self.reveal != "score":
            return "the label" if self.reveal == "label" else f"the {self.options.top} best labels"
        return "the exact score" + "s" * (self.outputs > 1)

    def _exact(self) -> str:
        schema = self.manifest.input_of(self.owner)
        text = "Rounding: "
        if error := self.layers.error():
            most = self.layers.reaches()[-1] * self.layers.unit
            text += (
                f"inputs are rounded when they are read, the model to {schema.type}, and nothing "
                f"after that. A score, which the bounds allow to reach {float(most):.2g}, differs "
                "from that of the model before rounding by "
                f"{float(error):.2g} at most, if all roundings add up; usually by far less."
            )
        else:
            text += f"none: the model's numbers are {schema.type}, and all is computed exactly."
        text += f" The shape of the model, {self.layers.shape}, is in the manifest."
        if self.options.trees:
            text += (
                " Each tree is filled up to that depth, and trees that lack are made up, so no "
                "party learns how many there are, how deep, or which features they ask for. "
                "Thresholds lose nothing; a query's number that is rounded when it is read may "
                "come to lie on the other side of one."
            )
        return text

    def _stealing(self) -> Iterator[str]:
        """Say how much of the model answers give away, and to which parties."""
        who: str = self.client
        if self.client not in self.recipients:
            who += f" together with {names(self.recipients)}"
        if self.reveal == "score" and len(self.layers.sizes) == 2:
            count = self.layers.sizes[0] + 1
            sessions = -(-count // self.batch)
            yield (
                f"WARNING: {who} can work out the whole model: the scores of {count} queries of "
                f"its choice give every weight, in {sessions} session{'s' * (sessions > 1)} of "
                'these. reveal = "label" tells far less.'
            )
        elif self.reveal == "score":
            yield (
                f"WARNING: exact scores of many queries of its choice tell {who} weights of the "
                'model, and in time all of them. reveal = "label" tells far less.'
            )
        else:
            yield (
                f"The answer itself: labels of many queries of its choice tell {who} where the "
                "model changes its mind, and in time give a model that predicts alike."
            )
        if self.owner in self.recipients:
            yield (
                f"WARNING: {self.owner} learns the result and chooses the model: one made for "
                f"that reads numbers of {self.client}'s query from it."
            )

    def _again(self) -> str:
        count = "one more query" if self.batch == 1 else f"{self.batch} more queries"
        return (
            f"Repeated sessions: each answers {count}. most_runs in a [[budget]] of {self.owner}'s "
            "rules limits the sessions that its model may be in, failed ones that may have told "
            "something included. A budget of epsilon refuses all of them: answers are exact."
        )

    def _bounds_in_words(self) -> str:
        free = (
            f"The model is not checked, which changes no other's secret: {self.owner} may give any "
            "model, and the result is that model's, or arbitrary."
        )
        if not self.options.checked:
            return (
                f"WARNING: the query is not checked against its bounds (checked = false). If "
                f"{self.client}'s program does not follow the protocol it can share larger "
                f"numbers, and one answer then tells more of the model, unnoticed. {free}"
            )
        schema = self.manifest.input_of(self.client)
        return (
            f"Inputs are checked before they count, without being seen: {self.client}'s numbers "
            f"are {_range(schema)}. Anything else is found, its value hidden: "
            f"{IF_INVALID['abort']}. {free}"
        )


def _range(schema: InputSchema) -> str:
    return f"from {schema.min} to {schema.max}" if schema.type.numeric else "true or false"


def _in_a_row(raw: object) -> object:
    """Return rows of numbers as one list; anything else as it is."""
    if isinstance(raw, np.ndarray):
        return raw.reshape(-1)
    if isinstance(raw, list | tuple) and raw and all(isinstance(row, list | tuple) for row in raw):
        return [number for row in raw for number in row]
    return raw
