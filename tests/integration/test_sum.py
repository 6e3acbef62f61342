"""Sessions that go well, over real processes: every kind of link, of role and of input."""

import json
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest
from portions import portioned

RAISES = {"alice": 3800, "bob": 2514, "carlos": 2982, "david": 3390}


@pytest.mark.parametrize(
    "links", ["mixed", *(pytest.param(x, marks=pytest.mark.slow) for x in ("direct", "relayed"))]
)
def test_four_engineers_learn_their_average_raise(fleet, links):
    if links != "mixed":
        fleet.nursery = None  # each an interpreter of its own
    direct = {"direct": tuple(RAISES), "relayed": (), "mixed": ("bob", "david")}[links]
    relay = None if links == "direct" else fleet.coordinator()
    session = fleet.manifest(tuple(RAISES), relay, direct)
    parties = fleet.run_all(session, RAISES)
    for name, party in parties.items():
        assert party.values == {"sum": "12686", "mean": "3171.5"}
        assert party.result["status"] == "released"
        assert party.result["contributors"] == 4
        receipt = json.loads(Path(party.result["receipt"]).read_text())
        assert receipt["written_by"] == name
        assert all("statement" in entry for entry in receipt["parties"].values())
    assert len({party.result["session"] for party in parties.values()}) == 1
    if relay is not None:
        assert relay.alive


def test_a_mean_over_people_by_weights_of_their_own(fleet):
    session = fleet.manifest(relay=fleet.coordinator(), statistics=["mean"])
    text = session.path.read_text()
    own = '[outputs]\nweights = "own"\nmax_weight = 1000\n'
    session.path.write_text(text.replace("[outputs]\n", own))
    rows = {"alice": "31655;300", "bob": "value,weight\n60000,2\n61000.5,3\n", "carlos": "1\n2\n3"}
    people = 31655 * 300 + 60000 * 2 + Decimal("61000.5") * 3 + 6
    for party in fleet.run_all(session, rows).values():
        mean, weight = party.result["outputs"]
        assert float(mean["value"]) == float(people / 308)
        assert weight == {"name": "weight", "value": 308}
        assert party.result["contributors"] == 3


def test_an_average_without_its_weight_leaves_nobodys_machine(fleet):
    session = fleet.manifest(relay="127.0.0.1:9", statistics=["mean"])
    text = session.path.read_text()
    own = '[outputs]\nweights = "own"\nmax_weight = 1000\n'
    session.path.write_text(text.replace("[outputs]\n", own))
    refused = fleet.run(session, "alice", "31655").finish()
    assert refused.code == 20
    assert "the input has no weight: write the value, a semicolon and the weight" in refused.err
    assert "31655" not in refused.err


ROLES = {
    "subset": {"alice": ("contributor", "compute"), "bob": ("contributor", "compute"),
               "carlos": ("contributor", "compute", "recipient")},
    "disjoint": {"alice": ("contributor", "compute"), "bob": ("contributor", "compute"),
                 "carlos": ("recipient",), "david": ("recipient",)},
    "overlap": {"alice": ("contributor",), "bob": ("contributor", "recipient"),
                "carlos": ("compute",), "david": ("compute", "recipient")},
    "contributor that leaves": {"alice": ("contributor",), "bob": ("contributor",),
                                "carlos": ("compute",), "david": ("compute",),
                                "erin": ("recipient",)},
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "sharing"),
    [
        pytest.param(
            case,
            sharing,
            marks=pytest.mark.slow if (i + j) % 2 else pytest.mark.thorough if i % 2 else (),
        )
        for i, case in enumerate(ROLES)
        for j, sharing in enumerate(('scheme = "additive"', 'scheme = "shamir"\nthreshold = 1'))
    ],
)
def test_only_the_recipients_learn(fleet, case, sharing):
    roles = ROLES[case]
    session = fleet.manifest(roles, fleet.coordinator(), sharing=sharing)
    inputs = {name: 10 + rank for rank, name in enumerate(roles) if "contributor" in roles[name]}
    for name, party in fleet.run_all(session, inputs).items():
        if "recipient" in roles[name]:
            assert party.values["sum"] == str(sum(inputs.values()))
        else:
            assert party.result["status"] == "no-output"
            assert not {"outputs", "contributors"} & party.result.keys()


