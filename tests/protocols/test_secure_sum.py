import asyncio
import math
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import ManifestError
from ostraka.outcome import Outcome
from ostraka.protocols import catalogue, protocol_for
from ostraka.protocols.forms.figures import SumOptions
from ostraka.simulation import MemoryNet, run_all, simulate_sync

RAISES = {"alice": 3800, "bob": 2514, "carlos": 2982, "david": 3390}

ROLE_SETS = [
    {"alice": "ckr", "bob": "ckr", "carlos": "ckr"},
    {"alice": "ckr", "bob": "ck", "carlos": "ck", "david": "ck"},
    {"alice": "c", "bob": "c", "carlos": "k", "david": "k", "erin": "r"},
    {"alice": "c", "bob": "ck", "carlos": "kr", "david": "kr", "erin": "c"},
    {"alice": "k", "bob": "c", "carlos": "k", "david": "k", "erin": "cr", "frank": "k"},
    {"alice": "ck", "bob": "kr"},
    {"alice": "c", "bob": "kr", "carlos": "kr"},
]


def values(outcome):
    return {output.name: output.value for output in outcome.outputs}


@pytest.mark.parametrize("sharing", [{}, {"scheme": "shamir", "threshold": 2}])
def test_four_engineers(manifest, everybody, sharing):
    agreement = manifest(
        everybody(4),
        type="decimal(2)",
        bounds=(0, 1000000),
        unit="USD",
        statistics=("sum", "mean", "count", "variance"),
        **sharing,
    )
    results = simulate_sync(agreement, RAISES)
    for outcome in results.values():
        assert values(outcome) == {
            "sum": "12686", "mean": "3171.5", "count": 4, "variance": "303657",
        }  # fmt: skip
        assert [o.unit for o in outcome.outputs] == ["USD", "USD", "", "USD^2"]
        assert outcome.contributors == tuple(RAISES)


TYPES = {
    "bool": st.booleans(),
    "int": st.one_of(st.sampled_from([-1000, 1000, 0]), st.integers(-1000, 1000)),
    "decimal(3)": st.decimals(-1000, 1000, places=3),
    "float(7)": st.floats(-1000, 1000),
    'choice(["red","green","blue"])': st.sampled_from(["red", "green", "blue"]),
}


@given(data=st.data())
def test_every_recipient_gets_what_the_textbook_says(manifest, data):
    roles = data.draw(st.sampled_from(ROLE_SETS))
    kind = data.draw(st.sampled_from(list(TYPES)))
    length = data.draw(st.sampled_from([1, 2, 5]))
    n = sum("k" in letters for letters in roles.values())
    contributors = [name for name, letters in roles.items() if "c" in letters]
    sharing = {}
    if data.draw(st.booleans()):
        sharing = {"scheme": "shamir", "threshold": data.draw(st.integers(1, n - 1))}
    possible = ["histogram", "count"] if kind.startswith("choice") else ["sum", "mean", "count"]
    if len(contributors) > 1 and not kind.startswith("choice"):
        possible.append("variance")
    wanted = data.draw(st.lists(st.sampled_from(possible), min_size=1, unique=True))
    agreement = manifest(roles, type=kind, length=length, statistics=wanted, **sharing)
    rows = st.lists(TYPES[kind], min_size=length, max_size=length)
    inputs = {name: data.draw(rows) for name in contributors}

    protocol = protocol_for(agreement)
    net = MemoryNet(agreement.parties, seed=data.draw(st.integers(0, 99)))
    results = asyncio.run(run_all(protocol, inputs, net))
    expected = protocol.plaintext(inputs)
    for name, letters in roles.items():
        if "r" not in letters:
            assert results[name] is None
            continue
        assert values(results[name]) == expected
        assert results[name].contributors == tuple(contributors)
    assert net.sent == protocol.cost().sent


