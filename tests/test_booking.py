"""When a party's run is reserved, committed, released or held: over sockets, in one process."""

import asyncio
from datetime import UTC, datetime

import pytest

from ostraka import party as roles
from ostraka.errors import Aborted, InputError, RefusedByLedger, TimedOut
from ostraka.outcome import Output
from ostraka.progress import Observer, Progress
from ostraka.protocols.secure_sum import SecureSum
from ostraka.record.ledger import Ledger
from ostraka.record.reconcile import reconcile
from ostraka.record.rules import Rule
from ostraka.record.runs import RunState

ALL = ("contributor", "compute", "recipient")
INPUTS = {"alice": 1, "bob": 20, "carlos": 300}
SHAMIR = 'scheme = "shamir"\nthreshold = 1'
GIVES = {"alice": ("contributor",), "bob": ALL, "carlos": ALL}


@pytest.fixture
def ledgers(office, tmp_path):
    def opened(name):
        return Ledger(tmp_path, office.identity(name), now=lambda: datetime.now(UTC))

    return {name: opened(name) for name in INPUTS}


async def take_part(office, manifest, ledgers, name, value, *, receipts=None, observer=None):
    try:
        seat = office.seat(manifest, name, receipts=receipts, ledger=ledgers[name])
        return (await seat.run(value, Progress(observer))).as_dict()
    except Exception as error:
        return error


async def run(office, manifest, ledgers, inputs=INPUTS, **options):
    async with asyncio.timeout(20):
        found = await asyncio.gather(
            *(
                take_part(office, manifest, ledgers, name, inputs.get(name), **options)
                for name in manifest.parties
            )
        )
    return dict(zip(manifest.parties, found, strict=True))


def last(ledger):
    ledger.read()
    return list(ledger.runs.values())[-1]


def why(ledger):
    return last(ledger).state, last(ledger).why


@pytest.mark.parametrize("sharing", ['scheme = "additive"', SHAMIR], ids=["additive", "shamir"])
async def test_each_party_writes_down_what_it_knows(office, ledgers, sharing):
    manifest = office.manifest(GIVES, sharing=sharing)
    found = await run(office, manifest, ledgers)
    for name, result in found.items():
        record = last(ledgers[name])
        assert record.state is RunState.COMMITTED
        assert record.session == result["session"]
        assert record.counted == tuple((p.name, p.key, 1) for p in manifest.party)
        assert record.outputs == (() if name == "alice" else ("sum",))
        assert record.run.manifest == manifest.digest.hex()
        assert record.run.series == "Test"
        assert record.cost.exact


@pytest.mark.parametrize("sharing", ['scheme = "additive"', SHAMIR], ids=["additive", "shamir"])
async def test_sharing_is_written_before_the_first_share_leaves(
    office, ledgers, sharing, monkeypatch
):
    """The moment is that of the first message of the exchange."""
    seen = {}

    def watched(way):
        def sending(self, *message):
            seen.setdefault(self.me, last(ledgers[self.me]).state)
            way(self, *message)

        return sending

    monkeypatch.setattr(roles.Session, "send", watched(roles.Session.send))
    monkeypatch.setattr(roles.Session, "broadcast", watched(roles.Session.broadcast))
    manifest = office.manifest(GIVES, sharing=sharing)
    await run(office, manifest, ledgers)
    # A party that only contributes commits before it shares; so do parties that compute an additive
    # sum, whose first message is what they announce.
    later = RunState.SHARING if sharing == SHAMIR else RunState.COMMITTED
    assert seen == {"alice": RunState.COMMITTED, "bob": later, "carlos": later}


async def test_a_party_that_only_receives_has_no_input_and_no_commit(office, ledgers):
    manifest = office.manifest({"alice": ALL, "bob": ALL, "carlos": ("recipient",)})
    await run(office, manifest, ledgers, {"alice": 1, "bob": 20})
    record = last(ledgers["carlos"])
    assert not record.run.contributes
    assert record.outputs == ("sum",)
    assert [p.name for p in record.counted] == ["alice", "bob"]


