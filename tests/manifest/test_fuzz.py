"""Whatever a manifest says, `check` explains it or says what is wrong: it never ends with a bug.

The protocols' own pages are changed at random: values, missing and unknown keys, extremes, letters.
"""

import json
import random
import re
import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from ostraka.errors import OstrakaError
from ostraka.explanation import check
from ostraka.protocols import catalogue

PAGES = Path(__file__).resolve().parents[2] / "docs" / "protocols"
NAMES = ("alice", "bob", "seller", "david", "erin")
TEXTS = (
    "", " ", "a", "alice", "Été", "数", "\u202e", "\U0001f600", "e\u0301", "total", "yes",
    "abstain",
    "1/2", "0/1", "1/0", "100%", "1/999999999", "winner", "x" * 300, "sha256:" + "0" * 64, "h:1",
    "int", "bool", "decimal(0)", "decimal(18)", "float(1)", "float(52)", 'choice(["a", "b"])',
    'choice(["yes", "no"])', "shamir", "additive", "active", "clip", "5m", "720h", "laplace",
    "gaussian", "discrete-laplace", "exponential", "randomized-response", "l1", "l2", "cast", "all",
    "sum", "mean", "count", "variance", "histogram", "outcome", "approved", "first", "second",
)  # fmt: skip
NUMBERS = (
    "0", "1", "-1", "2", "3", "5", "16", "1000", "65536", "1000000007", "4611686018427387904",
    "-4611686018427387904", "9223372036854775807", "18446744073709551616", "0.5", "1.5", "1e-30",
    "1e-10", "1e30", "1e31", "1e999", "1e99999999999999999999", "-0.0", "0.1", "inf", "nan",
    "9" * 40, "9" * 5000, "1e-999999", "0.999999999999999999999999999999",
)  # fmt: skip
OTHERS = ("true", "false", "[]", "{}", "[[]]", "1979-05-27", "07:32:00", '["a", "a"]', "[1, 2]")
KEYS = (
    "title", "series", "protocol", "deadline", "timeout", "coordinator", "party", "name", "key",
    "roles", "address", "input", "type", "length", "min", "max", "unit", "of", "outside", "outputs",
    "statistics", "quantiles", "top", "rows", "columns", "totals", "heads", "gap", "price", "ties",
    "reserve", "reveal", "invalid", "choices", "weights", "pass_at", "pass_at_votes", "quorum",
    "question", "options", "checked", "sharing", "scheme", "threshold", "security", "policy",
    "min_contributors", "same_roster_only", "min_difference", "dominance", "largest", "p", "n", "k",
    "plausible", "min_cell", "privacy", "local", "central", "clip", "mechanism", "epsilon", "delta",
    "truth", "honest", "norm", "at",
)  # fmt: skip
NOISES = (
    '{{ mechanism = "laplace", epsilon = {} }}',
    '{{ mechanism = "gaussian", epsilon = {}, delta = 1e-6 }}',
    '{{ mechanism = "exponential", epsilon = {} }}',
    '{{ mechanism = "randomized-response", truth = "1/2" }}',
)


class Written(str):
    """TOML of a value, as it is."""


def toml(value):
    if isinstance(value, Written):
        return str(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{json.dumps(k)} = {toml(v)}" for k, v in value.items()) + " }"
    return str(value)


def page(name, rng):
    """The tables of a protocol's page, among some parties who have all roles, and a few rules."""
    block = re.findall(r"```toml\n(.*?)```", (PAGES / f"{name}.md").read_text(), re.DOTALL)[0]
    tables = tomllib.loads(block, parse_float=Decimal)
    n = rng.choice((2, 3, 3, 3, 5))
    roles = ["contributor", "compute", "recipient"]
    asked = tables["input"] if isinstance(tables["input"], list) else []
    givers = [party for entry in asked for party in entry["of"]] or NAMES
    parties = [
        {
            "name": party,
            "key": f"sha256:{i:064x}",
            "roles": roles if party in givers else roles[1:],
            "address": f"h:{9000 + i}",
        }
        for i, party in enumerate(NAMES[:n])
    ]
    session = {"title": "Fuzz", "protocol": name, "deadline": "1m"}
    if isinstance(tables["outputs"].get("reveal"), dict):
        tables["outputs"]["reveal"] = ["winner", "price"]
    return {"session": session, "party": parties, "policy": {}, "privacy": {}} | tables


def changed(tables, rng):
    """Change one thing at a random place, mostly in what the protocol reads."""
    part = tables
    if rng.random() < 0.9:
        part = tables.get(rng.choice(["input", "outputs", "sharing", "policy", "privacy"]))
    if not isinstance(part, dict | list):
        return
    place = rng.choice([*places(part)] or [part])
    if isinstance(place, dict):
        key = rng.choice([*place] if place and rng.random() < 0.85 else KEYS)
    else:
        key = rng.randrange(len(place)) if place else slice(0, 0)
    if rng.random() < 0.1:
        place.pop(key, None) if isinstance(place, dict) else place.clear()
    else:
        place[key] = anything(rng, place.get(key) if isinstance(place, dict) else None)


def places(value):
    """Tables and lists, with those in them."""
    if isinstance(value, dict | list) and value:
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from places(inner)


def anything(rng, before=None):
    """Some value, mostly of the kind that stood there before."""
    kind = rng.randrange(12)
    if kind < 6 and isinstance(before, int | Decimal) and not isinstance(before, bool):
        return Written(rng.choice(NUMBERS[:25]))
    if kind < 6 and isinstance(before, str):
        return rng.choice(TEXTS)
    if kind < 6 and isinstance(before, Written | dict):
        return Written(rng.choice(NOISES).format(rng.choice(NUMBERS)))
    if kind < 8:
        return Written(rng.choice(NUMBERS))
    if kind == 8:
        return rng.choice(TEXTS)
    if kind == 9:
        return Written(rng.choice(NOISES).format(rng.choice(NUMBERS)))
    if kind == 10:
        return Written(rng.choice(OTHERS))
    return [rng.choice(TEXTS) for _ in range(rng.randrange(4))]


def written(seed):
    """TOML of a manifest that has up to four changes."""
    rng = random.Random(seed)
    tables = page(rng.choice([*catalogue]), rng)
    for _ in range(rng.randrange(1, 4)):
        changed(tables, rng)
    text = "\n".join(f"{json.dumps(key)} = {toml(value)}" for key, value in tables.items()) + "\n"
    if rng.random() < 0.1:  # also what may be no TOML
        at = rng.randrange(len(text))
        text = text[:at] + rng.choice(("\0", '"', "[", "\ud7ff", "=", "\n", "")) + text[at + 1 :]
    return text


def explained(seed):
    """Whether `check` explains the manifest of a seed; any error but a documented one fails."""
    text = written(seed)
    try:
        shown = check(text)
    except OstrakaError as error:
        assert error.exit_code == 2, (seed, error)
        assert str(error)
        return False
    json.dumps(shown.as_dict(), allow_nan=False)
    assert shown._repr_html_()
    return True


def test_any_manifest_is_explained_or_refused_with_code_2():
    assert sum(explained(seed) for seed in range(300)) > 5


@pytest.mark.slow
def test_tens_of_thousands_of_manifests_are_explained_or_refused_with_code_2():
    assert sum(explained(seed) for seed in range(300, 20_000)) > 300
