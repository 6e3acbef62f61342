"""Predictions: what numpy says, what is refused, and what `check` says of stealing a model.

Of protocols/predict.py, protocols/forms/layers.py, protocols/forms/model_options.py
and protocols/forms/model_cases.py.
"""

import asyncio
import json
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.errors import InputError, ManifestError, PeerViolation
from ostraka.explanation import check
from ostraka.inputs.reading import read_input
from ostraka.manifest import parse
from ostraka.models import export
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.model_cases import made_up_model
from ostraka.simulation import MemoryNet, run_all, simulate_sync

ALL = {"client": "ckr", "owner": "ck", "helper": "k"}
OUTSIDE = {"client": "cr", "owner": "c", "one": "k", "two": "k", "three": "k"}
WORDS = {"c": "contributor", "k": "compute", "r": "recipient"}


def count(layers):
    return sum((a + 1) * b for a, b in pairwise(layers))


def write(
    layers=(2, 1),
    model="logistic",
    *,
    batch=1,
    query=("int", -10, 10),
    weights=("float(4)", -2, 2),
    outputs="",
    roles=ALL,
    security="passive",
    threshold=1,
    more="",
    lengths=(),
):
    """A manifest; `lengths` gives other lengths of "query" and "model"."""
    text = '[session]\ntitle = "Test"\nprotocol = "predict"\ndeadline = "1m"\n'
    for i, (name, letters) in enumerate(roles.items()):
        named = json.dumps([WORDS[letter] for letter in letters])
        text += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = {named}\n'
        text += f'address = "127.0.0.1:{9000 + i}"\n'
    length = {"query": batch * layers[0], "model": count(layers), **dict(lengths)}
    for name, owner, (kind, low, high) in (("query", "client", query), ("model", "owner", weights)):
        text += f'[[input]]\nname = "{name}"\nof = ["{owner}"]\nlength = {length[name]}\n'
        text += f'type = "{kind}"\n' + (f"min = {low}\nmax = {high}\n" if low is not None else "")
    text += f'[outputs]\nmodel = "{model}"\nlayers = {list(layers)}\n{outputs}\n'
    text += f'[sharing]\nscheme = "shamir"\nthreshold = {threshold}\nsecurity = "{security}"\n'
    return parse(text + more)


def result(manifest, query, model, seed=0):
    found = simulate_sync(manifest, {"client": query, "owner": model}, seed=seed)
    assert all(found[name].status == "no-output" for name in found if name != "client")
    (output,) = found["client"].outputs
    return output.value


def scores(layers, queries, model):
    """Scores by the textbook, in exact fractions: a list for each query."""
    found = [
        [Fraction(x) for x in queries[i : i + layers[0]]] for i in range(0, len(queries), layers[0])
    ]
    at, numbers = 0, [Fraction(x) for x in model]
    for layer, (a, b) in enumerate(pairwise(layers)):
        if layer:
            found = [[max(x, Fraction(0)) for x in row] for row in found]
        w, c = numbers[at : at + a * b], numbers[at + a * b : at + (a + 1) * b]
        found = [
            [sum((x * w[i * b + j] for i, x in enumerate(row)), c[j]) for j in range(b)]
            for row in found
        ]
        at += (a + 1) * b
    return found


def labels(found):
    return [row.index(max(row)) if len(row) > 1 else int(row[0] > 0) for row in found]


# --- what comes out -----------------------------------------------------------------------------

TYPES = {
    "int": (("int", -10, 10), st.integers(-10, 10)),
    "decimal": (("decimal(1)", -10, 10), st.integers(-100, 100).map(lambda k: Decimal(k) / 10)),
    "float": (("float(3)", 0, 4), st.integers(0, 32).map(lambda k: k / 8)),
    "bool": (("bool", None, None), st.booleans()),
}
SHAPES = [(1, 1), (4, 1), (3, 4), (2, 3, 1), (3, 2, 3), (2, 2, 2, 2)]
WEIGHTS = st.integers(-32, 32).map(lambda k: k / 16)


@examples(30)
@given(st.data())
def test_it_is_what_the_rounded_model_says_to_the_last_digit(data):
    layers, batch = data.draw(st.sampled_from(SHAPES)), data.draw(st.integers(1, 4))
    kind, numbers = TYPES[data.draw(st.sampled_from(sorted(TYPES)))]
    query = data.draw(st.lists(numbers, min_size=batch * layers[0], max_size=batch * layers[0]))
    model = data.draw(st.lists(WEIGHTS, min_size=count(layers), max_size=count(layers)))
    reveal = data.draw(st.sampled_from(["label", "score"]))
    manifest = write(
        layers,
        "mlp" if len(layers) > 2 else "logistic",
        batch=batch,
        query=kind,
        outputs=f'reveal = "{reveal}"\nchecked = {str(data.draw(st.booleans())).lower()}',
        roles=data.draw(st.sampled_from([ALL, OUTSIDE])),
    )
    found, wanted = result(manifest, query, model), scores(layers, query, model)
    assert protocol_for(manifest).plaintext({"client": query, "owner": model}) == {reveal: found}
    found = [found] if batch == 1 else found
    if reveal == "label":
        assert found == labels(wanted)
    else:
        rows = [row if isinstance(row, list) else [row] for row in found]
        assert [[Fraction(text) for text in row] for row in rows] == wanted