async def test_a_figure_that_is_withheld_is_not_written_down_as_opened(
    office, ledgers, monkeypatch
):
    def withholding(self, opened, counted):
        (total,) = combine(self, opened, counted)
        return (total, Output("mean", "", (), None, scalar=True, withheld="Too few."))

    combine = SecureSum.combine
    monkeypatch.setattr(SecureSum, "combine", withholding)
    await run(office, office.manifest(), ledgers)
    record = last(ledgers["alice"])
    assert (record.status, record.outputs) == ("suppressed", ("sum",))


async def test_nobody_came(office, ledgers):
    found = await take_part(office, office.manifest(deadline=0.3), ledgers, "alice", 1)
    assert isinstance(found, TimedOut)
    assert why(ledgers["alice"]) == (RunState.RELEASED, "timed-out")


async def test_a_bad_input_reserves_nothing_and_those_who_waited_release(office, ledgers):
    found = await run(office, office.manifest(deadline=2), ledgers, INPUTS | {"bob": "x"})
    assert isinstance(found["bob"], InputError)
    assert not ledgers["bob"].runs
    for name in ("alice", "carlos"):
        assert isinstance(found[name], TimedOut)
        assert last(ledgers[name]).state is RunState.RELEASED


async def test_shares_of_shamir_that_left_are_held_as_others_may_go_on(office, ledgers):
    """Bob stops when he has shared: two of three can open their sum, and with it his input."""
    manifest = office.manifest(sharing=SHAMIR + "\n[policy]\nmin_contributors = 3")

    class Stops(Observer):
        def phase(self, name):
            if name == "computing":
                raise RuntimeError("it stops here")

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for name in INPUTS:
            observer = Stops() if name == "bob" else None
            taking = take_part(office, manifest, ledgers, name, INPUTS[name], observer=observer)
            group.create_task(taking)
    assert why(ledgers["bob"]) == (RunState.HELD, "RuntimeError")


async def test_who_only_computes_holds_what_others_may_have_opened(office, ledgers):
    """Nothing of carlos's was in it, and still the answer may be known."""
    roles_of = {"alice": ALL, "bob": ALL, "carlos": ("compute",)}
    manifest = office.manifest(roles_of, sharing=SHAMIR, timeout=1)

    class Stops(Observer):
        def phase(self, name):
            if name == "computing":
                raise Aborted("it stops here", data_left=False)

    inputs = {"alice": 1, "bob": 2}
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        for name in INPUTS:
            observer = Stops() if name == "carlos" else None
            taking = take_part(office, manifest, ledgers, name, inputs.get(name), observer=observer)
            group.create_task(taking)
    assert why(ledgers["carlos"]) == (RunState.HELD, "aborted")


async def test_an_interrupted_wait_is_released(office, ledgers):
    async with asyncio.timeout(10):
        waiting = asyncio.get_running_loop().create_task(
            take_part(office, office.manifest(), ledgers, "alice", 1)
        )
        while not ledgers["alice"].runs:
            await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.wait([waiting])
    assert why(ledgers["alice"]) == (RunState.RELEASED, "interrupted")


async def test_what_is_refused_contacts_nobody(office, ledgers, monkeypatch):
    async def contacted(*_, **__):
        raise AssertionError("the network was used")

    def refuse(_):
        raise RefusedByLedger("no", data_left=False)

    monkeypatch.setattr(roles.Session, "open", contacted)
    monkeypatch.setattr(ledgers["alice"], "reserve", refuse)
    found = await take_part(office, office.manifest(), ledgers, "alice", 1)
    assert isinstance(found, RefusedByLedger)
    assert found.data_left is False


async def test_a_refusal_at_commit_opens_nothing_and_is_released(office, ledgers, monkeypatch):
    def refuse(*_):
        raise RefusedByLedger("no")

    monkeypatch.setattr(ledgers["bob"], "commit", refuse)
    found = await run(office, office.manifest(timeout=1), ledgers)
    assert isinstance(found["bob"], RefusedByLedger)
    assert found["bob"].data_left is False  # it would leave in the announcement alone
    assert why(ledgers["bob"]) == (RunState.RELEASED, "ledger")
    assert all(isinstance(found[name], Aborted) for name in ("alice", "carlos"))


