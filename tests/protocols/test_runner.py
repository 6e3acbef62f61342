import asyncio

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery import opening as opening
from ostraka.errors import (
    Aborted,
    InputError,
    ManifestError,
    OstrakaError,
    PeerLost,
    PeerViolation,
    RefusedByLedger,
    RefusedByPolicy,
)
from ostraka.exchange import octets
from ostraka.inputs.encoding import Codec
from ostraka.names import Step
from ostraka.outcome import Outcome, Output
from ostraka.progress import Observer, Progress
from ostraka.protocols import protocol_for
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.runner import run
from ostraka.protocols.secure_sum import SecureSum
from ostraka.simulation import Crashed, MemoryNet, run_all, simulate_sync

SHAMIR = {"scheme": "shamir", "threshold": 1}
INPUTS = {"alice": 38, "bob": 25, "carlos": 29, "david": 33}


def play(protocol, inputs, drop=None, seed=0, observers=None):
    net = MemoryNet(protocol.manifest.parties, drop, seed)
    return asyncio.run(run_all(protocol, inputs, net, seed=seed, observers=observers)), net


def sums_of(results):
    return {
        (result.outputs[0].value, result.contributors)
        for result in results.values()
        if isinstance(result, Outcome)
    }


# --- crashes at every point -----------------------------------------------------------------------


def crash_points(protocol):
    return [
        (party, k) for party, sent in protocol.cost().sent.items() for k in range(sent.messages + 1)
    ]


@pytest.mark.parametrize("length", [1, 12])
def test_additive_any_crash_ends_in_the_right_sum_or_a_named_abort(
    manifest, everybody, length, monkeypatch
):
    monkeypatch.setattr(opening, "SCATTER_FROM", 10)
    protocol = protocol_for(manifest(everybody(4), length=length))
    inputs = {name: [value] * length for name, value in INPUTS.items()}
    right = protocol.plaintext(inputs)["sum"]
    for party, k in crash_points(protocol):
        results, _ = play(protocol, inputs, {party: k}, seed=k)
        complete = k == protocol.cost().sent[party].messages
        for name, result in results.items():
            if isinstance(result, Outcome):
                assert result.outputs[0].value == right
            elif name == party:
                assert isinstance(result, Crashed)
            else:
                assert isinstance(result, PeerLost)
                assert result.peer is not None
                assert result.data_left is True
        assert complete == all(isinstance(r, Outcome) for r in results.values())
        if k == 0:  # a share of the sum is all that a party sends
            assert all(isinstance(r, PeerLost) for n, r in results.items() if n != party)


@pytest.mark.parametrize(
    ("threshold", "least"), portioned([(1, 2), (2, 2)], [(1, 4), (2, 4), (3, 4), (3, 2)])
)
def test_shamir_any_crash_ends_in_one_right_sum_or_a_named_abort(
    manifest, everybody, threshold, least
):
    sharing = {"scheme": "shamir", "threshold": threshold}
    protocol = protocol_for(manifest(everybody(4), **sharing, least=least))
    for party, k in crash_points(protocol):
        results, _ = play(protocol, INPUTS, {party: k}, seed=k)
        found = sums_of(results)
        assert len(found) <= 1
        for value, counted in found:
            assert value == sum(INPUTS[c] for c in counted)
            assert len(counted) >= least
        for name, result in results.items():
            assert isinstance(result, Outcome | Aborted | RefusedByPolicy | Crashed)
            assert isinstance(result, Crashed) <= (name == party)


@pytest.mark.parametrize("phase", ["consented", "voted"])
def test_shamir_survives_n_minus_t_minus_1_crashes_once_everybody_has_consented(
    manifest, everybody, phase
):
    protocol = protocol_for(manifest(everybody(4), **SHAMIR))
    done = {"consented": 6, "voted": 9}[phase]
    results, _ = play(protocol, INPUTS, {"carlos": done, "david": done})
    for name in ("alice", "bob"):
        assert results[name].outputs[0].value == sum(INPUTS.values())
        assert results[name].contributors == tuple(INPUTS)


def test_a_compute_party_that_crashes_before_it_consented_is_not_counted(manifest, everybody):
    protocol = protocol_for(manifest(everybody(4), **SHAMIR))
    results, _ = play(protocol, INPUTS, {"david": 3})
    for name in ("alice", "bob", "carlos"):
        assert results[name].outputs[0].value == 38 + 25 + 29
        assert results[name].contributors == ("alice", "bob", "carlos")


@pytest.mark.parametrize("least", [{"least": 3}, {}])
def test_shamir_counts_those_who_came(manifest, everybody, least):
    protocol = protocol_for(manifest(everybody(4), **SHAMIR, **least))
    results, _ = play(protocol, INPUTS, {"david": 0})
    for name in ("alice", "bob", "carlos"):
        assert results[name].outputs[0].value == 38 + 25 + 29
        assert results[name].contributors == ("alice", "bob", "carlos")