@pytest.mark.parametrize("layers", [(3, 1), (2, 3, 3)])
@pytest.mark.parametrize("reveal", ["label", "score"])
def test_active_security_gives_the_same(layers, reveal):
    kind = "mlp" if len(layers) > 2 else "logistic"
    manifest = write(layers, kind, batch=2, outputs=f'reveal = "{reveal}"', security="active")
    rng = np.random.default_rng(len(layers))
    query = rng.integers(-10, 11, 2 * layers[0])
    model = rng.integers(-32, 33, count(layers)) / 16
    wanted = scores(layers, query.tolist(), model.tolist())
    found = result(manifest, query, model)
    if reveal == "label":
        assert found == labels(wanted)
    else:
        assert [Fraction(x) for x in np.ravel(found)] == [x for row in wanted for x in row]


WIDE = {"query": ("int", -(2**20), 2**20), "weights": ("float(20)", -(2**16), 2**16)}


@pytest.mark.parametrize("signs", [(1, 1), (-1, 1), (1, -1), (-1, -1)])
def test_extremes_of_ranges_that_just_fit(signs):
    query, model = [signs[0] * 2**20] * 8, [signs[1] * 2**16] * 9
    wanted = scores((8, 1), query, model)
    manifest = write((8, 1), **WIDE, outputs='reveal = "score"')
    assert [Fraction(result(manifest, query, model))] == wanted[0]
    assert result(write((8, 1), **WIDE), query, model) == labels(wanted)[0]


def test_a_score_of_zero_is_label_0_and_of_equal_scores_the_first_counts():
    assert result(write((2, 1)), [1, 1], [1, -1, 0]) == 0
    assert result(write((2, 1)), [1, 1], [1, -1, "0.0625"]) == 1
    assert result(write((1, 3)), [1], [0, 1, 1, 0, 0, 0]) == 1


def test_labels_have_the_names_that_the_manifest_gives():
    manifest = write((1, 1), batch=2, outputs='classes = ["no", "yes"]')
    assert result(manifest, [[-1], [1]], [1, 0]) == ["no", "yes"]


def test_a_model_file_and_a_matrix_of_queries():
    fitted = SimpleNamespace(
        coefs_=[np.array([[1.0, -1.0], [0.5, 0.31]]), np.eye(2)],
        intercepts_=[np.array([0.0, 1.0]), np.zeros(2)],
    )
    model = json.loads(export(fitted), parse_float=Decimal)
    manifest = write((2, 2, 2), "mlp", batch=3, outputs='reveal = "score"')
    found = result(manifest, np.array([[1, 2], [-3, 4], [0, 0]]), model)
    assert found == [["2", "0.625"], ["0", "5.25"], ["0", "1"]]  # 0.31 is 0.3125 in sixteenths


@given(
    st.lists(st.floats(-2, 2), min_size=9, max_size=9),
    st.lists(st.floats(0, 4), min_size=2, max_size=2),
)
def test_scores_differ_from_the_model_before_rounding_by_no_more_than_check_says(model, query):
    manifest = write((2, 2, 1), "mlp", query=("float(3)", 0, 4), outputs='reveal = "score"')
    protocol = protocol_for(manifest)
    twin = Fraction(protocol.plaintext({"client": query, "owner": model})["score"])
    ((exact,),) = scores((2, 2, 1), query, model)
    assert abs(twin - exact) <= protocol.layers.error()


def test_a_model_file_is_read_as_the_owner_gives_it(tmp_path):
    fitted = SimpleNamespace(coef_=np.array([[1e-3, 0.25]]), intercept_=-0.5, classes_=[0, 1])
    export(fitted, path := tmp_path / "model.json")
    manifest = write()
    protocol = protocol_for(manifest)
    raw = read_input(str(path), manifest.input_of("owner"), "owner")
    assert protocol.scheme.to_signed(protocol.encode("owner", raw)).tolist() == [0, 4, -8]


def test_a_made_up_case_of_bench_expects_what_its_model_says():
    case = made_up_model((3, 2, 1), 255, 12, model="mlp", reveal="score")
    inputs = case.tables(4)["input"]
    query, model = (case.value(i, 4) for i in range(2))
    assert [table["length"] for table in inputs] == [query.size, model.size]
    manifest = write((3, 2, 1), "mlp", batch=4, query=("int", 0, 255), weights=("float(12)", -1, 1),
                     outputs='reveal = "score"')  # fmt: skip
    found = [Fraction(text) * 2**24 for text in result(manifest, query, model)]
    assert found == case.expected(3, 4)[0].tolist()


