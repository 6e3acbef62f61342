import asyncio
from itertools import combinations, product

import numpy as np
import pytest
from portions import thinned

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery import opening as opening
from ostraka.delivery.attendance import Attendance
from ostraka.delivery.cost import Cost, Sent
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, OstrakaError, PeerLost, PeerViolation
from ostraka.names import Step
from ostraka.sharing.additive import Additive
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

COMPUTE = ("a", "b", "c")
RECIPIENTS = [("a", "b", "c"), ("b",), ("a", "x"), ("x",), ("x", "y"), ("c", "y", "a", "x")]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    """Every way of opening is reached by short vectors."""
    monkeypatch.setattr(opening, "SCATTER_FROM", 10)
    monkeypatch.setattr(opening, "PIECE", 7)
    monkeypatch.setattr(opening, "FIRST", 7)


def shared(scheme, values):
    x = scheme.from_signed(np.array(values, np.int64))
    parcels = scheme.split(x, scheme.contributors[0], SeededDraw(1))
    return {party: scheme.expand(parcel, len(values)) for party, parcel in parcels.items()}


NOTED = {}
"""Whom each party saw lying, in the last `open_all`."""


async def open_all(
    scheme, shares, recipients, length, drop=None, counted=None, seed=0, attendance=None
):
    names = tuple(dict.fromkeys((*scheme.compute, *recipients)))
    net = MemoryNet(names, drop, seed)
    results, seen = {}, {name: [] for name in names}

    async def one(name):
        party = Party(net.exchange(name), scheme, attendance)
        mine = (counted or {}).get(name, scheme.contributors)
        watch = lambda who, _: seen[name].append(who)  # noqa: E731
        try:
            share = opening.Share(shares[name], mine) if name in shares else None
            results[name] = await opening.open_to(party, recipients, length, share, watch)
            NOTED[name] = party.liars
        except OstrakaError as error:
            results[name], NOTED[name] = error, party.liars
        net.leave(name)

    async with asyncio.TaskGroup() as group:
        for name in names:
            group.create_task(one(name))
    return results, net, seen


SCHEMES = [Additive(("x",), COMPUTE), Shamir(("x",), COMPUTE, 1), Shamir(("x",), COMPUTE, 2)]


CASES = [
    pytest.param(
        scheme, who, length, id=f"{scheme.name}-{scheme.colluders}-{''.join(who)}-{length}"
    )
    for scheme, who, length in product(SCHEMES, RECIPIENTS, [1, 9, 10, 11, 100])
]


@pytest.mark.parametrize(
    ("scheme", "recipients", "length"), thinned(CASES, lambda _scheme, _who, n: n in (1, 11))
)
async def test_recipients_and_nobody_else_get_the_value(scheme, recipients, length):
    values = list(range(-5, length - 5))
    results, net, seen = await open_all(scheme, shared(scheme, values), recipients, length)
    for name, result in results.items():
        if name in recipients:
            assert scheme.to_signed(result[0]).tolist() == values
            assert result[1] == scheme.contributors
        else:
            assert result is None
            assert seen[name] == []
    expected = Cost()
    opening.add_cost(scheme, recipients, length, expected)
    assert {p: s for p, s in net.sent.items() if s != Sent()} == {
        p: s for p, s in expected.sent.items() if s != Sent()
    }


