"""Statements at the end of a session; tests/test_party.py has whole sessions and their receipts."""

import json

from ostraka.session.closing import with_other_results
from ostraka.wire.messages import Statement


def signed(**results):
    """Statements by party, ours first; "" stands for a party without a result."""
    return {
        party: Statement(json.dumps({"result": result} if result else {}).encode(), b"")
        for party, result in results.items()
    }


def test_recipients_with_another_result_are_named():
    found = with_other_results(signed(alice="aa", bob="aa", carlos="bb", david="cc"))
    assert found == ["carlos", "david"]


def test_a_party_without_a_result_is_no_dissenter():
    assert with_other_results(signed(alice="aa", bob="", carlos="aa")) == []
