"""A manifest that is accepted is explained, and its run ends with results that can be shown."""

import json
import random
from itertools import islice

import pytest
from portions import portioned

from ostraka.cli import results
from ostraka.errors import ManifestError
from ostraka.explanation import Explanation
from ostraka.manifest import parse
from ostraka.outcome import Outcome
from ostraka.protocols import protocol_for
from ostraka.protocols.rehearsal import require_results
from ostraka.protocols.secure_sum import SecureSum
from ostraka.simulation import simulate_sync

NAMES = ("alice", "bob", "carlos", "david", "erin")
EPSILONS = (
    *("1e-30", "1e-20", "1e-12", "1e-6", "0.001", "0.1", "1", "3"),
    *("20", "100", "750", "1000", "1e6", "1e12", "1e20", "1e30"),
)
DELTAS = ("1e-29", "1e-12", "1e-6", "0.5", "0.999999")
NUMBERS = ("int", "decimal(2)", "decimal(9)", "decimal(18)", "float(8)", "float(52)")
CHOICE = "choice(['a', 'b', 'c', 'abstain'])".replace("'", '"')


def text(protocol, n, *, input, outputs="", privacy="", policy="", scheme="shamir", security=""):
    """TOML of a manifest among n parties; the tables are given as lines."""
    lines = ["[session]", 'title = "Test"', f'protocol = "{protocol}"', 'deadline = "1m"']
    for i, name in enumerate(NAMES[:n]):
        roles = ["contributor"] * (protocol != "inner-product" or i < 2) + ["compute", "recipient"]
        lines += ["[[party]]", f'name = "{name}"', f'key = "sha256:{i:064x}"']
        lines += [f"roles = {json.dumps(roles)}", f'address = "h:{9000 + i}"']
    sharing = [f'scheme = "{scheme}"']
    sharing += [f"threshold = {max(1, (n - 1) // 2)}"] * (scheme != "additive")
    sharing += [f'security = "{security}"'] * bool(security)
    tables = {"input": [input], "outputs": [outputs], "sharing": sharing}
    tables |= {"policy": [policy], "privacy": [privacy]}
    for name, rows in tables.items():
        lines += [f"[{name}]", *rows]
    return "\n".join(lines)


def number_input(rng, **more):
    """Numbers of a type, with bounds that may be as far as a field reaches."""
    bits = rng.choice((0, 1, 4, 10, 20, 25, 29, 30, 40, 50, 57, 58, 59, 60, 61, 62, 70))
    kind = rng.choice(NUMBERS)
    places = {"decimal(2)": 7, "decimal(9)": 30, "decimal(18)": 60, "float(8)": 8, "float(52)": 52}
    high = (1 << max(0, bits - rng.choice((0, places.get(kind, 0))))) - rng.choice((0, 1))
    low = rng.choice((0, 0, 0, -high, high, -1))
    keys = {"type": f'"{kind}"', "min": min(low, high), "max": high, "unit": '"USD"', **more}
    return "\n".join(f"{key} = {value}" for key, value in keys.items())


def ballot(kind, **more):
    return "\n".join(f"{k} = {v}" for k, v in {"type": f"'{kind}'", **more}.items())


def noise(rng, place, mechanisms=("laplace", "gaussian")):
    mechanism, epsilon = rng.choice(mechanisms), rng.choice(EPSILONS)
    delta = f", delta = {rng.choice(DELTAS)}" * (mechanism == "gaussian")
    return f'{place} = {{ mechanism = "{mechanism}", epsilon = {epsilon}{delta} }}'


def a_sum(rng, n):
    length = rng.choice((1, 1, 1, 3, 300))
    kind = rng.choice(("numbers", "numbers", "bool", CHOICE))
    given, local = number_input(rng, length=length), ("laplace", "gaussian")
    figures = ("sum", "mean", "count", "variance")
    if kind != "numbers":
        given, local = ballot(kind, length=length), ("laplace", "gaussian", "randomized-response")
        figures = ("histogram",) if kind == CHOICE else figures
    some = rng.sample(figures, rng.randint(1, len(figures)))
    privacy = rng.choice(("", noise(rng, "local", local), noise(rng, "central")))
    scheme = rng.choice(("additive", "shamir"))
    return given, f"statistics = {json.dumps(some)}", privacy, scheme


def a_vote(rng, n):
    rules = ("pass_at = '1/2'", "pass_at = '1/999999999'", "pass_at_votes = 2")
    outputs = rng.choice((*rules, "pass_at = 0.5\nweights = { alice = 1000000, bob = 7 }"))
    return ballot("bool"), outputs, rng.choice(("", noise(rng, "central"))), "shamir"


def a_tally(rng, n):
    return ballot(CHOICE), "", rng.choice(("", noise(rng, "central"))), "shamir"


def an_auction(rng, n):
    return number_input(rng), f'price = "{rng.choice(("first", "second"))}"', "", "shamir"


def some_statistics(rng, n):
    asked = 'statistics = ["min", "max", "median"]\nquantiles = ["1/3", 0.999999999]'
    top = f"\ntop = {rng.randrange(n + 2)}"
    return number_input(rng, length=rng.choice((1, 2))), asked + top, "", "shamir"


def a_table(rng, n):
    cells = 'rows = ["x", "y"]\n'
    if rng.random() < 0.5:
        return number_input(rng, length=2), cells, "", "shamir"
    heads = f"heads = {rng.choice((1, 1000, 10**9))}\n"
    asked = 'statistics = ["sum", "mean", "count"]\ngap = ["x", "y"]'
    return number_input(rng, length=2), cells + heads + asked, "", "shamir"


