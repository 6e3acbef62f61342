import asyncio
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ostraka.arithmetic.field import P61
from ostraka.errors import InputError, ManifestError, PeerViolation, RefusedByPolicy
from ostraka.inputs.lines import Lines
from ostraka.manifest import Dominance
from ostraka.outcome import Outcome
from ostraka.protocols import protocol_for
from ostraka.protocols.forms.disclosure import Rules
from ostraka.protocols.table import Table
from ostraka.simulation import MemoryNet, run_all

GROUPS = 'rows = ["women", "men"]'
SQUARE = f'{GROUPS}\ncolumns = ["north", "south"]'
WAGES = f'{GROUPS}\nheads = 50\nstatistics = ["mean", "count", "sum"]\ngap = ["women", "men"]'
MANY = str(list(map(str, range(17)))).replace("'", '"')
FEW = settings(max_examples=settings().max_examples // 2)
"""For examples of half a second each."""
PEOPLE = ("alice", "bob", "carlos", "david", "erin", "frank", "grace")


@pytest.fixture
def table(manifest, everybody):
    def make(parties, outputs="", policy="", cls=protocol_for, **more):
        roles = everybody(parties) if isinstance(parties, int) else parties
        n = sum("k" in letters for letters in roles.values())
        cells = 4 if "columns" in outputs else 2 if "rows" in outputs else 1
        more = {"length": cells, "bounds": (0, 1000), "threshold": (n - 1) // 2, **more}
        more = {"scheme": "shamir", "unit": "EUR", **more}
        return cls(manifest(roles, outputs=outputs, policy=policy, protocol="table", **more))

    return make


def play(protocol, inputs, seed=0):
    net = MemoryNet(protocol.manifest.parties, seed=seed)
    return asyncio.run(run_all(protocol, inputs, net, seed=seed)), net


def values(outcome):
    return {output.name: output.value if output.parts else None for output in outcome.outputs}


def found(protocol, numbers):
    """What the first recipient gets of these inputs, found to be what the textbook says."""
    inputs = dict(zip(protocol.contributors, numbers, strict=True))
    outcome = play(protocol, inputs)[0][protocol.recipients[0]]
    assert isinstance(outcome, Outcome), outcome
    assert values(outcome) == protocol.plaintext(inputs)
    return outcome


# --- rules ---------------------------------------------------------------------------------------


@st.composite
def policies(draw, dominance=True):
    share = st.sampled_from(["1/4", "1/3", "50%", "2/3", "0.9", "1"])
    lines = [f"min_cell = {draw(st.integers(1, 4))}"]
    rules = []
    if draw(st.booleans()):
        rules.append(f'largest = "{draw(share)}"')
    if draw(st.booleans()):
        rules.append(f'p = "{draw(share)}"')
    if draw(st.booleans()):
        rules.append(f'n = {draw(st.integers(1, 3))}, k = "{draw(share)}"')
    if rules and dominance:
        lines.append(f"dominance = {{ {', '.join(rules)} }}")
    if draw(st.booleans()):
        lines.append(f"plausible = {{ min = {draw(st.integers(-5, 40))}, max = 2000 }}")
    return "\n".join(lines)


@FEW
@given(data=st.data())
def test_every_recipient_gets_what_the_textbook_says(manifest, everybody, data):
    n = data.draw(st.sampled_from([3, 4, 5, 7]))
    outputs = data.draw(st.sampled_from(["", GROUPS, SQUARE, f"{SQUARE}\ntotals = false"]))
    low = data.draw(st.sampled_from([0, 0, -20]))
    policy = data.draw(policies(dominance=low == 0).filter(lambda p: "1/3" not in p or n > 3))
    if n == 3:
        policy = policy.replace('"1/4"', '"1/2"')
    cells = 4 if "columns" in outputs else 2 if "rows" in outputs else 1
    protocol = protocol_for(manifest(
        everybody(n), outputs=outputs, policy=policy, protocol="table", scheme="shamir",
        length=cells, threshold=(n - 1) // 2, bounds=(low, 1000),
    ))  # fmt: skip
    number = st.one_of(st.sampled_from([0, 0, 10, 20]), st.integers(low, 1000))
    row = st.lists(number, min_size=cells, max_size=cells)
    inputs = {name: data.draw(row) for name in everybody(n)}
    results, net = play(protocol, inputs)
    for outcome in results.values():
        assert values(outcome) == protocol.plaintext(inputs)
        assert (outcome.status == "suppressed") == bool(outcome.why)
    assert net.sent == protocol.cost().sent


@FEW
@given(data=st.data())
def test_means_and_gaps_are_what_the_textbook_says(manifest, everybody, data):
    n = data.draw(st.sampled_from([3, 5]))
    policy = data.draw(policies().filter(lambda p: "1/4" not in p and "1/3" not in p))
    outputs = data.draw(st.sampled_from([WAGES, WAGES.replace(GROUPS, SQUARE)]))
    cells = 4 if "columns" in outputs else 2
    protocol = protocol_for(manifest(
        everybody(n), outputs=outputs, policy=policy, protocol="table", scheme="shamir",
        length=cells, threshold=(n - 1) // 2, bounds=(0, 1000), type="decimal(2)",
    ))  # fmt: skip
    pair = st.one_of(st.just([0, 0]), st.tuples(st.integers(0, 900), st.integers(1, 50)))
    row = st.lists(pair, min_size=cells, max_size=cells)
    inputs = {name: data.draw(row) for name in everybody(n)}
    results, net = play(protocol, inputs)
    for outcome in results.values():
        assert values(outcome) == protocol.plaintext(inputs)
    assert net.sent == protocol.cost().sent


@pytest.mark.parametrize(
    ("rules", "losses", "given"),
    [
        ('largest = "50%"', (50, 30, 20, 0), True),  # a tie: exactly half
        ('largest = "50%"', (51, 30, 20, 0), False),
        ('largest = "50%"', (0, 0, 0, 0), True),
        ('largest = "50%"', (1, 0, 0, 0), False),
        ('largest = "1/3"', (100, 100, 100, 0), True),
        ('largest = "33.3%"', (100, 100, 100, 0), False),
        ('largest = "1"', (1000, 0, 0, 0), True),
        ('p = "10%"', (100, 50, 6, 4), True),  # a tie: 10 without the two largest
        ('p = "10%"', (100, 50, 6, 3), False),
        ('p = "10%"', (100, 100, 10, 0), True),  # whoever is first of two equal ones
        ('p = "10%"', (0, 0, 0, 0), True),
        ('p = "10%"', (1, 0, 0, 0), False),
        ('n = 2, k = "80%"', (50, 30, 20, 0), True),
        ('n = 2, k = "80%"', (51, 30, 20, 0), False),
        ('n = 1, k = "50%"', (50, 30, 20, 0), True),
        ('n = 4, k = "99%"', (1, 1, 1, 1), False),
        ('n = 9, k = "1"', (1, 1, 1, 1), True),
        ('largest = "50%", p = "10%", n = 3, k = "90%"', (40, 30, 20, 10), True),
        ('largest = "50%", p = "10%", n = 3, k = "90%"', (40, 30, 20, 9), False),
    ],
)
def test_dominance(table, rules, losses, given):
    outcome = found(table(4, "", f"dominance = {{ {rules} }}"), losses)
    assert outcome.status == ("released" if given else "suppressed")
    assert values(outcome) == {"sum": sum(losses) if given else None}
    assert ("dominance" in outcome.why) == (not given)


@pytest.mark.parametrize(
    ("policy", "numbers", "given"),
    [
        ("min_cell = 3", (1, 1, 1, 0), True),
        ("min_cell = 3", (500, 500, 0, 0), False),
        ("min_cell = 1", (0, 0, 0, 0), True),
        ("min_cell = 2", (0, 0, 0, 0), False),
        ("min_cell = 5", (1, 1, 1, 1), False),
        ("plausible = { min = 10, max = 20 }", (10, 0, 0, 0), True),
        ("plausible = { min = 10, max = 20 }", (9, 0, 0, 0), False),
        ("plausible = { min = 10, max = 20 }", (5, 5, 5, 5), True),
        ("plausible = { min = 10, max = 20 }", (5, 5, 5, 6), False),
        ("plausible = { max = 0 }", (0, 0, 0, 0), True),
    ],
)
def test_small_and_implausible_sums(table, policy, numbers, given):
    outcome = found(table(4, "", policy), numbers)
    assert values(outcome) == {"sum": sum(numbers) if given else None}


@pytest.mark.parametrize(("number", "given"), [("1.50", True), ("1.49", False), ("2.01", False)])
def test_bounds_are_in_the_unit_of_the_input(table, number, given):
    protocol = table(3, "", "plausible = { min = 1.5, max = 2 }", type="decimal(2)")
    assert (found(protocol, (number, 0, 0)).status == "released") == given


def test_negative_numbers_count_as_something(table):
    protocol = table(3, "", "min_cell = 3", bounds=(-1000, 1000))
    assert values(found(protocol, (-5, 5, -1))) == {"sum": -1}
    assert values(found(protocol, (-5, 5, 0))) == {"sum": None}


def test_one_contributor_is_always_dominant(table):
    roles = {"alice": "ckr", "bob": "k", "carlos": "k"}
    for rules in ('largest = "1"', 'p = "1%"', 'n = 1, k = "99%"'):
        protocol = table(roles, "", f"dominance = {{ {rules} }}")
        assert values(found(protocol, (7,))) == {"sum": 7 if "largest" in rules else None}
    assert values(found(table(roles, "", "min_cell = 2"), (7,))) == {"sum": None}


# --- tables --------------------------------------------------------------------------------------


def test_a_withheld_cell_is_absent_and_another_with_it(table):
    outcome = found(table(4, GROUPS, "min_cell = 3"), ([5, 1], [5, 1], [0, 1], [0, 1]))
    assert values(outcome) == {"sum": {"total": 14}}
    assert outcome.status == "suppressed"
    assert "2 of 3 cells and totals are withheld (women and men)" in outcome.why
    assert "min_cell" in outcome.why


def test_what_is_left_over_must_keep_the_rules_too(table):
    # women and men have one contributor each: with the total, either could subtract its own
    rows = 'rows = ["a", "b", "c"]'
    numbers = ([5, 0, 9], [0, 7, 9], [0, 0, 9], [0, 0, 9])
    outcome = found(table(4, rows, "min_cell = 3", length=3), numbers)
    assert values(outcome) == {"sum": {"c": 36}}
    numbers = ([5, 7, 9], [0, 7, 9], [0, 7, 9], [6, 0, 9])
    outcome = found(table(4, rows, "min_cell = 3", length=3), numbers)
    assert values(outcome) == {"sum": {"c": 36, "total": 68}}


def test_a_square_hides_a_cell_behind_its_row_its_column_and_a_corner(table):
    rows = 'rows = ["a", "b", "c"]\ncolumns = ["x", "y", "z"]'
    numbers = [[3] * 9 for _ in range(4)]
    for number in numbers[1:]:
        number[0] = 0
    outcome = found(table(4, rows, "min_cell = 2", length=9), numbers)
    assert values(outcome)["sum"] == {
        "a": {"z": 12, "total": 27},
        "b": {"z": 12, "total": 36},
        "c": {"x": 12, "y": 12, "z": 12, "total": 36},
        "total": {"x": 27, "y": 36, "z": 36, "total": 99},
    }
    assert "4 of 16 cells and totals are withheld (a/x, a/y, b/x and b/y)" in outcome.why


def test_what_follows_from_two_rows_and_a_column_must_keep_the_rules_too(table):
    # Each row and column leaves over two contributors; two rows less a column, alice alone.
    rows = 'rows = ["a", "b", "c"]\ncolumns = ["x", "y", "z"]'
    alice = [5, 0, 1, 1, 0, 5, 0, 1, 0]
    bob = [0, 5, 1, 1, 0, 0, 0, 1, 5]
    carlos = [0, 0, 1, 1, 5, 0, 5, 1, 0]
    protocol = table(3, rows, "min_cell = 2", length=9)
    given = {"a": {"z": 3}, "b": {"x": 3}, "c": {"y": 3}}
    assert values(found(protocol, (alice, bob, carlos))) == {"sum": given}
    alice = [5, 0, 1, 1, 0, 0, 0, 1, 5]
    bob = [0, 5, 1, 1, 0, 5, 5, 1, 0]
    carlos = [0, 0, 1, 1, 5, 0, 0, 1, 0]
    shown = values(found(protocol, (alice, bob, carlos)))["sum"]
    assert shown["total"] == {"x": 13, "y": 13, "z": 13, "total": 39}
    assert shown["a"] == {"z": 3, "total": 13}


def test_without_totals_cells_stand_alone(table):
    outcome = found(table(3, f"{GROUPS}\ntotals = false", "min_cell = 3"), ([5, 1], [5, 1], [0, 1]))
    assert values(outcome) == {"sum": {"men": 3}}
    assert "1 of 2 cells" in outcome.why


def test_nothing_withheld_is_opened(table):
    """What recipients are sent of a withheld sum is zero."""
    protocol = table(3, GROUPS, "min_cell = 3")
    outcome = found(protocol, ([5, 1], [5, 1], [0, 1]))
    (opened,) = outcome.outputs[0].parts[0].tolist()
    assert opened == [0, 0, 1, 0, 0, 13]


def test_means_and_gaps(table):
    protocol = table(3, WAGES, "min_cell = 3", type="decimal(2)")
    everybody = ([[90, 2], [100, 2]], [[45, 1], [150, 3]], [[45, 1], [50, 1]])
    assert values(found(protocol, everybody)) == {
        "mean": {"women": "45", "men": "50", "total": "48"},
        "count": {"women": 4, "men": 6, "total": 10},
        "sum": {"women": "180", "men": "300", "total": "480"},
        "gap": "0.1",
    }
    few = found(protocol, ([[90, 2], [100, 2]], [[45, 1], [150, 3]], [[0, 0], [50, 1]]))
    assert values(few)["gap"] is None
    assert values(few)["count"] == {"total": 9}
    assert {o.name: o.unit for o in few.outputs} == {
        "mean": "EUR", "count": "", "sum": "EUR", "gap": "",
    }  # fmt: skip


def test_heads_keep_the_rules_of_dominance_too(table):
    policy = 'dominance = { largest = "50%" }'
    pairs = ([90, 8], [90, 1], [90, 1])
    outputs = 'statistics = ["mean"]\nheads = 50'
    assert values(found(table(3, outputs, policy), pairs)) == {"mean": None}
    assert values(found(table(3, outputs, policy), ([90, 2], [90, 1], [90, 1]))) == {"mean": "67.5"}


def test_a_mean_of_nobody_is_not_defined(table):
    outcome = found(table(3, WAGES), ([[90, 2], [0, 0]],) * 3)
    assert values(outcome)["mean"] == {"women": "45", "men": None, "total": "45"}
    assert values(outcome)["gap"] is None
    assert outcome.status == "released"


def shown(protocol, value):
    """Which figures are in a result, read back from its names."""
    flat = {}
    for row, line in (value or {}).items():
        cells = line.items() if isinstance(line, dict) else [("", line)]
        flat |= {"/".join(filter(None, (row, column))): v for column, v in cells}
    flat["total"] = flat.pop("total/total", flat.get("total"))
    return [flat.get(title) is not None for title in protocol.grid.titles]


@given(data=st.data())
def test_no_sum_of_withheld_figures_that_follows_betrays_anybody(manifest, everybody, data):
    """An attacker with a linear solver and every subset of what is missing."""
    n, columns = data.draw(st.sampled_from([3, 4])), data.draw(st.sampled_from([0, 2, 3]))
    outputs = 'rows = ["a", "b", "c"]'
    outputs += "\ncolumns = " + str(["x", "y", "z"][:columns]).replace("'", '"') * (columns > 0)
    outputs = outputs if columns else 'rows = ["a", "b", "c", "d"]'
    policy = data.draw(policies().filter(lambda p: "1/4" not in p and "1/3" not in p))
    policy = "\n".join(line for line in policy.splitlines() if "plausible" not in line)
    cells = 3 * columns or 4
    protocol = protocol_for(manifest(
        everybody(n), outputs=outputs, policy=policy, protocol="table", scheme="shamir",
        length=cells, threshold=1, bounds=(0, 1000),
    ))  # fmt: skip
    number = st.sampled_from([0, 0, 1, 10, 20, 900])
    row = st.lists(number, min_size=cells, max_size=cells)
    inputs = {name: data.draw(row) for name in everybody(n)}
    given = shown(protocol, protocol.plaintext(inputs)["sum"])
    each = np.array(list(inputs.values())) @ protocol.layout.sums.T
    rows = protocol.layout.sums[given]
    rank = np.linalg.matrix_rank(rows) if len(rows) else 0
    missing = [f for f in range(protocol.figures) if not given[f]]
    assert all(
        protocol.kept.kept([each[:, f].tolist()], plausible=True) for f in np.flatnonzero(given)
    )
    for size in range(1, 7):
        for those in itertools.combinations(missing[:7], size):
            total = protocol.layout.sums[list(those)].sum(axis=0)
            if np.linalg.matrix_rank(np.vstack([rows, total])) == rank:
                together = each[:, list(those)].sum(axis=1).tolist()
                assert protocol.kept.kept([together], plausible=False), (given, those)


# --- who may not count ---------------------------------------------------------------------------


@pytest.mark.parametrize("invalid", ["abort", "exclude"])
@pytest.mark.parametrize("cheat", [(1001, 0), (0, -1), (2**60 - 1, 0), (0, 2**59)])
def test_numbers_out_of_bounds_never_count(table, invalid, cheat):
    class Cheater(Table):
        def encode(self, me, raw):
            if raw == "cheat":
                return np.array([x % P61.p for x in cheat], np.uint64)
            return super().encode(me, raw)

    protocol = table(4, f'{GROUPS}\ninvalid = "{invalid}"', "min_cell = 2", Cheater, least=3)
    inputs = {"alice": [1, 2], "bob": "cheat", "carlos": [2, 1], "david": [1, 1]}
    for outcome in play(protocol, inputs)[0].values():
        if invalid == "abort":
            assert isinstance(outcome, PeerViolation)
            assert outcome.peer == "bob"
        else:
            assert values(outcome) == {"sum": {"women": 4, "men": 4, "total": 8}}
            assert outcome.contributors == ("alice", "carlos", "david")


@pytest.mark.parametrize("cheat", [(5, 0, 0, 0), (5, 0, 0, 1), (5, 5, 51, 1), (0, 0, -1, 0)])
def test_a_sum_of_no_heads_never_counts(table, cheat):
    class Cheater(Table):
        def encode(self, me, raw):
            if raw == "cheat":
                return np.array([x % P61.p for x in cheat], np.uint64)
            return super().encode(me, raw)

    protocol = table(3, f'{WAGES}\ninvalid = "exclude"', "", Cheater, least=2)
    inputs = {"alice": [[1, 1], [2, 1]], "bob": "cheat", "carlos": [[1, 1], [2, 1]]}
    for outcome in play(protocol, inputs)[0].values():
        assert outcome.contributors == ("alice", "carlos")
        assert values(outcome)["sum"]["total"] == 6


def test_too_few_valid_contributors_get_nothing(table):
    class Cheater(Table):
        def encode(self, me, raw):
            return np.array([1001], np.uint64) if raw == "cheat" else super().encode(me, raw)

    protocol = table(4, 'invalid = "exclude"', "min_cell = 2", Cheater, least=4)
    inputs = {"alice": 1, "bob": "cheat", "carlos": 2, "david": 3}
    for outcome in play(protocol, inputs)[0].values():
        assert isinstance(outcome, RefusedByPolicy)
        assert outcome.exit_code == 31


def test_the_gate_is_asked_about_those_who_are_left_before_any_rule_is(table, monkeypatch):
    class Cheater(Table):
        def encode(self, me, raw):
            return np.array([1001], np.uint64) if raw == "cheat" else super().encode(me, raw)

    told = []
    honest = Rules.broken

    async def broken(self, y, *, plausible):
        told.append("rules")
        return await honest(self, y, plausible=plausible)

    monkeypatch.setattr(Rules, "broken", broken)
    protocol = table(4, 'invalid = "exclude"', "min_cell = 2", Cheater, least=3)
    net = MemoryNet(protocol.manifest.parties)
    inputs = {"alice": 1, "bob": "cheat", "carlos": 2, "david": 3}
    asyncio.run(run_all(protocol, inputs, net, gates={"alice": told.append}))
    mine = [what for what in told if what != "rules"]
    assert mine == [("alice", "bob", "carlos", "david"), ("alice", "carlos", "david")]

    def refusing(counted):
        if len(counted) < 4:
            raise RefusedByPolicy("not without bob")

    told.clear()
    net = MemoryNet(protocol.manifest.parties)
    gates = dict.fromkeys(inputs, refusing)
    for outcome in asyncio.run(run_all(protocol, inputs, net, gates=gates)).values():
        assert isinstance(outcome, RefusedByPolicy)
    assert told == []


def test_traffic_does_not_depend_on_what_is_withheld(table):
    def shape(numbers):
        protocol = table(4, GROUPS, 'min_cell = 2\ndominance = { largest = "50%", p = "5%" }')
        net = MemoryNet(protocol.manifest.parties)
        log, put = [], net.put
        net.put = lambda sender, to, step, m: (
            log.append((sender, to, step, m.dtype.str, m.size)), put(sender, to, step, m)
        )  # fmt: skip
        asyncio.run(run_all(protocol, dict(zip(PEOPLE, numbers, strict=False)), net))
        return sorted(log)

    first = shape([[5, 5]] * 4)
    for numbers in ([[0, 0]] * 4, [[1000, 0]] * 4, [[5, 0], [0, 5], [1, 1], [0, 0]]):
        assert shape(numbers) == first


# --- before anything runs ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "more", "problem"),
    [
        ("", {"length": 2}, "input.length: must be 1"),
        (GROUPS, {"length": 3}, "input.length: must be 2"),
        ('columns = ["a", "b"]', {"length": 2}, "outputs.columns"),
        ('rows = ["a", "a"]', {}, "outputs.rows"),
        ('rows = ["a"]', {"length": 1}, "outputs.rows"),
        ('rows = ["a", "total"]', {}, "outputs.rows"),
        ('rows = ["a", ""]', {}, "outputs.rows.1: must be 1 to 64 printable characters"),
        ('rows = ["a", "\\u001b[2J"]', {}, "outputs.rows.1: must be 1 to 64 printable"),
        ('rows = "ab"', {"length": 2}, "outputs.rows"),
        (f"rows = {MANY}\ncolumns = {MANY}", {"length": 289}, "outputs.rows: 289 cells are more"),
        ('statistics = ["mean"]', {}, "outputs.heads: is missing"),
        ('statistics = ["sum", "sum"]', {}, "outputs.statistics"),
        ("statistics = []", {}, "outputs.statistics"),
        ('statistics = ["median"]', {}, "outputs.statistics"),
        (f"{GROUPS}\nheads = 5", {"bounds": (1, 9)}, "input.min: must be 0 or less"),
        (f'{GROUPS}\nheads = 5\ngap = ["women", "x"]', {}, "outputs.gap"),
        (f'{GROUPS}\nheads = 5\ngap = ["men", "men"]', {}, "outputs.gap"),
        ("", {"type": "bool"}, "input.type: table compares numbers"),
        ("", {"scheme": "additive", "threshold": None}, "sharing.scheme"),
        ("", {"policy": 'dominance = { largest = "1/4" }'}, "of 3 contributors one always"),
        ("", {"policy": 'dominance = { p = "1" }', "bounds": (-1, 1)}, "not negative: min = 0"),
        ("", {"policy": 'dominance = { p = "1/99" }', "bounds": (0, 2**55)}, "too large"),
        ("", {"policy": "plausible = { max = 1e18 }", "bounds": (0, 2**55)}, "too large"),
    ],
)
def test_manifests_it_cannot_serve_are_refused(table, outputs, more, problem):
    with pytest.raises(ManifestError, match=problem):
        table(3, outputs, **more)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ([[1, 2]], "pair for each cell|1 value"),
        ([1, 2], "a pair for each cell"),
        ([[1, 1], [1, 51]], "above max = 50"),
        ([[1, 1], [1, 0]], "a sum of no heads"),
        ([[1, 1], [1001, 5]], "above max = 1000"),
        (None, "a pair for each cell"),
    ],
)
def test_inputs_that_are_no_table_are_refused_before_anything_is_sent(table, raw, problem):
    with pytest.raises(InputError, match=problem):
        table(3, WAGES).encode("alice", raw)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            {"women": [7, 999], "men": [5, 1]},
            "heads of cell women is above .* is the pair swapped. write .sum, heads.",
        ),
        ([[5, 1], [7, 999]], "heads of cell men is above max = 50; is the pair swapped"),
        ({"women": [700, 51], "men": [5, 1]}, "heads of cell women is above max = 50$"),
        ({"women": [5, 1], "men": ["1,5", 1]}, "the sum of cell men is not a number .* a comma"),
        ({"women": [5, 1], "men": [5, 0]}, "cell men has a sum of no heads"),
        ({"Women": [5, 1], "men": [5, 1]}, '"Women" is none of them: write "women"'),
        ({"wimen": [5, 1], "men": [5, 1]}, '"wimen" is none of them; did you mean "women"'),
        ({"women": [5, 1]}, '"men" is missing'),
        ({"women": [5, 1], "women ": [5, 1], "men": [5, 1]}, "it has one twice"),
    ],
)
def test_a_bad_cell_is_named_with_what_to_write_instead(table, raw, problem):
    with pytest.raises(InputError, match=problem):
        table(3, WAGES).encode("alice", raw)


