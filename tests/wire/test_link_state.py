"""The link's table: every message in every state."""

from __future__ import annotations

import itertools

import pytest

from ostraka.errors import PeerViolation
from ostraka.wire import messages
from ostraka.wire.link_state import State, after
from ostraka.wire.messages import Abort, Hello, Ready, Relayed, Statement, Vector

ONE = {
    kind: kind(*("" for _ in kind._fields))  # what is in them is not the table's business
    for kind in messages._layout
}
ALLOWED = {
    (State.HELLO, Hello): State.READY,
    (State.READY, Ready): State.OPEN,
    (State.OPEN, Vector): State.OPEN,
    (State.OPEN, Statement): State.ENDED,
    (State.HELLO, Abort): State.CLOSED,
    (State.READY, Abort): State.CLOSED,
    (State.OPEN, Abort): State.CLOSED,
    (State.ENDED, Abort): State.CLOSED,
    (State.READY, Relayed): State.READY,
    (State.OPEN, Relayed): State.OPEN,
    (State.ENDED, Relayed): State.ENDED,
}


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(State, ONE)))
def test_every_message_in_every_state(state, kind):
    if (state, kind) in ALLOWED:
        assert after(state, ONE[kind]) is ALLOWED[state, kind]
    else:
        with pytest.raises(PeerViolation, match=state.value):
            after(state, ONE[kind])
