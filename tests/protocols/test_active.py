"""Protocols with active security: the right answer or none, whatever compute parties send."""

import asyncio
import random
from dataclasses import replace

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.field import P61
from ostraka.engine.shamir import rounds
from ostraka.engine.shamir.audit import Auditor
from ostraka.errors import Aborted, ManifestError, OstrakaError, PeerViolation
from ostraka.names import Step
from ostraka.outcome import Outcome
from ostraka.protocols import protocol_for
from ostraka.sharing.scheme import Explicit
from ostraka.simulation import MemoryNet, run_all

YES_NO = 'choice(["yes","no","abstain"])'
COLOURS = 'choice(["red","green","blue"])'
CASES = {
    "vote": ("threshold-vote", YES_NO, 'pass_at = "1/2"', ["yes", "no", "abstain"]),
    "winner": ("threshold-vote", COLOURS, 'reveal = "winner"', ["red", "green", "blue"]),
    "tally": ("tally", YES_NO, "", ["yes", "no", "abstain"]),
    "statistics": ("statistics", "int", 'statistics = ["median", "max"]', [-1000, 7, 0, 1000]),
    "auction": ("auction", "int", "", [-1000, 7, 7, 1000]),
    "sum": ("secure-sum", "int", 'statistics = ["sum", "variance"]', [-1000, 7, 0, 1000]),
    "checked": ("secure-sum", "bool", 'invalid = "exclude"', [True, False]),
    "bounded": ("secure-sum", "int", 'invalid = "exclude"', [-1000, 7, 0, 1000]),
    "table": ("table", "int", "", [0, 500, 700, 1000]),
    "inner": ("inner-product", "int", "", [[3, -7], [0, 5], [-7, -3], [5, 0]]),
}
RULES = 'min_cell = 3\ndominance = { largest = "1/2", p = "5%" }'
MORE = {"table": {"bounds": (0, 1000), "policy": RULES}, "inner": {"length": 2}}


