"""Scenarios of whole sessions: question, links, parties and faults, all by one number."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from virtual_world import World, check

from ostraka.manifest import parse

NAMES = ("alice", "bob", "carlos", "david")

QUESTIONS = {
    "sum": ('protocol = "secure-sum"', '[input]\ntype = "int"\nmin = 0\nmax = 5000\n'),
    "vote": (
        'protocol = "threshold-vote"',
        '[input]\ntype = "bool"\n[outputs]\npass_at = "1/2"\n',
    ),
}

SHARINGS = {
    "additive": '[sharing]\nscheme = "additive"\n',
    "shamir": '[sharing]\nscheme = "shamir"\nthreshold = 1\n',
    "active": '[sharing]\nscheme = "shamir"\nthreshold = 1\nsecurity = "active"\n',
}

WORKS = (
    ("sum", "additive"),
    ("sum", "shamir"),
    ("sum", "active"),
    ("vote", "shamir"),
    ("vote", "active"),
)


class Scenario(NamedTuple):
    """What one number stands for."""

    question: str
    sharing: str
    links: str
    parties: tuple[str, ...]
    faults: tuple[str, ...]


def scenario(number):
    """Return the scenario of a number."""
    draw = random.Random(f"scenario {number}")
    question, sharing = draw.choice(WORKS)
    return Scenario(
        question,
        sharing,
        draw.choice(("relay", "direct", "mixed")),
        NAMES[: draw.choice((3, 3, 4))],
        tuple(sorted(draw.sample(sorted(FAULTS), draw.randint(0, 2)))),
    )


def inputs_of(number, found):
    """Return the inputs of a scenario, by party."""
    draw = random.Random(f"inputs {number}")
    one = (
        (lambda: draw.randint(0, 5000))
        if found.question == "sum"
        else (lambda: draw.random() < 0.5)
    )
    return {name: one() for name in found.parties}


def manifest_of(found, fingerprint):
    """Return the manifest of a scenario; `fingerprint` gives that of a party's key."""
    asks, rest = QUESTIONS[found.question]
    at = f'coordinator = {{ address = "hub:1", key = "{fingerprint("coordinator")}" }}\n'
    text = f'[session]\ntitle = "Scenario"\n{asks}\ndeadline = "60s"\ntimeout = "20s"\n'
    text += "" if found.links == "direct" else at
    for place, name in enumerate(found.parties):
        text += f'[[party]]\nname = "{name}"\nkey = "{fingerprint(name)}"\n'
        text += 'roles = ["contributor", "compute", "recipient"]\n'
        if found.links == "direct" or (found.links == "mixed" and place == 0):
            text += f'address = "{name}:1"\n'
    return parse(
        text + rest + SHARINGS[found.sharing] + "[policy]\nmin_contributors = 2\n", "scenario"
    )


def right(question, inputs):
    """Return a function from the contributors counted to the texts of the values that are right."""
    if question == "sum":
        return lambda counted: (str(sum(inputs[name] for name in counted)),)
    return lambda counted: ("YES" if 2 * sum(map(inputs.get, counted)) >= len(counted) else "NO",)


FAULTS = {
    "cuts": lambda w: w.cuts(w.random.randint(1, 4), 2.0),
    "partitions": lambda w: w.partitions(w.random.randint(1, 3), 2.0, 8.0),
    "coordinator": lambda w: w.coordinator_restarts(w.random.randint(1, 2), 2.0, 3.0),
    "kills": lambda w: w.kills_at_steps(w.random.randint(1, 2)),
}


def run(number, office, directory):
    """Run the scenario of a number; return it, its world, and what came out: None, or a result.

    Raises:
        AssertionError: an invariant does not hold.
    """
    found = scenario(number)
    inputs = inputs_of(number, found)
    manifest = manifest_of(found, office.fingerprint)
    identities = {name: office.identity(name) for name in (*found.parties, "coordinator")}
    world = World(number, manifest, identities, inputs, directory)
    world.run(*(FAULTS[fault] for fault in found.faults))
    return found, world, check(world, right(found.question, inputs))


def counts(number, found, world, result):
    """Return what a run is to be counted as."""
    return Counter(
        runs=1,
        released=result is not None,
        kills=world.kills,
        virtual_seconds=round(max((e.at for e in world.endings.values()), default=0)),
        **{key: world.net.weather.counts[key] for key in ("cuts", "partitions", "pieces")},
        **{f"{found.question}, {found.sharing}": 1, found.links: 1},
    )
