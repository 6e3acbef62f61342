"""The table of one party's acquaintance with another: every event in every state."""

import itertools

import pytest

from ostraka.errors import PeerViolation
from ostraka.session import acquaintance
from ostraka.session.acquaintance import HERE, TABLE, Acquaintance, PeerEvent, PeerState, after


@pytest.mark.parametrize(("state", "event"), list(itertools.product(PeerState, PeerEvent)))
def test_an_event_moves_as_the_table_says_or_changes_nothing(state, event):
    other = Acquaintance(state)
    if (state, event) in TABLE:
        other.happen(event)
        assert other.state is TABLE[state, event] is after(state, event)
    else:
        with pytest.raises(PeerViolation, match=state.value):
            other.happen(event)
        assert other.state is state


def test_the_documented_table_is_the_table():
    lines = [line.split() for line in acquaintance.__doc__.splitlines() if line[:4] == "    "]
    events = [PeerEvent(word) for word in lines[0][1:]]
    documented = {
        (PeerState(line[0]), event): PeerState(word)
        for line in lines[1:]
        if len(line) == len(events) + 1
        for event, word in zip(events, line[1:], strict=True)
        if word != "-"
    }
    assert documented == TABLE


def test_only_a_hello_brings_a_party_and_only_a_ready_makes_it_ready():
    arrivals = {e for (state, e), to in TABLE.items() if to in HERE and state not in HERE}
    assert arrivals == {PeerEvent.HELLO}
    readied = {e for (state, e), to in TABLE.items() if to is PeerState.READY is not state}
    assert readied == {PeerEvent.READY}


@pytest.mark.parametrize("state", [PeerState.REJECTED, PeerState.LOST])
def test_an_ended_acquaintance_stays_ended(state):
    assert not [event for event in PeerEvent if (state, event) in TABLE]
