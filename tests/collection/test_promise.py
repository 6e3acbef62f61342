"""Promises of a mailbox: about one report to one collection."""

from dataclasses import replace

import pytest

from ostraka.collection.promise import Promise
from ostraka.errors import PeerViolation


def promise(made, report):
    box = made.fixed_identity("mailbox")
    return Promise.make(made.MANIFEST, 7, 30_000_000, report.digest, box)


def test_read_as_written(made, report):
    found = Promise.of_table(promise(made, report).table())
    assert found == promise(made, report)
    found.check(made.MANIFEST, report.digest)


def test_every_field_is_signed(made, report):
    good = promise(made, report)
    other = made.fixed_identity("olga").certificate
    for changed in ({"position": 8}, {"minute": 1}, {"digest": bytes(32)}, {"certificate": other}):
        with pytest.raises(PeerViolation):
            replace(good, **changed).check(made.MANIFEST, report.digest)
    with pytest.raises(PeerViolation):
        good.check(bytes(32), report.digest)
    with pytest.raises(PeerViolation, match="another report"):
        good.check(made.MANIFEST, bytes(32))


@pytest.mark.parametrize(
    "changed", [{"position": -1}, {"minute": True}, {"report": 5}, {"certificate": "?"}]
)
def test_what_is_no_promise(made, report, changed):
    with pytest.raises(PeerViolation, match="no promise"):
        Promise.of_table({**promise(made, report).table(), **changed})
    with pytest.raises(PeerViolation, match="no promise"):
        Promise.of_table([])
