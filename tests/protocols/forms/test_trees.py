"""Trees: what they say secretly is what the complete trees say in the clear."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.errors import InputError, ManifestError
from ostraka.explanation import check
from ostraka.manifest import parse
from ostraka.models import FORMAT
from ostraka.protocols import protocol_for
from ostraka.protocols.forms import trees
from ostraka.simulation import simulate_sync


def write(count=2, depth=2, layers=(2, 1), *, batch=1, outputs="", security="passive"):
    nodes = 2**depth - 1
    length = count * nodes * (layers[0] + 1) + (count * (nodes + 1) + 1) * layers[1]
    text = '[session]\ntitle = "Test"\nprotocol = "predict"\ndeadline = "1m"\n'
    for i, (name, words) in enumerate(
        {"client": '"contributor", "compute", "recipient"', "owner": '"contributor", "compute"',
         "helper": '"compute"'}.items()
    ):  # fmt: skip
        text += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = [{words}]\n'
        text += f'address = "127.0.0.1:{9000 + i}"\n'
    text += '[[input]]\nname = "query"\nof = ["client"]\ntype = "decimal(1)"\n'
    text += f"length = {batch * layers[0]}\n"
    text += 'min = -10\nmax = 10\n[[input]]\nname = "model"\nof = ["owner"]\n'
    text += f'type = "float(4)"\nlength = {length}\nmin = -8\nmax = 8\n'
    text += (
        f'[outputs]\nmodel = "trees"\ntrees = {count}\ndepth = {depth}\nlayers = {list(layers)}\n'
    )
    text += f'{outputs}\n[sharing]\nscheme = "shamir"\nthreshold = 1\nsecurity = "{security}"\n'
    return parse(text)


def tree(draw, depth, features, outputs):
    """A tree as a file holds it, of any shape up to a depth."""
    found = {key: [] for key in ("features", "thresholds", "left", "right", "values")}

    def grow(depth):
        place = len(found["left"])
        found["features"].append(draw.randrange(features))
        found["thresholds"].append(draw.choice([0.05, -3.25, 2.0, 7.31, 99.0, -1e300]))
        found["values"].append([draw.randrange(-32, 32) / 16 for _ in range(outputs)])
        found["left"].append(0)
        found["right"].append(0)
        if depth and draw.random() < 0.8:
            found["left"][place], found["right"][place] = grow(depth - 1), grow(depth - 1)
        return place

    grow(depth)
    return found


def walk(model, row):
    """Scores by the textbook, in exact fractions."""
    total = [Fraction(v) for v in model["start"]]
    for t in model["trees"]:
        at = 0
        while t["left"][at]:
            left = Fraction(row[t["features"][at]]) <= Fraction(t["thresholds"][at])
            at = t["left"][at] if left else t["right"][at]
        total = [a + Fraction(v) for a, v in zip(total, t["values"][at], strict=True)]
    return total


@examples(25)
@given(st.data())
def test_it_is_what_the_trees_say_to_the_last_digit(data):
    draw = data.draw(st.randoms(use_true_random=False))
    layers = (draw.randrange(1, 4), draw.choice([1, 2, 3]))
    count, depth, batch = draw.randrange(1, 4), draw.randrange(1, 4), draw.randrange(1, 4)
    grown = [tree(draw, depth, *layers) for _ in range(draw.randrange(1, count + 1))]
    head = {"format": FORMAT, "model": "trees", "layers": list(layers)}
    model = {**head, "trees": grown, "start": [0.5] * layers[1]}
    rows = [
        [Fraction(draw.randrange(-100, 101), 10) for _ in range(layers[0])] for _ in range(batch)
    ]
    reveal = draw.choice(["label", "score", "top"] if layers[1] > 1 else ["label", "score"])
    outputs = f'reveal = "{reveal}"\n' + ("top = 2\n" if reveal == "top" else "")
    manifest = write(count, depth, layers, batch=batch, outputs=outputs,
                     security=draw.choice(["passive", "active"]))  # fmt: skip
    query = [str(float(x)) for row in rows for x in row]
    limits = trees.AT_ONCE, trees.AT_A_TIME
    trees.AT_ONCE, trees.AT_A_TIME = (draw.choice([0, limit]) for limit in limits)
    try:
        (output,) = simulate_sync(manifest, {"client": query, "owner": model})["client"].outputs
    finally:
        trees.AT_ONCE, trees.AT_A_TIME = limits
    wanted = [walk(model, row) for row in rows]
    found = [output.value] if batch == 1 else output.value
    plain = protocol_for(manifest).plaintext({"client": query, "owner": model})
    assert plain == {output.name: output.value}
    if reveal == "score":
        found = [row if isinstance(row, list) else [row] for row in found]
        assert [[Fraction(text) for text in row] for row in found] == wanted
    elif layers[1] == 1:
        assert found == [int(row[0] > 0) for row in wanted]
    else:
        best = [sorted(range(layers[1]), key=lambda i, row=row: -row[i]) for row in wanted]
        assert found == [row[0] if reveal == "label" else row[:2] for row in best]


def test_a_made_up_list_is_some_model():
    manifest = write()
    protocol = protocol_for(manifest)
    length = manifest.input_of("owner").length
    numbers = np.random.default_rng(1).integers(-128, 128, length) / 16
    found = simulate_sync(manifest, {"client": [1, 2], "owner": numbers})["client"].outputs[0].value
    assert protocol.plaintext({"client": [1, 2], "owner": numbers}) == {"label": found}


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ('reveal = "top"', "outputs.top"),
        ("top = 2", "outputs.top"),
        ('reveal = "top"\ntop = 3', "outputs.top"),
    ],
)
def test_what_cannot_be_asked_is_refused(outputs, words):
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(layers=(2, 2), outputs=outputs))


def test_a_depth_has_a_limit():
    with pytest.raises(ManifestError, match=r"outputs.trees|depth"):
        protocol_for(write(depth=13))


def test_a_leaf_out_of_bounds_is_refused_before_anything_is_sent():
    leaf = {"features": [0], "thresholds": [0], "left": [0], "right": [0], "values": [[9]]}
    raw = {"format": FORMAT, "model": "trees", "layers": [2, 1], "trees": [leaf], "start": [0]}
    with pytest.raises(InputError, match="leaf value 1 is above max"):
        protocol_for(write()).encode("owner", raw)


def test_check_says_what_of_the_shape_is_public_and_what_is_rounded():
    text = " ".join(check(write()).sentences)
    assert "2 trees of depth 2, 2 features and 1 outputs" in text
    assert "no party learns how many there are, how deep" in text
    assert "0.094 at most" in text  # three numbers of float(4), each by half of 1 / 16
