import asyncio

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import portioned

from ostraka.arithmetic.field import P61
from ostraka.errors import ManifestError, PeerViolation
from ostraka.outcome import Outcome
from ostraka.protocols import protocol_for
from ostraka.protocols.forms import ballots
from ostraka.protocols.tally import Tally
from ostraka.sharing.scheme import Explicit
from ostraka.simulation import MemoryNet, run_all

COLOURS = 'choice(["red","green","blue"])'
COLOURS_ABSTAIN = 'choice(["red","abstain","green","blue"])'


def play(protocol, inputs, seed=0):
    net = MemoryNet(protocol.manifest.parties, seed=seed)
    return asyncio.run(run_all(protocol, inputs, net, seed=seed)), net


def make(manifest, roles, outputs="", kind=COLOURS, threshold=1, cls=protocol_for, **more):
    more = {"protocol": "tally", "scheme": "shamir", "threshold": threshold, **more}
    return cls(manifest(roles, type=kind, outputs=outputs, **more))


@given(data=st.data())
def test_every_recipient_gets_the_counts(manifest, everybody, data):
    n = data.draw(st.sampled_from([3, 4, 5, 7]))
    choices = data.draw(st.integers(1, 3))
    weights = {name: data.draw(st.integers(1, 5)) for name in list(everybody(n))[:2]}
    table = ", ".join(f"{name} = {w}" for name, w in weights.items())
    kind = data.draw(st.sampled_from([COLOURS, COLOURS_ABSTAIN]))
    threshold = data.draw(st.integers(1, (n - 1) // 2))
    outputs = f"choices = {choices}\nweights = {{ {table} }}"
    protocol = make(manifest, everybody(n), outputs, kind, threshold)
    options = st.sampled_from(["red", "green", "blue"])
    ballot = st.lists(options, min_size=1, max_size=choices, unique=True)
    if "abstain" in kind:
        ballot = st.one_of(ballot, st.just("abstain"))
    inputs = {name: data.draw(ballot) for name in everybody(n)}
    results, net = play(protocol, inputs)
    for outcome in results.values():
        assert {o.name: o.value for o in outcome.outputs} == protocol.plaintext(inputs)
    assert net.sent == protocol.cost().sent


def test_counts_by_name(manifest, everybody):
    protocol = make(manifest, everybody(4), kind=COLOURS_ABSTAIN, outputs="weights = { bob = 3 }")
    ballots = {"alice": "red", "bob": "blue", "carlos": "abstain", "david": ["red"]}
    results, _ = play(protocol, ballots)
    expected = {"red": 2, "green": 0, "blue": 3, "abstain": 1}
    assert results["david"].outputs[0].value == expected
    assert results["david"].outputs[0].unit == "votes"


@pytest.mark.parametrize("vector", [[1000, 0, 0], [-1, 2, 0], [1, 1, 0], [0, 0, 0]])
@pytest.mark.parametrize("invalid", ["abort", "exclude"])
def test_a_ballot_that_is_none_never_counts(manifest, everybody, vector, invalid):
    class Cheater(Tally):
        def encode(self, me, raw):
            if raw == "cheat":
                return np.array([x % P61.p for x in vector], np.uint64)
            return super().encode(me, raw)

    protocol = make(manifest, everybody(4), f'invalid = "{invalid}"', cls=Cheater)
    inputs = {"alice": "red", "bob": "cheat", "carlos": "blue", "david": "red"}
    for outcome in play(protocol, inputs)[0].values():
        if invalid == "abort":
            assert isinstance(outcome, PeerViolation)
            assert outcome.peer == "bob"
        else:
            assert outcome.outputs[0].value == {"red": 2, "green": 0, "blue": 1}
            assert outcome.contributors == ("alice", "carlos", "david")


@pytest.mark.parametrize(
    ("n", "security"),
    portioned(
        [(3, "passive"), (4, "active")],
        [(3, "active"), (4, "passive"), (5, "passive"), (5, "active")],
    ),
)
@pytest.mark.parametrize("vector", ["10010", "00001", "11010", "20000"])
def test_many_ballots_are_checked_alike(manifest, everybody, monkeypatch, vector, n, security):
    """Where there are many entries the check takes other steps: see `forms.validity`."""
    monkeypatch.setattr(ballots, "MANY", 0)

    class Cheater(Tally):
        def encode(self, me, raw):
            if raw == vector:
                return np.array([*map(int, raw)], np.uint64)
            return super().encode(me, raw)

    more = {"threshold": (n - 1) // 2, "security": security, "kind": COLOURS_ABSTAIN}
    outputs = 'invalid = "exclude"\nchoices = 2\nweights = { alice = 3 }'
    protocol = make(manifest, everybody(n), outputs, cls=Cheater, least=2, **more)
    inputs = dict.fromkeys(everybody(n), ("red", "blue")) | {"alice": "abstain", "bob": vector}
    results, net = play(protocol, inputs)
    said = {"10010": {"red": 1}, "00001": {"abstain": 1}}.get(vector, {})
    expected = {"red": n - 2, "green": 0, "blue": n - 2, "abstain": 3}
    for outcome in results.values():
        assert ("bob" in outcome.contributors) == bool(said)
        assert outcome.outputs[0].value == {o: v + said.get(o, 0) for o, v in expected.items()}
    assert not said or net.sent == protocol.cost().sent


@pytest.mark.parametrize("many", [0, 1 << 16])
def test_shares_of_no_polynomial_do_not_reach_the_counts(manifest, everybody, many, monkeypatch):
    """With four compute parties and t = 1 the last one's shares are not needed to multiply."""
    monkeypatch.setattr(ballots, "MANY", many)

    class Crooked(Tally):
        def share(self, x, me, draw):
            parcels = super().share(x, me, draw)
            if me == "bob" and isinstance(parcels["david"], Explicit):
                parcels["david"] = Explicit((parcels["david"].vector + np.uint64(1)) % P61._p)
            return parcels

    protocol = make(manifest, everybody(4), cls=Crooked)
    inputs = {"alice": "red", "bob": "red", "carlos": "blue", "david": "green"}
    results, _ = play(protocol, inputs)
    for outcome in results.values():
        assert isinstance(outcome, Outcome)
        assert outcome.outputs[0].value == {"red": 2, "green": 1, "blue": 1}


def test_refusals_and_words(manifest, everybody):
    with pytest.raises(ManifestError, match=r"outputs.pass_at: unknown key"):
        make(manifest, everybody(3), 'pass_at = "1/2"')
    with pytest.raises(ManifestError, match=r"sharing.scheme"):
        make(manifest, everybody(3), scheme="additive", threshold=None)
    words = "\n".join(make(manifest, everybody(3)).explain())
    assert "by subtracting theirs from the counts" in words
    assert "A unanimous vote shows in the counts" in words
