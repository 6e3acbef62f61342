"""No result has the input of a party in it that refused it, or that was stopped before it agreed.

Every protocol of the catalogue, with every scheme, security and threshold that it allows; refusals
by a party's own rules, inputs that are not valid, crashes and a relay that cuts links, together.
"""

import asyncio
import random
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from portions import portioned, thinned

from ostraka.errors import Aborted, ManifestError, RefusedByLedger
from ostraka.manifest import BoolType, ChoiceType, IdType, IntType, parse
from ostraka.manifest.writing import write_manifest
from ostraka.outcome import Outcome
from ostraka.protocols import catalogue, protocol_for
from ostraka.simulation import MemoryNet, run_all

PAGES = Path(__file__).resolve().parents[2] / "docs" / "protocols"
COMPUTE = ("alice", "bob", "seller", "david", "erin", "frank", "grace")
OUTSIDE = ("xenia", "yves")
"""Contributors that do not compute."""

USUAL = 40
"""Messages that a party sends in a short run."""


def manifest_of(name, security, n, scheme, threshold, invalid, outside):
    """The manifest of the protocol's page among n compute parties and some who only contribute."""
    (block,) = re.findall(r"```toml\n(.*?)```", (PAGES / f"{name}.md").read_text(), re.DOTALL)
    table = tomllib.loads(block)
    if "invalid" in table["outputs"]:
        table["outputs"]["invalid"] = invalid
    table["sharing"] = {"scheme": scheme, "security": security}
    table["sharing"] |= {"threshold": threshold} if scheme == "shamir" else {}
    table["policy"] = {**table.get("policy", {}), "min_contributors": min(2 + len(outside), 3)}
    table["outputs"] |= {"top": 2} if "top" in table["outputs"] else {}
    inputs = table["input"] if isinstance(table["input"], list) else [{}]
    owners = [party for entry in inputs for party in entry.get("of", (*COMPUTE, *outside))]
    reveal = table["outputs"].get("reveal")
    if not isinstance(reveal, dict):  # what all recipients learn
        reveal = COMPUTE
    else:
        table["outputs"]["reveal"] = {p: what for p, what in reveal.items() if p in COMPUTE[:n]}
    parties = []
    for i, party in enumerate((*COMPUTE[:n], *outside)):
        roles = ["contributor"] * (party in owners) + ["compute"] * (party in COMPUTE)
        roles += ["recipient"] * (party in COMPUTE and party in reveal)
        if roles:
            address = f"127.0.0.1:{9000 + i}"
            key = f"sha256:{i:064x}"
            parties.append({"name": party, "key": key, "roles": roles, "address": address})
    session = {"title": "Refusals", "protocol": name, "deadline": "1m"}
    return parse(write_manifest({"session": session, **table}, parties))


@dataclass
class Rules:
    """A party's own rules: it refuses sets of one size; which it allowed is noted."""

    size: int = 0
    allowed: set = field(default_factory=set)
    refused: bool = False

    def __call__(self, counted):
        if len(counted) == self.size:
            self.refused = True
            raise RefusedByLedger("my own rule forbids it")
        self.allowed.add(counted)


def draw(schema, rng):
    one = {
        BoolType: lambda: rng.random() < 0.5,
        ChoiceType: lambda: rng.choice(schema.type.options),
        IdType: lambda: rng.randrange(10**9),
        IntType: lambda: rng.randint(int(schema.min), int(schema.max)),
    }.get(type(schema.type), lambda: rng.randint(int(schema.min), int(schema.max)))
    return one() if schema.length == 1 else [one() for _ in range(schema.length)]


def falsifying(protocol, party):
    """Let `party` share elements that are no valid input."""
    encode = protocol.encode

    def false(name, raw):
        x = encode(name, raw)
        return protocol.scheme.from_signed(np.full(len(x), -5, np.int64)) if name == party else x

    protocol.encode = false


