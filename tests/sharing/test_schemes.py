import json
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61, Field
from ostraka.arithmetic.randomness import BLOCK, SeededDraw
from ostraka.exchange import octets, words
from ostraka.sharing.additive import Additive
from ostraka.sharing.scheme import Explicit, InconsistentShares, Seed
from ostraka.sharing.shamir import Shamir

VECTORS = Path(__file__).parent.parent / "vectors"
NAMES = tuple(f"p{i}" for i in range(70))


def schemes(n):
    compute = NAMES[:n]
    return [
        Additive((*NAMES[:2], "outside"), compute),
        *(Shamir((*NAMES[:2], "outside"), compute, t) for t in range(1, min(n, 5))),
    ]


def shares_of(scheme, values, contributor, seed=0):
    x = scheme.from_signed(np.array(values, np.int64))
    parcels = scheme.split(x, contributor, SeededDraw(seed))
    return {party: scheme.expand(parcel, len(values)) for party, parcel in parcels.items()}


ALL = [scheme for n in (2, 3, 4, 5, 7) for scheme in schemes(n)]


@pytest.mark.parametrize("contributor", ["outside", "p0", "p1"])
@pytest.mark.parametrize("scheme", ALL, ids=lambda s: f"{s.name}-{len(s.compute)}-{s.colluders}")
def test_shares_open_to_what_was_shared(scheme, contributor):
    values = [0, 1, -1, scheme.capacity, -scheme.capacity, *range(BLOCK)]
    shares = shares_of(scheme, values, contributor)
    assert scheme.to_signed(scheme.combine(shares)).tolist() == values


@pytest.mark.parametrize("n", [61, 62, 70])
def test_more_parties_than_powers_of_two(n):
    scheme = Shamir(("p3",), NAMES[:n], 3)
    shares = shares_of(scheme, [-5, 7], "p3")
    some = dict(list(shares.items())[n - 6 :])
    assert scheme.to_signed(scheme.combine(some)).tolist() == [-5, 7]


@pytest.mark.parametrize("scheme", ALL, ids=lambda s: f"{s.name}-{len(s.compute)}-{s.colluders}")
def test_what_is_sent_is_public_and_as_small_as_promised(scheme):
    n, t = len(scheme.compute), scheme.colluders
    for contributor in scheme.contributors:
        parcels = scheme.split(np.zeros(9, np.uint64), contributor, SeededDraw(1))
        assert tuple(sorted(parcels)) == tuple(sorted(scheme.compute))
        sent = {party: parcel for party, parcel in parcels.items() if party != contributor}
        for party, parcel in sent.items():
            expected = scheme.expected(contributor, party, 9)
            assert expected == (octets(32) if isinstance(parcel, Seed) else words(9))
            message = scheme.message(parcel)
            assert (message.nbytes, len(message)) == (expected.nbytes, expected.length)
            again = scheme.parcel(message)
            assert np.array_equal(scheme.expand(again, 9), scheme.expand(parcel, 9))
        explicit = sum(isinstance(parcel, Explicit) for parcel in sent.values())
        assert explicit == n - t - (contributor in scheme.compute)
        if contributor in scheme.compute:
            assert isinstance(parcels[contributor], Explicit)


@pytest.mark.parametrize("scheme_of", [Additive, lambda c, p: Shamir(c, p, 2)])
def test_explicit_vectors_are_spread_over_the_compute_parties(scheme_of):
    outside = tuple(f"phone{i}" for i in range(50))
    for contributors in (outside, NAMES[:5]):
        scheme = scheme_of(contributors, NAMES[:5])
        load = Counter(
            party
            for c in contributors
            for party in scheme.compute
            if party != c and party not in scheme.by_seed(c)
        )
        assert len(set(load.values())) <= 1
        assert len(load) in (0, 5)


@pytest.mark.parametrize("scheme_of", [Additive, lambda c, p: Shamir(c, p, 2)])
def test_parcels_of_a_place_do_not_depend_on_which_place_it_is(scheme_of):
    places = tuple(f"#{i}" for i in range(1, 8))
    for compute in (NAMES[:5], NAMES[:3]):
        scheme = scheme_of(places, compute)
        assert len({scheme.by_seed(place) for place in places}) == 1
        without = scheme_of(places[3:], compute)
        assert without.by_seed(places[3]) == scheme.by_seed(places[0])
    assert Shamir(places, NAMES[:3], 1).by_seed(places[4]) == NAMES[:1]


