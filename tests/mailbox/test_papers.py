"""Papers of a collection at a mailbox: who has to have signed each, and what follows from it."""

from time import time

import pytest
from scene import COMPUTE, Clock, Collecting, fetched, running

from ostraka.collection import orders, signed
from ostraka.collection.merkle import Tree, check_proof
from ostraka.errors import (
    Disagreement,
    InvitationExpired,
    OstrakaError,
    RefusedByPolicy,
    Temporary,
    UsageError,
)


async def test_a_collection_is_open_once_every_compute_party_has_left_its_keys(collecting, sqlite):
    octets, digest = collecting.report()
    async with running(collecting, sqlite) as place:
        client = place.client()
        with pytest.raises(Temporary, match="no such collection"):
            await client.put_report(digest, octets)
        await client.publish(collecting.toml, collecting.publication)
        await client.publish(collecting.toml, collecting.publication)
        for name, statement in zip(COMPUTE, collecting.statements, strict=True):
            assert (await client.status()).state == "waiting"
            with pytest.raises(Temporary, match="not open yet"):
                await client.put_report(digest, octets)
            await client.put_statement(name, statement)
        assert (await client.status()).state == "open"
        await client.put_report(digest, octets)


async def test_statements_are_of_the_pinned_keys_and_written_once(place):
    its, client = place.collecting, place.client()
    await client.put_statement("c1", its.statements[0])
    with pytest.raises(UsageError, match="another key"):
        await client.put_statement("c1", its.statements[1])
    again = its.sealing[1].public.write(its.id, its.people["c1"])
    with pytest.raises(UsageError, match="it stays"):
        await client.put_statement("c1", again)
    with pytest.raises(UsageError, match="no compute party"):
        await client.put_statement("c9", again)


async def test_only_the_organiser_opens_a_collection(collecting, tmp_path, sqlite):
    async with running(collecting, sqlite) as place:
        client = place.client()
        forged = orders.write_publication(
            collecting.roster.write(), collecting.id, collecting.people["c1"]
        )
        with pytest.raises(UsageError, match="another key"):
            await client.publish(collecting.toml, forged)
        with pytest.raises(Disagreement, match="another manifest"):
            changed = collecting.toml.replace(b"Poll", b"Pole")
            await client.publish(changed, collecting.publication)
        with pytest.raises(UsageError, match="unknown key"):
            await client.publish(b"x = 1", collecting.publication)
        with pytest.raises(UsageError, match=r"no table \[collection\]"):
            plain, _, _ = collecting.toml.partition(b"[collection]")
            members = plain.replace(b'["compute"', b'["contributor", "compute"')
            await client.publish(members, collecting.publication)
        other = orders.write_publication(bytes(36 * 5), collecting.id, collecting.people["olga"])
        with pytest.raises(OstrakaError, match="not the one that the manifest names"):
            await client.publish(collecting.toml, other)


async def test_an_operator_may_name_the_organisers(collecting, sqlite):
    known = {collecting.people["c1"].fingerprint}
    async with running(collecting, sqlite, organisers=known) as place:
        with pytest.raises(RefusedByPolicy, match="does not know the organiser"):
            await place.open()
        place.mailbox.organisers = known | {collecting.people["olga"].fingerprint}
        await place.open()


async def test_collections_are_bounded(collecting, tmp_path, sqlite):
    async with running(collecting, sqlite, most_collections=1) as place:
        await place.open()
        await place.open()
        with pytest.raises(UsageError, match="as many collections"):
            await place.open(Collecting(tmp_path / "keys", title="Another poll"))


async def test_the_organiser_closes_early_if_the_manifest_lets_it(place, tmp_path):
    its, client = place.collecting, place.client()
    with pytest.raises(UsageError, match="another key"):
        await client.put_close(orders.write_close(1, its.id, its.people["c1"]))
    assert await client.close_order() is None
    order = orders.write_close(1, its.id, its.people["olga"])
    await client.put_close(order)
    assert await client.close_order() == order
    octets, digest = its.report()
    with pytest.raises(InvitationExpired, match="is closed"):
        await client.put_report(digest, octets)
    other = Collecting(tmp_path / "keys", title="Another poll", early=False)
    await place.open(other)
    with pytest.raises(RefusedByPolicy, match="does not let the organiser"):
        await place.client(collecting=other).put_close(
            orders.write_close(1, other.id, other.people["olga"])
        )