@pytest.mark.parametrize("bound", [2**60 // 3, 2**61])
@pytest.mark.parametrize("sign", [1, -1])
def test_sums_are_exact_to_the_edge_of_the_range(manifest, everybody, bound, sign):
    sharing = {"scheme": "shamir", "threshold": 1} if bound < 2**60 else {}
    agreement = manifest(everybody(3), bounds=(-bound, bound), **sharing)
    results = simulate_sync(agreement, dict.fromkeys(everybody(3), sign * bound))
    assert values(results["bob"]) == {"sum": sign * 3 * bound}


@pytest.mark.parametrize(
    ("sharing", "largest", "statistics"),
    [
        ({}, (2**63 - 1) // 3, ("sum",)),
        ({"scheme": "shamir", "threshold": 1}, (2**60 - 1) // 3, ("sum",)),
        ({}, math.isqrt((2**63 - 1) // 3), ("variance",)),
        ({"scheme": "shamir", "threshold": 1}, math.isqrt((2**60 - 1) // 3), ("mean", "variance")),
    ],
)
def test_overflow_is_refused_before_sharing(manifest, everybody, sharing, largest, statistics):
    fits = manifest(everybody(3), bounds=(-largest, 0), statistics=statistics, **sharing)
    extremes = simulate_sync(fits, dict.fromkeys(everybody(3), -largest))
    assert isinstance(extremes["alice"], Outcome)
    expected = protocol_for(fits).plaintext(dict.fromkeys(everybody(3), -largest))
    assert values(extremes["alice"]) == expected
    agreement = manifest(everybody(3), bounds=(0, largest + 1), statistics=statistics, **sharing)
    with pytest.raises(ManifestError, match=f"up to {largest + 1} .*holds at most") as caught:
        protocol_for(agreement)
    assert caught.value.data_left is False


def test_scale_counts_towards_overflow(manifest, everybody):
    with pytest.raises(ManifestError, match="units of 1/1000000000000"):
        protocol_for(manifest(everybody(4), type="decimal(12)", bounds=(0, 10**7)))


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        ({"statistics": ["median"]}, "outputs.statistics: 'median' is not a statistic"),
        ({"outputs": "statistics = [1]"}, "1 is not a statistic: must be a list of some of sum"),
        ({"statistics": []}, "at least one"),
        ({"statistics": ["sum", "sum"]}, "once"),
        ({"statistics": ["histogram"]}, "'histogram' has no meaning for int"),
        ({"outputs": "statistics = 5"}, "outputs.statistics: must be a list"),
        ({"outputs": 'stats = ["sum"]'}, "outputs.stats: unknown key"),
        ({"type": 'choice(["a", "b"])'}, "'sum' has no meaning for choice"),
        ({"statistics": ["variance"], "least": 1}, "min_contributors of at least 2"),
        ({"security": "active"}, "no party would notice"),
        ({"security": "active", "scheme": "shamir", "threshold": 2}, "no party would notice"),
        ({"protocol": "secure-some"}, "there is no protocol"),
    ],
)
def test_manifests_it_cannot_serve_are_refused(manifest, everybody, options, problem):
    with pytest.raises(ManifestError, match=problem):
        protocol_for(manifest(everybody(3), **options))


def test_only_the_sum_is_opened_when_only_the_sum_is_asked_for(manifest, everybody):
    assert protocol_for(manifest(everybody(3), length=5)).opened == 5
    assert protocol_for(manifest(everybody(3), statistics=["count"])).opened == 1
    both = manifest(everybody(3), length=5, statistics=["mean", "variance"])
    assert protocol_for(both).opened == 10


def test_a_mean_that_does_not_end_is_rounded_with_the_fraction_beside_it(manifest, everybody):
    agreement = manifest(everybody(3), statistics=("mean",), type="decimal(2)")
    inputs = {"alice": "0.01", "bob": "0.01", "carlos": "0.02"}
    (mean,) = simulate_sync(agreement, inputs)["alice"].as_dict()["outputs"]
    assert mean == {"name": "mean", "value": "0.013333333333333333", "exact": "1/75"}


@pytest.mark.parametrize("kind", ["int", "decimal(2)", "bool"])
def test_means_and_variances_are_text_whatever_the_inputs(manifest, everybody, kind):
    agreement = manifest(everybody(3), statistics=("mean", "variance"), type=kind)
    for inputs in ((1, 1, 1), (0, 1, 1), (0, 0, 1)):
        raw = map(bool, inputs) if kind == "bool" else inputs
        given = dict(zip(everybody(3), raw, strict=True))
        found = values(simulate_sync(agreement, given)["alice"])
        assert {name: isinstance(v, str) for name, v in found.items()} == {
            "mean": True, "variance": True,
        }  # fmt: skip


@pytest.mark.parametrize(("most", "wide"), [(2**51, False), (2**54, True)])
def test_whole_numbers_that_may_exceed_2_53_are_text_in_json(manifest, everybody, most, wide):
    """A reader of JSON that has floats alone would lose digits of 18014398509481987."""
    agreement = manifest(everybody(3), bounds=(0, most))
    for inputs in ((1, 2, 3), (most, 2, 1)):
        outcome = simulate_sync(agreement, dict(zip(everybody(3), inputs, strict=True)))["alice"]
        assert outcome.value("sum") == sum(inputs)
        shown = outcome.as_dict()["outputs"][0]["value"]
        assert shown == (str(sum(inputs)) if wide else sum(inputs))


def test_histograms_name_every_option(manifest, everybody):
    kind = 'choice(["red", "green", "blue"])'
    one = manifest(everybody(3), type=kind, statistics=("histogram",))
    inputs = {"alice": "red", "bob": "blue", "carlos": "red"}
    assert values(simulate_sync(one, inputs)["bob"]) == {
        "histogram": {"red": 2, "green": 0, "blue": 1}
    }
    two = manifest(everybody(3), type=kind, statistics=("histogram", "count"), length=2)
    pairs = {name: [colour, "green"] for name, colour in inputs.items()}
    assert values(simulate_sync(two, pairs)["bob"]) == {
        "histogram": [{"red": 2, "green": 0, "blue": 1}, {"red": 0, "green": 3, "blue": 0}],
        "count": 3,
    }


def test_long_vectors_stay_numpy_until_somebody_asks(manifest, everybody):
    d = 50_000
    agreement = manifest(everybody(3), length=d, statistics=("sum", "mean"))
    inputs = {name: (np.arange(d) * (i + 1)) % 1000 for i, name in enumerate(everybody(3))}
    outcome = simulate_sync(agreement, inputs)["carlos"]
    total, mean = outcome.outputs
    assert isinstance(total.parts[0], np.ndarray)
    expected = sum(inputs.values())
    assert np.array_equal(total.parts[0], expected)
    assert total.value == expected.tolist()
    assert mean.value[7] == "14"
    assert "50000" in repr(total)


@pytest.mark.parametrize(
    ("sharing", "vectors"), [({}, 2.6), ({"scheme": "shamir", "threshold": 1}, 3.2)]
)
def test_memory_stays_a_small_multiple_of_the_vector(manifest, everybody, sharing, vectors):
    """Beyond the input itself, result and messages in flight included."""
    d = 1 << 18
    protocol = protocol_for(manifest(everybody(3), length=d, **sharing))
    inputs = {name: np.arange(d) % 1000 for name in everybody(3)}
    tracemalloc.start()
    try:
        results = asyncio.run(run_all(protocol, inputs, MemoryNet(protocol.manifest.parties)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert np.array_equal(results["bob"].outputs[0].parts[0], 3 * inputs["bob"])
    assert peak < 3 * vectors * 8 * d


@pytest.mark.parametrize("name", list(catalogue))
def test_the_catalogue_agrees_with_the_classes(name):
    assert catalogue[name].name == name


# --- what `check` says ---------------------------------------------------------------------------


def told(agreement):
    return "\n".join(protocol_for(agreement).explain())


def test_check_says_who_breaks_it(manifest, everybody):
    text = told(manifest(everybody(4)))
    assert "if 3 of you compare notes they learn the 4th's input" in text
    assert "as long as one of the 4 compute parties keeps its shares to itself" in text
    assert "none tolerated" in text
    assert "WARNING" not in text


def test_check_warns_of_two_contributors_and_a_sum(manifest, everybody):
    text = told(manifest(everybody(2)))
    assert "WARNING: two contributors and a sum" in text
    assert "each learns the other's input, by subtracting its own from the sum" in text


def test_check_warns_of_a_single_contributor(manifest, everybody):
    assert "WARNING: the answer itself is one" in told(manifest(everybody(3), least=1))


def test_check_counts_shamir_colluders_and_losses(manifest, everybody):
    sharing = {"scheme": "shamir", "threshold": 2}
    text = told(manifest(everybody(5), **sharing, least=4))
    assert "any 2 of the 5 compute parties together learn nothing; any 3" in text
    assert "2 of the 5 compute parties may go missing" in text
    assert "up to 1 contributor may be left out" in text
    assert "over as few as 4 contributors" in text


def test_a_count_alone_tells_nothing_of_any_input(manifest, everybody):
    text = told(manifest(everybody(2), statistics=("count",)))
    assert "learn the number of contributors" in text
    assert "'s input" not in text


@pytest.mark.parametrize("kind", ["bool", 'choice(["yes", "no"])'])
def test_check_mentions_unanimity(manifest, everybody, kind):
    wanted = ("sum",) if kind == "bool" else ("histogram",)
    assert "unanimous" in told(manifest(everybody(4), type=kind, statistics=wanted))
    assert "unanimous" not in told(manifest(everybody(4), type=kind, statistics=("count",)))


def test_check_says_who_learns_nothing(manifest):
    roles = {"alice": "c", "bob": "c", "dora": "c", "carlos": "k", "david": "k", "erin": "r"}
    text = told(manifest(roles, statistics=("mean", "variance")))
    assert "erin learns the sum and the sum of squares" in text
    assert "alice, bob, dora, carlos and david learn nothing, not even the result" in text
    assert "compare notes with a recipient" in text


@pytest.mark.parametrize(
    ("roles", "words"),
    [
        ({"ann": "ckr", "ben": "ck"}, "ann learns ben's input, by subtracting its own"),
        ({"ann": "ck", "ben": "ckr"}, "ben learns ann's input, by subtracting its own"),
        ({"ann": "ck", "ben": "ck", "eve": "r"}, "either compares notes with a recipient"),
        ({"ann": "ckr", "ben": "ck", "cleo": "c"}, "if 2 of you compare notes, a recipient among"),
        ({"ann": "ckr", "ben": "ck", "cleo": "c", "eve": "r"}, "notes with a recipient they"),
    ],
)
def test_check_says_who_can_subtract(manifest, roles, words):
    assert words in told(manifest(roles))


def test_check_names_what_no_cryptography_here_stops(manifest, everybody):
    text = told(manifest(everybody(4)))
    assert "no input, no share and no result; it sees who takes part" in text
    assert "alters its shares makes the result wrong, unnoticed" in text
    assert "with one person more or less" in text
    assert "may have the result, and leave others without" in text


def test_the_figures_that_are_asked_for_follow_from_the_options():
    assert SumOptions().asked == ("sum",)
    assert SumOptions(weights="own").asked == ("mean",)
    assert SumOptions(statistics=["count", "sum"]).asked == ("count", "sum")
    for wrong in ([], ["sum", "sum"], ["total"], "sum"):
        with pytest.raises(ValueError, match="must"):
            SumOptions(statistics=wrong)
