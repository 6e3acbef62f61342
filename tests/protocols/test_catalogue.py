"""Every protocol of the catalogue, as its page shows it, against its plaintext twin.

A new protocol is run here for several n, securities and faults by its line in the catalogue and
the one TOML block of its page, docs/protocols/NAME.md.
"""

import asyncio
import json
import random
import re
import tomllib
from functools import cache
from itertools import pairwise
from pathlib import Path

import pytest
from portions import portioned, thinned

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.errors import OstrakaError
from ostraka.manifest import BoolType, ChoiceType, IdType, IntType, parse
from ostraka.names import Step
from ostraka.outcome import Outcome
from ostraka.protocols import catalogue, protocol_for
from ostraka.protocols.runner import run
from ostraka.simulation import MemoryNet, run_all, simulate_sync

PAGES = Path(__file__).resolve().parents[2] / "docs" / "protocols"
NAMES = ("alice", "bob", "seller", "david", "erin")
ALL_CASES = [
    (name, security, n)
    for name, kind in catalogue.items()
    for security in kind.securities
    for n in (3, 4, 5)
]


def marks(name, security, n):
    """Three parties by default, four in thorough runs: test_active.py has active ones among four,
    too."""
    if n == 3:
        return ()
    slow = n > 4 or (security == "active" and name != "private-choice")
    return pytest.mark.slow if slow else pytest.mark.thorough


CASES = [pytest.param(*case, marks=marks(*case)) for case in ALL_CASES]


def example(name, security, n):
    """The manifest of the protocol's page among n parties, each in all roles; where the page says
    whose inputs are whose, or what each recipient learns, only those it names are contributors, or
    recipients."""
    blocks = re.findall(r"```toml\n(.*?)```", (PAGES / f"{name}.md").read_text(), re.DOTALL)
    assert len(blocks) == 1, f"docs/protocols/{name}.md needs one TOML block, an example"
    table = tomllib.loads(blocks[0])
    reveal = table.get("outputs", {}).get("reveal")
    asked = table["input"] if isinstance(table["input"], list) else []
    contributors = [party for entry in asked for party in entry["of"]] or NAMES
    recipients = tuple(reveal) if isinstance(reveal, dict) else NAMES
    text = f'[session]\ntitle = "Example"\nprotocol = "{name}"\ndeadline = "1m"\n'
    for i, party in enumerate(NAMES[:n]):
        text += f'[[party]]\nname = "{party}"\nkey = "sha256:{i:064x}"\n'
        roles = ["contributor"] * (party in contributors)
        roles += ["compute", *["recipient"] * (party in recipients)]
        text += f'roles = {json.dumps(roles)}\naddress = "h:{9000 + i}"\n'
    sharing = "[sharing]\n" + (f'security = "{security}"\n' if security != "passive" else "")
    block = blocks[0].replace("[sharing]\n", sharing)
    if security == "active":  # additive sums are passive
        block = re.sub('scheme = "additive".*', 'scheme = "shamir"\nthreshold = 1', block)
    return parse(text + block)


def draw(schema, rng):
    """One valid input."""
    one = {
        BoolType: lambda: rng.random() < 0.5,
        ChoiceType: lambda: rng.choice(schema.type.options),
        IdType: lambda: rng.randrange(10**9),
        IntType: lambda: rng.randint(int(schema.min), int(schema.max)),
    }.get(type(schema.type), lambda: rng.randint(int(schema.min), int(schema.max) - 1))
    return one() if schema.length == 1 else [one() for _ in range(schema.length)]


def rows_of_audit(manifest, rng):
    """Labels and predictions of some people, and the groups of others."""
    (first, second), groups = manifest.contributors, manifest.outputs["groups"]
    predictions = [[f"p{i}", rng.randrange(2), rng.randrange(2)] for i in range(50)]
    return {first: predictions, second: [[f"p{i}", rng.choice(groups)] for i in range(10, 70)]}


def inputs_of(manifest, seed):
    rng = random.Random(seed)
    if manifest.session.protocol == "audit":
        return rows_of_audit(manifest, rng)
    return {party: draw(manifest.input_of(party), rng) for party in manifest.contributors}


BOUND = {}


def bound(manifest):
    """The protocol of a manifest, made once."""
    if manifest.digest not in BOUND:
        BOUND[manifest.digest] = protocol_for(manifest)
    return BOUND[manifest.digest]


