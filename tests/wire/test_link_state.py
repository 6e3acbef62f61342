"""The link's table: every message in every state."""

from __future__ import annotations

import itertools

import pytest

from ostraka.errors import PeerViolation
from ostraka.wire import messages
from ostraka.wire.link_state import LinkState, after
from ostraka.wire.messages import Abort, Hello, Omission, Ready, Relayed, Resume, Statement, Vector

ONE = {
    kind: kind(*("" for _ in kind._fields))  # what is in them is not the table's business
    for kind in messages._layout
}
ALLOWED = {
    (LinkState.HELLO, Hello): LinkState.READY,
    (LinkState.HELLO, Resume): LinkState.HELLO,
    (LinkState.READY, Ready): LinkState.OPEN,
    (LinkState.OPEN, Vector): LinkState.OPEN,
    (LinkState.OPEN, Statement): LinkState.ENDED,
    (LinkState.HELLO, Abort): LinkState.CLOSED,
    (LinkState.READY, Abort): LinkState.CLOSED,
    (LinkState.OPEN, Abort): LinkState.CLOSED,
    (LinkState.ENDED, Abort): LinkState.CLOSED,
    (LinkState.READY, Omission): LinkState.READY,
    (LinkState.READY, Relayed): LinkState.READY,
    (LinkState.OPEN, Relayed): LinkState.OPEN,
    (LinkState.ENDED, Relayed): LinkState.ENDED,
}


@pytest.mark.parametrize(("state", "kind"), list(itertools.product(LinkState, ONE)))
def test_every_message_in_every_state(state, kind):
    if (state, kind) in ALLOWED:
        assert after(state, ONE[kind]) is ALLOWED[state, kind]
    else:
        with pytest.raises(PeerViolation, match=state.value):
            after(state, ONE[kind])
