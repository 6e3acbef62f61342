import asyncio
import random
from itertools import combinations, product

import numpy as np
import pytest
from portions import portioned

from ostraka.delivery.agree import Agreement, add_cost, from_mask, mask_bytes, to_mask
from ostraka.delivery.attendance import Attendance, quorum
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, OstrakaError, PeerViolation, RefusedByLedger
from ostraka.names import Step
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet


def test_quorums_for_two_different_sets_share_a_party():
    for n, t in combinations(range(59, 0, -1), 2):
        everybody, other = (quorum(n, t, everybody=e) for e in (True, False))
        assert everybody + other > n
        assert 2 * other > n
        assert t < everybody <= n
        assert t < other <= n or other == n // 2 + 1


@pytest.mark.parametrize("size", [1, 7, 8, 9, 64, 1000])
def test_masks_say_who(size):
    people = [f"c{i}" for i in range(size)]
    for chosen in ([], people, people[::3], people[-1:]):
        mask = to_mask(chosen, people)
        assert len(mask) == mask_bytes(people)
        assert from_mask(mask, people) == tuple(chosen)


@pytest.mark.parametrize("bad", [[0b1000], [0b1011], [0xFF]])
def test_a_mask_with_bits_for_nobody_is_refused(bad):
    with pytest.raises(ValueError, match="beyond the last"):
        from_mask(np.array(bad, np.uint8), ["a", "b", "c"])


async def outcomes(scheme, held, drop=None, seed=0, allow=None, *, cut=None, attendance=None):
    """What each compute party ends with, given whose shares it holds."""
    net = MemoryNet(scheme.compute, drop, seed, cut=cut)
    results = {}

    async def one(name):
        party = Party(net.exchange(name), scheme, attendance)
        try:
            results[name] = await Agreement(party).reach(held[name], *(allow or {}).get(name, ()))
        except OstrakaError as error:
            results[name] = error
        net.leave(name)

    async with asyncio.TaskGroup() as group:
        for name in scheme.compute:
            group.create_task(one(name))
    return results, net


async def test_everybody_holds_everything():
    scheme = Shamir(("x", "y"), ("a", "b", "c"), 1)
    results, net = await outcomes(scheme, dict.fromkeys(scheme.compute, ("x", "y")))
    assert set(results.values()) == {("x", "y")}
    expected = Cost()
    add_cost(scheme, expected)
    assert net.sent == expected.sent
    assert expected.rounds == 2


async def test_the_intersection_is_counted():
    scheme = Shamir(("x", "y", "z"), ("a", "b", "c"), 1)
    held = {"a": ("x", "y"), "b": ("y", "z"), "c": ("x", "y", "z")}
    results, _ = await outcomes(scheme, held)
    assert set(results.values()) == {("y",)}


async def test_one_that_refuses_stops_everybody_although_the_others_are_enough():
    async def refuse(counted):
        raise RefusedByLedger(f"not {counted}")

    scheme = Shamir(("x", "y"), tuple("abcde"), 1)
    held = dict.fromkeys(scheme.compute, ("x", "y"))
    results, _ = await outcomes(scheme, held, allow={"c": (refuse,)})
    assert isinstance(results.pop("c"), RefusedByLedger)
    assert {type(error) for error in results.values()} == {Aborted}
    assert all("c refused" in error.message for error in results.values())


async def test_a_threshold_of_survivors_finishes_when_everybody_was_heard():
    scheme = Shamir(("x",), tuple("abcde"), 1)
    everything = dict.fromkeys(scheme.compute, ("x",))
    results, _ = await outcomes(scheme, everything, drop={"c": 0, "d": 0, "e": 0})
    assert results["a"] == results["b"] == ("x",)
    results, _ = await outcomes(scheme, everything, drop={"b": 0, "c": 0, "d": 0, "e": 0})
    assert isinstance(results["a"], Aborted)
    assert "(lost: b, c, d, e; " in str(results["a"])


async def test_fewer_contributors_need_more_votes():
    scheme = Shamir(("x", "y"), tuple("abcde"), 1)
    held = dict.fromkeys(scheme.compute, ("x",))
    results, _ = await outcomes(scheme, held, drop={"e": 0})
    assert all(results[name] == ("x",) for name in "abcd")
    results, _ = await outcomes(scheme, held, drop={"d": 0, "e": 0})
    assert all(isinstance(results[name], Aborted) for name in "abc")
    assert "without a share: y" in str(results["a"])


@pytest.mark.parametrize(("n", "t"), portioned([(2, 1), (3, 1), (3, 2)], [(4, 1), (4, 2), (5, 2)]))
async def test_never_two_different_sets_whoever_crashes_whenever(n, t):
    """The claim in the module's docstring, tried for every crash point of up to two parties."""
    compute = tuple("abcde"[:n])
    scheme = Shamir(("x", "y", "z"), compute, t)
    held = {name: ("x", "y", "z")[: 2 + i % 2] for i, name in enumerate(compute)}
    full = dict.fromkeys(compute, ("x", "y", "z"))
    points = range(2 * (n - 1) + 1)
    finished = 0
    for first, second in product(points, points):
        for have in (held, full, {**full, compute[-1]: ("x",)}):
            drop = {compute[0]: first, compute[-1]: second}
            results, _ = await outcomes(scheme, have, drop, seed=first * 31 + second)
            agreed = {r for r in results.values() if isinstance(r, tuple)}
            assert len(agreed) <= 1
            finished += len(agreed)
    assert finished


