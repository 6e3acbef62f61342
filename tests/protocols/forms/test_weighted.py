import asyncio
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import ManifestError
from ostraka.explanation import Explanation
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.figures import SumOptions
from ostraka.simulation import MemoryNet, run_all, simulate_sync

OWN = 'statistics = ["mean"]\nweights = "own"\nmax_weight = 1000'
SALARIES = {
    "alice": "29000;300",
    "bob": "61000;5",
    "carlos": [[62000, 5]],
    "david": ["63000"] * 5,
    "erin": "59000;1\n58000;3\n62000;1",
}
"""A company of 300 engineers among four of five."""


def values(outcome):
    return {output.name: output.value for output in outcome.outputs}


@pytest.mark.parametrize("sharing", [{}, {"scheme": "shamir", "threshold": 2}])
@pytest.mark.parametrize("security", ["passive", "active"])
def test_the_mean_is_over_people_and_not_over_companies(manifest, everybody, sharing, security):
    if security == "active" and not sharing:
        pytest.skip("additive sharing has no active security")
    common = {"type": "decimal(2)", "bounds": (0, 200000), "unit": "USD", "security": security}
    by_weight = manifest(everybody(5), outputs=OWN, **common, **sharing)
    people = 300 * 29000 + 5 * (61000 + 62000 + 63000) + 59000 + 3 * 58000 + 62000
    for outcome in simulate_sync(by_weight, SALARIES).values():
        assert values(outcome) == {"mean": str(people / 320), "weight": 320}
        assert [o.unit for o in outcome.outputs] == ["USD", ""]
    by_company = manifest(everybody(5), statistics=("mean",), **common, **sharing)
    averages = {"alice": 29000, "bob": 61000, "carlos": 62000, "david": 63000, "erin": 59000}
    assert values(simulate_sync(by_company, averages)["bob"]) == {"mean": "54800"}


@given(data=st.data())
def test_every_recipient_gets_what_the_textbook_says(manifest, everybody, data):
    kind = data.draw(st.sampled_from(["int", "decimal(3)", "float(7)"]))
    length = data.draw(st.sampled_from([1, 3]))
    sharing = data.draw(st.sampled_from([{}, {"scheme": "shamir", "threshold": 1}]))
    wanted = data.draw(st.sampled_from(['["mean"]', '["sum", "mean", "count"]', '["sum"]']))
    outputs = f'statistics = {wanted}\nweights = "own"\nmax_weight = 500'
    agreement = manifest(everybody(3), type=kind, length=length, outputs=outputs, **sharing)
    row = st.lists(st.integers(-1000, 1000), min_size=length, max_size=length)
    weighted = st.tuples(row, st.integers(1, 100)).map(lambda pair: [*pair[0], pair[1]])
    several = st.lists(weighted, min_size=1, max_size=4)
    inputs = {name: data.draw(several) for name in everybody(3)}
    protocol = protocol_for(agreement)
    net = MemoryNet(agreement.parties)
    results = asyncio.run(run_all(protocol, inputs, net))
    rows = [r for given in inputs.values() for r in given]
    total = sum(r[-1] for r in rows)
    means = [Fraction(sum(r[i] * r[-1] for r in rows), total) for i in range(length)]
    for outcome in results.values():
        found = values(outcome)
        assert found == protocol.plaintext(inputs)
        assert found["weight"] == total
        if "mean" in found:
            each = [found["mean"]] if length == 1 else found["mean"]
            assert list(map(float, each)) == pytest.approx(list(map(float, means)), rel=1e-15)
    assert net.sent == protocol.cost().sent


@pytest.mark.parametrize("sharing", [{}, {"scheme": "shamir", "threshold": 1}])
def test_sums_are_exact_to_the_edge_of_the_range(manifest, everybody, sharing):
    most = (2**60 - 1) // 3 // 10 if sharing else (2**63 - 1) // 3 // 10
    fits, over = (
        manifest(
            everybody(3),
            bounds=(-10, 10),
            outputs=f'statistics = ["sum", "mean"]\nweights = "own"\nmax_weight = {weight}',
            **sharing,
        )
        for weight in (most, most + 1)
    )
    found = simulate_sync(fits, {name: [[-10, most]] for name in everybody(3)})
    assert int(values(found["bob"])["sum"]) == -30 * most
    assert float(values(found["bob"])["mean"]) == -10
    with pytest.raises(ManifestError, match=f"times weights up to {most + 1} .*holds at most"):
        protocol_for(over)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"outputs": 'weights = "own"'}, "max_weight: is missing"),
        ({"outputs": 'weights = "theirs"\nmax_weight = 1'}, "outputs.weights: "),
        ({"outputs": 'weights = "own"\nmax_weight = 0'}, "outputs.max_weight: "),
        ({"outputs": "max_weight = 10"}, 'goes with weights = "own"'),
        ({"outputs": OWN.replace("mean", "variance")}, "not with 'variance'"),
        ({"outputs": OWN, "type": "bool"}, "goes with numbers, not with bool"),
        (
            {"outputs": OWN, "privacy": 'central = { mechanism = "laplace", epsilon = 1.0 }'},
            "noise and clipping do not go with weights",
        ),
        (
            {"outputs": OWN, "privacy": 'local = { mechanism = "laplace", epsilon = 1.0 }'},
            "noise and clipping do not go with weights",
        ),
    ],
)
def test_what_does_not_go_with_weights_is_refused(manifest, everybody, given, said):
    with pytest.raises(ManifestError) as caught:
        protocol_for(manifest(everybody(3), **given))
    assert said in caught.value.message


def test_without_statistics_weights_give_the_mean(manifest, everybody):
    assert SumOptions().asked == ("sum",)
    agreement = manifest(everybody(3), outputs='weights = "own"\nmax_weight = 10')
    assert protocol_for(agreement).figures_asked() == ("mean",)


def test_weights_that_add_up_to_nothing_withhold_the_mean(manifest, everybody):
    protocol = protocol_for(manifest(everybody(3), outputs=OWN))
    for weight in (0, -5):
        mean, total = protocol.combine(
            protocol.scheme.from_signed(np.array([7, weight])), everybody(3)
        )
        assert not mean.parts
        assert "gave a false one" in mean.withheld
        assert total.value == weight


def test_check_says_what_counts_once_and_that_both_sums_are_opened(manifest, everybody):
    said = " ".join(protocol_for(manifest(everybody(3), outputs=OWN)).explain())
    assert "each unit of weight counts once" in said
    assert "learn the sum of value times weight and the sum of the weights" in said
    assert "learn both sums, not only their ratio" in said
    assert "large or small" not in said
    assert Explanation.of(protocol_for(manifest(everybody(3), outputs=OWN))).advice is None


def test_a_manifest_without_weights_keeps_its_digest(manifest, everybody):
    plain = manifest(everybody(3), statistics=("mean",))
    assert "weight" not in plain.canonical.decode()
