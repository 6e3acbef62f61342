"""Phases are numbered by the session; a later phase is the more patient one."""

import numpy as np

from ostraka.delivery.party import Party
from ostraka.exchange import words
from ostraka.names import Step
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryExchange, MemoryNet

SCHEME = Shamir(("x", "y"), ("a", "b", "c"), 1)


class Patient(MemoryExchange):
    """Exchange that notes how patient each receiver is."""

    def __init__(self, net, me):
        super().__init__(net, me)
        self.patience = []

    async def receive(self, sender, step, expected, into=None, patience=1):
        self.patience.append(patience)
        return await super().receive(sender, step, expected, into)


def test_runs_number_their_phases_onward():
    exchange = MemoryNet(("a",)).exchange("a")
    first = Party(exchange, SCHEME)
    assert [first.step, first.begin_phase(), first.begin_phase()] == [(0, 0), (1, 0), (2, 0)]
    assert Party(exchange, SCHEME).step == Step(3, 0)


def test_steps_of_the_computation_follow_each_other():
    party = Party(MemoryNet(("a",)).exchange("a"), SCHEME)
    assert [party.next_steps(3), party.next_steps(), party.next_steps()] == [(0, 0), (0, 3), (0, 4)]


async def test_patience_grows_by_phase_and_begins_anew_with_each_run():
    net = MemoryNet(("a", "b"))
    exchange = Patient(net, "a")
    for _ in range(2):
        party = Party(exchange, SCHEME)
        for step in (party.step, party.begin_phase(), party.begin_phase().later(5)):
            net.exchange("b").send("a", step, np.zeros(1, np.uint64))
            await party.receive("b", step, words(1))
    assert exchange.patience == [1, 2, 3, 1, 2, 3]
