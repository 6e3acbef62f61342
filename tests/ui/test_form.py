"""Forms of inputs, and what is read of them: the same as from a file of the command line."""

import numpy as np
import pytest

from ostraka.errors import InputError
from ostraka.manifest import parse
from ostraka.protocols import protocol_for
from ostraka.ui.form import form_of, read_answer

PARTIES = "".join(
    f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{9000 + i}"\n'
    'roles = ["contributor", "compute", "recipient"]\n'
    for i, name in enumerate(("alice", "bob", "carlos"), start=1)
)
NUMBER = 'type = "decimal(2)"\nmin = -10\nmax = 1000\nunit = "EUR"'
LUNCH = 'type = \'choice(["soup", "salad"])\''
SHAMIR = 'scheme = "shamir"\nthreshold = 1'


def protocol(name, schema, outputs="", sharing='scheme = "additive"'):
    return protocol_for(
        parse(
            f'[session]\ntitle = "t"\nprotocol = "{name}"\ndeadline = "1m"\n{PARTIES}'
            f"[input]\n{schema}\n[outputs]\n{outputs}\n[sharing]\n{sharing}\n"
        )
    )


CASES = {
    "number": (protocol("secure-sum", NUMBER), "number", "-3.5", "-3.5", "-3.5 EUR"),
    "yes or no": (protocol("secure-sum", 'type = "bool"'), "choice", 1, False, "no"),
    "options": (protocol("tally", LUNCH, "", SHAMIR), "choice", 1, "salad", "salad"),
    "lines": (protocol("secure-sum", 'type = "int"\nlength = 3\nmin = 0\nmax = 9'), "lines",
              "1\n 2\n3\n", [1, 2, 3], "1, 2, 3"),
    "json": (protocol("secure-sum", 'type = "int"\nlength = 3\nmin = 0\nmax = 9'), "lines",
             "[1, 2, 3]", [1, 2, 3], "[1, 2, 3]"),
    "cells": (protocol("table", NUMBER + "\nlength = 2", 'rows = ["HR", "IT"]', SHAMIR), "cells",
              ["5", "-1.25"], ["5", "-1.25"], "HR: 5 EUR"),
    "cells of heads": (
        protocol("table", NUMBER + "\nlength = 4",
                 'rows = ["HR", "IT"]\ncolumns = ["men", "women"]\nheads = 100', SHAMIR),
        "cells", [["5", "1"], ["6", "2"], ["0", "0"], ["7", "3"]],
        [[5, 1], [6, 2], [0, 0], [7, 3]], "HR / men: 5 EUR, heads: 1"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_an_answer_becomes_the_same_input_as_in_a_file(case):
    its, kind, answer, same, line = case
    assert form_of(its, "alice")["kind"] == kind
    raw, lines = read_answer(its, "alice", answer)
    assert lines[0] == line
    assert np.array_equal(its.encode("alice", raw), its.encode("alice", same))


@pytest.mark.parametrize(
    ("case", "answer"),
    [
        ("options", 2), ("options", -1), ("options", True), ("options", "soup"), ("options", None),
        ("number", "1e99"), ("number", 5), ("number", "1,5"),
        ("lines", "1\n2"), ("lines", "1\n\n2\n3"), ("lines", "a\nb\nc"),
        ("cells", ["5"]), ("cells", ["5", ""]), ("cells", ["5", 6]), ("cells", "5"),
        ("cells", [["5", "1"], ["6", "1"]]), ("cells", ["5", "2000"]),
        ("cells of heads", [["5", "1"], ["6", "2"], ["0", "0"], ["7", "-3"]]),
        ("cells of heads", [["5", "1"], ["6", "2"], ["0", "0"], ["7"]]),
        ("cells of heads", ["5", "6", "7", "8"]),
    ],
)  # fmt: skip
def test_what_the_manifest_does_not_ask_for_is_refused(case, answer):
    with pytest.raises(InputError) as refused:
        read_answer(CASES[case][0], "alice", answer)
    assert refused.value.exit_code == 20


def test_a_rehearsal_asks_for_nothing():
    found = protocol("secure-sum", NUMBER)
    assert form_of(found, "alice") is not None
    session = found.manifest.session.model_copy(update={"rehearsal": True})
    found.manifest = found.manifest.model_copy(update={"session": session})
    assert form_of(found, "alice") is None


def test_a_long_input_is_given_as_a_file():
    its = protocol("secure-sum", 'type = "int"\nlength = 257\nmin = 0\nmax = 9')
    assert form_of(its, "alice")["kind"] == "file"
    with pytest.raises(InputError, match="as a file"):
        read_answer(its, "alice", "1")


def test_the_columns_of_a_file_that_are_asked_for():
    assert form_of(CASES["cells of heads"][0], "alice")["table"] == {
        "values": 1, "groups": 2, "weight": True, "heads": True,
    }  # fmt: skip
    assert form_of(CASES["number"][0], "alice")["table"]["groups"] == 0
