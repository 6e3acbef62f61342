"""Audits: what the textbook says, what is withheld, noise, lists that are not right, and liars.

Of protocols/audit.py, protocols/forms/audited.py, audited_rows.py and one_hot.py.
"""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples

from ostraka.engine import joining
from ostraka.errors import InputError, ManifestError, PeerViolation
from ostraka.explanation import check
from ostraka.manifest import parse
from ostraka.protocols import audit, protocol_for
from ostraka.record.budget import EXACT
from ostraka.simulation import simulate_sync

LAPLACE = '[privacy]\ncentral = { mechanism = "discrete-laplace", epsilon = 2.0 }'
GROUPS = 'groups = ["women", "men"]'


def write(outputs=GROUPS, more="", rows=(8, 9), security="passive", owners=("bank", "registry")):
    text = '[session]\ntitle = "Audit"\nprotocol = "audit"\ndeadline = "1m"\n'
    both, some = ["contributor", "compute"], ["compute"]
    parties = [(owners[0], [*both, "recipient"]), (owners[1], both), ("helper", some)]
    for i, (name, roles) in enumerate(parties):
        text += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = {roles}\n'
        text += f'address = "127.0.0.1:{9000 + i}"\n'
    for name, owner, length in zip(("predictions", "groups"), owners, rows, strict=True):
        text += f'[[input]]\nname = "{name}"\nof = ["{owner}"]\ntype = "id"\nlength = {length}\n'
    text += f'[outputs]\n{outputs}\n[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    return parse(text + f'security = "{security}"\n{more}\n')


def outcome(manifest, predictions, groups, seed=0):
    found = simulate_sync(manifest, {"bank": predictions, "registry": groups}, seed=seed)
    assert found["helper"].status == found["registry"].status == "no-output"
    return found["bank"]


def values(found):
    return {o.name: o.value for o in found.outputs if o.parts}


person = st.sampled_from("abcdefgh")
rows_of_bank = st.dictionaries(person, st.tuples(st.integers(0, 1), st.integers(0, 1)), max_size=8)
rows_of_registry = st.dictionaries(person, st.sampled_from(["women", "men"]), max_size=8)


@given(rows_of_bank, rows_of_registry, st.sampled_from([1, 2, 3]))
@examples(25)
def test_any_lists_are_what_the_textbook_says(predictions, groups, least):
    """Empty, disjoint, equal, one row or all; with every cell given, and with some withheld."""
    manifest = write(more=f"[policy]\nmin_cell = {least}")
    found = outcome(manifest, predictions, groups)
    inputs = {"bank": predictions, "registry": groups}
    assert values(found) == by_the_textbook(manifest, inputs)


def by_the_textbook(manifest, inputs):
    found = protocol_for(manifest).plaintext(inputs)
    return {name: value for name, value in found.items() if value is not None}


