"""Joins: what sets say, what is refused, what is withheld, and what noise does.

Of protocols/private_join.py, protocols/joining.py, protocols/forms/joined.py,
protocols/forms/join_cases.py and protocols/forms/identifiers.py.
"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.errors import InputError, ManifestError
from ostraka.explanation import check
from ostraka.manifest import parse
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.identifiers import LONGEST, hashed, read_rows
from ostraka.record.budget import EXACT
from ostraka.simulation import simulate_sync

IDS = {"type": '"id"'}
AMOUNTS = {"type": '"decimal(2)"', "min": "-50", "max": "1000", "unit": '"EUR"'}
LAPLACE = 'central = { mechanism = "discrete-laplace", epsilon = 2.0, honest = "2/3" }'


def write(lists, *, rows=8, outputs="", more="", security="passive", helpers=("helper",)):
    """A manifest: `lists` has the input of each owner."""
    text = '[session]\ntitle = "Test"\nprotocol = "private-join"\ndeadline = "1m"\n'
    parties = [*lists, *helpers]
    for i, name in enumerate(parties):
        roles = ["contributor", "compute", "recipient"] if name in lists else ["compute"]
        text += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = {roles}\n'
        text += f'address = "127.0.0.1:{9000 + i}"\n'
    for name, table in lists.items():
        text += f'[[input]]\nname = "of-{name}"\nof = ["{name}"]\n'
        text += f"length = {rows if isinstance(rows, int) else rows[name]}\n"
        text += "".join(f"{key} = {value}\n" for key, value in table.items())
    text += f'[outputs]\n{outputs}\n[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    return parse(text + f'security = "{security}"\n{more}\n')


SHOP = {"shop": AMOUNTS, "bank": IDS}
FIGURES = 'figures = ["size", "sum"]'


def result(manifest, inputs, seed=0):
    found = simulate_sync(manifest, inputs, seed=seed)
    outcomes = {name: found[name] for name in manifest.recipients}
    values = [{o.name: o.value for o in each.outputs if o.parts} for each in outcomes.values()]
    assert all(each == values[0] for each in values)
    assert found["helper"].status == "no-output"
    return values[0], next(iter(outcomes.values()))


def test_size_sum_and_mean_of_two_lists():
    manifest = write(SHOP, outputs='figures = ["size", "sum", "mean"]')
    shop = [["ann", "1.50"], ["bob", 20], ["carl", "-3"]]
    found, outcome = result(manifest, {"shop": shop, "bank": ["bob", "carl", "dora"]})
    assert found == {"size": 2, "sum": "17", "mean": "8.5"}
    assert outcome.outputs[1].unit == "EUR"


members = st.lists(st.sampled_from("abcdefgh"), unique=True, max_size=8)


@given(st.lists(members, min_size=2, max_size=3), st.integers(0, 5))
@examples(25)
def test_any_lists_are_what_the_textbook_says(lists, seed):
    """Empty, disjoint, equal, one row or all; two owners and three, each with values."""
    names = ("shop", "bank", "club")[: len(lists)]
    manifest = write(dict.fromkeys(names, AMOUNTS), outputs='figures = ["size", "sum", "mean"]')
    amounts = np.random.default_rng(seed).integers(-50, 1000, (3, 8))
    inputs = {
        name: [[each, int(amounts[i][ord(each) - 97])] for each in ids]
        for i, (name, ids) in enumerate(zip(names, lists, strict=True))
    }
    found, _ = result(manifest, inputs)
    assert found == protocol_for(manifest).plaintext(inputs)


@pytest.mark.parametrize(
    ("form", "one", "other", "same"),
    [
        ("exact", "Ann", "ann", False),
        ("folded", "Straße", "STRASSE", True),
        ("exact", "e\u0301va", "\u00e9va", True),
        ("exact", " ann ", "ann", True),
        ("email", "Ann@X.org", "ann@x.ORG", True),
        ("email", "ann@x.org", "ann+1@x.org", False),
        ("phone", "+49 (30) 123-4567", "+49301234567", True),
    ],
)
def test_identifiers_are_compared_in_the_form_that_the_manifest_says(form, one, other, same):
    manifest = write({"shop": IDS, "bank": IDS}, outputs=f'identifiers = "{form}"')
    found, _ = result(manifest, {"shop": [one], "bank": [other]})
    assert found == {"size": int(same)}


def test_numbers_and_text_are_the_same_identifier():
    found, _ = result(write({"shop": IDS, "bank": IDS}), {"shop": [17, 18], "bank": ["17", "x"]})
    assert found == {"size": 1}


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (None, "no list"),
        (3.5, "not a list"),
        (["a", "b", "a"], "row 1 and row 3 have the same identifier"),
        (["a", ""], "row 2 is missing"),
        (["a", "x\u202ey"], "row 2"),
        (["x" * (LONGEST + 1)], "row 1"),
        ([True], "row 1 is neither text nor a whole number"),
        (list(map(str, range(9))), "has 9 rows; the manifest allows 8"),
    ],
)
def test_a_list_that_is_not_right_is_refused_and_not_repeated(raw, words):
    protocol = protocol_for(write({"shop": IDS, "bank": IDS}))
    with pytest.raises(InputError, match=words) as caught:
        protocol.encode("bank", raw)
    assert caught.value.data_left is False


@pytest.mark.parametrize(
    ("raw", "words"),
    [
        (["a"], "row 1 is no pair"),
        ([["a", 1], ["b", 2000]], "the value of row 2"),
        ([["a", "much"]], "the value of row 1"),
        ("a,1\nb,2\nc", "value 3 has 1 columns"),
        ((["a", "b"], [1]), "one value for each"),
    ],
)
def test_a_value_that_is_not_right_is_refused(raw, words):
    with pytest.raises(InputError, match=words):
        protocol_for(write(SHOP)).encode("shop", raw)


def test_lists_are_read_from_lines_pairs_objects_and_columns():
    forms = ('a,1\n"b, c",2', [["a", 1], ["b, c", 2]], {"a": 1, "b, c": 2}, (["a", "b, c"], [1, 2]))
    for raw in forms:
        rows = read_rows(raw, 1)
        assert list(rows.ids) == ["a", "b, c"]
        assert [str(value) for value in rows.columns[0]] == ["1", "2"]
    assert len({hashed(read_rows(raw, 1), "exact").tobytes() for raw in forms}) == 1


def test_too_few_rows_in_common_are_withheld_and_nothing_else_is_opened():
    manifest = write(SHOP, outputs='figures = ["size", "sum"]\nmin_intersection = 3')
    shop = [[each, 5] for each in "abcd"]
    few, outcome = result(manifest, {"shop": shop, "bank": ["a", "b"]})
    assert few == {}
    assert outcome.status == "suppressed"
    assert "fewer than 3 rows" in outcome.why
    enough, _ = result(manifest, {"shop": shop, "bank": ["a", "b", "c"]})
    assert enough == {"size": 3, "sum": "15"}


def test_noise_is_within_its_error_and_scaled_to_each_figure():
    manifest = write(
        SHOP, rows=40, outputs='figures = ["size", "sum"]', more=f"[privacy]\n{LAPLACE}"
    )
    protocol = protocol_for(manifest)
    assert protocol.spends(manifest.contributors) != EXACT
    ids = list(map(str, range(40)))
    inputs = {"shop": [[each, 10] for each in ids], "bank": ids}
    far, sizes = 0, set()
    for seed in range(20):
        found, outcome = result(manifest, inputs, seed)
        sizes.add(found["size"])
        assert outcome.status == "noised"
        size = outcome.outputs[0]
        assert size.error95 < 20
        far += abs(found["size"] - 40) > size.error95
    assert far <= 6  # of 20, where one is expected
    assert len(sizes) > 3


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"security": "active"}, "not available"),
        ({"lists": {"shop": IDS}, "helpers": ("h1", "h2")}, "2 to 10"),
        ({"lists": {"a": IDS, "b": IDS, "c": IDS}, "helpers": ()}, "one more party, the helper"),
        ({"outputs": 'helper = "bank"'}, "gives no list: helper"),
        ({"outputs": 'figures = ["sum"]', "lists": {"shop": IDS, "bank": IDS}}, "has values"),
        ({"outputs": "min_intersection = 9"}, "at most the rows"),
        ({"outputs": 'hide = "nothing"'}, "hide"),
        ({"lists": {"shop": {"type": '"bool"'}, "bank": IDS}}, "a number for each"),
        ({"lists": {"shop": {**AMOUNTS, "max": str(2**60)}, "bank": IDS},
          "outputs": 'figures = ["sum"]'}, "too large"),
    ],
)  # fmt: skip
def test_what_cannot_be_joined_is_refused_when_the_manifest_is_read(change, words):
    change = {"lists": SHOP, **change}
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(change.pop("lists"), **change))


def test_check_says_what_the_helper_learns_and_what_it_could():
    said = " ".join(check(write(SHOP)).sentences)
    assert "helper learns how many rows" in said
    assert "helper learns nothing" not in said
    assert "can try identifiers" in said
    noised = " ".join(check(write(SHOP, more=f"[privacy]\n{LAPLACE}")).sentences)
    assert "learns the exact number all the same" in noised


def test_what_leaves_does_not_depend_on_the_length_of_a_list():
    protocol = protocol_for(write(SHOP))
    sizes = {len(protocol.encode("bank", list(map(str, range(k))))) for k in (0, 1, 8)}
    assert len(sizes) == 1


# --- products, members, and lists of different lengths -------------------------------------------


@pytest.mark.parametrize("least", [0, 3])
def test_one_owner_alone_is_told_which_of_its_rows_are_in_all_lists(least):
    outputs = f'{FIGURES}\nmembers = "bank"\nmin_intersection = {least}'
    found = simulate_sync(
        write(SHOP, outputs=outputs),
        {"shop": [[each, 5] for each in "abcd"], "bank": ["x", "c", "y", "a", "d"]},
    )
    values = {
        who: {o.name: o.value for o in found[who].outputs if o.parts} for who in ("shop", "bank")
    }
    assert values["bank"] == {"size": 3, "sum": "15", "members": [2, 4, 5]}
    assert values["shop"] == {"size": 3, "sum": "15"}


def test_members_are_withheld_with_everything_else():
    outputs = 'members = "bank"\nmin_intersection = 3'
    manifest = write(SHOP, outputs=outputs)
    found = simulate_sync(manifest, {"shop": [["a", 5], ["b", 1]], "bank": ["b", "a"]})
    assert [o.name for o in found["bank"].outputs if o.parts] == []
    assert found["bank"].status == "suppressed"


@pytest.mark.parametrize(
    ("outputs", "more", "words"),
    [
        ('members = "helper"', "", "an owner of a list"),
        ('members = "bank"', f"[privacy]\n{LAPLACE}", "no noise can hide"),
        ('members = "bank"\nhide = "everything"', "", "not with hide"),
    ],
)
def test_members_that_cannot_be_told_are_refused(outputs, more, words):
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(SHOP, outputs=outputs, more=more))


@pytest.mark.parametrize("rows", [{"shop": 2, "bank": 300}, {"shop": 300, "bank": 1}])
def test_lists_of_very_different_lengths(rows):
    manifest = write(SHOP, rows=rows, outputs=FIGURES)
    shop = [[str(i), 5] for i in range(rows["shop"])]
    found, _ = result(manifest, {"shop": shop, "bank": [str(i) for i in range(rows["bank"])]})
    common = min(rows.values())
    assert found == {"size": common, "sum": str(5 * common)}


@given(members, members, st.integers(0, 5), st.sampled_from(["all-but-pattern", "everything"]))
@examples(20)
def test_sums_of_products_are_what_the_textbook_says(first, second, seed, hide):
    outputs = f'figures = ["dot", "size", "sum"]\nhide = "{hide}"'
    manifest = write(dict.fromkeys(("shop", "bank"), AMOUNTS), outputs=outputs)
    amounts = np.random.default_rng(seed).integers(-50, 1000, (2, 8))
    inputs = {
        name: [[each, int(row[ord(each) - 97])] for each in ids]
        for name, ids, row in zip(("shop", "bank"), (first, second), amounts, strict=True)
    }
    found = simulate_sync(manifest, inputs)["shop"]
    values = {o.name: o.value for o in found.outputs if o.parts}
    assert values == protocol_for(manifest).plaintext(inputs)


def test_products_members_and_a_minimum_go_together():
    outputs = 'figures = ["dot"]\nmembers = "bank"\nmin_intersection = 2'
    manifest = write(dict.fromkeys(("shop", "bank"), AMOUNTS), outputs=outputs)
    inputs = {"shop": {"a": 2, "b": 3, "c": 5}, "bank": {"c": "1.5", "x": 9, "b": -2}}
    found = simulate_sync(manifest, inputs)["bank"]
    assert {o.name: o.value for o in found.outputs} == {"dot": "1.5", "members": [1, 3]}


def test_products_need_two_lists_with_values():
    with pytest.raises(ManifestError, match="both have values"):
        protocol_for(write(SHOP, outputs='figures = ["dot"]'))


def test_several_columns_are_summed_by_name():
    outputs = 'figures = ["size", "sum", "mean"]\ncolumns = { shop = ["spent", "visits"] }'
    manifest = write(SHOP, outputs=outputs)
    inputs = {"shop": "a,1.50,2\nb,20,3\nc,5,4", "bank": ["b", "c", "d"]}
    found, _ = result(manifest, inputs)
    assert found == {
        "size": 2, "sum spent": "25", "sum visits": "7", "mean spent": "12.5", "mean visits": "3.5",
    }  # fmt: skip
    assert found == protocol_for(manifest).plaintext(inputs)


@pytest.mark.parametrize(
    ("outputs", "words"),
    [
        ('columns = { bank = ["a", "b"] }', "no owner of a list with values"),
        ('columns = { shop = ["a", "A"] }', "each column once"),
        ("columns = { shop = [] }", "at least one column"),
        ('columns = { shop = ["a", "b"] }\nhide = "everything"', "one value at most"),
    ],
)
def test_columns_that_cannot_be_are_refused(outputs, words):
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(SHOP, outputs=f"{FIGURES}\n{outputs}"))