@given(st.data())
def test_shares_add_up_like_values(data):
    n = data.draw(st.integers(2, 6))
    scheme = data.draw(st.sampled_from(schemes(n)))
    small = st.integers(-(scheme.capacity // 3), scheme.capacity // 3)
    rows = data.draw(st.lists(st.lists(small, min_size=3, max_size=3), min_size=3, max_size=3))
    shared = [
        shares_of(scheme, row, who, seed)
        for seed, (row, who) in enumerate(zip(rows, scheme.contributors, strict=True))
    ]
    totals = {}
    for party in scheme.compute:
        totals[party] = scheme.zeros(3)
        for shares in shared:
            scheme.add(totals[party], shares[party])
    everybody = list(scheme.compute)
    some = data.draw(st.permutations(everybody))[: data.draw(st.integers(scheme.needed, n))]
    opened = scheme.to_signed(scheme.combine({party: totals[party] for party in some}))
    assert opened.tolist() == [sum(column) for column in zip(*rows, strict=True)]


@pytest.mark.parametrize(("n", "t"), [(3, 1), (4, 1), (5, 2), (5, 3)])
def test_one_wrong_share_is_always_noticed(n, t):
    scheme = Shamir(NAMES[:1], NAMES[:n], t)
    for liar in scheme.compute:
        shares = shares_of(scheme, list(range(-3, 20)), "p0")
        shares[liar][11] = P61.add(shares[liar][11:12], np.ones(1, np.uint64))[0]
        with pytest.raises(InconsistentShares):
            scheme.combine(shares)


def test_too_few_shares_do_not_open():
    for scheme in (Additive(NAMES[:4], NAMES[:4]), Shamir(NAMES[:4], NAMES[:4], 2)):
        shares = shares_of(scheme, [5], "p0")
        for some in combinations(scheme.compute, scheme.needed - 1):
            with pytest.raises(ValueError, match="open"):
                scheme.combine({party: shares[party] for party in some})


@pytest.mark.parametrize("threshold", [-1, 0, 3, 4])
def test_degenerate_thresholds_are_refused(threshold):
    with pytest.raises(ValueError, match="threshold"):
        Shamir(NAMES[:3], NAMES[:3], threshold)


def test_a_field_scheme_refuses_words_that_are_no_elements():
    scheme = Shamir(NAMES[:3], NAMES[:3], 1)
    with pytest.raises(ValueError, match="not an element"):
        scheme.parcel(np.array([0, P61.p], np.uint64))


def test_secrets_do_not_print():
    vector = np.array([123456789, 987654321], np.uint64)
    assert "123456789" not in repr(Explicit(vector))
    assert "secret" not in repr(Seed(b"secret" * 5 + b"!!"))


def scheme_from(case):
    contributors, compute = tuple(case["contributors"]), tuple(case["compute"])
    if case["scheme"] == "additive":
        return Additive(contributors, compute)
    return Shamir(contributors, compute, case["threshold"])


def test_known_answers():
    """Anybody who writes another implementation can check it against these."""
    for case in json.loads((VECTORS / "sharing.json").read_text()):
        scheme = scheme_from(case)
        x = scheme.from_signed(np.array(case["input"], np.int64))
        draw = SeededDraw(0)
        seeds = iter(case["seeds"])
        draw.seed = lambda seeds=seeds: bytes.fromhex(next(seeds))
        parcels = scheme.split(x, case["contributor"], draw)
        for party, expected in case["parcels"].items():
            message = scheme.message(parcels[party])
            assert message.tobytes().hex() == expected
        for party, expected in case["shares"].items():
            assert scheme.expand(parcels[party], len(x)).tolist() == expected
        shares = {p: np.array(v, np.uint64) for p, v in case["shares"].items()}
        assert scheme.to_signed(scheme.combine(shares)).tolist() == case["input"]


def test_known_bad_openings():
    for case in json.loads((VECTORS / "bad_sharing.json").read_text()):
        scheme = scheme_from(case)
        with pytest.raises(ValueError, match=case["error"]):
            parcels = {
                party: scheme.parcel(np.frombuffer(bytes.fromhex(text), "<u8"))
                for party, text in case["announced"].items()
            }
            scheme.combine({party: parcel.vector for party, parcel in parcels.items()})


# --- wrong shares --------------------------------------------------------------------------------


def with_wrong(scheme, wrong, length=2):
    """Shares of 5 and -7 (as many as `length`), those of some parties wrong in one element each."""
    shares = shares_of(scheme, [5, -7][:length], "outside")
    for k, party in enumerate(wrong):
        at = k % length
        shares[party][at] = (int(shares[party][at]) + 1 + k) % P61.p
    return shares


@pytest.mark.parametrize(("n", "t"), [(4, 1), (5, 1), (7, 2), (8, 2), (10, 3)])
def test_up_to_t_wrong_shares_of_3t_and_1_are_corrected_and_named(n, t):
    scheme = Shamir(("outside",), NAMES[:n], t)
    for count in range(t + 1):
        for wrong in [NAMES[:count], NAMES[n - count : n], NAMES[1 : 1 + count]]:
            value, named = scheme.corrected(with_wrong(scheme, wrong))
            assert scheme.to_signed(value).tolist() == [5, -7]
            assert sorted(named) == sorted(wrong)


@pytest.mark.parametrize(("n", "t"), [(3, 1), (5, 2), (6, 2), (9, 3)])
def test_of_fewer_shares_no_wrong_one_is_corrected(n, t):
    scheme = Shamir(("outside",), NAMES[:n], t)
    with pytest.raises(InconsistentShares):
        scheme.corrected(with_wrong(scheme, NAMES[:1]))
    value, named = scheme.corrected(with_wrong(scheme, ()))
    assert (scheme.to_signed(value).tolist(), named) == ([5, -7], ())


@pytest.mark.parametrize(("n", "t"), [(4, 1), (7, 2), (8, 2)])
def test_more_than_t_wrong_shares_are_not_corrected(n, t):
    """Each in an element of its own, so that each element alone could be."""
    scheme = Shamir(("outside",), NAMES[:n], t)
    with pytest.raises(InconsistentShares):
        scheme.corrected(with_wrong(scheme, NAMES[: t + 1]))


def test_a_wrong_share_far_into_a_long_vector_is_corrected():
    scheme = Shamir(("outside",), NAMES[:4], 1)
    shares = shares_of(scheme, [1] * (BLOCK + 9), "outside")
    shares["p2"][BLOCK + 5] += 1
    value, named = scheme.corrected(shares)
    assert named == ("p2",)
    assert set(scheme.to_signed(value).tolist()) == {1}


@pytest.mark.parametrize("scheme", schemes(3), ids=lambda s: f"{s.name}-{s.colluders}")
def test_a_parcel_adds_the_share_in_it(scheme):
    x = scheme.from_signed(np.arange(BLOCK + 9, dtype=np.int64))
    for parcel in scheme.split(x, "outside", SeededDraw(0)).values():
        total = scheme.expand(parcel, len(x))
        scheme.add_parcel(total, parcel)
        twice = scheme.expand(parcel, len(x))
        scheme.add(twice, scheme.expand(parcel, len(x)))
        assert total.tolist() == twice.tolist()


@pytest.mark.parametrize("field", [P61, Field(3)], ids=["p61", "p7"])
def test_rows_are_the_shares_one_by_one(field):
    """In a tiny field every eighth word of a stream is p, which is skipped."""
    scheme, draw = Shamir(("x",), NAMES[:3], 1, field), SeededDraw(3)
    explicit = [Explicit(np.arange(5, dtype=np.uint64)), Explicit(np.zeros(5, np.uint64))]
    parcels = [*explicit, *(Seed(draw.seed()) for _ in range(40))]
    rows = scheme.rows(parcels, 5)
    assert np.array_equal(rows, [scheme.expand(parcel, 5) for parcel in parcels])
    additive = Additive(("x",), NAMES[:3])
    rows = additive.rows(parcels, 5)
    assert np.array_equal(rows, [additive.expand(parcel, 5) for parcel in parcels])