async def test_an_order_to_close_drops_no_report_that_was_promised(place):
    its, client = place.collecting, place.client()
    octets, digest = its.report()
    promised = await client.put_report(digest, octets)
    for at in (1, promised.minute * 60):
        with pytest.raises(RefusedByPolicy, match="reports have come since the time"):
            await client.put_close(orders.write_close(at, its.id, its.people["olga"]))
        assert await client.close_order() is None
    later = its.report(1)
    await client.put_report(later[1], later[0])  # it is open still
    order = orders.write_close(promised.minute * 60 + 120, its.id, its.people["olga"])
    await client.put_close(order)
    assert await client.close_order() == order


async def test_after_the_closing_no_invitation_is_taken_back(place):
    its, client = place.collecting, place.client()
    revoked = [orders.write_revocations(who, its.id, its.people["olga"]) for who in ([1], [1, 2])]
    await client.put_revocations(revoked[0])
    await client.put_close(orders.write_close(int(time()) - 60, its.id, its.people["olga"]))
    await client.put_revocations(revoked[0])  # the answer was perhaps lost
    with pytest.raises(InvitationExpired, match="no invitation can be taken back"):
        await client.put_revocations(revoked[1])
    assert await client.revocations() == revoked[0]


async def test_revocations(place):
    its, client = place.collecting, place.client()
    assert await client.revocations() is None
    revoked = orders.write_revocations([1, 3], its.id, its.people["olga"])
    await client.put_revocations(revoked)
    assert await client.revocations() == revoked
    octets, digest = its.report(1)
    with pytest.raises(InvitationExpired, match="taken this invitation back"):
        await client.put_report(digest, octets)
    octets, digest = its.report(2)
    await client.put_report(digest, octets)
    with pytest.raises(UsageError, match="a longer list"):
        await client.put_revocations(orders.write_revocations([1], its.id, its.people["olga"]))
    with pytest.raises(UsageError, match="another key"):
        await client.put_revocations(orders.write_revocations([1, 2, 3], its.id, its.people["c1"]))


async def test_receipts_end_a_collection_and_reports_are_deleted(collecting, sqlite):
    clock = Clock()
    async with running(collecting, sqlite, clock=clock) as place:
        await place.open()
        octets, digest = collecting.report()
        await place.client().put_report(digest, octets)
        for name in COMPUTE:
            assert (await place.client().status()).state == "open"
            receipt = signed.write_statement(
                signed.RECEIPT, collecting.id, b'{"result": 5}', collecting.people[name]
            )
            await place.client().put_receipt(name, receipt)
        with pytest.raises(UsageError, match="another key"):
            await place.client().put_receipt("c1", receipt)
        assert (await place.client().status()).state == "done"
        assert set(await place.client().receipts()) == set(COMPUTE)
        clock.ahead = 100.0
        assert await place.desk.ask(lambda store: store.sweep(clock(), 60)) == 1
        clock.ahead = 0.0
        with pytest.raises(RefusedByPolicy, match="deleted"):
            await fetched(place.client("c1"), "c1")


async def test_inclusion(place):
    its, client = place.collecting, place.client()
    digests = [bytes([number]) * 32 for number in range(5)]
    assert await client.inclusion(digests[3]) == {}
    leaves = list(enumerate(digests, 1))
    body = b"".join(place.to_bytes(4, "little") + digest for place, digest in leaves)
    for name in ("c1", "c2"):
        own = its.people[name]
        await client.put_agreed(name, signed.write_statement(signed.AGREED, its.id, body, own))
    proofs = await client.inclusion(digests[3])
    assert set(proofs) == {"c1", "c2"}
    for proof in proofs.values():
        check_proof(Tree.of(leaves).root, digests[3], proof)
    assert await client.inclusion(bytes(32 - 1) + b"x") == {}
    twice = signed.write_statement(signed.AGREED, its.id, body[:36] * 2, its.people["c1"])
    with pytest.raises(UsageError, match="place twice"):
        await client.put_agreed("c1", twice)
