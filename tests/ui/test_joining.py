"""Invitations on the page, over a coordinator in this process: codes, drafts."""

import asyncio
import json
import secrets
import time
from pathlib import Path

import pytest

from ostraka import config, home, identity
from ostraka.cli.invitations import invited_tables
from ostraka.invitations import meeting
from ostraka.invitations.draft import Draft, make_code
from ostraka.transport.tcp import SystemNetwork


def toml(tables, address, key):
    text = (
        '[session]\ntitle = "Lunch money"\nprotocol = "secure-sum"\ndeadline = "20s"\n'
        f'coordinator = {{ address = "{address}", key = "{key}" }}\n\n'
    )
    for table in tables:
        text += f'[[party]]\nname = "{table["name"]}"\nkey = "{table["key"]}"\n'
        text += f"roles = {json.dumps(list(table['roles']))}\n\n"
    return text + '[input]\ntype = "int"\nmin = 0\nmax = 9\n\n[sharing]\nscheme = "additive"\n'


class Organiser:
    """Alice, who invites bob and carlos."""

    def __init__(self, directory, address, key):
        self.own = identity.create("alice", directory)
        text = toml(invited_tables("alice", "bob,carlos", directory), address, key)
        manifest, number = config.bind_text(text, "draft").manifest, secrets.token_hex(8)
        expires = int(time.time()) + 600
        codes = {
            name: make_code(name, manifest, "alice", number, expires).write()
            for name in ("bob", "carlos")
        }
        self.draft = Draft.new("alice", directory, text, codes, number)
        self.draft.save(home.drafts_directory())
        self.network = SystemNetwork()

    async def publish(self):
        await meeting.publish(self.draft, self.draft.codes, self.own, self.network)

    async def seal(self):
        joined, missing = await meeting.collect(self.draft, self.own, self.network, 10)
        assert missing == []
        await meeting.send(self.draft, self.draft.filled(joined), self.own, self.network)


@pytest.fixture
async def organiser(office, tmp_path, monkeypatch):
    monkeypatch.delenv("OSTRAKA_TRUST_NEW")
    monkeypatch.setattr("ostraka.ui.joining.LONGEST_PAUSE", 0.1)
    monkeypatch.setattr("ostraka.ui.joining.FIRST_PAUSE", 0.05)
    directory = tmp_path / "organiser"
    directory.mkdir(mode=0o700)
    async with office.coordinator() as address:
        found = Organiser(directory, address, office.fingerprint("coordinator"))
        await found.publish()
        yield found
        found.network.close()
    for path in home.drafts_directory().glob("*.json"):
        path.unlink()


async def state_of(client, draft, wanted):
    async with asyncio.timeout(20):
        while True:
            (one,) = (await client.ask("sessions"))["invitations"]
            assert one["draft"] == draft
            if one["state"] == wanted:
                return one
            await asyncio.sleep(0.05)


@pytest.fixture
def own(tmp_path):
    directory = tmp_path / "own"
    directory.mkdir(mode=0o700)
    return directory


async def test_a_code_becomes_a_session(page, organiser, own):
    draft, said = organiser.draft.id, []
    async with page("bob", keys=own, sessions=(own,), say=said.append) as client:
        joined = await client.ask("join", {"code": f" {organiser.draft.codes['bob']}\n"})
        assert (joined["name"], joined["state"]) == ("bob", "waiting")
        assert joined["fingerprint"] == identity.load("bob", own).pin
        assert "secret, never leaves this machine" in said[0]
        again = await client.ask("join", {"code": organiser.draft.codes["bob"]})
        assert again["state"] == "waiting"
        early = await client.ask(f"invitations/{draft}/accept", {}, status=422)
        assert "is not here" in early["error"]
        await another_party_joins(organiser)
        await organiser.seal()
        sealed = await state_of(client, draft, "sealed")
        assert (sealed["title"], sealed["parties"]) == ("Lunch money", ["alice", "bob", "carlos"])
        assert any("learn the sum" in sentence for sentence in sealed["says"])
        assert (await client.ask("sessions"))["sessions"] == []
        taken = await client.ask(f"invitations/{draft}/accept", {})
        assert taken["state"] == "taken"
        (one,) = (await client.ask("sessions"))["sessions"]
        assert (one["me"], one["digest"]) == ("bob", sealed["digest"])
        assert (await client.ask(f"sessions/{one['digest']}"))["trust"] == "known"


async def another_party_joins(organiser):
    directory = Path(organiser.draft.keys).parent / "carlos"
    carlos = identity.create("carlos", directory)
    await meeting.answer(organiser.draft.code("carlos"), carlos, organiser.network)


async def test_a_manifest_that_is_declined_is_nowhere(page, organiser, own):
    draft = organiser.draft.id
    async with page("bob", keys=own, sessions=(own,)) as client:
        await client.ask("join", {"code": organiser.draft.codes["bob"]})
        await another_party_joins(organiser)
        await organiser.seal()
        await state_of(client, draft, "sealed")
        await client.ask(f"invitations/{draft}/decline", {})
        found = await client.ask("sessions")
        assert (found["invitations"], found["sessions"]) == ([], [])
    assert list(own.glob("*.toml")) == []


async def test_a_revoked_code_comes_to_nothing(page, organiser, own):
    code = organiser.draft.code("bob")
    async with page("bob", keys=own, sessions=(own,)) as client:
        await client.ask("join", {"code": organiser.draft.codes["bob"]})
        await meeting.revoke(code, organiser.own, organiser.network)
        failed = await state_of(client, organiser.draft.id, "failed")
        assert failed["error"]["exit"] == 12
        refused = await client.ask("join", {"code": organiser.draft.codes["bob"]}, status=422)
        assert refused["exit"] == 12


@pytest.mark.parametrize("code", ["", "ostraka1-abc", "no code"])
async def test_a_code_that_is_none_is_2(page, own, code):
    async with page("bob", keys=own, sessions=(own,)) as client:
        assert (await client.ask("join", {"code": code}, status=422))["exit"] == 2
        assert list(own.iterdir()) == [], "no key is made for it"


async def test_a_code_of_another_party_is_refused(page, organiser, own):
    async with page("zoe", keys=own, sessions=(own,)) as client:
        refused = await client.ask("join", {"code": organiser.draft.codes["bob"]}, status=422)
        assert refused["error"] == "this code is for bob, not for zoe"


async def test_a_draft_says_who_has_joined_and_no_secret(page, organiser, tmp_path):
    async with page("alice", keys=tmp_path / "organiser") as client:
        listed = (await client.ask("sessions"))["drafts"]
        assert [(d["title"], d["invited"], d["sealed"]) for d in listed] == [
            ("Lunch money", ["bob", "carlos"], False)
        ]
        assert "ostraka1-" not in str(listed)
        looked = await client.ask(f"drafts/{organiser.draft.id}/look", {})
        assert (looked["joined"], looked["missing"]) == ([], ["bob", "carlos"])
        await another_party_joins(organiser)
        looked = await client.ask(f"drafts/{organiser.draft.id}/look", {})
        assert (looked["joined"], looked["missing"]) == (["carlos"], ["bob"])
        refused = await client.ask("drafts/nothing/look", {}, status=422)
        assert refused["exit"] == 2
