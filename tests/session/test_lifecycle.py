import pytest

from ostraka.errors import InternalError
from ostraka.session import lifecycle
from ostraka.session.lifecycle import TABLE, Lifecycle, SessionEvent, SessionState


def reach(state):
    """A lifecycle in `state`, by the events that lead there."""
    machine = Lifecycle()
    for event in {
        SessionState.GATHERING: (),
        SessionState.SEALING: (SessionEvent.GATHERED,),
        SessionState.OPEN: (SessionEvent.GATHERED, SessionEvent.SEALED),
        SessionState.ENDED: (SessionEvent.GATHERED, SessionEvent.SEALED, SessionEvent.END),
    }[state]:
        machine.happen(event)
    return machine


@pytest.mark.parametrize("state", SessionState)
@pytest.mark.parametrize("event", SessionEvent)
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
    events = [SessionEvent(word) for word in lines[0][1:]]
    documented = {
        (SessionState(line[0]), event): SessionState(word)
        for line in lines[1:]
        if len(line) == len(events) + 1
        for event, word in zip(events, line[1:], strict=True)
        if word != "-"
    }
    assert documented == TABLE


@pytest.mark.parametrize("state", SessionState)
def test_a_session_can_end_at_any_time_and_more_than_once(state):
    machine = reach(state)
    machine.end()
    machine.end()
    assert machine.state is SessionState.ENDED


@pytest.mark.parametrize("state", SessionState)
def test_only_an_open_session_lets_a_share_leave(state):
    machine = reach(state)
    if state is SessionState.OPEN:
        machine.require_open()
        machine.end()
    with pytest.raises(InternalError, match=machine.state.value):
        machine.require_open()


def test_the_only_way_to_open_is_to_be_sealed():
    assert [key for key, after in TABLE.items() if after is SessionState.OPEN] == [
        (SessionState.SEALING, SessionEvent.SEALED)
    ]
