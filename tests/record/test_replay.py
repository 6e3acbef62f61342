"""Kills at every await: the same answer, the same bytes, and the ledger asked once."""

import hashlib
import os
import random
import subprocess
import sys
from contextlib import suppress
from types import SimpleNamespace

import pytest
from portions import portioned

from ostraka.errors import Aborted, InternalError, OstrakaError, RefusedByLedger
from ostraka.manifest import parse
from ostraka.protocols import catalogue
from ostraka.record.replay import ReplayingExchange

CASES = [(name, security) for name, kind in catalogue.items() for security in kind.securities]

MOMENTS = 40
"""Moments at which a party is killed, of those that it has: an active auction has a thousand."""


@pytest.fixture(autouse=True)
def _quick_disk(monkeypatch):
    """What these tests kill is a process: the machine stays up."""
    monkeypatch.setattr(os, "fsync", lambda _descriptor: None)


async def check(fates, shown, manifest, inputs, kills, undisturbed, **options):
    """Run with kills, and compare with the run without."""
    expected, before, _ = undisturbed
    ends, net, mortals = await fates.run(manifest, inputs, kills=kills, **options)
    assert {p: shown(e) for p, e in ends.items()} == {p: shown(e) for p, e in expected.items()}
    assert net.streams == before.streams
    for party, mortal in mortals.items():
        assert len(mortal.asked) <= len(undisturbed[2][party].asked) + net.lives[party] - 1
        assert set(mortal.asked) == set(undisturbed[2][party].asked)
    return net


def some_kills(chance, net, of):
    """Kills of some parties, two each, anywhere in their lives."""
    parties = chance.sample(sorted(net.moments), of)
    return {p: {chance.randint(1, net.moments[p]) for _ in range(2)} for p in parties}


@pytest.mark.parametrize(("name", "security"), CASES)
@pytest.mark.parametrize("killed", portioned([[3]], [[1, 3]]), ids=str)
async def test_a_party_killed_anywhere_goes_on_with_the_same_bytes(
    name, security, killed, fates, shown
):
    manifest = fates.examples.example(name, security, 3)
    inputs = fates.examples.inputs_of(manifest, 1)
    undisturbed = await fates.run(manifest, inputs)
    assert not [end for end in undisturbed[0].values() if isinstance(end, OstrakaError)]
    chance, lives = random.Random(f"{name} {security}"), 0
    for of in killed:
        kills = some_kills(chance, undisturbed[1], of)
        net = await check(fates, shown, manifest, inputs, kills, undisturbed)
        lives += sum(net.lives.values())
    assert lives > len(killed) * len(manifest.parties)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "security"), CASES)
@pytest.mark.parametrize("n", [3, 4])
async def test_a_party_killed_at_each_moment_goes_on(name, security, n, fates, shown):
    manifest = fates.examples.example(name, security, n)
    inputs = fates.examples.inputs_of(manifest, n)
    undisturbed = await fates.run(manifest, inputs)
    chance = random.Random(f"{name} {security} {n}")
    for party, moments in undisturbed[1].moments.items():
        every = range(1, moments + 1)
        for moment in every if moments <= MOMENTS else chance.sample(every, MOMENTS):
            kills = {party: {moment, moment + 1}}
            net = await check(fates, shown, manifest, inputs, kills, undisturbed, seed=0)
            assert net.lives[party] > 1


# --- parties that are gone for good, and gates that refuse --------------------------------------

WITHOUT = ["shamir", "late", "vote"]


def agreement(kind, n=4):
    names = ("alice", "bob", "carlos", "david", "erin")[:n]
    text = '[session]\ntitle = "Test"\nprotocol = "secure-sum"\ndeadline = "1m"\n'
    for i, name in enumerate(names):
        text += f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "h:{9000 + i}"\n'
        text += 'roles = ["contributor", "compute", "recipient"]\n'
    text += '[input]\ntype = "int"\nmin = 0\nmax = 1000\nlength = LENGTH\n'
    text += f"[sharing]\n{kind}\n[policy]\nmin_contributors = 2\n"
    return text


def sums(length=1):
    return parse(agreement('scheme = "shamir"\nthreshold = 1').replace("LENGTH", str(length)))


async def test_losses_are_on_record_too(fates, shown):
    """A party that is gone is left out; the others are killed, and leave the same one out."""
    manifest = sums()
    inputs = {party: n for n, party in enumerate(manifest.parties, 1)}
    chance, without = random.Random(1), 0
    for moment in (1, 2, 5, 9, 12, 15):
        gone = {"david": moment}
        undisturbed = await fates.run(manifest, inputs, gone=gone)
        without += "david" not in getattr(undisturbed[0]["alice"], "contributors", ("david",))
        for _ in range(4):
            kills = some_kills(chance, undisturbed[1], 4)
            kills.pop("david", None)
            await check(fates, shown, manifest, inputs, kills, undisturbed, gone=gone)
    assert without