# --- what is refused ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"lengths": {"model": 4}}, "has 3 weights and biases, not 4"),
        ({"lengths": {"query": 3}}, "or a multiple"),
        ({"layers": (2, 2, 1)}, "logistic model has two numbers"),
        ({"model": "mlp"}, "mlp model has three"),
        ({"model": "linear", "outputs": 'reveal = "label"'}, "gives a score"),
        ({"outputs": 'classes = ["one"]'}, "2 names"),
        ({"outputs": 'reveal = "score"\nclasses = ["a", "b"]'}, "none where scores"),
        ({"query": ('choice([\\"a\\", \\"b\\"])', None, None)}, "client gives numbers"),
        ({"weights": ("bool", None, None)}, "owner gives numbers"),
        ({"more": "[policy]\nmin_contributors = 1"}, "min_contributors"),
        ({"roles": {**ALL, "client": "ckr", "helper": "kc"}}, "input"),
        ({"layers": (1000, 1), "batch": 1500}, "comparisons"),
        ({"layers": (10000, 1000), "batch": 2000, "outputs": "checked = false"}, "too long"),
        ({"query": ("int", 0, 2**59), "weights": ("int", 0, 0)}, "too large"),
    ],
)  # fmt: skip
def test_what_cannot_be_predicted_is_refused_when_the_manifest_is_read(change, words):
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(**change))


@pytest.mark.parametrize(
    ("layers", "reveal", "fits"),
    [((8, 1), "score", 20), ((8, 1), "label", 20), ((8, 2), "score", 20), ((8, 2), "label", 19)],
)
def test_a_worst_case_that_does_not_fit_is_refused_with_the_bits_that_fit(layers, reveal, fits):
    wide = {"query": ("int", -(2**20), 2**20), "outputs": f'reveal = "{reveal}"'}
    bounds = (-(2**16), 2**16)
    protocol_for(write(layers, **wide, weights=(f"float({fits})", *bounds)))
    with pytest.raises(ManifestError, match="holds at most") as caught:
        protocol_for(write(layers, **wide, weights=("float(30)", *bounds)))
    assert f"float({fits}) for" in caught.value.hint
    with pytest.raises(ManifestError):
        protocol_for(write(layers, **wide, weights=(f"float({fits + 1})", *bounds)))


@pytest.mark.parametrize(
    ("me", "raw", "words"),
    [
        ("owner", [0, 0, 3], "weight 3 is above max"),
        ("owner", [0, 0], "2 values"),
        ("owner", {"format": "other"}, "format"),
        ("client", [0, 11], "above max"),
        ("client", [[0, 1], [2, 3]], "4 values"),
        ("client", [0.5, 1], "whole number"),
        ("client", None, "no input"),
    ],
)
def test_an_input_that_is_not_right_is_refused_before_anything_is_sent(me, raw, words):
    with pytest.raises(InputError, match=words) as caught:
        protocol_for(write()).encode(me, raw)
    assert caught.value.data_left is False


def play(manifest, query):
    """Run with an encoded query that the client's own program did not check."""
    protocol = protocol_for(manifest)
    true = protocol.encode

    def encode(me, raw):
        return protocol.scheme.from_signed(np.array(query)) if me == "client" else true(me, raw)

    protocol.encode = encode
    net = MemoryNet(manifest.parties, seed=1)
    return asyncio.run(run_all(protocol, {"client": [0, 0], "owner": [1, 1, 0]}, net, seed=1))


@pytest.mark.parametrize("security", ["passive", "active"])
@pytest.mark.parametrize("query", [[11, 0], [0, -11], [2**59, 0]])
def test_a_query_out_of_bounds_stops_the_run_and_its_client_is_named(security, query):
    for end in play(write(security=security), query).values():
        assert isinstance(end, PeerViolation)
        assert "client's input is not a query within its bounds" in end.message


def test_an_unchecked_query_out_of_bounds_is_not_noticed():
    manifest = write(outputs='checked = false\nreveal = "score"')
    assert play(manifest, [11, 0])["client"].outputs[0].value == "11"


# --- what check says ----------------------------------------------------------------------------


def said(manifest):
    return " ".join(check(manifest).sentences)


def test_check_says_how_many_scores_give_the_model():
    text = said(write((30, 1), batch=10, outputs='reveal = "score"'))
    assert "the scores of 31 queries of its choice give every weight, in 4 sessions" in text
    deep = said(write((2, 2, 2), "mlp", outputs='reveal = "score"'))
    assert "in time all of them" in deep
    assert "WARNING" not in said(write((30, 1)))
    assert "most_runs in a [[budget]] of owner's rules limits the sessions" in text


def test_check_says_what_is_rounded_and_what_is_not_checked():
    assert "0.66 at most" in said(write((2, 1)))  # 2 x 10 / 32 and 1 / 32
    assert "Rounding: none" in said(write((2, 1), weights=("decimal(2)", -2, 2)))
    assert "not checked against its bounds" in said(write(outputs="checked = false"))
    assert "numbers are from -10 to 10" in said(write())


def test_check_warns_of_an_owner_that_learns_the_result():
    text = said(write(roles={**ALL, "client": "ck", "owner": "ckr"}))
    assert "owner learns the result and chooses the model" in text
    assert "client together with owner" in text
