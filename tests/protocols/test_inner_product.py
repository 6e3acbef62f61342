"""Inner products: what the textbook says, what is refused, and what an owner can ask."""

import asyncio
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.engine.multiply import matmul
from ostraka.errors import InputError, ManifestError, PeerViolation
from ostraka.manifest import parse
from ostraka.outcome import Outcome, Output
from ostraka.protocols import protocol_for
from ostraka.protocols.interactive import Interactive, apart
from ostraka.record.budget import EXACT
from ostraka.simulation import MemoryNet, run_all, simulate_sync

NAMES = ("alice", "bob", "carlos", "david", "erin", "frank", "grace")
OWNERS = {"alice": "ckr", "bob": "ckr", "carlos": "kr"}
OUTSIDE = {"alice": "c", "bob": "c", "carlos": "k", "david": "k", "erin": "kr"}
UNCHECKED = "checked = false"


def one(type="int", length=2, bounds=(-10, 10), unit=""):
    """An input's lines."""
    lines = [f"type = '{type}'", f"length = {length}", f'unit = "{unit}"']
    return lines if bounds is None else [*lines, f"min = {bounds[0]}", f"max = {bounds[1]}"]


def write(roles=OWNERS, x=None, y=None, *, outputs="", security="passive", threshold=1, policy=""):
    """A manifest; where y is None, both owners give x."""
    words = {"c": "contributor", "k": "compute", "r": "recipient"}
    lines = ["[session]", 'title = "Test"', 'protocol = "inner-product"', 'deadline = "1m"']
    for i, (name, letters) in enumerate(roles.items()):
        named = ", ".join(f'"{words[letter]}"' for letter in letters)
        lines += ["[[party]]", f'name = "{name}"', f'key = "sha256:{i:064x}"']
        lines += [f"roles = [{named}]", f'address = "127.0.0.1:{9000 + i}"']
    owners = [name for name, letters in roles.items() if "c" in letters]
    if y is None:
        lines += ["[input]", *(x or one())]
    else:
        for owner, schema in zip(owners, (x, y), strict=False):
            lines += ["[[input]]", f'name = "of-{owner}"', f'of = ["{owner}"]', *schema]
    lines += ["[outputs]", outputs, "[sharing]", 'scheme = "shamir"', f"threshold = {threshold}"]
    return parse("\n".join([*lines, f'security = "{security}"', "[policy]", policy]))


def results_of(manifest, x, y, **options):
    owners = dict(zip(manifest.contributors, (x, y), strict=True))
    return simulate_sync(manifest, owners, **options)


def product_of(manifest, x, y, **options):
    """What all recipients learn."""
    results = results_of(manifest, x, y, **options)
    found = {results[name].outputs[0].value for name in manifest.recipients}
    assert len(found) == 1
    others = [name for name in manifest.parties if name not in manifest.recipients]
    assert all(results[name].status == "no-output" for name in others)
    return found.pop()


SCHEMAS = {
    "int": ("int", (-1000, 1000), st.integers(-1000, 1000)),
    "bool": ("bool", None, st.booleans()),
    "decimal": ("decimal(2)", ("-9.99", "9.99"), st.decimals("-9.99", "9.99", places=2)),
    "float": ("float(10)", (0, 50), st.integers(0, 51200).map(lambda k: k / 1024)),
}


