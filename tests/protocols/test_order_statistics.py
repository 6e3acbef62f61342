import asyncio
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61
from ostraka.errors import ManifestError, PeerViolation
from ostraka.protocols import protocol_for
from ostraka.protocols.order_statistics import OrderStatistics
from ostraka.simulation import MemoryNet, run_all

EVERYTHING = 'statistics = ["min", "max", "median"]\nquantiles = ["1/4", "0.9", "1"]\ntop = 2'


def make(manifest, roles, outputs=EVERYTHING, cls=protocol_for, **more):
    n = sum("k" in letters for letters in roles.values())
    more = {"scheme": "shamir", "threshold": (n - 1) // 2, "protocol": "statistics", **more}
    return cls(manifest(roles, outputs=outputs, **more))


def play(protocol, inputs, seed=0):
    net = MemoryNet(protocol.manifest.parties, seed=seed)
    return asyncio.run(run_all(protocol, inputs, net, seed=seed)), net


def values(outcome):
    return {output.name: output.value for output in outcome.outputs}


@given(data=st.data())
def test_every_recipient_gets_what_the_textbook_says(manifest, everybody, data):
    n, length = data.draw(st.sampled_from([3, 4, 5, 7])), data.draw(st.sampled_from([1, 3]))
    kind = data.draw(st.sampled_from(["int", "decimal(2)", "float(8)"]))
    protocol = make(manifest, everybody(n), type=kind, length=length, unit="EUR")
    number = st.one_of(st.sampled_from([-1000, 1000, 0]), st.integers(-1000, 1000))
    row = st.lists(number, min_size=length, max_size=length)
    inputs = {name: data.draw(row) for name in everybody(n)}
    results, net = play(protocol, inputs)
    for outcome in results.values():
        assert values(outcome) == protocol.plaintext(inputs)
    assert net.sent == protocol.cost().sent


def test_the_textbook_is_that_of_the_standard_library(manifest, everybody):
    protocol = make(manifest, everybody(4))
    found = protocol.plaintext({"alice": 7, "bob": -3, "carlos": 7, "david": 12})
    assert float(found["median"]) == statistics.median([7, -3, 7, 12])
    assert found["min"] == -3
    assert found["max"] == 12
    assert found["quantile 1/4"] == -3
    assert found["quantile 9/10"] == found["quantile 1"] == 12
    assert found["largest"] == [12, 7]


def test_a_median_between_two_is_exact(manifest, everybody):
    protocol = make(manifest, everybody(4), 'statistics = ["median"]', type="decimal(2)")
    results, _ = play(protocol, {"alice": "1.01", "bob": "1.02", "carlos": 0, "david": 5})
    assert values(results["bob"]) == {"median": "1.015"}


@pytest.mark.parametrize("invalid", ["abort", "exclude"])
def test_numbers_out_of_bounds_never_count(manifest, everybody, invalid):
    class Cheater(OrderStatistics):
        def encode(self, me, raw):
            if raw == "cheat":
                return np.array([3, 1001], np.uint64)
            return super().encode(me, raw)

    outputs = f'statistics = ["max"]\ninvalid = "{invalid}"'
    protocol = make(manifest, everybody(4), outputs, Cheater, length=2)
    inputs = {"alice": [1, 2], "bob": "cheat", "carlos": [2, 1], "david": [0, 0]}
    for outcome in play(protocol, inputs)[0].values():
        if invalid == "abort":
            assert isinstance(outcome, PeerViolation)
            assert outcome.peer == "bob"
        else:
            assert values(outcome) == {"max": [2, 2]}
            assert outcome.contributors == ("alice", "carlos", "david")


@pytest.mark.parametrize(
    ("outputs", "more", "problem"),
    [
        ("", {}, "asks for nothing"),
        ('statistics = ["mode"]', {}, "outputs.statistics"),
        ('statistics = ["min", "min"]', {}, "names a figure twice"),
        ('quantiles = ["3/2"]', {}, "outputs.quantiles.0: must be above 0"),
        ("top = 9", {}, "outputs.top: 9 numbers are more"),
        ('statistics = ["min"]', {"type": "bool"}, "input.type: statistics compares numbers"),
        ('statistics = ["min"]', {"length": 1 << 20}, "input.length: more than"),
        ('statistics = ["min"]', {"scheme": "additive", "threshold": None}, "sharing.scheme"),
    ],
)
def test_manifests_it_cannot_serve_are_refused(manifest, everybody, outputs, more, problem):
    with pytest.raises(ManifestError, match=problem):
        make(manifest, everybody(3), outputs, **more)


def test_explain_names_the_figures(manifest, everybody):
    words = "\n".join(make(manifest, everybody(3)).explain())
    assert "the min and the max and the median and the quantile 1/4" in words
    assert "are one contributor's number, though not whose" in words


def test_the_textbook_median_of_large_integers_is_exact(manifest, everybody):
    """The standard library's goes through a float, and so loses digits beyond 2^53."""
    bound = 2**57
    protocol = make(manifest, everybody(4), 'statistics = ["median"]', bounds=(0, bound))
    inputs = dict(zip(everybody(4), (0, bound - 2, bound - 1, bound), strict=True))
    assert protocol.plaintext(inputs) == {"median": "144115188075855870.5"}
    results, _ = play(protocol, inputs)
    assert values(results["alice"]) == protocol.plaintext(inputs)


def test_field_has_room_for_a_sum_of_two(manifest, everybody):
    bound = 2**57
    protocol = make(manifest, everybody(4), 'statistics = ["median"]', bounds=(-bound, bound))
    results, _ = play(protocol, dict.fromkeys(everybody(4), bound))
    assert values(results["alice"]) == {"median": str(bound)}
    assert 2 * bound < P61.p // 2


@pytest.mark.parametrize(
    ("security", "n", "most"),
    [("passive", 3, 2_000_000), ("active", 3, 500_000), ("active", 4, 25_000)],
)
def test_no_more_pairs_than_take_seconds(manifest, everybody, security, n, most):
    length = 2 * most // (n * n)
    more = {"outputs": 'statistics = ["max"]', "security": security}
    make(manifest, everybody(n), length=length, **more)
    with pytest.raises(ManifestError, match=f"more than {most} pairs"):
        make(manifest, everybody(n), length=length + length // 8, **more)
