"""Sums over checked inputs: what is valid counts, what is not does not."""

import asyncio
import tracemalloc
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from portions import portioned, thinned

from ostraka.arithmetic.field import P61
from ostraka.engine.shamir import rounds
from ostraka.engine.shamir.audit import Auditor
from ostraka.errors import ManifestError, PeerViolation, RefusedByPolicy
from ostraka.outcome import Outcome
from ostraka.protocols import checking, protocol_for
from ostraka.protocols.checked_sum import CheckedSum
from ostraka.protocols.forms import validity
from ostraka.protocols.forms.validity import Form
from ostraka.protocols.interactive import _finish, _NoPeers
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


class Quiet(Lying):
    """The row that is shared has no noise of its own added: it is as the test says."""

    def with_noise(self, x, me, draw):
        return x if me == "david" else super().with_noise(x, me, draw)


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


BOTH = ("passive", "active")


@pytest.mark.parametrize(
    ("kind", "security"),
    thinned(product(TYPES, BOTH), lambda kind, how: how == "passive" or kind in ("bool", COLOURS)),
)
@settings(max_examples=settings().max_examples // 3)
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
@settings(max_examples=settings().max_examples // 2)
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
@pytest.mark.parametrize(
    ("n", "victim"), portioned([(4, "alice"), (4, "david")], [(3, "alice"), (5, "erin")])
)
@pytest.mark.parametrize("by", portioned([1], [P61.p // 3]))
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


GAUSSIAN = 'central = { mechanism = "discrete-gaussian", epsilon = 1, delta = 1e-6 }\n'
OWN = 'local = { mechanism = "%s", epsilon = 1 }'
D = 100
ONE, SPREAD_OUT = np.eye(1, D, dtype=np.int64)[0], np.full(D, 10)


def wrapped():
    """Two large entries whose squares add up to 4 modulo p: p = 3 mod 4, so roots are powers."""
    for first in range(1 << 40, (1 << 40) + 100):
        square = (4 - first * first) % P61.p
        root = pow(square, (P61.p + 1) // 4, P61.p)
        if root * root % P61.p == square:
            return np.concatenate([[first, root], np.zeros(D - 2, np.int64)])
    raise AssertionError


MORE = {
    "weights": (
        {"type": "decimal(1)", "bounds": (0, 10), "outputs": 'weights = "own"\nmax_weight = 10'},
        "5.5;3",
        [
            *(([100, 1], True), ([1000, 10], True), ([0, 0], False), ([-1, 1], False)),
            *(([101, 1], False), ([100, 11], False), ([0, P61.p - 1], False)),
        ],
    ),
    "few numbers": (
        {"bounds": (-7, 8), "length": 2, "statistics": "variance"},
        [0, 8],
        [
            *(([-7, 8, 49, 64], True), ([3, 3, 9, 9], True), ([9, 0, 81, 0], False)),
            *(([-8, 0, 64, 0], False), ([3, 3, 9, 8], False), ([1 << 40, 0, 1 << 80, 0], False)),
        ],
    ),
    "L2, few": (
        {"bounds": (-5, 5), "length": 2, "privacy": GAUSSIAN + 'clip = { norm = "l2", at = 5 }'},
        [3, -4],
        [([3, 4], True), ([-5, 0], True), ([4, 4], False), ([0, 6], False), ([5, 1], False)],
    ),
    "L1": (
        {"bounds": (-5, 5), "length": 2, "privacy": GAUSSIAN + 'clip = { norm = "l1", at = 5 }'},
        [3, -2],
        [([3, 2], True), ([-5, 0], True), ([3, -3], False), ([0, 6], False)],
    ),
    "L2, many": (
        {
            "bounds": (-100, 100),
            "length": D,
            "privacy": GAUSSIAN + 'clip = { norm = "l2", at = 100 }',
        },
        [0] * D,
        [
            *((100 * ONE, True), (100 * ONE + 1, False), ((100 << 30) * ONE, False)),
            *((SPREAD_OUT, True), (SPREAD_OUT + ONE, False), (wrapped(), False)),
        ],
    ),
    "L2 beyond the bounds": (
        {"bounds": (-5, 5), "length": 2, "privacy": GAUSSIAN + 'clip = { norm = "l2", at = 7 }'},
        [3, -4],
        [([5, 4], True), ([5, 5], False), ([6, 0], False)],
    ),
    "local noise": (
        {"bounds": (-5, 5), "privacy": OWN % "discrete-laplace"},
        3,
        [([5], True), ([1_000_000], False)],
    ),
    "local noise on options": (
        {"type": COLOURS, "privacy": OWN % "discrete-laplace", "statistics": "histogram"},
        "red",
        [([0, 0, 1], True), ([0, 0, 1_000_000], False)],
    ),
    "randomized response": (
        {"type": "bool", "privacy": OWN % "randomized-response"},
        True,
        [([0], True), ([1], True), ([2], False)],
    ),
    "variance with noise": (
        {"bounds": (-5, 5), "privacy": GAUSSIAN, "statistics": "variance"},
        3,
        [([5, 0], True), ([3, 16], True), ([3, 17], False), ([6, -11], False)],
    ),
}


BY_DEFAULT = ("L2", "local noise", "L1", "randomized response")
"""Forms of the default suite; the last two of them are tried with active security."""


@pytest.mark.parametrize(
    ("key", "security"),
    thinned(
        product(MORE, BOTH),
        lambda key, how: key in BY_DEFAULT and (how == "active") == (key in BY_DEFAULT[2:]),
    ),
)
def test_every_form_tells_valid_rows_from_others(manifest, everybody, key, security):
    more, value, rows = MORE[key]
    more = {"outputs": f'statistics = ["{more.get("statistics", "sum")}"]', **more}
    more["outputs"] += '\ninvalid = "exclude"'
    sharing = {"scheme": "shamir", "threshold": 1, "least": 2, "security": security}
    protocol = Quiet(manifest({**everybody(3), "david": "c"}, **more, **sharing))
    inputs = dict.fromkeys(protocol.contributors, value)
    for row, valid in rows:
        elements = P61.encode(np.array(row, object))
        results, net = play(protocol, {**inputs, "david": elements})
        for party, outcome in results.items():
            assert party == "david" or ("david" in outcome.contributors) == valid, (row, outcome)
        assert not valid or net.sent == protocol.cost().sent


@pytest.mark.parametrize("row", [5, 1])
def test_a_liar_neither_hides_an_invalid_row_nor_makes_one(manifest, everybody, monkeypatch, row):
    """It adds an error to the first product, bob's z, so that 5 looks valid, or 1 does not: what
    tells it is opened before it is proven, and then the proof stops the run and names no party."""
    honest, z = rounds._exchange, {}

    async def exchange(engine, products, count, told):
        if engine.party.me == "carlos" and not z:
            z["lied"] = True
            error = -(row * row - row) * tossed[-1] if row == 5 else 7
            weight = engine.weights(range(2 * engine.t + 1))[engine.me]
            lie = engine.field.encode(np.array([0, error % P61.p, 0], object))
            lie = engine.field.scale(lie, pow(weight, -1, P61.p))
            products = engine.field.add(products, lie)
        return await honest(engine, products, count, told)

    tossed, toss = [], Form.toss

    async def watched(form, engine):
        found = await toss(form, engine)
        tossed.append(int(found.rho[0]))
        return found

    monkeypatch.setattr(rounds, "_exchange", exchange)
    monkeypatch.setattr(Form, "toss", watched)
    protocol = make(manifest, everybody(3), cls=Lying, security="active", least=2)
    inputs = {"alice": True, "bob": np.array([row], np.uint64), "carlos": True}
    for outcome in play(protocol, inputs)[0].values():
        assert isinstance(outcome, PeerViolation)
        assert "falsified a product" in str(outcome)
        assert outcome.peer is None
    if row == 5:  # without the proof it would have counted
        monkeypatch.setattr(Auditor, "settle", _nothing)
        z.clear()
        (outcome, *_) = play(protocol, inputs)[0].values()
        assert values(outcome) == {"sum": 7}


async def _nothing(_):
    pass


def peak_of(manifest, rows, monkeypatch):
    """Bytes that checking so many rows of 5,000 takes at most, without their parcels."""
    monkeypatch.setattr(validity, "BLOCK", 50_000)
    roles = {f"c{i}": "c" for i in range(rows)} | dict.fromkeys(("alice", "bob", "carlos"), "kr")
    clip = 'clip = { norm = "l2", at = 100 }'
    more = {"length": 5000, "bounds": (-100, 100), "privacy": GAUSSIAN + clip}
    protocol = make(manifest, roles, "int", **more)
    tracemalloc.start()
    _finish(protocol._rehearse(_NoPeers("alice")))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_the_rows(manifest, monkeypatch):
    few, many = (peak_of(manifest, rows, monkeypatch) for rows in (20, 80))
    assert many - few < 8 * 50_000


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
    monkeypatch.setitem(checking.data, "secure-sum", Lying)
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
