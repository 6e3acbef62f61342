"""The table of a secure link: every event in every state."""

from __future__ import annotations

import itertools

import pytest

from ostraka.errors import InternalError
from ostraka.transport import secure_state
from ostraka.transport.secure_state import TABLE, Event, State, after


@pytest.mark.parametrize(("state", "event"), list(itertools.product(State, Event)))
def test_every_event_in_every_state(state, event):
    if (state, event) in TABLE:
        assert after(state, event) is TABLE[state, event]
    else:
        with pytest.raises(InternalError, match=f"{event.value}.*{state.value}"):
            after(state, event)


def test_the_documented_table_is_the_table():
    lines = [line.split() for line in secure_state.__doc__.splitlines() if line.startswith("    ")]
    events = [Event(word) for word in lines[0][1:]]
    assert {
        (State(line[0]), event): State(word)
        for line in lines[1:]
        for event, word in zip(events, line[1:], strict=True)
        if word != "-"
    } == TABLE


def test_no_link_opens_before_its_certificate_and_its_key_are_proven():
    assert [key for key, then in TABLE.items() if then is State.OPEN] == [
        (State.HANDSHAKE, Event.SECURED)
    ]
    assert [key for key, then in TABLE.items() if then is State.HANDSHAKE] == [
        (State.PREAMBLE, Event.CERTIFIED)
    ]


def test_every_link_can_end_and_an_ended_one_stays():
    assert all((state, Event.FAIL) in TABLE for state in State if state is not State.ENDED)
    assert not any(state is State.ENDED for state, _ in TABLE)