def test_too_few_contributors_are_refused_by_policy(manifest, everybody):
    protocol = protocol_for(manifest(everybody(4), **SHAMIR, least=4))
    results, _ = play(protocol, INPUTS, {"david": 0})
    for name in ("alice", "bob", "carlos"):
        assert isinstance(results[name], RefusedByPolicy)
        assert "missing: david" in str(results[name])
        assert results[name].exit_code == 31


def test_a_refused_result_is_not_even_announced(manifest):
    """The compute parties refuse: nothing of the result reaches the recipient."""
    roles = {"alice": "ck", "bob": "ck", "carlos": "ck", "david": "c", "erin": "r"}
    protocol = protocol_for(manifest(roles, **SHAMIR, least=4))
    results, net = play(protocol, INPUTS, {"david": 0})
    for name in ("alice", "bob", "carlos"):
        assert isinstance(results[name], RefusedByPolicy)
        assert net.sent[name].messages == 2 + 2  # shares, and that it refuses
    assert isinstance(results["erin"], Aborted)


def test_two_random_crashes_never_give_two_sums(manifest, everybody):
    protocol = protocol_for(manifest(everybody(5), **SHAMIR, least=2))
    inputs = {**INPUTS, "erin": 47}
    last = max(sent.messages for sent in protocol.cost().sent.values())
    for first in range(0, last, 2):
        for second in range(1, last, 3):
            drop = {"bob": first, "erin": second}
            results, _ = play(protocol, inputs, drop, seed=first * 100 + second)
            found = sums_of(results)
            assert len(found) <= 1
            for value, counted in found:
                assert value == sum(inputs[c] for c in counted)


# --- roles ----------------------------------------------------------------------------------------


def test_a_contributor_that_does_not_compute_may_leave_at_once(manifest):
    roles = {"alice": "c", "bob": "ck", "carlos": "k", "david": "r"}
    for sharing in ({}, SHAMIR):
        protocol = protocol_for(manifest(roles, **sharing))
        net = MemoryNet(protocol.manifest.parties)
        alone = asyncio.run(
            run(net.exchange("alice"), protocol, protocol.encode("alice", 38), SeededDraw(1))
        )
        assert alone is None
        assert net.sent["alice"].messages == 2


def test_inputs_are_checked_before_anything_is_sent(manifest, everybody):
    protocol = protocol_for(manifest(everybody(3)))
    results, net = play(protocol, {**INPUTS, "bob": float("nan")})
    assert isinstance(results["bob"], InputError)
    assert results["bob"].data_left is False
    assert net.sent["bob"].messages == 0
    assert isinstance(results["alice"], PeerLost)
    assert results["alice"].peer == "bob"


def test_an_input_nobody_asked_for_is_refused(manifest):
    protocol = protocol_for(manifest({"alice": "ck", "bob": "ck", "carlos": "r"}))
    results, _ = play(protocol, {"alice": 1, "bob": 2, "carlos": 3})
    assert isinstance(results["carlos"], InputError)
    assert results["carlos"].data_left is False


# --- hostile parcels ------------------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [{}, SHAMIR])
def test_a_parcel_of_another_shape_names_its_sender(manifest, scheme):
    protocol = protocol_for(manifest({"alice": "ckr", "bob": "ckr"}, **scheme, length=4))
    for bad in (np.zeros(5, np.uint64), np.zeros(4, np.uint8), np.zeros(33, np.uint8)):
        net = MemoryNet(("alice", "bob"))
        net.exchange("bob").send("alice", Step(0, 0), bad)
        with pytest.raises(PeerViolation) as caught:
            asyncio.run(
                run(
                    net.exchange("alice"),
                    protocol,
                    protocol.encode("alice", [1, 2, 3, 4]),
                    SeededDraw(1),
                )
            )
        assert caught.value.peer == "bob"
        assert caught.value.data_left is True


def test_words_that_are_no_field_elements_name_their_sender(manifest):
    roles = {"alice": "ckr", "bob": "ckr", "carlos": "ckr"}
    protocol = protocol_for(manifest(roles, **SHAMIR))
    assert protocol.expected("bob", "alice") != octets(32)
    net = MemoryNet(tuple(roles))
    net.exchange("bob").send("alice", Step(0, 0), np.array([P61.p], np.uint64))
    net.leave("carlos")
    with pytest.raises(PeerViolation, match="bob sent no share") as caught:
        asyncio.run(
            run(net.exchange("alice"), protocol, protocol.encode("alice", 1), SeededDraw(1))
        )
    assert caught.value.peer == "bob"


