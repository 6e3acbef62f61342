"""The mailbox in memory, for other rooms' tests, has the client's interface, and lies as asked."""

import inspect

import pytest
from lying import Box, BoxClient, Lying

from ostraka.collection.report import read_view
from ostraka.mailbox.client import MailboxClient


def test_the_interface_is_the_clients():
    def public(kind):
        return {
            name: list(inspect.signature(function).parameters)
            for name, function in inspect.getmembers(kind, inspect.isfunction)
            if not name.startswith("_")
        }

    assert public(BoxClient) == public(MailboxClient)


@pytest.mark.parametrize(
    ("lies", "shown"),
    [
        (Lying(), [[0, 1, 2, 3], [0, 1, 2, 3]]),
        (Lying(lose={2}), [[0, 2, 3], [0, 2, 3]]),
        (Lying(double={1}), [[0, 1, 2, 3, 0], [0, 1, 2, 3, 0]]),
        (Lying(reorder=True), [[3, 2, 1, 0], [3, 2, 1, 0]]),
        (Lying(hold_back=2), [[0, 1], [0, 1, 2, 3]]),
        (Lying(show={"c1": {1}}), [[0], [0]]),
    ],
)
async def test_lies(collecting, lies, shown):
    own = collecting.people["coordinator"]
    box = Box(collecting.toml, collecting.id, collecting.closes, own, lies=lies)
    client = box.client(collecting.terms)
    sent = [collecting.report(number) for number in range(4)]
    for octets, digest in sent:
        (await client.put_report(digest, octets)).check(collecting.id, digest)
    digests = [digest for _, digest in sent]
    for wanted in shown:
        found = [one for block in [b async for b in client.fetch("c1")] for one in block]
        assert [one.position for one in found] == list(range(1, len(found) + 1))
        views = [read_view(one.view, collecting.terms, 0).digest for one in found]
        assert [digests.index(digest) for digest in views] == wanted