@pytest.mark.parametrize("heard", [0, 1, 2])
async def test_parties_that_heard_different_things_open_the_same(heard):
    """c, who lacks y, crashes after telling `heard` others: one votes, the other follows."""
    scheme = Shamir(("x", "y"), ("a", "b", "c"), 1)
    held = {"a": ("x", "y"), "b": ("x", "y"), "c": ("x",)}
    results, _ = await outcomes(scheme, held, drop={"c": heard})
    assert results["a"] == results["b"] == (("x",) if heard == 2 else ("x", "y"))


class Rules:
    """Rules of one party: which sets it refuses, and which it allowed."""

    def __init__(self, refuses=lambda counted: False):
        self.refuses, self.allowed = refuses, set()

    async def __call__(self, counted):
        if self.refuses(counted):
            raise RefusedByLedger(f"not {counted}")
        self.allowed.add(counted)


async def test_a_party_follows_no_vote_for_a_set_that_it_did_not_consent_to():
    """a and b vote for x and y as if they had not heard c, which lacks y."""
    scheme = Shamir(("x", "y"), ("a", "b", "c"), 1)
    net, rules = MemoryNet(scheme.compute), Rules()
    consent, vote = (np.array([kind, 0b11], np.uint8) for kind in (1, 2))
    for name in ("a", "b"):
        peer = net.exchange(name)
        for step, said in ((Step(1, 0), consent), (Step(2, 0), vote), (Step(2, 1), vote)):
            peer.send("c", step, said)
    with pytest.raises(Aborted, match="could not agree"):
        await Agreement(Party(net.exchange("c"), scheme)).reach(("x",), rules)
    assert rules.allowed == {("x",)}


async def one_schedule(rng, n, t, *, lying=False):
    """One run with contributors among the compute parties, and everything at once that can go
    wrong: shares that did not arrive, refusals, crashes, links that a relay cuts."""
    compute = tuple("abcdefg"[:n])
    contributors = (*compute[: rng.randint(0, n)], "x", "y")
    scheme = Shamir(contributors, compute, t)
    held = {p: tuple(c for c in contributors if c == p or rng.random() < 0.9) for p in compute}
    bad = {p: rng.random() < 0.25 for p in compute}
    limit = {p: rng.randint(2, len(contributors)) for p in compute}
    rules = {p: Rules(lambda s, p=p: bad[p] and (p in s) and len(s) <= limit[p]) for p in compute}
    drop = {p: rng.randint(0, 3 * n) for p in compute if rng.random() < 0.15}
    pairs = [(p, q) for p in compute for q in compute if p != q]
    cut = {pair: rng.randint(0, 3) for pair in pairs if rng.random() < 0.1}
    seed = rng.randrange(1 << 30)
    attendance = Attendance.among_liars(scheme, proven=True) if lying else None
    allow = {party: (rule,) for party, rule in rules.items()}
    results, _ = await outcomes(scheme, held, drop, seed, allow, cut=cut, attendance=attendance)
    return scheme, rules, {r for r in results.values() if isinstance(r, tuple)}, drop | cut


async def consent_holds(seeds, *, lying=False):
    opened = troubled = 0
    for seed in seeds:
        rng = random.Random(seed)
        n = rng.randint(2, 7)
        scheme, rules, agreed, trouble = await one_schedule(
            rng, n, rng.randint(1, n - 1), lying=lying
        )
        assert len(agreed) <= 1, seed
        for counted in agreed:
            for party in set(counted) & set(scheme.compute):
                assert counted in rules[party].allowed, (seed, party)
        opened, troubled = opened + len(agreed), troubled + bool(agreed and trouble)
    return opened, troubled


@pytest.mark.parametrize("lying", [False, True])
@pytest.mark.parametrize("seeds", portioned([range(80)], [range(80, 250)]), ids=str)
async def test_no_set_is_opened_without_the_consent_of_all_whose_input_is_in_it(lying, seeds):
    opened, troubled = await consent_holds(seeds, lying=lying)
    assert opened > len(seeds) // 6
    assert troubled > (0 if lying else 3)


@pytest.mark.slow
@pytest.mark.parametrize("lying", [False, True])
async def test_no_set_is_opened_without_consent_in_many_schedules(lying):
    opened, _ = await consent_holds(range(1000, 21_000), lying=lying)
    assert opened > 4000


async def test_a_malformed_mask_names_its_sender():
    scheme = Shamir(("x",), ("a", "b"), 1)
    net = MemoryNet(scheme.compute)
    net.exchange("b").send("a", Step(1, 0), np.array([1, 0b10], np.uint8))
    with pytest.raises(PeerViolation, match="b sent a malformed set") as caught:
        await Agreement(Party(net.exchange("a"), scheme)).reach(("x",))
    assert caught.value.peer == "b"
