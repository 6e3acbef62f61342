"""One party's part in a session, over real sockets in one process."""

import asyncio
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from ostraka import party as roles
from ostraka.cli.bench_measure import Job, repeat
from ostraka.errors import InputError, ManifestError, TimedOut, UsageError
from ostraka.manifest import parse
from ostraka.noise.mechanisms import AdditiveNoise, RandomizedResponse
from ostraka.noise.shares import NoiseShares
from ostraka.progress import Observer, Progress
from ostraka.record import receipt
from ostraka.session import closing

ALL = ("contributor", "compute", "recipient")
INPUTS = {"alice": 1, "bob": 20, "carlos": 300}
SHAMIR = 'scheme = "shamir"\nthreshold = 1'


class Watcher(Observer):
    def __init__(self):
        self.seen = []
        self.bytes = []
        self.warned = []

    def gathering(self, present, total):
        self.seen.append(f"{present}/{total}")

    def phase(self, name):
        self.seen.append(name)

    def warn(self, text):
        self.warned.append(text)

    def moved(self, done, total):
        self.bytes.append((done, total))


async def watched(office, manifest, inputs, **options):
    """{name: (result, watcher)}."""
    watchers = {name: Watcher() for name in manifest.parties}
    async with asyncio.timeout(20):
        found = await asyncio.gather(
            *(
                office.seat(manifest, name, **options).run(
                    inputs.get(name), Progress(watchers[name])
                )
                for name in manifest.parties
            )
        )
    return {n: (r.as_dict(), watchers[n]) for n, r in zip(manifest.parties, found, strict=True)}


@pytest.mark.parametrize("sharing", ['scheme = "additive"', SHAMIR], ids=["additive", "shamir"])
@pytest.mark.parametrize("length", [1, 3, 5000])
async def test_the_sum(office, sharing, length):
    manifest = office.manifest(sharing=sharing, length=length)
    inputs = {
        name: value if length == 1 else [value + i for i in range(length)]
        for name, value in INPUTS.items()
    }
    expected = 321 if length == 1 else [321 + 3 * i for i in range(length)]
    for result, _ in (await watched(office, manifest, inputs)).values():
        assert result["status"] == "released"
        assert result["outputs"] == [{"name": "sum", "value": expected}]
        assert result["contributors"] == 3
        assert result["protocol"] == "secure-sum"
        assert result["manifest_sha256"] == manifest.digest.hex()
        assert len(result["session"]) == 64
        assert "receipt" not in result


async def test_phases_are_told_in_order_and_bytes_up_to_their_total(office):
    found = await watched(office, office.manifest(), INPUTS)
    for _, watcher in found.values():
        phases = [seen for seen in watcher.seen if "/" not in seen]
        assert phases == ["sharing", "computing", "opening", "done"]
        assert watcher.seen[0] == "1/3"
        assert "3/3" in watcher.seen
        assert all(0 <= done <= total for done, total in watcher.bytes)


async def test_what_a_role_may_not_learn_is_absent(office):
    manifest = office.manifest(
        {
            "alice": ("contributor",),
            "bob": ("contributor", "compute"),
            "carlos": ("compute",),
            "david": ("recipient",),
        }
    )
    found = await watched(office, manifest, {"alice": 1, "bob": 2})
    for name in ("alice", "bob", "carlos"):
        result = found[name][0]
        assert set(result) == {"session", "protocol", "manifest_sha256", "status"}
        assert result["status"] == "no-output"
    assert found["david"][0]["outputs"] == [{"name": "sum", "value": 3}]


async def test_a_trace_shows_every_share_and_they_add_up(office):
    shares = []
    manifest = office.manifest()

    class Teaching(Observer):
        wants_shares = True

        def share(self, kind, party, vector):
            shares.append((kind, party, int(vector[0])))

    found = await office.run(manifest, INPUTS, observer=Teaching())
    assert not any(isinstance(result, Exception) for result in found.values())
    made = [value for kind, _, value in shares if kind == "made"]
    announced = [value for kind, _, value in shares if kind == "announced"]
    assert sum(made) % 2**64 == 321
    assert len(made) == 9
    assert sum(announced) % 2**64 == 3 * 321 % 2**64


async def test_a_receipt_is_written_for_each_party_and_holds(office, tmp_path):
    found = await office.run(office.manifest(), INPUTS, receipts=tmp_path)
    for name, result in found.items():
        path = Path(result["receipt"])
        assert path.name == f"receipt-{name}-{result['session'][:12]}.json"
        assert receipt.verify(receipt.read(path))["signed"] == list(INPUTS)
    assert len(list(tmp_path.iterdir())) == 3


@pytest.mark.parametrize("bad", [10**9, 1.5, "x", [1, 2], float("nan"), None, np.zeros(2)])
async def test_a_bad_input_leaves_nothing_and_says_so(office, bad):
    manifest = office.manifest(deadline=0.5, timeout=1)
    found = await office.run(manifest, INPUTS | {"bob": bad})
    assert isinstance(found["bob"], InputError)
    assert found["bob"].exit_code == 20
    assert found["bob"].data_left is False
    for name in ("alice", "carlos"):
        assert found[name].exit_code == 41
        assert found[name].data_left is False


