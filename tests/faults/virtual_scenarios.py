"""Scenarios of whole sessions: question, links, parties and faults, all by one number."""

from __future__ import annotations

import random
from collections import Counter
from typing import NamedTuple

from virtual_lives import LivingWorld
from virtual_world import check

from ostraka.manifest import parse
from ostraka.record.runs import RunState

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


ENOUGH = 4
"""Of so many numbers one is a session that may begin without its guests."""

DEADLINE, BEFORE = 60.0, 2.0
"""Seconds until a session without its guests begins, and how long before that faults begin."""


class Scenario(NamedTuple):
    """What one number stands for.

    Attributes:
        guests: contributors that only contribute, and the second at which each comes, or None for
            one that never does. Where there are guests, the session begins with enough.
    """

    question: str
    sharing: str
    links: str
    parties: tuple[str, ...]
    faults: tuple[str, ...]
    guests: dict[str, float | None] = {}  # noqa: RUF012 - never changed

    @property
    def everyone(self):
        """All parties of the manifest, in its order."""
        return (*self.parties, *self.guests)


def scenario(number):
    """Return the scenario of a number."""
    draw = random.Random(f"scenario {number}")
    question, sharing = draw.choice(WORKS)
    return Scenario(
        question,
        sharing,
        draw.choice(("relay", "two relays", "direct", "mixed")),
        NAMES[: draw.choice((3, 3, 4))],
        tuple(sorted(draw.sample(sorted(FAULTS), draw.randint(0, 3)))),
        guests_of(number),
    )


def guests_of(number):
    """Return the guests of a scenario: in one of `ENOUGH`, one or two; the first is absent, or
    comes a moment before or after the deadline."""
    if number % ENOUGH != ENOUGH - 1:
        return {}
    draw = random.Random(f"guests {number}")
    late = (None, DEADLINE + draw.uniform(-BEFORE, BEFORE))
    return {"erin": draw.choice(late), "mallory": draw.choice((*late, 0.0))}


def inputs_of(number, found):
    """Return the inputs of a scenario, by party."""
    draw = random.Random(f"inputs {number}")
    one = (
        (lambda: draw.randint(0, 5000))
        if found.question == "sum"
        else (lambda: draw.random() < 0.5)
    )
    return {name: one() for name in found.everyone}


def manifest_of(found, fingerprint):
    """Return the manifest of a scenario; `fingerprint` gives that of a party's key."""
    asks, rest = QUESTIONS[found.question]
    hubs = ("hub:1", "hub2:1") if found.links == "two relays" else ("hub:1",)
    key = fingerprint("coordinator")
    at = ", ".join(f'{{ address = "{hub}", key = "{key}" }}' for hub in hubs)
    text = f'[session]\ntitle = "Scenario"\n{asks}\ndeadline = "60s"\ntimeout = "20s"\n'
    text += 'start = "enough"\n' if found.guests else ""
    text += "" if found.links == "direct" else f"coordinator = [{at}]\n"
    for place, name in enumerate(found.everyone):
        text += f'[[party]]\nname = "{name}"\nkey = "{fingerprint(name)}"\n'
        more = "" if name in found.guests else ', "compute", "recipient"'
        text += f'roles = ["contributor"{more}]\n'
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
    "clocks": lambda w: w.wrong_clocks(),
    "coordinator": lambda w: w.coordinator_restarts(w.random.randint(1, 2), 2.0, 3.0),
    "cuts": lambda w: w.cuts(w.random.randint(1, 4), 2.0),
    "deaths": lambda w: w.last_deaths(w.random.randint(1, 2)),
    "full disks": lambda w: w.full_disks(w.random.randint(1, 2)),
    "lives": lambda w: w.deaths_and_lives(w.random.randint(1, len(w.manifest.parties))),
    "partitions": lambda w: w.partitions(w.random.randint(1, 3), 2.0, 8.0),
    "power": lambda w: w.power_losses(w.random.randint(1, 2), 2.0),
}

BITTER = {"deaths", "full disks", "power"}
"""Faults that may cost the answer; under all others every party comes to it."""