def agrees(manifest, inputs, outcome):
    """Whether an outcome is what the textbook says of those it counts."""
    counted = {party: inputs[party] for party in outcome.contributors}
    twin = bound(manifest).plaintext(counted)
    assert outcome.outputs
    found = {o.name: o.value if o.parts else None for o in outcome.outputs}  # None: withheld
    if outcome.status == "noised":  # its law is a test of its own
        return {name: type(v) for name, v in found.items()} == {k: type(v) for k, v in twin.items()}
    return all(value == twin[name] for name, value in found.items())


@cache
def played(name, security, n):
    """A protocol, and of some runs the inputs, each party's end, and what was sent."""
    manifest = example(name, security, n)
    protocol, runs = protocol_for(manifest), []
    for seed in range(2 if n == 3 else 3):
        inputs, net = inputs_of(manifest, seed), MemoryNet(manifest.parties, seed=seed)
        found = asyncio.run(run_all(protocol, inputs, net, seed=seed))
        runs.append((inputs, found, dict(net.sent)))
    return protocol, runs


@pytest.mark.parametrize(("name", "security", "n"), CASES)
def test_everybody_learns_what_the_textbook_says(name, security, n):
    protocol, runs = played(name, security, n)
    for inputs, found, _ in runs:
        for party, result in found.items():
            if party in protocol.recipients:
                assert isinstance(result, Outcome), result
                assert agrees(protocol.manifest, inputs, result)


@pytest.mark.parametrize(("name", "security", "n"), CASES)
@pytest.mark.parametrize("crashes", portioned([1], [2]))
def test_whoever_crashes_nobody_learns_anything_wrong(name, security, n, crashes):
    require_no_wrong_result(example(name, security, n), crashes)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "security", "n"), ALL_CASES)
def test_many_crashes(name, security, n):
    require_no_wrong_result(example(name, security, n), crashes=12)


def require_no_wrong_result(manifest, crashes):
    inputs, rng = inputs_of(manifest, 7), random.Random(11)
    usual = max(sent.messages for sent in bound(manifest).cost().sent.values())
    for _ in range(crashes):
        victim = rng.choice(manifest.parties)
        found = simulate_sync(manifest, inputs, seed=1, drop={victim: rng.randrange(usual)})
        for party, result in found.items():
            if isinstance(result, Outcome) and party in manifest.recipients:
                assert agrees(manifest, inputs, result)
            elif isinstance(result, Outcome):
                assert (result.status, result.outputs) == ("no-output", ())
            else:
                assert isinstance(result, OstrakaError)
                assert party == victim or result.exit_code in (31, 40)


class Steps(MemoryNet):
    """Net that notes at which steps each party sends on each link."""

    def __init__(self, parties, seed=0):
        super().__init__(parties, seed=seed)
        self.steps = {}

    def put(self, sender, to, step, message):
        self.steps.setdefault((sender, to), []).append(step)
        super().put(sender, to, step, message)


ONCE = thinned(CASES, lambda name, security, _n: security == catalogue[name].securities[0])


@pytest.mark.parametrize(("name", "security", "n"), ONCE)
def test_steps_only_grow_on_every_link_through_two_runs_of_a_session(name, security, n):
    manifest = example(name, security, n)
    protocol, net = protocol_for(manifest), Steps(manifest.parties, seed=n)
    inputs = [inputs_of(manifest, seed) for seed in range(2)]

    async def twice(party):
        exchange = net.exchange(party)
        for seed, raw in enumerate(inputs):
            draw = SeededDraw(f"{seed} {party}")
            x, dealt = (
                protocol.input_of(party, raw.get(party), draw),
                protocol.dealt_noise(party, draw),
            )
            await run(exchange, protocol, x, draw, dealt=dealt)

    async def main():
        async with asyncio.TaskGroup() as group:
            for party in manifest.parties:
                group.create_task(twice(party))

    asyncio.run(main())
    assert net.steps
    for steps in net.steps.values():
        assert all(isinstance(step, Step) for step in steps)
        assert all(a < b for a, b in pairwise(steps))


@pytest.mark.parametrize(("name", "security", "n"), CASES)
def test_what_is_sent_does_not_depend_on_inputs_and_is_what_check_says(name, security, n):
    protocol, runs = played(name, security, n)
    said = dict(protocol.cost().sent)
    assert [sent for _, _, sent in runs] == [said] * len(runs)