# --- watching -------------------------------------------------------------------------------------


class Watcher(Observer):
    wants_shares = True

    def __init__(self):
        self.phases, self.shares = [], {}

    def phase(self, name):
        self.phases.append(name)

    def share(self, kind, party, vector):
        self.shares[kind, party] = int(vector[0])


def test_the_article_s_table_can_be_drawn_from_what_observers_saw(manifest, everybody):
    protocol = protocol_for(manifest(everybody(4)))
    watchers = {name: Watcher() for name in INPUTS}
    play(protocol, INPUTS, observers=watchers)
    for owner, value in INPUTS.items():
        row = [watchers[owner].shares["made", p] for p in INPUTS]
        assert sum(row) % 2**64 == value
        assert row == [watchers[p].shares["got", owner] for p in INPUTS]
        column = sum(watchers[owner].shares["got", p] for p in INPUTS) % 2**64
        assert {watchers[p].shares["announced", owner] for p in INPUTS} == {column}
        assert watchers[owner].phases == ["sharing", "computing", "opening", "done"]


def test_nobody_is_told_shares_who_does_not_want_them(manifest, everybody):
    protocol = protocol_for(manifest(everybody(3)))
    watcher = Watcher()
    watcher.wants_shares = False
    play(protocol, INPUTS, observers={"alice": watcher})
    assert watcher.shares == {}
    assert watcher.phases[-1] == "done"


@pytest.mark.parametrize("sharing", [{}, SHAMIR])
def test_only_the_data_of_contributors_has_left(manifest, sharing):
    """Also of one that computes too, and of none that computes or receives alone."""
    roles = {"alice": "c", "bob": "ck", "carlos": "k", "david": "k", "erin": "r"}
    protocol = protocol_for(manifest(roles, **sharing))
    net = MemoryNet(protocol.manifest.parties)
    progress = {name: Progress() for name in roles}

    async def main():
        async with asyncio.TaskGroup() as group:
            for name in roles:
                raw, draw = INPUTS[name] if "c" in roles[name] else None, SeededDraw(name)
                x = protocol.input_of(name, raw, draw)
                one = run(net.exchange(name), protocol, x, draw, progress[name])
                group.create_task(one)

    asyncio.run(main())
    assert {name for name in roles if progress[name].data_left} == {"alice", "bob"}
    assert all(each.phase == "done" for each in progress.values())


# --- one session, several runs --------------------------------------------------------------------


@pytest.mark.parametrize("scheme", [{}, SHAMIR])
def test_runs_can_follow_each_other_on_one_exchange(manifest, everybody, scheme):
    protocol = protocol_for(manifest(everybody(3), **scheme))
    net = MemoryNet(protocol.manifest.parties)

    async def main():
        async def one(name):
            exchange, found = net.exchange(name), []
            for i in range(4):
                x = protocol.encode(name, INPUTS[name] + i)
                outcome = await run(exchange, protocol, x, SeededDraw(i))
                found.append(outcome.outputs[0].value)
            return found

        async with asyncio.TaskGroup() as group:
            return [group.create_task(one(name)) for name in protocol.manifest.parties]

    for task in asyncio.run(main()):
        assert task.result() == [92 + 3 * i for i in range(4)]


# --- the ten-minute promise -----------------------------------------------------------------------


class Weighted(Protocol):
    """Contributor i's number counts i + 1 times. Recipients learn the weighted sum."""

    name = "weighted"

    def __init__(self, manifest):
        super().__init__(manifest)
        self.codec = Codec(manifest.input)
        self.opened = 1

    async def compute(self, party, shares):
        total = self.scheme.zeros(1)
        for weight, contributor in enumerate(self.contributors, start=1):
            for _ in range(weight):
                self.scheme.add(total, shares.of(contributor))
        return total

    def combine(self, opened, counted):
        return (Output("weighted", "", (self.scheme.to_signed(opened),), None, scalar=True),)

    def plaintext(self, inputs):
        return {"weighted": sum(w * inputs[c] for w, c in enumerate(self.contributors, start=1))}

    def explain(self):
        return []


@pytest.mark.parametrize("scheme", [{}, SHAMIR])
def test_a_new_protocol_is_one_class(manifest, everybody, scheme):
    protocol = Weighted(manifest(everybody(4), **scheme))
    results, net = play(protocol, INPUTS)
    for outcome in results.values():
        assert outcome.outputs[0].value == protocol.plaintext(INPUTS)["weighted"]
    assert net.sent == protocol.cost().sent


def test_a_new_protocol_runs_by_name_once_it_is_in_the_catalogue(manifest, everybody, monkeypatch):
    monkeypatch.setitem(__import__("ostraka.protocols").protocols.catalogue, "weighted", Weighted)
    inputs = {name: INPUTS[name] for name in everybody(2)}
    outcome = simulate_sync(manifest(everybody(2), protocol="weighted"), inputs)["alice"]
    assert not isinstance(outcome, OstrakaError)
    assert outcome.outputs[0].value == 38 + 2 * 25