async def test_whoever_is_no_contributor_must_give_nothing(office):
    roles = {"alice": ALL, "bob": ALL, "carlos": ("recipient",)}
    manifest = office.manifest(roles, deadline=0.5, timeout=1)
    found = await office.run(manifest, INPUTS)
    assert isinstance(found["carlos"], InputError)


async def test_what_the_protocol_cannot_do_is_known_before_anybody_is_contacted(office):
    manifest = office.manifest(sharing='scheme = "additive"\nsecurity = "active"')
    found = await office.take_part(manifest, "alice", 1)
    assert isinstance(found, ManifestError)
    assert found.data_left is False


async def test_missing_parties_leave_no_data(office):
    found = await office.take_part(office.manifest(deadline=0.3), "alice", 1)
    assert isinstance(found, TimedOut)
    assert found.data_left is False


async def test_cancelling_ends_the_session_for_everybody(office):
    manifest = office.manifest(timeout=5)
    there = asyncio.Event()

    class Stuck(Watcher):
        def phase(self, name):
            there.set()

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        alice = group.create_task(office.seat(manifest, "alice").run(1, Progress(Stuck())))
        bob = group.create_task(office.take_part(manifest, "bob", 2))
        carlos = group.create_task(office.open(manifest, "carlos"))
        await there.wait()
        alice.cancel()
        await asyncio.wait([alice])
        assert alice.cancelled()
        await (await carlos).close()
    assert bob.result().exit_code == 40
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_repeated_runs_over_one_session(office):
    manifest = office.manifest(("alice", "bob"))
    async with asyncio.timeout(20):
        found = await asyncio.gather(
            *(
                repeat(Job(manifest, office.identity(n), "sum", 1, 5), lambda v=v: v)
                for n, v in {"alice": 3, "bob": 4}.items()
            )
        )
    for timings, outcome in found:
        assert len(timings) == 5
        assert all(t.end >= t.begin and t.bytes_sent > 0 for t in timings)
        assert outcome.outputs[0].value == 7


async def test_a_receipt_that_cannot_be_written_does_not_take_the_result_with_it(office, tmp_path):
    manifest, watcher = office.manifest(), Watcher()

    async def take_part(name, observer=None):
        seat = office.seat(manifest, name, receipts=tmp_path / "not there")
        return await seat.run(INPUTS[name], Progress(observer))

    async with asyncio.timeout(20):
        outcome, *_ = await asyncio.gather(
            take_part("alice", watcher), take_part("bob"), take_part("carlos")
        )
    assert outcome.value("sum") == 321
    assert outcome.receipt is None
    assert ["receipt" in text for text in watcher.warned] == [True]


async def test_recipients_whose_results_differ_are_told_at_once(office, monkeypatch):
    made = iter(range(10))
    monkeypatch.setattr(closing, "group_commitments", lambda *_: {"sum": f"{next(made):064x}"})
    found = await watched(office, office.manifest(), INPUTS)
    for name, (_, watcher) in found.items():
        assert [text.split()[0] for text in watcher.warned] == [n for n in INPUTS if n != name]
        assert all("another result" in text for text in watcher.warned)


async def test_recipients_whose_results_agree_hear_no_warning(office):
    found = await watched(office, office.manifest(), INPUTS)
    assert [watcher.warned for _, watcher in found.values()] == [[], [], []]


# --- noise ----------------------------------------------------------------------------------------

LAPLACE = '{ mechanism = "laplace", epsilon = 1 }'
RESPONSE = '{ mechanism = "randomized-response", epsilon = 1 }'
EXPONENTIAL = '{ mechanism = "exponential", epsilon = 1 }'
NOISES = [
    ("secure-sum", "local", LAPLACE, 'type = "int"\nmin = 0\nmax = 9', 3),
    ("secure-sum", "local", RESPONSE, 'type = "bool"', True),
    ("secure-sum", "central", LAPLACE, 'type = "int"\nmin = 0\nmax = 9', 3),
    ("tally", "central", LAPLACE, 'type = "bool"', True),
    ("threshold-vote", "central", LAPLACE, 'type = "bool"', True),
    ("private-choice", "central", EXPONENTIAL, 'type = "bool"', True),
]


