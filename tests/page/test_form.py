"""What a page makes of an answer is what the program makes of it, for each protocol with a page."""

import json
import shutil
import subprocess
from pathlib import Path

import pytest
from pages import CASES, HALF, INT, REPORT, protocol_of

from ostraka.errors import InputError
from ostraka.names import place_name
from ostraka.page.form import NoForm, form_of

HERE = Path(__file__).parent


def in_the_browser(cases):
    """What report.js makes of typed answers."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    done = subprocess.run(
        [node, HERE / "values.js", REPORT], input=json.dumps(cases), capture_output=True, text=True,
        check=True, timeout=60,
    )  # fmt: skip
    return json.loads(done.stdout)


def by_the_program(protocol, answer):
    try:
        x = protocol.encode(place_name(1), answer)
    except InputError:
        return "refused"
    return [str(each) for each in protocol.scheme.to_signed(x).tolist()]


TYPED = (
    *("0", "7", "10", "-3", "1000", "-0", "+7", "00012", "  8 "),
    *("99.5", "99.50", "-4.99", "3.14159", "0.0078125", "0.0234375", "99.501"),
    *("", "5.", ".5", "1e3", "1,000", "0x1", "1_0", "\u0663"),
)


@pytest.mark.parametrize("name", CASES)
def test_the_page_encodes_answers_as_the_program_does(name):
    protocol = protocol_of(name)
    form = form_of(protocol)
    if form["kind"] == "choice":
        boolean = protocol.manifest.input.type.kind == "bool"
        answers = [o == "yes" if boolean else o for o in form["options"]]
        cases = [{"form": form, "answer": i} for i in range(len(answers))]
    else:
        count = form["count"]
        typed = [[text] * count for text in TYPED] + [["1", "2", "3", "4"]] * (count == 4)
        cases = [{"form": form, "answer": each} for each in typed]
        answers = [each if count > 1 else each[0] for each in typed]
    found = in_the_browser(cases)
    expected = [by_the_program(protocol, answer) for answer in answers]
    # The program reads more ways to write a number; a page may refuse, and never differ.
    for answer, ours, theirs in zip(answers, found, expected, strict=True):
        assert ours in (theirs, "refused"), answer
    assert found != ["refused"] * len(found)
    plain = [i for i, a in enumerate(answers) if a in ("0", "7", "10", ["7"] * 4)]
    assert all(found[i] == expected[i] for i in plain)


CELLS = 'type = "decimal(2)"\nmin = 0\nmax = 9000\nlength = 3'
GROUPS = 'rows = ["HR", "IT", "Sales"]\nheads = 100\nstatistics = ["mean"]'


@pytest.mark.parametrize(
    ("typed", "pairs"),
    [
        ("HR\t8100\t2\nIT\t900.25\t3\nSales\t0\t0\n", [["8100", 2], ["900.25", 3], ["0", 0]]),
        ("Sales; 0; 0\r\nHR; 8100; 2\nIT; 900.25; 3", [["8100", 2], ["900.25", 3], ["0", 0]]),
        ("8100\t2\n900.25\t3\n1\t100", [["8100", 2], ["900.25", 3], ["1", 100]]),
        ("8100\t2\t900.25\t3\t1\t1", [["8100", 2], ["900.25", 3], ["1", 1]]),
        ("8100\t2\n900.25\t3", None),  # a row is missing
        ("HR;1;1\nHR;1;1\nIT;1;1", None),
        ("HR;1;1\nOps;1;1\nIT;1;1", None),
        ("HR;1;0\nSales;1;1\nIT;1;1", None),  # a sum of no heads
        ("HR;9001;1\nSales;1;1\nIT;1;1", None),
        ("HR;1;101\nSales;1;1\nIT;1;1", None),
        ("HR;1.000,5;1\nSales;1;1\nIT;1;1", None),
        ("HR;1\nSales;1;1\nIT;1;1", None),
        ("HR\tsum\theads\nHR\t1\t1\nIT\t1\t1\nSales\t1\t1", None),
    ],
)
def test_rows_of_a_spreadsheet_are_cells(typed, pairs):
    protocol = protocol_of(("table", CELLS, GROUPS, ""))
    (found,) = in_the_browser([{"form": form_of(protocol), "answer": typed}])
    assert found == ("refused" if pairs is None else by_the_program(protocol, pairs))


def test_randomized_response_gives_the_page_the_chance_of_the_truth():
    privacy = 'local = { mechanism = "randomized-response", truth = "1/2" }'
    form = form_of(protocol_of(("secure-sum", 'type = "bool"', "", privacy)))
    assert form["truth"] == ["1", "2"]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        (("secure-sum", INT, "", 'local = { mechanism = "laplace", epsilon = 1 }'), "noise"),
        (("secure-sum", INT + "\nlength = 1000", "", ""), "1000 numbers"),
        (("threshold-vote", 'type = \'choice(["yes", "no"])\'\nlength = 2', HALF, ""), "several"),
        (("secure-sum", INT, 'weights = "own"\nmax_weight = 10', ""), "another"),
    ],
)
def test_what_a_page_cannot_ask_is_said(case, words):
    with pytest.raises(NoForm, match=words):
        form_of(protocol_of(case))
