"""The store of a mailbox, on both databases: order, repetition, refusals, bounds, deletion."""

import threading
from dataclasses import replace

import pytest

from ostraka.mailbox.batch import Accepted, Upload
from ostraka.mailbox.database import DatabaseFull
from ostraka.mailbox.store import DELETED_AT_ONCE, Founding, Store

NOW = 1_800_000_000.0
MINUTE = int(NOW) // 60
ID, OTHER = b"i" * 32, b"o" * 32
FOUNDING = Founding(b"toml", b"roster", int(NOW) + 100, 1000, True)
LARGE = 1 << 40


def upload(number, *, credential=None, counter=0, author=b"a" * 32, collection=ID, version=0):
    digest = number.to_bytes(32)
    return Upload(collection, version, digest, credential, counter, author, b"report %d" % number)


@pytest.fixture
def store(connect):
    found = Store(connect(), LARGE)
    found.create()
    found.create()
    found.found(ID, FOUNDING)
    found.found(OTHER, FOUNDING)
    yield found
    found._db.close()


def test_positions_are_dense_and_in_order(store):
    assert store.keep([upload(1), upload(2)], NOW) == [Accepted(1, MINUTE), Accepted(2, MINUTE)]
    assert store.keep([upload(3)], NOW + 60) == [Accepted(3, MINUTE + 1)]
    assert [kept.octets for kept in store.read(ID, 1, 10, LARGE)] == [b"report 2", b"report 3"]
    assert store.find(ID, upload(2).digest) == Accepted(2, MINUTE)
    assert store.find(OTHER, upload(2).digest) is None
    assert store.state(ID).reports == 3
    assert store.held_bytes() == 3 * len("report 1")


def test_the_same_report_has_the_same_place(store):
    first = store.keep([upload(1), upload(1)], NOW)
    assert first == [Accepted(1, MINUTE)] * 2
    assert store.keep([upload(1), upload(2)], NOW + 60) == [
        Accepted(1, MINUTE),
        Accepted(2, MINUTE + 1),
    ]
    assert store.state(ID).reports == 2


def test_collections_of_one_batch_are_apart(store):
    both = [upload(1), upload(1, collection=OTHER), upload(2), upload(1, collection=b"x" * 32)]
    assert store.keep(both, NOW) == [
        Accepted(1, MINUTE),
        Accepted(1, MINUTE),
        Accepted(2, MINUTE),
        "unknown",
    ]


def test_a_report_that_was_promised_has_its_place_after_the_closing_too(store):
    store.keep([upload(1)], NOW)
    late = NOW + 100
    assert store.keep([upload(1), upload(2)], late) == [Accepted(1, MINUTE), "closed"]


def test_the_organiser_closes_early_and_not_late(store):
    assert store.close(ID, int(NOW) + 1000, int(NOW))
    assert store.state(ID).closes == NOW + 100
    assert store.close(ID, int(NOW) + 5, int(NOW))
    assert store.keep([upload(1, version=1)], NOW + 4.9) == [Accepted(1, MINUTE)]
    assert store.keep([upload(2, version=1)], NOW + 5) == ["closed"]


def test_what_was_checked_under_an_older_version_is_checked_again(store):
    assert store.put(ID, "revocations", "", b"7", once=False)
    assert store.keep([upload(1)], NOW) == ["stale"]
    assert store.keep([upload(1, version=1)], NOW) == [Accepted(1, MINUTE)]


def test_a_credential_replaces_its_report_in_order(store):
    first, second = upload(1, credential=7, counter=1), upload(2, credential=7, counter=2)
    thief = upload(3, credential=7, counter=9, author=b"t" * 32)
    again = upload(4, credential=7, counter=2)
    other = upload(5, credential=8)
    assert store.keep([first, second, thief, again, other], NOW) == [
        Accepted(1, MINUTE),
        Accepted(2, MINUTE),
        "another-key",
        "superseded",
        Accepted(3, MINUTE),
    ]
    assert store.keep([thief, again, first], NOW) == [
        "another-key",
        "superseded",
        Accepted(1, MINUTE),
    ]


def test_one_credential_has_a_bounded_number_of_reports(store):
    many = [upload(number, credential=7, counter=number) for number in range(1, 30)]
    outcomes = store.keep(many, NOW)
    assert outcomes[15:] == [Accepted(16, MINUTE)] + ["replaced"] * 13


def test_a_collection_without_replacing_takes_one(store):
    once = b"e" * 32
    store.found(once, FOUNDING._replace(replaces=False))
    two = [upload(n, credential=7, counter=n, collection=once) for n in (1, 2)]
    assert store.keep(two, NOW) == [Accepted(1, MINUTE), "replaced"]


def test_no_more_than_there_may_be(store):
    small = b"s" * 32
    store.found(small, FOUNDING._replace(most=2))
    three = [upload(number, collection=small) for number in (1, 2, 3)]
    assert store.keep(three, NOW) == [Accepted(1, MINUTE), Accepted(2, MINUTE), "full"]
    assert store.keep(three[2:], NOW) == ["full"]