@pytest.mark.parametrize(("protocol", "place", "noise", "input_", "value"), NOISES)
async def test_all_noise_is_drawn_before_another_party_is_contacted(
    office, monkeypatch, protocol, place, noise, input_, value
):
    """So that no peer can time how it is drawn; and none is drawn once they are there."""
    drawn, before = [], []

    def watch(kind, name):
        real = getattr(kind, name)

        def watched(self, *args):
            drawn.append(name)
            return real(self, *args)

        monkeypatch.setattr(kind, name, watched)

    watch(NoiseShares, "draw")
    for kind in (AdditiveNoise, RandomizedResponse):
        watch(kind, "randomize")
    gathers = roles.Session.open

    async def contacted(*args, **options):
        before.append(len(drawn))
        return await gathers(*args, **options)

    monkeypatch.setattr(roles.Session, "open", contacted)
    outputs = '[outputs]\npass_at = "1/2"\n' if protocol == "threshold-vote" else ""
    manifest = parse(
        f'[session]\ntitle = "T"\nprotocol = "{protocol}"\ndeadline = "5s"\n'
        + office.tables(dict.fromkeys(INPUTS, '"contributor", "compute", "recipient"'))
        + f"[input]\n{input_}\n{outputs}[sharing]\n{SHAMIR}\n[privacy]\n{place} = {noise}\n"
    )
    found = await office.run(manifest, dict.fromkeys(INPUTS, value))
    assert {result["status"] for result in found.values()} == {"noised"}
    assert before == [1, 2, 3]
    assert len(drawn) == 3


@pytest.mark.parametrize("loose", [0o720, 0o702])
def test_a_key_directory_that_others_can_write_is_refused(office, keys, tmp_path, loose):
    """They could put a file of rules, or another key, in its place."""
    directory = tmp_path / "keys"
    shutil.copytree(keys, directory)
    manifest = office.manifest()
    roles.take_seat(manifest, "alice", keys=directory, receipts=tmp_path)
    directory.chmod(loose)
    with pytest.raises(UsageError, match="other users of this machine can write") as caught:
        roles.take_seat(manifest, "alice", keys=directory, receipts=tmp_path)
    assert (caught.value.data_left, caught.value.hint) == (False, f"chmod go-w {directory}")


async def test_the_outcome_is_told_as_soon_as_it_is_known(office, tmp_path, monkeypatch):
    """Before statements are exchanged; with the path of the receipt that is then written."""
    happened = []

    class Told(Observer):
        def result(self, outcome):
            happened.append(("result", outcome))

    exchange = roles.closing.exchange_statements

    async def exchanging(session, own):
        if session.me == "alice":
            (path,) = tmp_path.glob("receipt-alice-*.json")
            happened.append(("statements", list(json.loads(path.read_text())["parties"])))
        return await exchange(session, own)

    monkeypatch.setattr(roles.closing, "exchange_statements", exchanging)
    manifest = office.manifest()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = {
            name: group.create_task(
                office.seat(manifest, name, receipts=tmp_path).run(
                    1, Progress(Told() if name == "alice" else None)
                )
            )
            for name in manifest.parties
        }
    outcome = tasks["alice"].result()
    assert [what for what, _ in happened] == ["result", "statements"]
    assert happened[0][1].as_dict() == outcome.as_dict()
    assert outcome.receipt.exists()


async def test_a_run_cancelled_while_it_waits_for_statements_has_told_its_outcome(
    office, tmp_path, monkeypatch
):
    told, waiting = [], asyncio.Event()

    class Told(Observer):
        def result(self, outcome):
            told.append(outcome)

    async def never(session, own):
        waiting.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(roles.closing, "exchange_statements", never)
    manifest = office.manifest()
    async with asyncio.timeout(20):
        tasks = [
            asyncio.get_running_loop().create_task(
                office.seat(manifest, name, receipts=tmp_path).run(1, Progress(Told()))
            )
            for name in manifest.parties
        ]
        await waiting.wait()
        while len(told) < 3:
            await asyncio.sleep(0.01)
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)
    assert all(task.cancelled() for task in tasks)
    assert {outcome.value("sum") for outcome in told} == {3}
    # Each has its receipt, with its own statement at least.
    assert len(list(tmp_path.glob("receipt-*.json"))) == 3


REHEARSAL = """
[session]
title = "Rehearsal"
protocol = "secure-sum"
deadline = "5s"
rehearsal = true

{parties}
[input]
type = "int"
min = 100
max = 200
"""


async def test_a_rehearsal_makes_its_inputs_up_and_charges_no_ledger(office, tmp_path, monkeypatch):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("OSTRAKA_LEDGER", str(tmp_path / "ledger"))
    everything = '"contributor", "compute", "recipient"'
    text = REHEARSAL.format(parties=office.tables(dict.fromkeys(INPUTS, everything)))
    options = {"keys": office.keys, "receipts": tmp_path, "trust_new": True}
    async with asyncio.timeout(20):
        found = await asyncio.gather(*(roles.run(text, name, **options) for name in INPUTS))
    sums = {outcome.value("sum") for outcome in found}
    assert len(sums) == 1
    assert 300 <= sums.pop() <= 600
    assert not (tmp_path / "ledger").exists()
    assert receipt.verify(receipt.read(found[0].receipt))["signed"] == list(INPUTS)
    with pytest.raises(InputError, match="this is a rehearsal, which takes no input") as caught:
        await roles.run(text, "alice", 150, **options)
    assert caught.value.data_left is False
