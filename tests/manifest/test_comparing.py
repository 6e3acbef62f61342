"""Differences of two manifests, in words."""

import pytest

from ostraka.manifest import parse
from ostraka.manifest.comparing import differences

KEYS = {"ann": 1, "ben": 2, "cleo": 3, "dora": 4}


def manifest(names=("ann", "ben", "cleo"), keys=KEYS, roles="", title="Sum", rest="", maximum=100):
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{keys[name]:064x}"\n'
        f'address = "127.0.0.1:{9000 + KEYS[name]}"\n'
        f'roles = [{roles or chr(34) + "contributor" + chr(34)}, "compute", "recipient"]\n'
        for name in names
    )
    return parse(
        f'[session]\ntitle = "{title}"\nprotocol = "secure-sum"\ndeadline = "1m"\n{parties}'
        f'[input]\ntype = "int"\nmin = 0\nmax = {maximum}\n[outputs]\nstatistics = ["sum"]\n{rest}'
    )


def test_the_same_agreement_has_no_differences():
    assert differences(manifest(), manifest()) == []


@pytest.mark.parametrize(
    ("other", "sentence"),
    [
        (manifest(maximum=5), "input.max: 100 here, 5 there"),
        (manifest(title="Other"), 'session.title: "Sum" here, "Other" there'),
        (manifest(names=("ann", "ben")), "cleo takes part here, and not there"),
        (manifest(names=("ann", "ben", "cleo", "dora")), "dora takes part there, and not here"),
        (manifest(names=("ben", "ann", "cleo")), "the parties are in another order"),
        (
            manifest(rest="[policy]\nsame_roster_only = true\n"),
            "policy.same_roster_only: nothing here, true there",
        ),
        (
            manifest(keys={**KEYS, "ben": 9}),
            f"the key of ben is another: sha256:{2:064x} here, sha256:{9:064x} there",
        ),
    ],
)
def test_each_difference_is_a_sentence(other, sentence):
    assert sentence in differences(manifest(), other)


def test_a_key_is_named_first():
    found = differences(manifest(), manifest(keys={**KEYS, "cleo": 9}, title="T", maximum=7))
    assert found[0].startswith("the key of cleo")
    assert len(found) == 3