PREDICTIONS = [[f"p{i}", i % 2, i // 2 % 2] for i in range(8)]


def test_counts_rates_and_the_match_rate():
    groups = [[f"p{i}", "Women" if i < 4 else "men"] for i in range(7)]
    found = values(outcome(write(), PREDICTIONS, groups))
    ones = {"true_negative": 1, "false_positive": 1, "false_negative": 1, "true_positive": 1}
    assert found["counts"]["women"] == {**ones, "total": 4}
    assert found["count"] == {"women": 4, "men": 3, "overall": 7}
    assert found["selection_rate"] == {"women": 0.5, "men": 1 / 3, "overall": 3 / 7}
    assert found["demographic_parity_difference"] == 0.5 - 1 / 3
    assert found["match_rate"] == {"predictions": 7 / 8, "groups": 1.0}
    low, high = found["selection_rate_interval"]["women"]
    assert low == pytest.approx(0.1500, abs=1e-4)
    assert high == pytest.approx(0.8500, abs=1e-4)


def test_pairs_of_two_attributes_are_groups():
    manifest = write(f'{GROUPS}\nsecond = ["young", "old"]')
    pairs = list(product(["women", "men"], ["young", "old"]))
    groups = [[f"p{i}", *pairs[i % 4]] for i in range(8)]
    found = values(outcome(manifest, PREDICTIONS, groups))
    assert found["count"] == {
        "women, young": 2, "women, old": 2, "men, young": 2, "men, old": 2, "overall": 8,
    }  # fmt: skip
    assert found == by_the_textbook(manifest, {"bank": PREDICTIONS, "registry": groups})


def test_without_labels_only_selection_rates_are_known():
    manifest = write(f"{GROUPS}\nlabels = false")
    groups = [[f"p{i}", "women" if i % 2 else "men"] for i in range(8)]
    found = values(outcome(manifest, [row[:2] for row in PREDICTIONS], groups))
    assert found["selection_rate"] == {"women": 1.0, "men": 0.0, "overall": 0.5}
    assert found["demographic_parity_ratio"] == 0.0
    assert not {"accuracy", "equalized_odds_difference"} & set(found)


def test_small_cells_are_withheld_and_so_is_what_follows_from_them():
    """One woman's false negative is withheld, one more cell of its row and column, and the fourth
    corner; every total is given."""
    cells = {"women": (5, 4, 1, 6), "men": (7, 3, 4, 8)}
    rows = [
        (who, c) for who, counts in cells.items() for c, k in enumerate(counts) for _ in range(k)
    ]
    predictions = [[f"p{i}", c // 2, c % 2] for i, (_, c) in enumerate(rows)]
    groups = [[f"p{i}", who] for i, (who, _) in enumerate(rows)]
    found = outcome(write(more="[policy]\nmin_cell = 3", rows=(40, 40)), predictions, groups)
    assert found.status == "suppressed"
    counts = values(found)["counts"]
    assert "false_negative" not in counts["women"]
    assert [len(counts[row]) for row in ("women", "men", "total")] == [3, 3, 5]
    withheld = {o.name for o in found.outputs if not o.parts}
    assert "demographic_parity_difference" in withheld
    assert "min_cell" in found.why


def test_noise_is_on_all_counts_and_intervals_hold_the_exact_rates():
    manifest = write(more=LAPLACE, rows=(400, 400))
    assert protocol_for(manifest).spends(manifest.contributors) != EXACT
    predictions = [[f"p{i}", i % 2, int(i % 5 < 2)] for i in range(400)]
    groups = [[f"p{i}", "women" if i % 3 else "men"] for i in range(400)]
    exact = values(outcome(write(rows=(400, 400)), predictions, groups))
    far, seen = 0, set()
    for seed in range(12):
        found = outcome(manifest, predictions, groups, seed)
        assert found.status == "noised"
        noised = values(found)
        seen.add(str(noised["counts"]))
        for name in ("selection_rate", "true_positive_rate"):
            for group, (low, high) in noised[f"{name}_interval"].items():
                far += not low <= exact[name][group] <= high
    assert len(seen) == 12
    assert far <= 8  # of 72, where fewer than 4 are expected


def test_undefined_ratios_are_no_numbers():
    predictions = [[f"p{i}", i % 2, 0] for i in range(8)]
    groups = [[f"p{i}", "women" if i < 4 else "men"] for i in range(8)]
    found = outcome(write(), predictions, groups)
    assert "demographic_parity_ratio is not defined" in found.why
    assert values(found)["demographic_parity_difference"] == 0.0


# --- what is refused -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("party", "raw", "words"),
    [
        ("bank", [["a", 1, 2]], "the prediction of row 1 is neither 0 nor 1"),
        ("bank", [["a", 0.5, 1]], "the label of row 1"),
        ("bank", [["a", 1]], "row 1 has not an identifier and 2 values"),
        ("bank", "a,1,yes\na,0,no", "the same identifier"),
        ("registry", [["a", "women"], ["b", "else"]], "the group of row 2 is none of women, men"),
        ("registry", "a,women,b", "3 columns; each line has an identifier and a value"),
        ("registry", [[f"p{i}", "men"] for i in range(10)], "10 rows; the manifest allows 9"),
    ],
)
def test_a_list_that_is_not_right_is_refused(party, raw, words):
    with pytest.raises(InputError, match=words) as caught:
        protocol_for(write()).encode(party, raw)
    assert caught.value.data_left is False


def test_ways_to_write_a_row():
    protocol = protocol_for(write())
    forms = (
        "a,1,no\nb,TRUE,0",
        [["a", True, 0], ["b", "1", False]],
        {"a": [1, 0], "b": [1, 0]},
        (["a", "b"], np.array([1, 1]), np.array([False, False])),
    )
    assert len({protocol.encode("bank", raw).tobytes() for raw in forms}) == 1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"security": "active"}, "not available"),
        ({"outputs": 'groups = ["women"]'}, "two groups or more"),
        ({"outputs": 'groups = ["women", "Women"]'}, "two groups or more"),
        ({"outputs": 'groups = ["women", "overall"]'}, "no names of groups"),
        ({"outputs": f"groups = {[f'g{i}' for i in range(80)]}"}, "more than 256"),
        ({"more": f"{LAPLACE}\n[policy]\nmin_cell = 3"}, "choose one"),
        ({"outputs": f'{GROUPS}\nhelper = "bank"'}, "gives no list: helper"),
    ],
)
def test_what_cannot_be_audited_is_refused_when_the_manifest_is_read(change, words):
    with pytest.raises(ManifestError, match=words):
        protocol_for(write(**change))