def test_bad_cells_of_rows_and_columns_and_groups_as_the_eye_reads_them(table):
    square = table(3, SQUARE)
    named = {"men": {"north": 3, "south": 10**9}, "women": {"south": 2, "north": 1}}
    with pytest.raises(InputError, match="cell men/south is above max"):
        square.encode("alice", named)
    with pytest.raises(InputError, match=r'men: the input must .*"South" is none of them: write'):
        square.encode("alice", {**named, "men": {"north": 3, "South": 4}})
    named["men\u200d "] = named.pop("men") | {"south": 4}
    assert square.encode("alice", named).tolist() == [1, 2, 3, 4]
    with pytest.raises(InputError, match="line 4 of x is above max"):
        square.encode("alice", Lines("1\n2\n3\n4000000000", "x"))


def test_cells_may_be_named(table):
    square = table(3, SQUARE)
    named = {"men": {"north": 3, "south": 4}, "women": {"south": 2, "north": 1}}
    assert square.encode("alice", named).tolist() == square.encode("alice", [1, 2, 3, 4]).tolist()
    wages = table(3, WAGES)
    named = {"men": [5, 1], "women": [0, 0]}
    assert wages.encode("alice", named).tolist() == wages.encode("alice", [[0, 0], [5, 1]]).tolist()
    for wrong in ({"men": [5, 1]}, {**named, "others": [1, 1]}, {"men": 5, "women": 6}):
        with pytest.raises(InputError, match=r"entry for each of women and men|pair"):
            wages.encode("alice", wrong)
    with pytest.raises(InputError, match="entry for each of north and south"):
        square.encode("alice", {"women": 1, "men": 2})