@st.composite
def sessions(draw, lengths, most):
    """A manifest and both vectors."""
    n, length = draw(st.integers(3, most)), draw(lengths)
    first, second = (SCHEMAS[draw(st.sampled_from(sorted(SCHEMAS)))] for _ in range(2))
    x, y = (draw(st.lists(s[2], min_size=length, max_size=length)) for s in (first, second))
    roles = dict.fromkeys(NAMES[:n], "kr")
    where = draw(st.permutations(range(n)))[:2] if draw(st.booleans()) else None
    if where is None:
        roles = {"xenia": "c", **roles, "yuri": "cr"}
    else:
        for i in where:
            roles[NAMES[i]] = "ck" + "r" * draw(st.booleans())
    if not any("r" in letters for letters in roles.values()):
        roles["zoe"] = "r"
    schemas = (one(s[0], length, s[1]) for s in (first, second))
    security = draw(st.sampled_from(["passive", "active"]))
    threshold = draw(st.integers(1, (n - 1) // 2))
    return roles, tuple(schemas), {"security": security, "threshold": threshold}, x, y


def agree(found, x, y):
    """Whether a result is the inner product: exact as text or int, as a float the nearest one."""
    exact = sum(Fraction(a) * Fraction(b) for a, b in zip(x, y, strict=True))
    return found == float(exact) if isinstance(found, float) else Fraction(found) == exact


@given(sessions(st.integers(1, 40), 7), st.integers(0, 5))
def test_it_is_the_inner_product(session, seed):
    roles, schemas, sharing, x, y = session
    manifest = write(roles, *schemas, outputs=UNCHECKED, **sharing)
    found = product_of(manifest, x, y, seed=seed)
    assert agree(found, x, y)
    twin = protocol_for(manifest).plaintext(dict(zip(manifest.contributors, (x, y), strict=True)))
    assert {"inner-product": found} == twin


@settings(max_examples=6)
@given(sessions(st.integers(1, 5), 4))
def test_it_is_the_inner_product_where_bounds_are_checked(session):
    roles, schemas, sharing, x, y = session
    assert agree(product_of(write(roles, *schemas, **sharing), x, y), x, y)


def test_scales_multiply_and_units_too():
    cents, grams = one("decimal(2)", 2, (0, 9), "EUR/kg"), one("decimal(3)", 2, (0, 9), "kg")
    manifest = write(OWNERS, cents, grams)
    output = results_of(manifest, ["0.01", "1.50"], ["0.001", "2"])["bob"].outputs[0]
    assert (output.name, output.value, output.unit) == ("inner-product", "3.00001", "EUR/kg*kg")
    same = write(OWNERS, one(unit="USD"))
    output = results_of(same, [1, 2], [3, 4])["alice"].outputs[0]
    assert (output.value, output.unit) == (11, "USD^2")


@pytest.mark.parametrize("security", ["passive", "active"])
def test_the_largest_that_fits_is_exact_and_the_next_is_refused(security):
    capacity = (2**61 - 2) // 2
    most = capacity // (3 * 2**20)
    edge = one(length=3, bounds=(-most, most)), one(length=3, bounds=(-(2**20), 2**20))
    manifest = write(OWNERS, *edge, security=security, outputs=UNCHECKED)
    assert product_of(manifest, [most] * 3, [-(2**20)] * 3) == -(3 * most * 2**20)
    beyond = one(length=3, bounds=(-most - 1, most))
    with pytest.raises(
        ManifestError, match=r"input\.max: an inner product of 3 elements can reach"
    ):
        protocol_for(write(OWNERS, beyond, edge[1], security=security))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"roles": dict.fromkeys(NAMES[:3], "ckr")}, "party: an inner product is of two"),
        ({"roles": {"alice": "ckr", "bob": "kr", "carlos": "k"}}, "not of 1"),
        ({"x": one(length=2), "y": one(length=3)}, "alice's has 2 elements and bob's has 3"),
        ({"x": one("choice([\"a\",\"b\"])", bounds=None)}, "input.type: inner-product multiplies"),
        ({"x": one(bounds=(0, 2**60)), "y": one(bounds=(0, 0))}, "alice's numbers are too large"),
        ({"policy": "min_contributors = 1"}, "policy.min_contributors: both vectors are needed"),
        ({"outputs": "check = false"}, "outputs.check: unknown key; known here: invalid, checked"),
        ({"outputs": 'invalid = "exclude"'}, 'outputs.invalid: must be "abort"'),
        ({"outputs": "checked = 0"}, "outputs.checked: must be a valid boolean"),
        ({"x": one(length=500_001)}, "at most 500000 are checked"),
        ({"x": one(length=125_001), "security": "active"}, "at most 125000 are checked"),
    ],
)  # fmt: skip
def test_what_it_cannot_do_is_refused(changes, words):
    with pytest.raises(ManifestError) as caught:
        protocol_for(write(**changes))
    assert words in caught.value.message


def test_additive_shares_and_too_few_compute_parties_are_refused():
    with pytest.raises(ManifestError, match="needs 5 compute parties"):
        protocol_for(write(threshold=2))


def test_an_input_that_is_not_its_owners_is_refused_before_anything_is_sent():
    protocol = protocol_for(write(OWNERS, one(bounds=(0, 5)), one("bool", bounds=None)))
    assert protocol.input_of("alice", [5, 0], SeededDraw(0)).tolist() == [5, 0]
    assert protocol.input_of("bob", [True, False], SeededDraw(0)).tolist() == [1, 0]
    for owner, raw in (("alice", [6, 0]), ("alice", [1]), ("bob", [5, 0]), ("carlos", [1, 1])):
        with pytest.raises(InputError):
            protocol.input_of(owner, raw, SeededDraw(0))


def cheating(manifest, owner, vector):
    """Everybody's results where `owner` shares another vector than the manifest allows."""
    protocol = protocol_for(manifest)
    honest = protocol.share

    def share(x, me, draw):
        lie = protocol.scheme.from_signed(np.array(vector, np.int64))
        return honest(lie if me == owner else x, me, draw)

    protocol.share = share
    inputs = {owner: [1, 2] for owner in manifest.contributors}
    return asyncio.run(run_all(protocol, inputs, MemoryNet(manifest.parties)))


@pytest.mark.parametrize("security", ["passive", "active"])
@pytest.mark.parametrize("vector", [[11, 0], [0, -11], [1, 2**40], [-(2**60) + 1, 10]])
def test_a_vector_out_of_bounds_stops_the_run_and_its_owner_is_named(security, vector):
    for result in cheating(write(security=security), "bob", vector).values():
        assert isinstance(result, PeerViolation)
        assert result.peer == "bob"


