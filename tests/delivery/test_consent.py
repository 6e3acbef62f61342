import asyncio

import numpy as np
import pytest

from ostraka.delivery.consent import Consent, add_cost
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, OstrakaError, PeerLost, PeerViolation, RefusedByLedger
from ostraka.exchange import words
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet

SCHEME = Shamir(("x", "a", "b"), ("a", "b", "c"), 1)
ALL = SCHEME.contributors


async def allow(_):
    pass


async def refuse(_):
    raise RefusedByLedger("no")


async def play(what, drop=None, cut=None):
    """Run `what` at every compute party; return what each ends with."""
    net, results = MemoryNet(SCHEME.compute, drop, cut=cut), {}

    async def one(name):
        party = Party(net.exchange(name), SCHEME)
        try:
            results[name] = await what(party, Consent(party))
        except OstrakaError as error:
            results[name] = error
        net.leave(name)

    async with asyncio.TaskGroup() as group:
        for name in SCHEME.compute:
            group.create_task(one(name))
    return results, net


async def twice(party, consent):
    await consent.give(ALL, allow)
    await consent.give(ALL[:2], allow)
    await consent.complete()
    return "opened"


async def test_it_is_complete_once_all_consented_to_each_set():
    results, net = await play(twice)
    assert set(results.values()) == {"opened"}
    one = Cost()
    add_cost(SCHEME, one)
    assert all(net.sent[p].messages == 2 * one.sent[p].messages for p in SCHEME.compute)
    assert all(net.sent[p].bytes == 2 * one.sent[p].bytes for p in SCHEME.compute)


async def test_messages_between_are_read_in_their_order():
    """A consent is read before the message that its sender sends next, and needs no round."""

    async def what(party, consent):
        step = party.begin_phase()
        await consent.give(ALL, allow)
        value = bytes([ord(party.me)] * 8)
        party.exchange.broadcast(SCHEME.compute, step, np.frombuffer(value, np.uint64))
        heard = await party.gather_if_there(SCHEME.compute, step, words(1))
        await consent.complete()
        return {name: message.tobytes() for name, message in heard.items()}

    results, _ = await play(what)
    assert results["a"] == {"b": b"b" * 8, "c": b"c" * 8}


@pytest.mark.parametrize("which", [0, 1])
async def test_one_that_refuses_a_set_stops_all(which):
    async def what(party, consent):
        for number, counted in enumerate((ALL, ALL[:2])):
            await consent.give(counted, refuse if (party.me, number) == ("c", which) else allow)
        await consent.complete()

    results, _ = await play(what)
    assert isinstance(results.pop("c"), RefusedByLedger)
    assert {type(error) for error in results.values()} == {Aborted}
    assert all("c refused" in error.message for error in results.values())


async def test_silence_is_a_no():
    """Wherever c crashes, or a relay cuts its links: the others go on only if c told both sets."""
    for told in range(5):
        results, _ = await play(twice, drop={"c": told})
        done = [name for name in ("a", "b") if results[name] == "opened"]
        # c tells a and b of one set, then both of the next.
        assert done == {3: ["a"], 4: ["a", "b"]}.get(told, [])
        results, _ = await play(twice, cut={("c", "a"): told})
        assert (results["a"] == "opened") == (told >= 2)
        assert told >= 2 or isinstance(results["a"], PeerLost)


async def test_another_set_names_its_sender():
    async def what(party, consent):
        await consent.give(ALL[1:] if party.me == "b" else ALL, allow)
        await consent.complete()

    results, _ = await play(what)
    assert all(isinstance(results[name], PeerViolation) for name in SCHEME.compute)
    assert results["a"].peer == results["c"].peer == "b"
    assert "consents to count a, b, where x, a, b are asked" in str(results["a"])