def test_sums_have_room(table):
    """The bound that is just accepted is computed right."""
    protocol = table(3, "", 'dominance = { largest = "50%" }', bounds=(0, 2**56))
    top = 2**56
    assert values(found(protocol, (top, top, 0))) == {"sum": 2 * top}
    assert values(found(protocol, (top, top - 1, 0))) == {"sum": None}
    with pytest.raises(ManifestError, match="too large"):
        table(3, "", 'dominance = { largest = "50%" }', bounds=(0, 2**57))


def test_explain_says_the_rules_and_what_the_pattern_tells(table):
    policy = (
        'min_cell = 3\ndominance = { largest = "50%", p = "10%", n = 2, k = "80%" }\n'
        "plausible = { min = 0, max = 100 }"
    )
    words = "\n".join(table(4, GROUPS, policy).explain())
    for part in (
        "no contributor makes up more than 50%",
        "at least 10% of the largest",
        "its 2 largest contributions are at most 80%",
        "at least 3 contributors have something in it",
        "at least 0 and at most 100 EUR",
        "which figures are missing, not which rule",
        "a missing figure is never a 0",
        "no totals are given",
        "each number is from 0 to 1000",
    ):
        assert part in words
    assert "WARNING" not in words
    assert "WARNING: [policy] has no rule" in "\n".join(table(4, GROUPS).explain())
    assert "WARNING: of two" in "\n".join(table(4, GROUPS, "min_cell = 2").explain())


# --- the textbook, by hand -----------------------------------------------------------------------


def test_the_textbook_keeps_the_definitions():
    rules = Rules(Dominance(p=Fraction(1, 10)), 1, None, None)
    assert rules.kept([[100, 50, 10]], plausible=True)
    assert not rules.kept([[100, 50, 9]], plausible=True)
    rules = Rules(Dominance(n=2, k=Fraction(8, 10)), 3, 10, 90)
    assert not rules.kept([[40, 40, 20]], plausible=True)
    assert rules.kept([[40, 40, 20]], plausible=False)
    assert not rules.kept([[40, 40, 0, 20], [1, 1, 0, 0]], plausible=False)