def world_of(number, office, directory, **options):
    """Return the scenario of a number, its world, and what answers are right in it."""
    found = scenario(number)
    inputs = inputs_of(number, found)
    manifest = manifest_of(found, office.fingerprint)
    identities = {name: office.identity(name) for name in (*found.everyone, "coordinator")}
    world = LivingWorld(number, manifest, identities, inputs, directory, **options)
    if found.guests:
        world.comes, world.calm = found.guests, DEADLINE - BEFORE
    return found, world, right(found.question, inputs)


def run(number, office, directory, locks, machines):
    """Run the scenario of a number; return it, its world, and what came out: None, or a result.

    Raises:
        AssertionError: an invariant does not hold.
    """
    machines.forget()
    found, world, answer = world_of(number, office, directory, locks=locks, machines=machines)
    world.run(*(FAULTS[fault] for fault in found.faults))
    world.filled = machines.full
    result = check(world, answer)
    require_nothing_left(world)
    machines.forget()
    for name in found.everyone:
        require_true_books(world, name)
    if not BITTER & set(found.faults):
        require_all(world, found)
    return found, world, result


def require_nothing_left(world):
    """No task, no connection and no file of a party that has ended is left, unless it may run the
    session again."""
    assert not any(world.left.values()), world.left
    for name, ending in world.endings.items():
        kept = ending.error is not None and getattr(ending.error, "exit_code", 0) in (41, 75)
        files = {path.name for path in world.home(name).rglob("*") if path.is_file()}
        known = {f"{name}.ledger", f"{name}.ledger.head", f"{name}.ledger.lock"}
        known |= {file for file in files if file.endswith(".json")}
        known |= {file for file in files if kept and file.endswith((".record", ".key", ".lock"))}
        if ending.error is not None and world.lives[name] > 1:  # an earlier life's, with no room
            known |= {file for file in files if file.endswith(".lock")}
        assert files <= known, (name, ending, files - known)


def require_true_books(world, name):
    """A party's ledger has one run, as it ended; none counts if nothing has left its machine.

    A run of an earlier life, whose record was lost on a full disk, may count; and one whose ledger
    had no room for its end is held.
    """
    ending = world.endings.get(name)
    if ending is None:
        return
    runs = list(world.ledger(name).counting())
    assert len({run.session for run in runs}) == len(runs), (name, runs)
    if ending.outcome is not None:
        of = [run.state for run in runs if run.session == ending.outcome.session]
        assert of == [RunState.COMMITTED], (name, runs)
    elif getattr(ending.error, "data_left", None) is False and world.lives[name] == 1:
        full = "cannot be used: " in str(ending.error)
        assert not [r for r in runs if not full or r.state is not RunState.HELD], (name, ending)


def require_all(world, found):
    """Every party that must come has the answer, in one session, with one run in its ledger; a
    guest is counted, or was told that the session began without it."""
    endings, came = world.endings, set(world.processes)
    outcomes = {name: e.outcome for name, e in endings.items() if e.outcome}
    assert set(found.parties) <= set(outcomes) <= came, endings
    assert len({outcome.session for outcome in outcomes.values()}) == 1, endings
    counted = {o.contributors for o in outcomes.values() if o.outputs}
    assert len(counted) == 1, endings
    assert set(found.parties) <= set(*counted) <= set(outcomes), endings
    if not world.kills and not {"cuts", "partitions", "coordinator"} & set(found.faults):
        prompt = [name for name, at in found.guests.items() if at == 0.0]
        assert set(prompt) <= set(*counted), endings
    for name in came:
        runs = list(world.ledger(name).counting())
        assert len(runs) == (name in outcomes), (name, runs)
        if name not in outcomes:
            error = endings[name].error
            assert (error.exit_code, error.data_left) == (41, False), endings


def counts(number, found, world, result):
    """Return what a run is to be counted as."""
    lives = sum(world.lives.values()) - len(world.lives)
    return Counter(
        runs=1,
        released=result is not None,
        everyone=all(e.outcome for e in world.endings.values()) and not world.gone,
        kills=world.kills,
        power_losses=len(world.unpowered),
        lives_again=lives,
        coordinator_restarts=world.restarts,
        full_disks=world.filled,
        wrong_clocks=len(world.manifest.parties) * ("clocks" in found.faults),
        roll_calls=bool(found.guests),
        virtual_seconds=round(max((e.at for e in world.endings.values()), default=0)),
        **{key: world.net.weather.counts[key] for key in ("cuts", "partitions", "pieces")},
        **{f"{found.question}, {found.sharing}": 1, found.links: 1},
    )
