"""Made-up inputs: each protocol takes them, they are within bounds, and they differ."""

from dataclasses import replace

import pytest

from ostraka import config
from ostraka.arithmetic.randomness import OsDraw
from ostraka.errors import UsageError
from ostraka.inputs.made_up import made_up
from ostraka.manifest import IdType

MANIFEST = """
[session]
title = "Rehearsal"
protocol = "{protocol}"
deadline = "5m"
coordinator = {{ address = "127.0.0.1:9440", key = "sha256:{pin}" }}
rehearsal = true

{parties}
[input]
{input}

[outputs]
{outputs}

[sharing]
scheme = "shamir"
threshold = 1
"""

NUMBERS = 'type = "{}"\nmin = {}\nmax = {}\nlength = {}'
ASKED = {
    "bool": ("threshold-vote", 'type = "bool"', 'pass_at = "1/2"'),
    "choice": ("tally", 'type = "choice([\\"a\\", \\"b\\", \\"c\\"])"', ""),
    "int": ("secure-sum", NUMBERS.format("int", -5, 5, 1), ""),
    "vector": ("secure-sum", NUMBERS.format("int", 0, 9, 40), ""),
    "decimal": ("secure-sum", NUMBERS.format("decimal(2)", "-1.05", "99.99", 3), ""),
    "decimal(0)": ("secure-sum", NUMBERS.format("decimal(0)", -3, 3, 3), ""),
    "float": ("secure-sum", NUMBERS.format("float(10)", "-0.5", "0.5", 4), ""),
    "weights": (
        "secure-sum", NUMBERS.format("int", 0, 9, 1), 'weights = "own"\nmax_weight = 20'
    ),
    "cells": ("table", NUMBERS.format("int", 0, 9, 4), 'rows = ["x", "y"]\ncolumns = ["u", "v"]'),
    "heads": ("table", NUMBERS.format("int", 0, 9, 2), 'rows = ["x", "y"]\nheads = 4'),
    "bids": ("auction", NUMBERS.format("int", 0, 100, 1), ""),
    "ranks": ("statistics", NUMBERS.format("int", 0, 100, 2), 'statistics = ["median"]'),
}  # fmt: skip


def protocol(name):
    kind, asked, outputs = ASKED[name]
    parties = "".join(
        f'[[party]]\nname = "{party}"\nkey = "sha256:{i:064x}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        for i, party in enumerate(("alice", "bob", "carlos"), 1)
    )
    text = MANIFEST.format(
        protocol=kind, pin=f"{9:064x}", parties=parties, input=asked, outputs=outputs
    )
    return config.bind(text)


@pytest.mark.parametrize("name", ASKED)
def test_each_protocol_takes_them(name):
    found = protocol(name)
    form, seen = found.row_form("alice"), set()
    for _ in range(60):
        raw = made_up(form)
        assert found.input_of("alice", raw, OsDraw()) is not None
        seen.add(repr(raw))
    assert len(seen) > 1


def test_they_reach_both_bounds():
    form = protocol("int").row_form("alice")
    assert {made_up(form) for _ in range(500)} == set(range(-5, 6))


def test_identifiers_are_not_made_up():
    form = protocol("int").row_form("alice")
    listed = replace(form, schema=form.schema.model_copy(update={"type": IdType()}))
    with pytest.raises(UsageError, match="identifiers"):
        made_up(listed)