@pytest.fixture
def active(manifest, everybody):
    """A protocol by its key above, among n parties or of these roles."""

    def make(key, parties, **more):
        name, kind, outputs, _ = CASES[key]
        roles = everybody(parties) if isinstance(parties, int) else parties
        if key == "inner":  # of two owners
            roles = {c: role if i < 2 else "kr" for i, (c, role) in enumerate(roles.items())}
        n = sum("k" in letters for letters in roles.values())
        more = {"scheme": "shamir", "threshold": (n - 1) // 2, "security": "active", **more}
        more |= MORE.get(key, {})
        return protocol_for(manifest(roles, type=kind, outputs=outputs, protocol=name, **more))

    return make


def inputs_of(protocol, key, seed):
    draw = random.Random(seed)
    return {c: draw.choice(CASES[key][3]) for c in protocol.contributors}


def play(protocol, inputs, net):
    return asyncio.run(run_all(protocol, inputs, net, seed=1))


def values(outcome):
    return {o.name: o.value if o.parts else None for o in outcome.outputs}


def marks(n, i):
    """Three parties by default, some of four and five in thorough runs."""
    slow = n > 5 or (n == 5 and i % 5) or (n == 4 and i % 2)
    return () if n == 3 else pytest.mark.slow if slow else pytest.mark.thorough


@pytest.mark.parametrize(
    ("n", "key"),
    [pytest.param(n, key, marks=marks(n, i)) for n in (3, 4, 5, 7) for i, key in enumerate(CASES)],
)
def test_every_protocol_agrees_with_the_textbook_and_costs_what_it_says(active, key, n):
    protocol = active(key, n)
    sent = set()
    for seed in range(2):
        inputs = inputs_of(protocol, key, seed)
        net = MemoryNet(protocol.manifest.parties, seed=seed)
        for result in play(protocol, inputs, net).values():
            assert isinstance(result, Outcome), result
            assert values(result) == protocol.plaintext(inputs)
        sent.add(tuple(net.sent.values()))
    cost = protocol.cost()
    assert sent == {tuple(cost.sent[p] for p in protocol.manifest.parties)}


class Liar(MemoryNet):
    """One party adds to, or flips, what it says in one message after its own input."""

    def __init__(self, names, liar, place, seed):
        super().__init__(names, seed=seed)
        self.liar, self.place, self.draw = liar, place, random.Random(seed)

    def put(self, sender, to, step, message):
        if sender == self.liar and self.sent[sender].messages == self.place and len(message):
            message, i = message.copy(), self.draw.randrange(len(message))
            if message.dtype == np.uint8:
                message[i] ^= 1 << self.draw.randrange(8)
            else:
                message[i] = (int(message[i]) + self.draw.choice([1, P61.p - 1, 12345])) % P61.p
        super().put(sender, to, step, message)


COSTS = {}
"""What each protocol sends among so many."""


def lie(active, key, seed):
    """Results of the honest, the one right answer, and who lied."""
    draw = random.Random(f"{key} {seed}")
    protocol = active(key, draw.choice([3, 3, 4, 5]))
    names = protocol.manifest.parties
    liar, inputs = draw.choice(names), inputs_of(protocol, key, seed)
    if (key, len(names)) not in COSTS:
        COSTS[key, len(names)] = protocol.cost()
    messages = COSTS[key, len(names)].sent[liar].messages
    place = draw.randrange(len(names) - 1, messages)
    results = play(protocol, inputs, Liar(names, liar, place, seed))
    return [r for p, r in results.items() if p != liar], protocol.plaintext(inputs), liar


def lied(active, key, seeds):
    stopped = 0
    for seed in seeds:
        results, right, liar = lie(active, key, seed)
        for result in results:
            if isinstance(result, Outcome):
                assert values(result) == right, (key, seed)
            else:
                assert isinstance(result, OstrakaError), (key, seed, result)
                if isinstance(result, PeerViolation):
                    assert result.peer in (liar, None), (key, seed, result)
                stopped += 1
    return stopped


@pytest.mark.parametrize("key", CASES)
@pytest.mark.parametrize("seeds", portioned([range(2)], [range(4)]), ids=str)
def test_a_lying_compute_party_stops_a_run_at_most(active, key, seeds):
    assert lied(active, key, seeds) > (len(seeds) if len(seeds) > 2 else 0)


@pytest.mark.slow
@pytest.mark.parametrize("key", CASES)
def test_a_lying_compute_party_stops_a_run_at_most_in_many_runs(active, key):
    assert lied(active, key, range(100, 500)) > 400


class Deviating(MemoryNet):
    """Some of what one party sends from a place on is altered, each time by the same amount."""

    def __init__(self, names, liar, place, seed):
        super().__init__(names, seed=seed)
        self.liar, self.place, self.key = liar, place, seed
        self.often = random.Random(seed).choice([0.02, 0.1, 0.5])

    def put(self, sender, to, step, message):
        k = self.sent[sender].messages
        draw = random.Random(f"{self.key} {k}")
        wanted = sender == self.liar and k >= self.place and draw.random() < self.often
        if wanted and len(message) and message.dtype == np.uint64:
            message, i = message.copy(), draw.randrange(len(message))
            message[i] = (int(message[i]) + draw.randrange(1, P61.p)) % P61.p
        super().put(sender, to, step, message)


def alike(protocol, key, liar, draw):
    """Two assignments of inputs of which neither the result nor the liar's input tells which."""
    first = inputs_of(protocol, key, draw.random())
    for _ in range(200):
        second = inputs_of(protocol, key, draw.random())
        if liar in first:
            second[liar] = first[liar]
        if second != first and protocol.plaintext(second) == protocol.plaintext(first):
            return first, second
    return None


def ends(protocol, inputs, net, liar):
    """What the honest end with, to the word."""
    results = play(protocol, inputs, net)
    return [
        ([part.tolist() for o in r.outputs for part in o.parts], r.liars)
        if isinstance(r, Outcome)
        else (type(r), str(r), r.peer)
        for p, r in results.items()
        if p != liar
    ]


def told_apart(active, key, seeds):
    """Of how many pairs of inputs the liar could tell which it was from how a run ended.

    What is sent is field elements: not comparisons of three parties, where what adding does to a
    word of bits depends on that word.
    """
    found = tried = 0
    for seed in seeds:
        draw = random.Random(f"{key} {seed}")
        protocol = active(key, draw.choice([3, 4, 5] if key in BALLOTS else [4, 5]), threshold=1)
        names = protocol.manifest.parties
        liar = draw.choice(names)
        if (key, names, protocol.scheme.threshold) not in COSTS:
            COSTS[key, names, protocol.scheme.threshold] = protocol.cost()
        messages = COSTS[key, names, protocol.scheme.threshold].sent[liar].messages
        place, pair = draw.randrange(messages), alike(protocol, key, liar, draw)
        if pair:
            nets = (Deviating(names, liar, place, seed) for _ in pair)
            first, second = (
                ends(protocol, x, net, liar) for x, net in zip(pair, nets, strict=True)
            )
            tried, found = tried + 1, found + (first != second)
    assert tried > len(seeds) // 3
    return found


BALLOTS = ("vote", "winner", "tally")
SECRET = (*BALLOTS, "statistics", "auction", "table", "inner", "checked")


@pytest.mark.parametrize("key", SECRET)
@pytest.mark.parametrize("runs", portioned([1], [2]))
def test_whether_and_why_a_run_stops_tells_a_liar_nothing(active, key, runs):
    """Its seeds, its lies and the result are the same; other honest inputs differ."""
    assert told_apart(active, key, range(2 * runs if key in BALLOTS else runs)) == 0


@pytest.mark.slow
@pytest.mark.parametrize("key", SECRET)
def test_whether_and_why_a_run_stops_tells_a_liar_nothing_in_many_runs(active, key):
    assert told_apart(active, key, range(100, 200)) == 0


def test_without_a_proof_the_way_a_run_ends_tells_inputs_apart(active, monkeypatch):
    async def settle(_):
        pass

    monkeypatch.setattr(Auditor, "settle", settle)
    few = (range(i, i + 4) for i in range(48, 108, 4))  # one in sixty shows it: seeds that do first
    assert any(told_apart(active, "vote", seeds) for seeds in few)


OUTSIDERS = {"alice": "c", "bob": "k", "carlos": "k", "david": "k", "erin": "r"}


@pytest.mark.parametrize("key", ["tally", "sum", "checked"])
def test_a_contributor_whose_shares_fit_no_number_stops_the_run(active, key):
    protocol = active(key, {**OUTSIDERS, "frank": "c"})
    honest = protocol.share

    def share(x, me, draw):
        parcels = honest(x, me, draw)
        if me == "alice":
            for party, parcel in parcels.items():
                if isinstance(parcel, Explicit):
                    parcels[party] = replace(parcel, vector=P61.add(parcel.vector, parcel.vector))
                    break
        return parcels

    protocol.share = share
    inputs = dict.fromkeys(protocol.contributors, CASES[key][3][0])
    results = play(protocol, inputs, MemoryNet(protocol.manifest.parties))
    assert any("contradict each other" in str(result) for result in results.values())
    for name in ("bob", "carlos", "david", "erin"):
        if key != "sum" or name == "erin":
            assert isinstance(results[name], PeerViolation | Aborted), results[name]
        if isinstance(results[name], PeerViolation):
            assert results[name].peer is None


def squared_wrongly(monkeypatch, liar, errors):
    """`liar` adds these to the squares of all ballots, its first products, once."""
    honest, cheated = rounds._exchange, set()

    async def exchange(engine, products, count, told):
        if engine.party.me == liar and not cheated:
            cheated.add(liar)
            added = np.zeros(len(products), np.int64)
            added[: len(errors)] = errors
            weight = engine.weights(range(2 * engine.t + 1))[engine.me]
            share = engine.field.scale(engine.field.encode(added), pow(weight, -1, P61.p))
            products = engine.field.add(products, share)
        return await honest(engine, products, count, told)

    monkeypatch.setattr(rounds, "_exchange", exchange)


def test_a_ballot_that_false_squares_make_look_valid_never_counts(active, monkeypatch):
    """What tells whether ballots are valid is opened before it is proven."""
    protocol, ballot = active("vote", 3), np.array([1000, -999, 0])
    honest = protocol.share

    def share(x, me, draw):
        return honest(P61.encode(ballot) if me == "bob" else x, me, draw)

    protocol.share = share
    inputs = dict.fromkeys(protocol.contributors, "no")
    for result in play(protocol, inputs, MemoryNet(protocol.manifest.parties)).values():
        assert "bob's input is not a valid ballot" in str(result)
        assert result.peer == "bob"
    errors = np.zeros(9, np.int64)
    errors[3:6] = ballot - ballot**2
    squared_wrongly(monkeypatch, "bob", errors)
    for result in play(protocol, inputs, MemoryNet(protocol.manifest.parties)).values():
        assert isinstance(result, PeerViolation)
        assert "falsified a product" in str(result)


@pytest.mark.parametrize("n", [3, 4])
def test_nobody_is_blamed_for_a_ballot_that_only_looks_invalid(active, monkeypatch, n):
    protocol = active("vote", n)
    squared_wrongly(monkeypatch, "bob", [5] + [0] * (3 * n - 1))
    inputs = dict.fromkeys(protocol.contributors, "no")
    for result in play(protocol, inputs, MemoryNet(protocol.manifest.parties)).values():
        assert isinstance(result, PeerViolation)
        assert "falsified a product" in str(result)
        assert result.peer is None


def test_a_recipient_believes_no_result_from_too_few(active):
    """Two shares of three open anything if one of the two may be wrong."""
    protocol = active("vote", OUTSIDERS)
    last = protocol.cost().sent["carlos"].messages - 1
    net = MemoryNet(protocol.manifest.parties, {"carlos": last})
    results = play(protocol, {"alice": "yes"}, net)
    assert isinstance(results["erin"], Aborted)
    assert "3 are needed" in str(results["erin"])


class TwoStories(MemoryNet):
    """carlos tells david, and nobody else, that alice never came."""

    def put(self, sender, to, step, message):
        if (sender, to) == ("carlos", "david") and message.dtype == np.uint8:
            message = message & ~np.uint8(1)
        super().put(sender, to, step, message)


def test_no_two_sums_are_opened_whatever_a_liar_says_about_whom_it_holds(active):
    """The difference of the two would be what alice gave."""
    protocol = active("sum", {**OUTSIDERS, "bob": "ck", "carlos": "ck", "david": "ckr"}, least=2)
    inputs = dict.fromkeys(protocol.contributors, 7)
    results = play(protocol, inputs, TwoStories(protocol.manifest.parties))
    assert all(isinstance(results[name], Aborted) for name in ("bob", "david", "erin")), results


class Isolating(MemoryNet):
    """bob says that it holds shares from nobody but itself and carlos."""

    def put(self, sender, to, step, message):
        if (sender, step) == ("bob", Step(1, 0)):
            message = np.array([0b0110], np.uint8)
        super().put(sender, to, step, message)


@pytest.mark.parametrize(
    ("key", "security"), [("tally", "active"), ("tally", "passive"), ("sum", "active")]
)
def test_a_liar_cannot_have_those_who_compute_left_out(active, key, security):
    """From a result over bob and carlos, bob would know what carlos gave."""
    roles = {"alice": "c", "bob": "ckr", "carlos": "ckr", "david": "ckr"}
    protocol = active(key, roles, least=2, security=security)
    inputs = dict.fromkeys(protocol.contributors, CASES[key][3][0])
    results = play(protocol, inputs, Isolating(protocol.manifest.parties))
    for name in ("carlos", "david"):
        assert isinstance(results[name], PeerViolation), results[name]
        assert results[name].peer == "bob"


@pytest.mark.parametrize(("n", "t"), [(4, 1), (7, 2)])
def test_lies_about_the_result_are_corrected_and_their_tellers_named(active, n, t):
    """Where n >= 3t + 1: the last message of every liar to each honest party is wrong."""
    protocol = active("tally", n, threshold=t)
    names = protocol.manifest.parties
    liars, inputs = names[1 : 1 + t], inputs_of(protocol, "tally", 1)
    results = play(protocol, inputs, LyingAtLast(names, liars, protocol.cost()))
    for name in set(names) - set(liars):
        result = results[name]
        assert isinstance(result, Outcome), result
        assert {o.name: o.value for o in result.outputs} == protocol.plaintext(inputs)
        assert set(result.liars) == set(liars)
        assert set(result.as_dict()["liars"]) == set(liars)


class LyingAtLast(MemoryNet):
    """Liars add something else for each receiver to their last message to it."""

    def __init__(self, names, liars, cost):
        super().__init__(names)
        first = {p: cost.sent[p].messages - (len(names) - 1) for p in liars}
        self.first = first

    def put(self, sender, to, step, message):
        first = self.first.get(sender)
        if first is not None and self.sent[sender].messages >= first:
            assert message.dtype == np.uint64
            message = P61.add(message, np.full_like(message, 1 + self.parties.index(to)))
        super().put(sender, to, step, message)


def test_sums_need_honest_shares_enough_to_determine_them(manifest, everybody):
    with pytest.raises(ManifestError, match="2 of 3 compute parties may lie") as caught:
        protocol_for(manifest(everybody(3), security="active"))
    assert 'set scheme = "shamir" in [sharing], and threshold = 1' in caught.value.hint
    with pytest.raises(ManifestError, match="no party would notice"):
        protocol_for(manifest(everybody(5), security="active", scheme="shamir", threshold=3))


def test_explain_says_what_active_means(active):
    text = "\n".join(active("vote", 4).explain())
    assert "one compute party of 4 may send anything at all" in text
    assert "Wrong shares of the result are corrected" in text
    text = "\n".join(active("vote", 3).explain())
    assert "is named" not in text
    assert "may say that" not in text
    text = "\n".join(active("vote", OUTSIDERS | {"frank": "c"}, least=1).explain())
    assert "may say that a contributor that does not compute never came" in text
    text = "\n".join(active("sum", 4, least=3).explain())
    assert "one compute party of 4, and contributors, may send anything at all" in text
    assert "may say that" not in text
    assert "all 4 compute parties must stay" in text
    assert "all 4 compute parties must stay" not in text.replace(
        "all 4 compute parties must", "", 1
    )