# --- a gate ---------------------------------------------------------------------------------------


def gated(protocol, inputs, gates, drop=None):
    net = MemoryNet(protocol.manifest.parties, drop, 0)
    return asyncio.run(run_all(protocol, inputs, net, gates=gates)), net


def refusing(counted):
    raise RefusedByLedger("no")


def test_a_compute_party_s_gate_is_asked_who_is_counted_before_anything_is_opened(manifest):
    roles = {"alice": "c", "bob": "ckr", "carlos": "ckr", "david": "ckr"}
    protocol = protocol_for(manifest(roles, **SHAMIR, least=3))
    asked = {name: [] for name in INPUTS}
    gates = {name: asked[name].append for name in INPUTS}
    results, _ = gated(protocol, INPUTS, gates, drop={"alice": 0})
    assert sums_of(results) == {(87, ("bob", "carlos", "david"))}
    assert asked["alice"] == [tuple(INPUTS)]
    assert all(asked[name] == [("bob", "carlos", "david")] for name in ("bob", "carlos", "david"))


def test_who_only_contributes_is_asked_before_it_shares(manifest):
    roles = {"alice": "c", "bob": "ckr", "carlos": "ckr", "david": "ckr"}
    protocol = protocol_for(manifest(roles))
    results, net = gated(protocol, INPUTS, {"alice": refusing})
    assert isinstance(results["alice"], RefusedByLedger)
    assert results["alice"].data_left is False
    assert net.sent["alice"].messages == 0
    assert not sums_of(results)


@pytest.mark.parametrize("sharing", [{}, SHAMIR])
def test_a_compute_party_whose_gate_refuses_announces_nothing(manifest, everybody, sharing):
    protocol = protocol_for(manifest(everybody(3), **sharing))
    inputs = {name: INPUTS[name] for name in everybody(3)}
    results, net = gated(protocol, inputs, dict.fromkeys(inputs, refusing))
    assert all(isinstance(result, RefusedByLedger) for result in results.values())
    for sent in net.sent.values():
        assert sent.messages == 4 * bool(sharing)  # shares, and a refusal
    assert {result.data_left for result in results.values()} == {bool(sharing)}


def test_a_sum_of_parties_that_compute_is_one_round_in_which_nothing_leaves_before_consent(
    manifest, everybody
):
    protocol = protocol_for(manifest(everybody(4)))
    cost = protocol.cost()
    assert (cost.rounds, {sent.messages for sent in cost.sent.values()}) == (1, {3})
    assert {sent.bytes for sent in cost.sent.values()} == {24}
    outside = {"alice": "c", "bob": "ckr", "carlos": "ckr"}
    cost = protocol_for(manifest(outside)).cost()
    assert cost.rounds == 2
    assert {name: sent.messages for name, sent in cost.sent.items()} == {
        "alice": 2, "bob": 1, "carlos": 1,
    }  # fmt: skip


# --- what a result says ---------------------------------------------------------------------------


def figure(name, **more):
    return Output(name, "", (np.array([7]),), None, scalar=True, **more)


def test_the_status_of_a_result_follows_from_its_figures():
    released = Outcome((figure("sum"),), ("alice",))
    noised = Outcome((figure("sum"), figure("count", error95=3)), ("alice",))
    gone = Output("mean", "", (), None, scalar=True, withheld="Too few.")
    suppressed = Outcome((figure("count", error95=3), gone), ("alice",))
    assert released.as_dict() == {
        "status": "released",
        "outputs": [{"name": "sum", "value": 7}],
        "contributors": 1,
    }
    assert (noised.status, noised.why) == ("noised", "")
    assert suppressed.as_dict() == {
        "status": "suppressed",
        "why": "Too few.",
        "outputs": [{"name": "count", "value": 7, "error95": 3}],
        "contributors": 1,
    }


@pytest.mark.parametrize("table", ["local", "central"])
def test_noise_that_a_protocol_does_not_add_is_refused(manifest, everybody, table):
    class Exact(SecureSum):
        noises = frozenset()

    noise = f'{table} = {{ mechanism = "laplace", epsilon = 1 }}'
    with pytest.raises(ManifestError, match=f"privacy.{table}: secure-sum adds no {table} noise"):
        Exact(manifest(everybody(3), privacy=noise))


def test_a_rule_that_a_protocol_does_not_check_is_refused(manifest, everybody):
    with pytest.raises(ManifestError, match=r"policy.min_cell: secure-sum does not check it"):
        protocol_for(manifest(everybody(3), policy="min_cell = 3"))
