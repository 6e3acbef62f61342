"""Checked sums over the places of a collection: reports that contradict themselves are left out."""

import asyncio

import numpy as np
import pytest

from ostraka.arithmetic.field import P61
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.engine.shamir.context import Context
from ostraka.errors import Aborted, OstrakaError
from ostraka.protocols.checked_sum import CheckedSum
from ostraka.protocols.shares import Shares
from ostraka.simulation import MemoryNet

COLLECTION = """
[collection]
from = "invited"
organiser = "sha256:%064x"
roster = "sha256:%064x"
size = %d
closes = 2030-01-01T00:00:00Z
mailbox = "https://localhost"
max_unopenable = "%s"
"""


def collected(manifest, size, security, most="1/2", **more):
    """A checked sum over places of a collection, which report as contributors do in a session."""
    outputs = 'statistics = ["sum"]\n' + COLLECTION.lstrip() % (1, 2, size, most)
    roles = dict.fromkeys(("alice", "bob", "carlos"), "kr")
    sharing = {"scheme": "shamir", "threshold": 1, "least": 1, "security": security}
    return CheckedSum(manifest(roles, type="bool", outputs=outputs, **sharing, **more))


def opened(protocol, parcels, net=None):
    """Play the compute parties from these parcels, by party; what each comes to."""
    names, found = protocol.scheme.compute, {}
    net = net or MemoryNet(names)

    async def one(name):
        party = Party(net.exchange(name), protocol.scheme, protocol.attendance)
        draw = SeededDraw(name)
        shares = Shares(protocol.scheme, protocol.lengths, dict(parcels[name]), name, draw)
        try:
            found[name] = await protocol.compute(party, shares), shares.counted
        except OstrakaError as error:
            found[name] = error
        finally:
            net.leave(name)

    async def everybody():
        async with asyncio.TaskGroup() as group:
            for name in names:
                group.create_task(one(name))

    asyncio.run(everybody())
    return found


def reports(protocol, crooked=()):
    """Parcels of contributors who all say yes; shares of `crooked` ones are of no polynomial."""
    found = {name: {} for name in protocol.scheme.compute}
    for k, place in enumerate(protocol.contributors):
        parcels = protocol.share(protocol.encode(place, True), place, SeededDraw(k))
        if place in crooked:
            share = parcels["carlos"].vector
            share[0] = (int(share[0]) + 3) % P61.p
        for name, parcel in parcels.items():
            found[name][place] = parcel
    return found


@pytest.mark.parametrize("security", ["passive", "active"])
def test_reports_that_contradict_themselves_are_left_out_of_a_collection(manifest, security):
    protocol = collected(manifest, 9, security)
    found = opened(protocol, reports(protocol, ("#2", "#7")))
    counted = [c for c in protocol.contributors if c not in ("#2", "#7")]
    assert all(list(those) == counted for _, those in found.values())
    shares = {name: share for name, (share, _) in found.items()}
    assert protocol.scheme.combine(shares).tolist() == [7]
    found = opened(protocol, reports(protocol, protocol.contributors))  # none is left
    assert all(isinstance(end, OstrakaError) for end in found.values())


@pytest.mark.parametrize("security", ["passive", "active"])
def test_what_a_collection_costs_is_known_beforehand(manifest, security):
    """Reports come before the session, and are not in it."""
    protocol = collected(manifest, 9, security)
    total = Cost()
    protocol.compute_cost(total)
    net = MemoryNet(protocol.scheme.compute)
    opened(protocol, reports(protocol), net)
    seeds = 2 * (2 if security == "active" else 1)  # the offers of pairs, which come with reports
    for name in protocol.scheme.compute:
        assert net.sent[name].messages == total.sent[name].messages + 2
        assert net.sent[name].bytes == total.sent[name].bytes + 32 * seeds


def test_too_many_contradictions_stop_a_collection_and_name_no_party(manifest):
    protocol = collected(manifest, 9, "active", "1/9")
    found = opened(protocol, reports(protocol, ("#2", "#7")))
    assert all("2 of 9 reports contradict each other" in str(end) for end in found.values())
    said = "\n".join(protocol.explain())
    assert "can have up to 11.1111% of the reports left out" in said


def test_a_compute_party_that_tells_two_stories_stops_a_collection(manifest, monkeypatch):
    """It contradicts a report towards one party and not towards the other."""
    send, lied = Context.send, []

    def told(engine, to, step, message):
        if engine.party.me == "carlos" and engine.names[to] == "bob" and message.size == 9:
            lied.append(step)
            message = message ^ np.uint64(1)
        send(engine, to, step, message)

    monkeypatch.setattr(Context, "send", told)
    protocol = collected(manifest, 9, "active")
    found = opened(protocol, reports(protocol))
    assert lied
    for name in ("alice", "bob"):
        assert isinstance(found[name], Aborted)
        assert "were told different things" in str(found[name])