def test_no_more_bytes_than_there_may_be(store):
    bounded = Store(store._db, 20)
    outcomes = bounded.keep([upload(number) for number in (1, 2, 3)], NOW)
    assert outcomes == [Accepted(1, MINUTE), Accepted(2, MINUTE), "disk-full"]
    assert bounded.keep([upload(4, collection=OTHER)], NOW) == ["disk-full"]


def test_a_read_is_bounded_and_goes_on_where_it_ended(store):
    store.keep([upload(number) for number in range(1, 8)], NOW)
    assert [kept.position for kept in store.read(ID, 0, 3, LARGE)] == [1, 2, 3]
    assert [kept.position for kept in store.read(ID, 3, 100, 20)] == [4, 5]
    assert [kept.position for kept in store.read(ID, 5, 100, 1)] == [6], "at least one"
    assert store.read(ID, 7, 100, LARGE) == []


def test_papers(store):
    assert store.put(ID, "statement", "c1", b"one", once=True)
    assert store.put(ID, "statement", "c1", b"one", once=True)
    assert not store.put(ID, "statement", "c1", b"two", once=True)
    assert store.put(ID, "statement", "c2", b"two", once=True)
    assert store.papers(ID, "statement") == {"c1": b"one", "c2": b"two"}
    assert store.put(ID, "revocations", "", b"1", once=False)
    assert store.put(ID, "revocations", "", b"2", once=False)
    assert store.paper(ID, "revocations", "") == b"2"
    assert store.paper(OTHER, "revocations", "") is None
    assert store.state(ID).version == 4, "a repetition changes nothing"


def test_the_first_founding_stays(store):
    store.found(ID, FOUNDING._replace(publication=b"other"))
    assert store.founding(ID) == FOUNDING
    assert store.founding(b"x" * 32) is None
    assert store.collections() == 2


def test_reports_are_deleted_after_the_end(store):
    store.keep([upload(number) for number in range(1, DELETED_AT_ONCE + 3)][:900], NOW)
    store.keep([upload(1, collection=OTHER)], NOW)
    store.end(ID, int(NOW) + 200)
    assert store.sweep(NOW + 250, 60) == 0
    assert store.sweep(NOW + 261, 60) == 900
    assert store.read(ID, 0, 10, LARGE) == []
    assert store.state(ID).deleted == int(NOW) + 261
    assert store.held_bytes() == len("report 1")
    assert store.sweep(NOW + 281, 60) == 1, "parties never came: three times as long after closing"
    assert store.sweep(NOW + 900, 60) == 0


def test_a_batch_is_kept_as_a_whole_or_not_at_all(store, monkeypatch):
    """As if the process died between the insertion and the commit."""
    real = store._db.execute

    def dies(sql, values=()):
        if sql.startswith("UPDATE collection SET reports"):
            raise KeyboardInterrupt
        return real(sql, values)

    monkeypatch.setattr(store._db, "execute", dies)
    with pytest.raises(KeyboardInterrupt):
        store.keep([upload(1)], NOW)
    monkeypatch.undo()
    assert store.find(ID, upload(1).digest) is None
    assert store.keep([upload(1)], NOW) == [Accepted(1, MINUTE)]


def test_several_writers_share_one_order(connect, store):
    """Two connections, as two processes have: no position twice, none left out, none overtaken."""
    outcomes = {}

    def write(which):
        mine = Store(connect(), LARGE)
        for step in range(20):
            batch = [upload(which * 1000 + step * 5 + k + 1) for k in range(5)]
            outcomes[which, step] = mine.keep(batch, NOW)
        mine._db.close()

    threads = [threading.Thread(target=write, args=(which,)) for which in range(2)]
    for thread in threads:
        thread.start()
    seen = 0
    while seen < 200 and any(thread.is_alive() for thread in threads):
        found = [kept.position for kept in store.read(ID, seen, 50, LARGE)]
        assert found == list(range(seen + 1, seen + 1 + len(found)))
        seen += len(found)
    for thread in threads:
        thread.join()
    assert sorted(kept.position for batch in outcomes.values() for kept in batch) == list(
        range(1, 201)
    )


def test_a_full_disk_promises_nothing_and_loses_nothing(sqlite):
    store = Store(sqlite(), LARGE)
    store.create()
    store.found(ID, FOUNDING)
    store.keep([upload(1)], NOW)
    (pages,) = store._db.execute("PRAGMA page_count")[0]
    store._db.execute(f"PRAGMA max_page_count = {pages}")
    large = replace(upload(2), octets=bytes(100_000))
    with pytest.raises(DatabaseFull):
        store.keep([large, upload(3)], NOW)
    assert [kept.octets for kept in store.read(ID, 0, 10, LARGE)] == [b"report 1"]
    store._db.execute("PRAGMA max_page_count = 1000000")
    assert store.keep([large], NOW) == [Accepted(2, MINUTE)]
    store._db.close()
