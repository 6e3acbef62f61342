"""Joins with everything hidden: what sets say, who is needed, and what is shared.

Of protocols/hidden_join.py and protocols/forms/bins.py.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.arithmetic.field import P61
from ostraka.errors import InputError, ManifestError, OstrakaError, PeerViolation
from ostraka.explanation import check
from ostraka.manifest import parse
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.bins import HASHED_WORDS, Bins
from ostraka.protocols.hidden_join import HiddenJoin
from ostraka.simulation import simulate_sync

AMOUNT = {"type": '"decimal(2)"', "min": "-50", "max": "1000", "unit": '"EUR"'}
ALL = 'figures = ["size", "sum", "mean"]'


def write(first, second, outputs=ALL, *, rows=(8, 6), compute=3, threshold=1, more=""):
    text = '[session]\ntitle = "Test"\nprotocol = "private-join"\ndeadline = "1m"\n'
    parties = ["shop", "bank", *(f"c{i}" for i in range(compute))]
    for i, name in enumerate(parties):
        roles = ["contributor", "recipient"] if i < 2 else ["compute"]
        text += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = {roles}\n'
        text += f'address = "127.0.0.1:{9000 + i}"\n'
    for name, table, length in zip(parties, (first, second), rows, strict=False):
        text += f'[[input]]\nname = "of-{name}"\nof = ["{name}"]\nlength = {length}\n'
        text += "".join(f"{key} = {value}\n" for key, value in table.items())
    text += f'[outputs]\nhide = "everything"\n{outputs}\n[sharing]\nscheme = "shamir"\n'
    return parse(text + f"threshold = {threshold}\n{more}\n")


def result(manifest, shop, bank):
    found = simulate_sync(manifest, {"shop": shop, "bank": bank})
    assert found["c0"].status == "no-output"
    return {o.name: o.value for o in found["shop"].outputs if o.parts}


members = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=6)


@given(members, members, st.booleans(), st.booleans())
@examples(25)
def test_any_lists_are_what_the_textbook_says(first, second, one, other):
    """Empty, disjoint, equal, one row or all; values in both lists, in one or in none."""
    kinds = [AMOUNT if valued else {"type": '"id"'} for valued in (one, other)]
    manifest = write(*kinds, ALL if one or other else "")
    lists = [
        [[each, (ord(each) - 98) * (3 + i)] for each in ids] if valued else ids
        for i, (ids, valued) in enumerate(zip((first, second), (one, other), strict=True))
    ]
    expected = protocol_for(manifest).plaintext(dict(zip(("shop", "bank"), lists, strict=True)))
    assert result(manifest, *lists) == expected


@pytest.mark.parametrize(("compute", "threshold"), [(4, 1), (5, 2)])
def test_more_compute_parties_may_be_curious(compute, threshold):
    manifest = write({"type": '"id"'}, AMOUNT, compute=compute, threshold=threshold)
    found = result(manifest, ["a", "b", "c"], [["b", 5], ["c", "1.25"], ["d", 7]])
    assert found == {"size": 2, "sum": "6.25", "mean": "3.125"}


def test_with_active_security_the_figures_are_the_same():
    manifest = write(AMOUNT, AMOUNT, more='security = "active"')
    inputs = {"shop": {"a": 1, "b": "2.5", "c": 3}, "bank": {"b": 10, "c": 20, "d": 30}}
    found = result(manifest, inputs["shop"], inputs["bank"])
    assert found == protocol_for(manifest).plaintext(inputs)
    assert found["size"] == 2


def lies(monkeypatch, name, real):
    def lied(*args):
        found = real(*args)
        (found[0] if isinstance(found, tuple) else found)[:, 5] = LIE[name]
        return found

    monkeypatch.setattr(Bins, name, lied)
    manifest = write(AMOUNT, AMOUNT, more='security = "active"')
    return simulate_sync(manifest, {"shop": {"a": 1}, "bank": {"a": 2}})


LIE = {"powers": 7, "polynomials": 0}


def test_an_owner_that_would_match_every_row_is_named(monkeypatch):
    found = lies(monkeypatch, "polynomials", Bins.polynomials)
    for error in (found[name] for name in ("c0", "c1", "c2")):
        assert isinstance(error, PeerViolation)
        assert error.peer == "bank"


def test_an_owner_whose_powers_are_of_no_element_is_caught(monkeypatch):
    found = lies(monkeypatch, "powers", Bins.powers)
    assert all(isinstance(found[name], OstrakaError) for name in ("c0", "c1", "c2"))


@pytest.mark.parametrize("rows", [(1, 1), (400, 3), (3, 400), (300, 300)])
def test_lists_of_any_lengths(rows):
    manifest = write({"type": '"id"'}, AMOUNT, rows=rows)
    shop, bank = ([f"id-{i}" for i in range(0, step * k, step)] for k, step in zip(rows, (2, 3)))  # noqa: B905
    found = result(manifest, shop, [[each, 1] for each in bank])
    assert found["size"] == len(set(shop) & set(bank))


def test_too_few_rows_in_common_are_withheld():
    manifest = write({"type": '"id"'}, AMOUNT, f"{ALL}\nmin_intersection = 3")
    assert result(manifest, ["a", "b"], [["a", 1], ["b", 2]]) == {}
    assert result(manifest, list("abc"), [[each, 1] for each in "abc"])["size"] == 3


def test_what_is_shared_is_of_a_length_that_limits_determine():
    protocol = protocol_for(write(AMOUNT, AMOUNT))
    assert isinstance(protocol, HiddenJoin)
    for owner in ("shop", "bank"):
        for raw in ([], [["a", 1]], [[each, 1] for each in "abcdef"]):
            assert len(protocol.encode(owner, raw)) == protocol.lengths[owner]


def test_a_row_twice_is_refused():
    with pytest.raises(InputError, match="the same identifier"):
        protocol_for(write(AMOUNT, AMOUNT)).encode("bank", [["a", 1], [" a", 2]])


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outputs": f'{ALL}\nhelper = "c0"'}, "has no meaning"),
        ({"rows": (8_000_000, 8_000_000)}, "too long"),
        ({"more": 'security = "active"', "rows": (400_000, 5)}, "too long"),
    ],
)
def test_what_cannot_be_hidden_is_refused(change, words):
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(AMOUNT, AMOUNT, **change))


def test_check_says_that_no_party_learns_matches():
    said = " ".join(check(write(AMOUNT, AMOUNT)).sentences)
    assert "no party learns which rows are in both lists" in said
    assert "helper" not in said.lower()


# --- bins ----------------------------------------------------------------------------------------


def hashes(count, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, 2**63, count * HASHED_WORDS).astype(np.uint64) * np.uint64(2)


@pytest.mark.parametrize("count", [1, 2, 50, 5000, 65_536])
def test_every_row_is_placed_once_in_one_of_its_bins(count):
    of = Bins.of(count, count)
    _, bins = of.rows(P61, hashes(count))
    inside = of.place(bins)
    at = np.flatnonzero(inside >= 0)
    assert sorted(inside[at].tolist()) == list(range(count))
    assert (bins[:, inside[at]] == at).any(axis=0).all()


def test_depth_is_enough_and_not_much_more():
    of = Bins.of(65_536, 65_536)
    _, bins = of.rows(P61, hashes(65_536))
    deepest = np.bincount(bins.reshape(-1)).max()
    assert deepest <= of.depth <= 2 * deepest
    assert Bins.of(100_000, 10).depth <= 10


def test_polynomials_vanish_at_their_rows_and_have_their_values():
    of = Bins.of(40, 40)
    elements, bins = of.rows(P61, hashes(40))
    values = np.arange(1, 41, dtype=np.uint64)
    f, g = of.polynomials(P61, elements, bins, values)
    for row in range(40):
        for at in bins[:, row]:
            assert evaluated(f[:, at], elements[row]) == 0
            assert evaluated(g[:, at], elements[row]) == values[row]
            assert evaluated(f[:, at], elements[row] + np.uint64(1)) != 0


def evaluated(coefficients, x):
    return sum(c * pow(int(x), k, P61.p) for k, c in enumerate(coefficients.tolist())) % P61.p
