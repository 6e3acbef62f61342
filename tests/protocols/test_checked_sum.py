"""Sums over checked inputs: what is valid counts, what is not does not."""

import asyncio

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61
from ostraka.errors import ManifestError, PeerViolation, RefusedByPolicy
from ostraka.outcome import Outcome
from ostraka.protocols import protocol_for
from ostraka.protocols.checked_sum import CheckedSum
from ostraka.protocols.secure_sum import SecureSum
from ostraka.sharing.scheme import Explicit
from ostraka.simulation import MemoryNet, run_all

COLOURS = 'choice(["red","green","blue"])'
TYPES = {
    "bool": (st.booleans(), ("sum", "mean", "variance")),
    "int": (st.integers(-1000, 1000), ("sum", "variance")),
    "decimal(2)": (st.decimals(-1000, 1000, places=2), ("sum", "mean")),
    "float(7)": (st.floats(-1000, 1000), ("sum",)),
    COLOURS: (st.sampled_from(["red", "green", "blue"]), ("histogram",)),
    "count": (st.booleans(), ("count",)),
}


def asked(statistics, invalid="exclude"):
    names = ", ".join(f'"{s}"' for s in statistics)
    return f'statistics = [{names}]\ninvalid = "{invalid}"'


def make(manifest, roles, kind="bool", statistics=("sum",), invalid="exclude", cls=None, **more):
    n = sum("k" in letters for letters in roles.values())
    more = {"scheme": "shamir", "threshold": (n - 1) // 2, "least": 1, **more}
    made = manifest(roles, type=kind, outputs=asked(statistics, invalid), **more)
    return cls(made) if cls else protocol_for(made)


def play(protocol, inputs, seed=0):
    net = MemoryNet(protocol.manifest.parties, seed=seed)
    return asyncio.run(run_all(protocol, inputs, net, seed=seed)), net


def values(outcome):
    return {o.name: o.value for o in outcome.outputs}


class Lying(CheckedSum):
    """Contributors whose raw input is an array share that instead."""

    def encode(self, me, raw):
        if isinstance(raw, np.ndarray):
            return raw.copy()
        return super().encode(me, raw)


class Crooked(CheckedSum):
    """Shares of bob's that are of no polynomial of degree t: one compute party's is changed."""

    victim, by = "alice", 1

    def share(self, x, me, draw):
        parcels = super().share(x, me, draw)
        if me == "bob":
            share = parcels[self.victim].vector.copy()
            share[0] = (int(share[0]) + self.by) % P61.p
            parcels[self.victim] = Explicit(share)
        return parcels


@pytest.mark.parametrize("security", ["passive", "active"])
@pytest.mark.parametrize("kind", TYPES)
@settings(max_examples=6, deadline=None)
@given(data=st.data())
def test_valid_inputs_give_what_the_textbook_says(manifest, everybody, data, kind, security):
    value, statistics = TYPES[kind]
    n, d = data.draw(st.sampled_from([3, 4, 5])), data.draw(st.integers(1, 3))
    kind = "bool" if kind == "count" else kind
    protocol = make(manifest, everybody(n), kind, statistics, length=d, security=security, least=2)
    assert isinstance(protocol, CheckedSum)
    inputs = {c: data.draw(st.lists(value, min_size=d, max_size=d)) for c in everybody(n)}
    inputs = inputs if d > 1 else {c: x for c, (x,) in inputs.items()}
    results, net = play(protocol, inputs)
    for outcome in results.values():
        assert isinstance(outcome, Outcome), outcome
        assert values(outcome) == protocol.plaintext(inputs)
        assert outcome.contributors == protocol.contributors
    assert net.sent == protocol.cost().sent


def is_valid(kind, row):
    """Judge a row of two values in the clear, by what `encode` would have made of an input."""
    signed = [x - P61.p if x > P61.p // 2 else x for x in map(int, row)]
    if kind == "bool":
        x, squares = signed[:2], signed[2:]
        return set(x) <= {0, 1} and squares == [v * v for v in x]
    if kind == "int":
        x, squares = signed[:2], signed[2:]
        return all(-1000 <= v <= 1000 for v in x) and squares == [v * v for v in x]
    return set(signed) <= {0, 1} and sum(signed[:3]) == sum(signed[3:]) == 1


ELEMENT = st.one_of(
    st.sampled_from([0, 1, 2, P61.p - 1, 1000, 1001, P61.p - 1000, P61.p - 1001, P61.p // 2]),
    st.integers(0, P61.p - 1),
)


@pytest.mark.parametrize("security", ["passive", "active"])
@pytest.mark.parametrize("kind", ["bool", "int", COLOURS])
@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_any_row_counts_exactly_if_it_is_valid(manifest, everybody, data, kind, security):
    statistics = ("histogram",) if kind == COLOURS else ("sum", "variance")
    protocol = make(
        manifest, everybody(4), kind, statistics, cls=Lying, length=2, security=security, least=2
    )
    value = {"bool": True, "int": 7, COLOURS: "green"}[kind]
    honest = {c: [value, value] for c in ("alice", "carlos", "david")}
    good = protocol.encode("bob", [value, value])
    row = np.array([data.draw(ELEMENT | st.just(int(x))) for x in good], np.uint64)
    results, _ = play(protocol, {**honest, "bob": row})
    valid = is_valid(kind, row)
    for outcome in results.values():
        assert outcome.contributors == (protocol.contributors if valid else tuple(honest))
        if not valid:
            assert values(outcome) == protocol.plaintext(honest)


@pytest.mark.parametrize("security", ["passive", "active"])
def test_abort_names_the_contributor_and_says_nothing_of_its_input(manifest, everybody, security):
    protocol = make(manifest, everybody(3), invalid="abort", cls=Lying, security=security)
    results, _ = play(protocol, {"alice": True, "bob": np.array([5], np.uint64), "carlos": True})
    for outcome in results.values():
        assert isinstance(outcome, PeerViolation)
        assert outcome.peer == "bob"
        assert "Its content stays hidden" in str(outcome)


def test_too_few_valid_inputs_are_not_opened(manifest, everybody):
    protocol = make(manifest, everybody(3), cls=Lying, least=3)
    results, _ = play(protocol, {"alice": True, "bob": np.array([5], np.uint64), "carlos": True})
    assert all(isinstance(outcome, RefusedByPolicy) for outcome in results.values())


@pytest.mark.parametrize("kind", ["bool", "int"])
@pytest.mark.parametrize(("n", "victim"), [(3, "alice"), (4, "alice"), (4, "david"), (5, "erin")])
@pytest.mark.parametrize("by", [1, P61.p // 3])
def test_shares_of_no_polynomial_do_no_harm(manifest, everybody, kind, n, victim, by):
    """Passive: parties 0 to 2t find them, and what the others hold does not reach the sum."""
    protocol = make(manifest, everybody(n), kind, cls=Crooked, least=2)
    protocol.victim, protocol.by = victim, by
    inputs = dict.fromkeys(protocol.contributors, True if kind == "bool" else 5)
    results, _ = play(protocol, inputs)
    found = protocol.scheme.compute.index(victim) <= 2 * protocol.scheme.threshold
    for outcome in results.values():
        assert isinstance(outcome, Outcome), outcome
        counted = [c for c in inputs if c != "bob" or not found]
        assert outcome.contributors == tuple(counted)
        assert values(outcome) == {"sum": len(counted) * (1 if kind == "bool" else 5)}


@pytest.mark.parametrize("n", [3, 4])
def test_shares_of_no_polynomial_stop_an_active_run(manifest, everybody, n):
    protocol = make(manifest, everybody(n), cls=Crooked, least=2, security="active")
    results, _ = play(protocol, dict.fromkeys(protocol.contributors, True))
    assert not any(isinstance(outcome, Outcome) for outcome in results.values())


def test_a_sum_is_checked_only_if_the_manifest_says_so(manifest, everybody):
    protocol = protocol_for(manifest(everybody(3), scheme="shamir", threshold=1))
    assert type(protocol) is SecureSum
    with pytest.raises(ManifestError, match=r"sharing.scheme"):
        protocol_for(manifest(everybody(3), outputs=asked(["sum"])))
    with pytest.raises(ManifestError, match=r"sharing.threshold"):
        make(manifest, everybody(3), threshold=2)


def test_what_is_checked_is_said(manifest, everybody):
    said = "\n".join(make(manifest, everybody(3), "decimal(1)", bounds=(0, 5)).explain())
    assert "each number is from 0 to 5" in said
    assert "a contributor can still say what is not so" in said


@pytest.mark.parametrize("security", ["passive", "active"])
async def test_over_tls(office, monkeypatch, security):
    monkeypatch.setattr("ostraka.protocols.checked_sum.CheckedSum", Lying)
    sharing = f'scheme = "shamir"\nthreshold = 1\nsecurity = "{security}"'
    made = office.manifest(sharing=sharing)
    outputs = {"statistics": ["sum"], "invalid": "exclude"}
    policy = made.policy.model_copy(update={"min_contributors": 2})
    made = made.model_copy(update={"outputs": outputs, "policy": policy})
    inputs = {"alice": 1, "bob": np.array([1_000_001], np.uint64), "carlos": 1}
    async with asyncio.timeout(30):
        found = await asyncio.gather(*(office.seat(made, n).run(inputs[n]) for n in made.parties))
    for result in found:
        assert result.as_dict()["outputs"] == [{"name": "sum", "value": 2}]
        assert result.as_dict()["contributors"] == 2