async def test_scattering_costs_two_vectors_however_many_recipients():
    compute = tuple(f"p{i}" for i in range(20))
    scheme, total = Additive(compute, compute), Cost()
    opening.add_cost(scheme, compute, 2000, total)
    assert total.rounds == 2
    assert all(sent.bytes == 2 * 8 * 2000 * 19 // 20 for sent in total.sent.values())


async def test_one_additive_share_missing_and_nobody_learns_anything():
    scheme = SCHEMES[0]
    for length in (3, 30):
        results, _, _ = await open_all(
            scheme, shared(scheme, range(length)), COMPUTE, length, drop={"b": 0}
        )
        assert isinstance(results["a"], PeerLost)
        assert isinstance(results["c"], PeerLost)
        assert results["a"].peer == "b"


@pytest.mark.parametrize("messages", range(13))
async def test_shamir_recipients_need_only_enough(messages):
    """b crashes after so many messages, in the middle of the pieces too."""
    scheme = SCHEMES[1]
    values = list(range(30))
    results, _, _ = await open_all(
        scheme, shared(scheme, values), ("x", "a"), 30, drop={"b": messages}
    )
    for name in ("x", "a"):
        assert scheme.to_signed(results[name][0]).tolist() == values


@pytest.mark.parametrize("messages", range(5))
async def test_too_few_shamir_shares_abort_and_name_the_lost(messages):
    scheme = SCHEMES[2]
    results, _, _ = await open_all(
        scheme, shared(scheme, range(30)), ("x",), 30, drop={"b": messages}
    )
    assert isinstance(results["x"], Aborted)
    assert "(lost: b)" in str(results["x"])
    assert results["x"].peer == "b"


@pytest.mark.parametrize("liar", COMPUTE)
async def test_a_wrong_share_never_makes_a_wrong_result(liar):
    scheme = SCHEMES[1]
    shares = shared(scheme, range(20))
    shares[liar][17] = (shares[liar][17] + np.uint64(1)) % np.uint64(P61.p)
    results, _, _ = await open_all(scheme, shares, ("x", "b"), 20)
    assert isinstance(results["x"], PeerViolation)
    assert isinstance(results["b"], PeerViolation)
    assert results["x"].peer is None


@pytest.mark.parametrize("liar", "abcd")
async def test_whose_share_is_wrong_is_told_where_it_is_certain_and_nobody_is_blamed(liar):
    """A contributor may have dealt it."""
    scheme = Shamir(("x",), ("a", "b", "c", "d"), 1)
    shares = shared(scheme, range(20))
    shares[liar][17] = (shares[liar][17] + np.uint64(5)) % np.uint64(P61.p)
    results, _, _ = await open_all(scheme, shares, ("r",), 20)
    assert isinstance(results["r"], PeerViolation)
    assert results["r"].peer is None
    assert f"the shares that {liar} announced contradict all others" in str(results["r"])


def proven(n, t):
    """Sharing among n parties whose shares were proven to be of one value each."""
    scheme = Shamir(("x",), tuple("abcdefghij"[:n]), t)
    return scheme, Attendance.among_liars(scheme, proven=True)


@pytest.mark.parametrize(("n", "t"), [(4, 1), (5, 1), (7, 2), (10, 3)])
async def test_up_to_t_proven_shares_are_corrected_and_the_liars_noted(n, t):
    """They lie about different elements, the last of them about whom they count too."""
    scheme, attendance = proven(n, t)
    for liars in list(combinations(scheme.compute, t))[:12]:
        shares = shared(scheme, range(20))
        for i, liar in enumerate(liars):
            for place in (i, 7 * i, 19):
                shares[liar][place] = (int(shares[liar][place]) + 5 + i) % P61.p
        counted = {liars[-1]: ()}
        results, _, _ = await open_all(
            scheme, shares, ("a", "r"), 20, counted=counted, attendance=attendance
        )
        for name in {"a", "r"} - set(liars):
            assert scheme.to_signed(results[name][0]).tolist() == list(range(20))
            assert results[name][1] == ("x",)
            assert set(NOTED[name]) == set(liars)


@pytest.mark.parametrize(("n", "t", "lies"), [(3, 1, 1), (4, 1, 2), (5, 2, 1), (7, 2, 3)])
async def test_more_lies_than_can_be_corrected_stop_the_opening(n, t, lies):
    scheme, attendance = proven(n, t)
    shares = shared(scheme, range(20))
    for i, liar in enumerate(scheme.compute[:lies]):
        shares[liar][3 * i] = (int(shares[liar][3 * i]) + 1) % P61.p
    results, _, _ = await open_all(scheme, shares, ("r",), 20, attendance=attendance)
    assert isinstance(results["r"], PeerViolation)
    assert results["r"].peer is None
    assert NOTED["r"] == []


@pytest.mark.parametrize(("n", "drop", "fine"), [(4, 1, True), (4, 2, False), (7, 2, True)])
async def test_proven_shares_may_be_missing_while_honest_ones_decide(n, drop, fine):
    scheme, attendance = proven(n, (n - 1) // 3)
    gone = dict.fromkeys(scheme.compute[:drop], 0)
    results, _, _ = await open_all(
        scheme, shared(scheme, range(20)), ("r",), 20, drop=gone, attendance=attendance
    )
    if fine:
        assert scheme.to_signed(results["r"][0]).tolist() == list(range(20))
    else:
        assert isinstance(results["r"], Aborted)


async def test_a_word_that_is_no_element_names_its_sender():
    scheme = SCHEMES[1]
    shares = shared(scheme, range(3))
    shares["b"][1] = P61.p
    results, _, _ = await open_all(scheme, shares, ("x",), 3)
    assert isinstance(results["x"], PeerViolation)
    assert results["x"].peer == "b"


async def test_shares_over_different_contributors_are_never_combined():
    scheme = Shamir(("x", "y"), COMPUTE, 1)
    x = shared(scheme, range(3))
    results, _, _ = await open_all(scheme, x, ("a", "r"), 3, counted={"b": ("x",)})
    for name in ("a", "r"):
        assert isinstance(results[name], Aborted)
        assert "different contributors" in str(results[name])


async def test_a_malformed_set_names_its_sender():
    scheme = SCHEMES[1]
    net = MemoryNet(("a", "b", "c", "r"))
    for name in COMPUTE:
        tag = np.uint64(3 if name == "b" else 1)  # the second bit is of nobody
        net.exchange(name).send("r", Step(1, 0), np.array([tag, 0, 0, 0], np.uint64))
        net.leave(name)
    with pytest.raises(PeerViolation, match="b sent a malformed set"):
        await opening.open_to(Party(net.exchange("r"), scheme), ("r",), 3, None)
