"""Discovery: a collection at a mailbox waits for approval; what its organiser did not sign, or is
for another party or mailbox, is not taken."""

import pytest
from scene import COMPUTE, Collecting, running

from ostraka import identity
from ostraka.collection.orders import write_publication
from ostraka.errors import Disagreement, PinMismatch, UsageError
from ostraka.mailbox.database import Sqlite
from ostraka.serving import discovery as module
from ostraka.serving import settings
from ostraka.serving.book import WAITING
from ostraka.serving.discovery import Discovery, checked
from ostraka.serving.operation import PartyService
from ostraka.serving.settings import PartySettings

URL = "http://127.0.0.1:8080"


@pytest.fixture(scope="module")
def its(tmp_path_factory):
    return Collecting(tmp_path_factory.mktemp("keys"))


def party(its, home, url, name="c1", **more):
    sessions = home / "sessions"
    sessions.mkdir(exist_ok=True)
    keys = its.people[name].key_path.parent
    return PartySettings(name, keys, sessions, home / "receipts", mailboxes=(url,), **more)


async def test_a_party_is_told_of_its_own_collections_alone(its, tmp_path):
    async with running(its, lambda: Sqlite(tmp_path / "box.db")) as place:
        await place.open()
        for name in COMPUTE:
            client = place.client(name)
            client.manifest = b""
            assert await client.collections() == [its.id]
        client = place.client("olga")
        client.manifest = b""
        assert await client.collections() == []
        place.mailbox._clock = lambda: its.closes + 1
        client = place.client("c1")
        client.manifest = b""
        with pytest.raises(UsageError, match="too old"):
            await client.collections()


async def test_what_it_finds_waits_for_approval(its, tmp_path):
    async with running(its, lambda: Sqlite(tmp_path / "box.db")) as place:
        await place.open()
        found = Discovery(lambda _url, digest, own: _as(place, digest, own))
        mine = party(its, tmp_path, URL)
        await found.look(mine)
        await found.look(mine)
        (path,) = mine.sessions.glob("*.toml")
        assert path.name == f"mailbox-{its.id.hex()}.toml"
        assert path.read_bytes() == its.toml
        service = PartyService(mine, directory=tmp_path / "book", discovery=found)
        (tmp_path / "book").mkdir()
        await service._look()
        (entry,) = service._book.entries()
        assert (entry.manifest, entry.state) == (its.id.hex(), WAITING)


def _as(place, digest, own):
    client = place.client(own.name)
    client.manifest = digest
    return client


async def test_a_silent_mailbox_is_logged_once(its, tmp_path, caplog, monkeypatch):
    mine, found = party(its, tmp_path, "http://127.0.0.1:1"), Discovery()
    monkeypatch.setattr(module, "_PATIENCE_SECONDS", 0.0)
    for _ in range(2):
        await found.look(mine)
    assert [r.message.count("no collections from") for r in caplog.records] == [1]


def test_what_is_not_as_listed_is_not_taken(its, tmp_path):
    own = its.people["c1"]
    assert checked(its.toml, its.publication, URL, its.id, own) == its.toml.decode()
    with pytest.raises(Disagreement, match="another manifest"):
        checked(its.toml, its.publication, URL, bytes(32), own)
    with pytest.raises(Disagreement, match="other mailboxes"):
        checked(its.toml, its.publication, "http://127.0.0.1:1", its.id, own)
    with pytest.raises(Disagreement, match="compute with this key"):
        checked(its.toml, its.publication, URL, its.id, identity.create("c1", tmp_path))
    with pytest.raises(Disagreement, match="compute with this key"):
        checked(its.toml, its.publication, URL, its.id, its.people["olga"])
    forged = write_publication(its.roster.write(), its.id, its.people["coordinator"])
    with pytest.raises(PinMismatch):
        checked(its.toml, forged, URL, its.id, own)


def test_it_begins_by_itself_only_for_organisers_that_are_named(tmp_path):
    path = tmp_path / "c1.toml"
    path.write_text(f'name = "c1"\nmailboxes = ["{URL}"]\napprove = "auto"\n')
    with pytest.raises(UsageError, match="needs organisers"):
        settings.load(path)
    path.write_text(f'name = "c1"\nmailboxes = ["{URL}/"]\n')
    assert settings.load(path).mailboxes == (URL,)
    path.write_text('name = "c1"\nmailboxes = ["poll.example"]\n')
    with pytest.raises(UsageError, match="URL"):
        settings.load(path)