async def test_a_refusal_after_shares_left_is_held_and_stops_everybody(
    office, ledgers, monkeypatch
):
    """Two of three could open the sum; the ledger that refuses knows of nothing that has left."""

    def refuse(*_):
        raise RefusedByLedger("no", data_left=False)

    monkeypatch.setattr(ledgers["bob"], "commit", refuse)
    policy = "\n[policy]\nmin_contributors = 3"
    found = await run(office, office.manifest(sharing=SHAMIR + policy, timeout=1), ledgers)
    assert isinstance(found["bob"], RefusedByLedger)
    assert found["bob"].data_left is True
    assert why(ledgers["bob"]) == (RunState.HELD, "ledger")
    for name in ("alice", "carlos"):
        assert isinstance(found[name], Aborted)
        assert "bob refused" in found[name].message


async def test_who_only_contributes_is_refused_before_it_shares(office, ledgers, monkeypatch):
    def refuse(*_):
        raise RefusedByLedger("no")

    monkeypatch.setattr(ledgers["alice"], "commit", refuse)
    found = await run(office, office.manifest(GIVES, timeout=1), ledgers)
    assert found["alice"].data_left is False
    assert why(ledgers["alice"]) == (RunState.RELEASED, "ledger")


async def test_a_rule_that_has_covered_no_run_warns(office, ledgers):
    warned = []

    class Watcher(Observer):
        def warn(self, text):
            warned.append(text)

    ledger = ledgers["alice"]
    ledger.rules = (Rule("payroll", ("Gehaelter-*",)), Rule("all", ("*",)))
    await run(office, office.manifest(), ledgers, observer=Watcher())
    assert [text for text in warned if "your rule" in text] == [
        "your rule for payroll (Gehaelter-*) covers no run so far, nor this one: is its series "
        "spelled as in the manifests?"
    ]


async def test_a_run_that_no_rule_covers_warns(office, ledgers):
    warned = []

    class Watcher(Observer):
        def warn(self, text):
            warned.append(text)

    ledger = ledgers["alice"]
    await run(office, office.manifest(title="payroll-may"), ledgers)
    ledger.rules = (Rule("payroll", ("payroll-*",)),)
    await run(office, office.manifest(title="pay-may"), ledgers, observer=Watcher())
    said = [text for text in warned if "yours" in text or "your rule" in text]
    assert said == ['no rule of yours covers the series "pay-may": nothing limits it']


async def test_a_result_that_cannot_be_written_down_is_not_taken_away(office, ledgers, monkeypatch):
    warned = []

    class Watcher(Observer):
        def warn(self, text):
            warned.append(text)

    def full(*_):
        raise RefusedByLedger("the disk is full")

    monkeypatch.setattr(ledgers["alice"], "result", full)
    found = await run(office, office.manifest(), ledgers, observer=Watcher())
    assert found["alice"]["outputs"] == [{"name": "sum", "value": 321}]
    assert "the disk is full" in warned
    assert last(ledgers["alice"]).state is RunState.COMMITTED


async def test_a_ledger_and_head_rolled_back_together_are_told_by_receipts(
    office, ledgers, tmp_path
):
    """Her own, or those of the others, who have her signature."""
    receipts = tmp_path / "receipts"
    receipts.mkdir()
    await run(office, office.manifest(), ledgers, receipts=receipts)
    files = [ledgers["alice"].chain.path, ledgers["alice"].chain.head_path]
    older = [file.read_bytes() for file in files]
    await run(office, office.manifest(), ledgers, receipts=receipts)
    ledgers["alice"].read()
    assert reconcile(ledgers["alice"], receipts) == (6, [], {})
    for file, content in zip(files, older, strict=True):
        file.write_bytes(content)
    rolled_back = Ledger(tmp_path, office.identity("alice"), now=lambda: datetime.now(UTC))
    rolled_back.read()
    found = reconcile(rolled_back, receipts)
    assert (found.ours, len(found.missing), found.refused) == (6, 3, {})
    assert reconcile(ledgers["bob"], receipts) == (6, [], {})
    mallory = Ledger(tmp_path, office.identity("mallory"), now=lambda: datetime.now(UTC))
    mallory.read()
    assert reconcile(mallory, receipts) == (0, [], {})
