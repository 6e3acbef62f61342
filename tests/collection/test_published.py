"""Published results: signed by each compute party, and all say the same."""

import json

import pytest

from ostraka.collection import signed
from ostraka.collection.published import published_result
from ostraka.errors import PeerViolation, PinMismatch

RESULT = {"status": "released", "outputs": [{"name": "tally", "value": {"yes": 3}}]}


def said(made, place, body, signer=None):
    own = made.parties()[place if signer is None else signer]
    return signed.write_statement(signed.RECEIPT, made.MANIFEST, body, own)


def receipts(made, *bodies):
    names = made.NAMES
    return {names[i]: said(made, i, body) for i, body in enumerate(bodies)}


def test_what_all_say(made):
    body = json.dumps({"session": "00", "result": RESULT}).encode()
    for count in (1, 3):
        assert published_result(receipts(made, *[body] * count), made.shape()) == RESULT
    assert published_result({}, made.shape()) is None
    assert published_result(receipts(made, b'{"session": "00"}'), made.shape()) is None


def test_a_liar_and_another_signer_are_noticed(made):
    body = json.dumps({"result": RESULT}).encode()
    lie = json.dumps({"result": {**RESULT, "status": "noised"}}).encode()
    with pytest.raises(PeerViolation, match="different results"):
        published_result(receipts(made, body, body, lie), made.shape())
    with pytest.raises(PinMismatch):
        published_result({"c0": said(made, 0, body, signer=1)}, made.shape())


@pytest.mark.parametrize("body", [b"", b"[]", b'{"result": 5}', b'{"result": {}, "result": {}}'])
def test_what_is_no_receipt(made, body):
    with pytest.raises(PeerViolation, match="no receipt"):
        published_result(receipts(made, body), made.shape())