def test_unchecked_it_counts_and_that_is_said():
    manifest = write(outputs=UNCHECKED)
    result = cheating(manifest, "bob", [1, 2**40])["bob"]
    assert isinstance(result, Outcome)
    assert result.outputs[0].value == 1 + 2**41
    text = " ".join(protocol_for(manifest).explain())
    assert "WARNING: elements are not checked against their bounds" in text
    assert "are not checked" not in " ".join(protocol_for(write()).explain())


def test_a_long_vector_that_is_not_checked_is_accepted():
    assert protocol_for(write(OWNERS, one(length=1_000_000), outputs=UNCHECKED)).size == 1_000_000


# --- what the answer tells ------------------------------------------------------------------------


def warnings(manifest):
    return [line for line in protocol_for(manifest).explain() if line.startswith("WARNING")]


def test_each_owner_who_is_a_recipient_is_warned_of():
    asks = "learns the result and chooses its vector: a vector that is 0 but in one place reads"
    assert [asks in line for line in warnings(write())] == [True, True]
    (only,) = warnings(write({"alice": "ck", "bob": "ckr", "carlos": "kr"}))
    assert only.startswith("WARNING: bob learns the result")
    assert "that element of alice's" in only
    assert warnings(write(OUTSIDE)) == []
    text = " ".join(protocol_for(write(OUTSIDE)).explain())
    assert "erin learns one number that depends on both vectors" in text
    assert "2 of them tell an owner who learns the results the whole vector" in text


def test_as_many_elements_as_it_says_can_be_read_at_once():
    wide, digits = one(length=5, bounds=(0, 1000)), one(length=5, bounds=(0, 9))
    manifest = write(OWNERS, wide, digits)
    alice, bob = warnings(manifest)
    assert "to read 4 of them at once" in alice
    assert "at once" not in bob
    answer = product_of(manifest, [1, 10, 100, 1000, 0], [7, 0, 9, 3, 8])
    assert [int(digit) for digit in reversed(f"{answer:04}")] == [7, 0, 9, 3]


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (one(length=1), "divided by its own number, it is bob's"),
        (one(bounds=(1, 9)), "decides how much each of bob's elements counts"),
        (one("bool", bounds=None), "reads that element of bob's"),
    ],
)
def test_what_an_owner_reads_depends_on_its_bounds(x, words):
    assert words in warnings(write(OWNERS, x))[0]


def test_bounds_are_said_for_each_owner():
    text = " ".join(protocol_for(write(OWNERS, one(), one("bool", bounds=None))).explain())
    assert "alice's elements are from -10 to 10 and bob's elements are true or false." in text


def test_it_is_exact_and_says_so():
    protocol = protocol_for(write())
    assert protocol.spends(protocol.contributors) == EXACT


# --- what it costs --------------------------------------------------------------------------------


@pytest.mark.parametrize(("roles", "sent"), [(OWNERS, 8 * 1000), (OUTSIDE, 2 * 8 * 1000 + 32)])
def test_an_owner_sends_its_vector_and_compute_parties_one_element(roles, sent):
    protocol = protocol_for(write(roles, one(length=1000), outputs=UNCHECKED))
    cost = protocol.cost()
    assert cost.rounds == 3
    assert 0 <= cost.sent["alice"].bytes - sent < 400
    assert cost.sent["erin" if "erin" in roles else "carlos"].bytes < 400


# --- vectors of different lengths -----------------------------------------------------------------


def test_a_protocol_may_take_vectors_of_different_lengths():
    """A query and a model: the owners' schemas differ in length, and so do their shares."""

    class Scores(Interactive):
        """A model, one row for each class, times a record."""

        name = "scores"

        def __init__(self, manifest):
            super().__init__(manifest)
            weights, record = self.lengths.values()
            self.opened, self.width = weights // record, record

        async def evaluate(self, engine, x, shares):
            model, record = apart(x, shares).values()
            return await matmul(model.reshape(-1, self.width), record)

        def combine(self, opened, counted):
            return (Output("scores", "", (self.scheme.to_signed(opened),), None, scalar=False),)

        def plaintext(self, inputs):
            raise NotImplementedError

        def explain(self):
            return []

    for security in ("passive", "active"):
        for roles in (OWNERS, OUTSIDE):
            protocol = Scores(write(roles, one(length=6), one(length=3), security=security))
            assert protocol.lengths == {"alice": 6, "bob": 3}
            net = MemoryNet(protocol.manifest.parties)
            inputs = {"alice": [1, 2, 3, -4, -5, -6], "bob": [7, 0, -1]}
            results = asyncio.run(run_all(protocol, inputs, net))
            assert results[protocol.recipients[0]].outputs[0].value == [4, -22]
            assert dict(net.sent) == dict(protocol.cost().sent)