async def test_a_ledger_that_refused_refuses_again(fates, shown):
    """Its answer is on record: a refusal that was told is not taken back."""
    manifest = sums()
    inputs = dict.fromkeys(manifest.parties, 1)

    def refuse(party, _counted):
        if party == "bob":
            raise RefusedByLedger("the budget is spent", hint="wait")

    undisturbed = await fates.run(manifest, inputs, gate=refuse)
    assert isinstance(undisturbed[0]["bob"], RefusedByLedger)
    assert isinstance(undisturbed[0]["alice"], Aborted)
    told = 0

    def refuse_once(party, counted):
        nonlocal told
        told += party == "bob"
        if told == 1:
            refuse(party, counted)

    for moment in range(1, undisturbed[1].moments["bob"] + 1):
        told = 0
        ends, net, mortals = await fates.run(
            manifest, inputs, gate=refuse_once, kills={"bob": {moment}}
        )
        answered_twice = len(mortals["bob"].asked) > 1
        assert answered_twice or isinstance(ends["bob"], RefusedByLedger)
        if answered_twice:  # killed before the answer was on record: nobody was told of it
            assert net.streams.keys() and not isinstance(ends["bob"], OstrakaError)


@pytest.mark.parametrize(
    "sharing", portioned(['scheme = "shamir"\nthreshold = 1'], ['scheme = "additive"'])
)
async def test_long_vectors_come_back_from_the_file(sharing, fates, shown):
    length = 150_000  # some pieces, the last one shorter
    manifest = parse(agreement(sharing, 3).replace("LENGTH", str(length)))
    inputs = {party: [n] * length for n, party in enumerate(manifest.parties, 1)}
    undisturbed = await fates.run(manifest, inputs)
    chance = random.Random(2)
    for _ in range(3):
        kills = some_kills(chance, undisturbed[1], 3)
        await check(fates, shown, manifest, inputs, kills, undisturbed)


async def test_a_run_that_goes_another_way_is_a_bug_and_sends_nothing(fates, monkeypatch):
    """A record that does not fit the code is noticed, and not guessed at."""
    manifest = sums()
    inputs = dict.fromkeys(manifest.parties, 1)
    _, net, _ = await fates.run(manifest, inputs)
    from ostraka.record import replay

    moments = net.moments["bob"]
    monkeypatch.setattr(replay, "_is", lambda *_: False)
    ends, _, _ = await fates.run(manifest, inputs, kills={"bob": {moments // 2}})
    assert isinstance(ends["bob"], InternalError)
    assert "record" in str(ends["bob"])


# --- determinism --------------------------------------------------------------------------------

PRINT = """
import asyncio, importlib.util, pathlib, sys
spec = importlib.util.spec_from_file_location("fates", sys.argv[1])
fates = importlib.util.module_from_spec(spec)
spec.loader.exec_module(fates)
print(asyncio.run(fates.digest(pathlib.Path(sys.argv[2]))))
"""


@pytest.mark.slow
def test_no_byte_depends_on_the_order_of_a_hash_table(fates, tmp_path):
    """The whole catalogue in processes whose strings hash otherwise."""
    from pathlib import Path

    found = set()
    for seed in ("1", "2", "3"):
        (place := tmp_path / seed).mkdir()
        done = subprocess.run(
            [sys.executable, "-c", PRINT, str(Path(__file__).with_name("conftest.py")), str(place)],
            env=os.environ | {"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            timeout=300,
            check=True,
        )
        found.add(done.stdout)
    assert len(found) == 1
    assert len(found.pop().strip()) == hashlib.sha256().digest_size * 2


@pytest.mark.parametrize("refuses", [False, True])
async def test_a_verdict_is_on_disk_before_the_run_acts_on_it(refuses):
    """Otherwise a party could consent, lose power, and refuse what it consented to."""
    done = []
    record = SimpleNamespace(
        next_event=lambda: None,
        push=lambda: done.append("push"),
        note=lambda event: done.append(type(event).__name__),
        sync=lambda: done.append("sync"),
    )

    async def ask(counted):
        if refuses:
            raise RefusedByLedger("spent")

    exchange = ReplayingExchange(SimpleNamespace(me="alice"), record)
    with suppress(RefusedByLedger):
        await exchange.gate(ask)(("alice", "bob"))
    assert done == ["push", "Verdict", "sync"]