# --- liars ---------------------------------------------------------------------------------------


def test_an_owner_whose_row_counts_many_times_is_caught(monkeypatch):
    """A registry that shares 1000 in place of a 1 is named; nothing of the counts is opened."""
    monkeypatch.setattr(audit, "_one_hot", weighed(audit._one_hot, "registry"))
    for error in ends([["p1", "men"]]):
        assert "registry's list does not have one choice for each row" in str(error)
        assert error.peer == "registry"


def test_a_bank_whose_row_is_of_two_cells_is_caught(monkeypatch):
    monkeypatch.setattr(audit, "_one_hot", weighed(audit._one_hot, "bank"))
    for error in ends([["p1", "men"]]):
        assert "bank's list, as helper and registry brought it into order," in str(error)


def test_a_helper_whose_masks_do_not_fit_is_caught(monkeypatch):
    """The rows that it brings are then uniform elements, and no choices."""
    real = joining._masks
    monkeypatch.setattr(joining, "_masks", lambda *args: real(*args)[:, ::-1].copy())
    for error in ends([["p1", "men"]]):
        assert "as helper and registry brought it into order," in str(error)


def test_a_helper_that_leaves_out_a_row_is_not_noticed(monkeypatch):
    """What docs/protocols/audit.md says of passive security."""
    real = joining.places_of_common

    async def fewer(engine, lists):
        return (await real(engine, lists))[:, 1:]

    monkeypatch.setattr(joining, "places_of_common", fewer)
    groups = [[f"p{i}", "men"] for i in range(4)]
    assert values(outcome(write(), PREDICTIONS, groups))["count"]["overall"] == 3


def ends(groups):
    """The errors that all parties end with."""
    found = simulate_sync(write(), {"bank": PREDICTIONS, "registry": groups})
    assert all(isinstance(end, PeerViolation) for end in found.values())
    return found.values()


def weighed(real, who):
    def one_hot(places, width):
        found = real(places, width)
        if who == "registry" and width == 2:
            found[:, 0] *= 1000
        if who == "bank" and width == 4:
            found[:, :] = 1
        return found

    return one_hot


def test_check_says_what_leaks_and_what_biases():
    said = " ".join(check(write()).sentences)
    for words in (
        "can try identifiers",
        "Match rate",
        "no rule for what is given",
        "leaves out one",
    ):
        assert words in said
    ruled = " ".join(check(write(more="[policy]\nmin_cell = 5")).sentences)
    assert "at least 5 people" in ruled
    assert "no rule for what is given" not in ruled
    assert "epsilon = 2" in " ".join(check(write(more=LAPLACE)).sentences)


def test_what_leaves_does_not_depend_on_lists():
    protocol = protocol_for(write())
    assert {len(protocol.encode("registry", raw)) for raw in ([], [["p1", "men"]])} == {
        protocol.lengths["registry"] + 2 * 9
    }