def a_choice(rng, n):
    return ballot(CHOICE), "", noise(rng, "central", ("exponential",)), "shamir"


def a_product(rng, n):
    return number_input(rng, length=rng.choice((1, 3))), "", "", "shamir"


KINDS = {
    "secure-sum": a_sum,
    "threshold-vote": a_vote,
    "tally": a_tally,
    "auction": an_auction,
    "statistics": some_statistics,
    "table": a_table,
    "private-choice": a_choice,
    "inner-product": a_product,
}


def extreme(schema, rng):
    """Values at the ends of what one contributor may give."""
    if schema.type.numeric:
        ends = [str(schema.min), str(schema.max)]
    else:
        ends = getattr(schema.type, "options", (True, False))
    values = [rng.choice(ends) for _ in range(schema.length)]
    return values if schema.length > 1 else values[0]


def given(protocol, party, rng):
    """An extreme input; of a table with heads, of one head in each cell."""
    value = extreme(protocol.manifest.input_of(party), rng)
    return [[v, 1] for v in value] if protocol.manifest.outputs.get("heads") else value


def finishes(protocol_name, seed):
    """Whether a manifest made from the seed is accepted; fails unless all then goes to its end."""
    rng = random.Random(f"{protocol_name} {seed}")
    n = rng.choice((3, 5) if protocol_name != "secure-sum" else (2, 3, 5))
    asked, outputs, privacy, scheme = KINDS[protocol_name](rng, n)
    if n == 2:
        scheme = "additive"
    most = 2 if protocol_name == "inner-product" else n
    least = f"min_contributors = {rng.randint(2, most)}" * (rng.random() < 0.3)
    written = text(
        protocol_name, n, input=asked, outputs=outputs, privacy=privacy, policy=least, scheme=scheme
    )
    try:
        protocol = protocol_for(parse(written))
    except ManifestError:
        return False
    made = protocol.manifest
    json.dumps(Explanation.of(protocol).as_dict(), allow_nan=False)
    inputs = {c: given(protocol, c, rng) for c in made.contributors}
    for party, found in simulate_sync(made, inputs, seed=seed).items():
        assert isinstance(found, Outcome), (written, party, found)
        shown = found.as_dict()
        json.dumps(shown, allow_nan=False)
        assert results.lines(shown["outputs"])
        assert found._repr_html_()
    return True


@pytest.mark.parametrize("protocol", KINDS)
@pytest.mark.parametrize("most", portioned([2], [20]))
def test_accepted_manifests_are_explained_and_their_runs_finish(protocol, most):
    """As many of them as `most`, from a few seeds."""
    tried = 20 if protocol == "secure-sum" else 12
    accepted = (seed for seed in range(tried) if finishes(protocol, seed))
    assert len(list(islice(accepted, most))) > 1


FAR = ballot("decimal(9)", min=0, max=4_000_000)


@pytest.mark.parametrize(
    ("input", "privacy"),
    [
        (ballot("decimal(2)", min=0, max=20_000_000_000_000), ""),
        (FAR, 'central = { mechanism = "laplace", epsilon = 0.1 }'),
        (FAR, 'local = { mechanism = "laplace", epsilon = 0.1 }'),
        (ballot("bool"), 'central = { mechanism = "laplace", epsilon = 1e30 }'),
    ],
)
@pytest.mark.parametrize("figures", ['["sum", "mean"]', '["variance"]'])
def test_noise_of_any_width_has_an_error_and_a_result(input, privacy, figures):
    """1 - e^(-1/scale) is 0 in floating point for a scale of 4 * 10^16, and e^(-10^30) as well."""
    written = text(
        "secure-sum", 3, input=input, outputs=f"statistics = {figures}", privacy=privacy,
        scheme="additive",
    )  # fmt: skip
    try:
        protocol = protocol_for(parse(written))
    except ManifestError as error:
        assert "variance" in figures and "can reach" in error.message
        return
    json.dumps(Explanation.of(protocol).as_dict())
    inputs = {c: extreme(protocol.manifest.input, random.Random(c)) for c in NAMES[:3]}
    for found in simulate_sync(protocol.manifest, inputs).values():
        assert isinstance(found, Outcome)
        assert (found.status == "noised") == bool(privacy)


class Unshowable(SecureSum):
    """Has results over fewer than all contributors that cannot be worked out."""

    def combine(self, opened, counted):
        assert len(opened) <= 2
        return super().combine(opened, () if len(counted) < len(self.contributors) else counted)


def test_results_are_worked_out_before_anything_is_shared():
    """Also of long vectors, of which one element stands for all."""
    numbers = ballot("int", min=0, max=9, length=1_000_000)
    wanted, least = 'statistics = ["mean"]', "min_contributors = {}"
    full, fewer = (
        parse(text("secure-sum", 3, input=numbers, outputs=wanted, policy=least.format(k)))
        for k in (3, 2)
    )
    require_results(Unshowable(full))
    with pytest.raises(ManifestError, match="beyond what a number can say"):
        require_results(Unshowable(fewer))


@pytest.mark.slow
@pytest.mark.parametrize("protocol", KINDS)
def test_thousands_of_accepted_manifests_are_explained_and_their_runs_finish(protocol):
    tried = 10_000 if protocol == "secure-sum" else 500
    assert sum(finishes(protocol, seed) for seed in range(tried)) > tried // 10