@pytest.mark.parametrize(
    ("relayed", "sharing"),
    [
        *portioned([(True, 'scheme = "shamir"\nthreshold = 1')], [(False, 'scheme = "additive"')]),
        pytest.param(True, 'scheme = "additive"', marks=pytest.mark.slow),
        pytest.param(False, 'scheme = "shamir"\nthreshold = 1', marks=pytest.mark.slow),
    ],
)
def test_long_vectors(fleet, tmp_path, relayed, sharing):
    names, length = ("alice", "bob", "carlos"), 300_000
    relay = fleet.coordinator() if relayed else None
    session = fleet.manifest(
        names, relay, () if relayed else names, type="int", statistics=("sum",),
        bounds="min = -1000000\nmax = 1000000", length=length, sharing=sharing,
    )  # fmt: skip
    generator = np.random.default_rng(7)
    vectors = {n: generator.integers(-(10**6), 10**6, length) for n in names}
    paths = {n: tmp_path / f"{n}.npy" for n in names}
    for name, path in paths.items():
        np.save(path, vectors[name])
    expected = sum(vectors.values()).tolist()
    for party in fleet.run_all(session, paths).values():
        assert party.values["sum"] == expected


STATISTICS = {
    "variance": ("decimal(1)", "min = 0\nmax = 100", ("count", "mean", "variance"),
                 {"alice": "1.0", "bob": "2.0", "carlos": "6.0"}),
    "histogram": ('choice(["tea", "coffee", "water"])', "", ("histogram",),
                  {"alice": "tea", "bob": "coffee", "carlos": "tea"}),
    "bool": ("bool", "", ("sum", "mean"), {"alice": "true", "bob": "false", "carlos": "true"}),
    "float": ("float(3)", "min = -10\nmax = 10", ("sum",),
              {"alice": "0.125", "bob": "-1.5", "carlos": "2.0"}),
}  # fmt: skip


@pytest.mark.parametrize(
    "case",
    [
        pytest.param(case, marks=pytest.mark.slow if case in ("bool", "variance") else ())
        for case in STATISTICS
    ],
)
def test_statistics_are_those_of_the_plaintext_twin(fleet, case):
    from ostraka import config, protocols
    from ostraka.inputs import reading

    type, bounds, statistics, inputs = STATISTICS[case]
    session = fleet.manifest(
        tuple(inputs), None, tuple(inputs), type=type, bounds=bounds, statistics=statistics
    )
    manifest = config.load(session.path)
    raw = {n: reading.parse_input(v.encode(), manifest.input, n) for n, v in inputs.items()}
    expected = json.loads(json.dumps(protocols.protocol_for(manifest).plaintext(raw), default=str))
    for party in fleet.run_all(session, inputs).values():
        assert party.values == expected


COINS = '{ mechanism = "randomized-response", truth = "1/2" }'


def test_reports_are_noised_by_each_process_for_itself(fleet, tmp_path):
    """Real randomness, so the tolerance is six standard deviations: one failure in 10^9."""
    names, length = ("alice", "bob", "carlos"), 4000
    session = fleet.manifest(
        names, fleet.coordinator(), type="bool", bounds="", length=length,
        sharing='scheme = "shamir"\nthreshold = 1',
        policy=f"min_contributors = 3\n[privacy]\nlocal = {COINS}",
    )  # fmt: skip
    bits = {n: np.arange(length) % 4 <= rank for rank, n in enumerate(names)}
    for name in names:
        np.save(tmp_path / f"{name}.npy", bits[name])
    parties = fleet.run_all(session, {n: tmp_path / f"{n}.npy" for n in names})
    (values,) = {json.dumps(party.values) for party in parties.values()}
    result = parties["alice"].result
    total, mean = result["outputs"]
    assert result["status"] == "noised"
    assert json.loads(values)["mean"] == mean["value"]
    off = np.array(total["value"]) - sum(bits[n].astype(int) for n in names)
    assert len(set(off.tolist())) > 3
    assert abs(off.mean()) < 6 * 1.5 / length**0.5  # each of three has a variance of 3/4
    assert set(total["error95"]) == {2.94}


def test_two_sessions_of_the_same_keys_at_once(fleet):
    relay = fleet.coordinator()
    first = fleet.manifest(relay=relay, name="first", title="First")
    second = fleet.manifest(relay=relay, name="second", title="Second")
    inputs = {name: rank for rank, name in enumerate(first.parties)}
    more = {name: 100 + rank for rank, name in enumerate(first.parties)}
    both = [fleet.run_all(first, inputs), fleet.run_all(second, more)]
    totals = [{p.values["sum"] for p in parties.values()} for parties in both]
    assert totals == [{"3"}, {"303"}]
