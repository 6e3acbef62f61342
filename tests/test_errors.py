"""Exceptions: each has an exit code, a code for peers, and a line at the top of the module."""

import re

import pytest

from ostraka import errors
from ostraka.errors import Fault, OstrakaError

TREE = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, OstrakaError)]
EXIT_CODES = {2, 10, 11, 12, 13, 20, 30, 31, 32, 40, 41, 50, 51, 70, 75}


@pytest.mark.parametrize("kind", TREE)
def test_each_has_a_known_exit_code_and_a_fault(kind):
    assert kind.exit_code in EXIT_CODES
    assert isinstance(kind.fault, Fault)
    assert re.fullmatch(r"[a-z-]+", kind.code)


def test_peers_can_tell_them_apart():
    same = (errors.PeerAway, errors.TimedOut)  # who waited in vain, for a party or for all
    assert len({kind.code for kind in same}) == len({kind.exit_code for kind in same}) == 1
    others = (OstrakaError, errors.InternalError, errors.PeerAway)
    codes = [kind.code for kind in TREE if kind not in others]
    assert len(set(codes)) == len(codes)


def test_the_list_at_the_top_is_the_tree():
    listed = dict(re.findall(r"^ +(\w+) +(\d+) ", errors.__doc__, re.MULTILINE))
    assert listed == {k.__name__: str(k.exit_code) for k in TREE if k is not OstrakaError}


def test_an_error_carries_what_a_person_needs():
    error = errors.PeerLost("bob is gone", hint="ask bob", peer="bob", data_left=True)
    assert (str(error), error.hint, error.peer, error.data_left) == (
        "bob is gone", "ask bob", "bob", True,
    )  # fmt: skip
    assert errors.Aborted("over").data_left is None