def any_case(rng, most):
    """A protocol with a scheme, a security and a threshold that it allows."""
    while True:
        name = rng.choice(list(catalogue))
        n = rng.randint(3, most)
        security = rng.choice(catalogue[name].securities)
        scheme = rng.choice(("shamir", "shamir", "additive"))
        threshold = rng.randint(1, (n - 1) // 2 if name != "secure-sum" else n - 1)
        try:
            invalid, outside = rng.choice(("abort", "exclude", "exclude")), rng.choice(range(3))
            manifest = manifest_of(name, security, n, scheme, threshold, invalid, OUTSIDE[:outside])
            return name, protocol_for(manifest)
        except ManifestError:
            continue


def one_run(seed, most):
    """Play one run with trouble; return its protocol's name, the trouble, and the ends."""
    rng = random.Random(seed)
    name, protocol = any_case(rng, most)
    manifest, compute = protocol.manifest, protocol.manifest.compute
    inputs = {p: draw(manifest.input_of(p), rng) for p in manifest.contributors}
    outside = [p for p in manifest.contributors if p not in compute]
    if outside and rng.random() < 0.7 and hasattr(getattr(protocol, "options", None), "invalid"):
        falsifying(protocol, rng.choice(outside))
    k = len(manifest.contributors)
    rules = {party: Rules() for party in manifest.parties}
    rules[rng.choice(manifest.parties)].size = rng.choice((0, k, k - 1, k - 1, k - 2))
    drop = {rng.choice(compute): rng.randrange(USUAL)} if rng.random() < 0.2 else {}
    if outside and rng.random() < 0.2:
        drop[rng.choice(outside)] = rng.randrange(len(compute))
    pairs = [(p, q) for p in compute for q in compute if p != q]
    cut = {pair: rng.randrange(8) for pair in pairs if rng.random() < 0.03}
    net = MemoryNet(manifest.parties, drop, seed, cut=cut)
    ends = asyncio.run(run_all(protocol, inputs, net, seed=seed, gates=rules))
    return name, protocol, rules, drop | cut, ends


def check(seeds, most):
    """Play runs; return how often a result came, at all and in spite of trouble, by protocol."""
    results, in_trouble = Counter(), Counter()
    for seed in seeds:
        name, protocol, rules, trouble, ends = one_run(seed, most)
        found = {e.contributors for e in ends.values() if isinstance(e, Outcome) and e.outputs}
        assert len(found) <= 1, seed
        for counted in found:
            for party in counted:
                asked = counted if party in protocol.scheme.compute else protocol.contributors
                assert asked in rules[party].allowed, (seed, name, party)
        refused = any(rule.refused for rule in rules.values())
        results[name] += len(found)
        in_trouble[name] += bool(found and (trouble or refused))
    return results, in_trouble


@pytest.mark.parametrize(
    ("seeds", "kinds"), portioned([(range(30), 8)], [(range(120), len(catalogue))]), ids=str
)
def test_whoever_refuses_is_in_no_result(seeds, kinds):
    results, in_trouble = check(seeds, most=5)
    assert len(results) >= kinds
    assert sum(in_trouble.values()) > len(seeds) // 15


@pytest.mark.slow
def test_whoever_refuses_is_in_no_result_of_very_many():
    results, in_trouble = check(range(10_000, 30_000), most=7)
    assert min(results[name] for name in catalogue) > 300
    assert sum(in_trouble.values()) > 1500


LEAVES_OUT = [
    (name, security, n)
    for name in ("tally", "threshold-vote", "auction", "statistics", "private-choice")
    for security in catalogue[name].securities
    for n in (3, 4)
]
"""Protocols that leave an invalid input out, when the manifest says so."""


@pytest.mark.parametrize(
    ("name", "security", "n"), thinned(LEAVES_OUT, lambda _name, _security, n: n == 3)
)
def test_a_refusal_of_those_who_are_left_stops_all(name, security, n):
    """An input is left out at last, and one party's rules forbid to count just the others."""
    manifest = manifest_of(name, security, n, "shamir", 1, "exclude", ("xenia",))
    protocol, rng = protocol_for(manifest), random.Random(n)
    falsifying(protocol, "xenia")
    inputs = {party: draw(manifest.input_of(party), rng) for party in manifest.contributors}
    rules = {party: Rules() for party in manifest.parties}
    net = MemoryNet(manifest.parties, seed=n)
    ends = asyncio.run(run_all(protocol, inputs, net, seed=n, gates=rules))
    assert "xenia" not in ends["alice"].contributors
    rules["alice"].size = n
    net = MemoryNet(manifest.parties, seed=n)
    ends = asyncio.run(run_all(protocol, inputs, net, seed=n, gates=rules))
    assert isinstance(ends.pop("alice"), RefusedByLedger)
    assert ends.pop("xenia") is None
    assert all(isinstance(end, Aborted) for end in ends.values())
    assert any("alice refused" in end.message for end in ends.values())


ENGINE = sorted(name for name, kind in catalogue.items() if hasattr(kind, "reject_invalid"))


@pytest.mark.parametrize("name", ENGINE)
def test_compute_parties_learn_no_bit_of_an_input_whose_owner_refuses(name, monkeypatch):
    """Of four, one that sends nothing while others compute: they hear it before they open a bit."""
    manifest = manifest_of(name, "passive", 4, "shamir", 1, "exclude", ())
    protocol, last = protocol_for(manifest), manifest.compute[3]
    if last not in manifest.contributors:
        pytest.skip("the last compute party has no input")
    learned = []
    monkeypatch.setattr(type(protocol), "reject_invalid", lambda *_: learned.append(1))
    rng = random.Random(0)
    inputs = {p: draw(manifest.input_of(p), rng) for p in manifest.contributors}
    rules = {party: Rules() for party in manifest.parties}
    rules[last].size = len(manifest.contributors)
    net = MemoryNet(manifest.parties, {}, 0)
    ends = asyncio.run(run_all(protocol, inputs, net, seed=0, gates=rules))
    assert rules[last].refused
    assert not any(isinstance(end, Outcome) for end in ends.values())
    assert not learned
