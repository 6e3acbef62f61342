import pytest

from ostraka.errors import InternalError
from ostraka.session import lifecycle
from ostraka.session.lifecycle import FINAL, TABLE, Event, Lifecycle, State


def reach(state):
    machine = Lifecycle()
    machine.state = state
    return machine


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("event", Event)
def test_an_event_moves_as_the_table_says_or_changes_nothing(state, event):
    machine = reach(state)
    if (state, event) in TABLE:
        assert machine.happen(event) is TABLE[state, event] is machine.state
    else:
        with pytest.raises(InternalError, match=event.value):
            machine.happen(event)
        assert machine.state is state


def test_the_documented_table_is_the_table():
    lines = [line.split() for line in lifecycle.__doc__.splitlines() if line.startswith("    ")]
    events = [Event(word) for word in lines[0][1:]]
    documented = {
        (State(line[0]), event): State(word)
        for line in lines[1:]
        if len(line) == len(events) + 1
        for event, word in zip(events, line[1:], strict=True)
        if word != "-"
    }
    assert documented == TABLE


@pytest.mark.parametrize("state", State)
def test_whatever_fails_ends_and_what_has_ended_stays(state):
    machine = reach(state)
    machine.fail()
    assert machine.state is (state if state in FINAL else State.ABORTED)


@pytest.mark.parametrize("state", State)
def test_only_gathering_and_sealing_expire(state):
    machine = reach(state)
    machine.fail(Event.EXPIRE)
    if state in (State.GATHERING, State.SEALING):
        assert machine.state is State.EXPIRED
    elif state in FINAL:
        assert machine.state is state
    else:
        assert machine.state is State.ABORTED


def test_no_share_may_leave_before_everybody_has_sealed():
    before = {State.GATHERING, State.SEALING}
    ways_in = {event for (state, event), after in TABLE.items() if after is State.SHARING}
    assert ways_in == {Event.SEALED}
    assert {state for (state, event) in TABLE if event is Event.SEALED} == {State.SEALING} < before


def test_final_states_are_final():
    assert not any(state in FINAL for state, _ in TABLE)
