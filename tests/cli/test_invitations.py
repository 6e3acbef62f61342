"""Meeting by codes: nobody is there at the same time, and nothing that is swapped is believed.

Of invitations/draft.py, invitations/meeting.py and transport/postbox.py, over a coordinator.
"""

import json
from pathlib import Path

import pytest

from ostraka import config, home, identity
from ostraka.cli import mailboxes
from ostraka.invitations import code as codes
from ostraka.manifest.words import six_words

NEW = (
    "new", "secure-sum", "--type", "int", "--min", "0", "--max", "100", "--statistic", "sum",
    "--deadline", "1s", "--as", "alice", "--keys", "alice-keys", "--output", "json",
)  # fmt: skip


@pytest.fixture
def meeting(cli, session, coordinator, monkeypatch):
    """The address of a coordinator that runs; a strict party on this machine."""
    monkeypatch.delenv("OSTRAKA_TRUST_NEW")
    with coordinator(session):
        place = config.load(session).session.coordinators[0]
        yield f"{place.address}=coordinator.crt"


def invite(cli, address, names="bob,carlos"):
    made = cli(*NEW, "--invite", names, "--coordinator", address)
    assert made.code == 0, made.err
    return made.json


def join(cli, code, name, *more, wait="1s"):
    keys = ("--keys", f"{name}-keys", "--output", "json", "--wait", wait)
    return cli("join", code, *keys, *more)


def test_parties_meet_by_one_code_each_and_are_never_there_at_once(cli, meeting, keys):
    draft = invite(cli, meeting)
    assert set(draft["codes"]) == {"bob", "carlos"}
    for name, code in draft["codes"].items():
        waiting = join(cli, code, name, "--yes")
        assert (waiting.code, "not sealed the draft yet" in waiting.err) == (41, True)
    sealed = cli("seal", draft["draft"], "--out", "alice.toml", "--output", "json")
    assert sealed.code == 0, sealed.err
    assert sealed.json["joined"] == ["bob", "carlos"]
    for name, code in draft["codes"].items():
        joined = join(cli, code, name, "--yes", "--out", f"{name}.toml")
        assert joined.code == 0, joined.err
        manifest = config.load(Path(joined.json["manifest"]))
        own = identity.load(name, Path(f"{name}-keys"))
        assert joined.json == {
            "name": name, "fingerprint": own.pin, "manifest": f"{name}.toml",
            "words": six_words(manifest.digest),
        }  # fmt: skip
        assert manifest.digest == config.load("alice.toml").digest
        assert manifest.pin(name) == own.fingerprint
    assert set(home.known_keys().read()) == {"alice", "bob", "carlos"}
    Path("in.txt").write_text("5")
    run = ("run", "alice.toml", "--as", "alice", "--keys", "alice-keys", "--input", "in.txt")
    alone = cli(*run)
    assert alone.code == 41, alone.err  # the others do not come; no exit code 13


def test_compute_parties_of_a_collection_join_by_code(cli, meeting, keys, monkeypatch):
    """The organiser is no party of it; the manifest that they get names it as the organiser."""
    made = cli(
        "new", "secure-sum", "--type", "int", "--min", "0", "--max", "100", "--as", "olga",
        "--keys", "olga-keys", "--collection", "invited", "--closes", "1d", "--mailbox",
        "https://mailbox.example", "--scheme", "shamir", "--min-contributors", "2",
        "--invite", "bob,carlos,dora", "--coordinator", meeting, "--output", "json",
    )  # fmt: skip
    assert made.code == 0, made.err
    draft, codes = made.json["draft"], made.json["codes"]
    assert set(codes) == {"bob", "carlos", "dora"}
    for name, code in codes.items():
        assert join(cli, code, name, "--yes").code == 41
    assert cli("invite", draft, "--count", "2").code == 0
    monkeypatch.setattr(mailboxes, "at_mailbox", lambda *_: None)
    sealed = cli("seal", draft, "--out", "olga.toml", "--output", "json")
    assert sealed.code == 0, sealed.err
    joined = join(cli, codes["bob"], "bob", "--yes", "--out", "bob.toml")
    assert joined.code == 0, joined.err
    manifest = config.load("bob.toml")
    assert manifest.digest == config.load("olga.toml").digest
    assert manifest.parties == ("bob", "carlos", "dora")
    assert manifest.collection.organiser == identity.load("olga", Path("olga-keys")).pin


def test_a_thief_of_a_code_locks_its_owner_out_who_is_told(cli, meeting, tmp_path):
    code = invite(cli, meeting)["codes"]["bob"]
    thief = ("join", code, "--keys", "thief-keys", "--wait", "1s", "--yes")
    assert cli(*thief).code == 41
    owner = join(cli, code, "bob", "--yes")
    assert owner.code == 12
    assert "must not seal" in owner.err


def test_a_revoked_code_is_12_and_a_new_one_works(cli, meeting):
    draft = invite(cli, meeting)
    old = draft["codes"]["bob"]
    again = cli("seal", draft["draft"], "--resend", "bob", "--output", "json")
    assert again.code == 0, again.err
    assert join(cli, old, "bob", "--yes").code == 12
    assert join(cli, again.json["codes"]["bob"], "bob", "--yes").code == 41
    assert cli("seal", draft["draft"], "--revoke", "carlos").code == 0
    assert join(cli, draft["codes"]["carlos"], "carlos", "--yes").code == 12
    assert cli("seal", draft["draft"]).code == 12  # carlos has no code any more
    sealed = cli("seal", draft["draft"], "--without", "carlos", "--output", "json")
    assert (sealed.code, sealed.json["joined"]) == (0, ["bob"])


def test_a_code_that_is_replaced_after_the_draft_was_sealed(cli, meeting):
    draft = invite(cli, meeting)
    for name, code in draft["codes"].items():
        join(cli, code, name, "--yes")
    sealed = cli("seal", draft["draft"], "--out", "first.toml")
    assert "ostraka run first.toml --as alice --keys " in sealed.err
    again = cli("seal", draft["draft"], "--resend", "bob", "--output", "json")
    assert "holds the key of bob, and stays valid" in again.err
    code = again.json["codes"]["bob"]
    cli("join", code, "--keys", "new-keys", "--yes", "--wait", "1s")
    assert cli("seal", draft["draft"], "--out", "second.toml").code == 0
    own = identity.load("bob", Path("new-keys"))
    assert config.load("second.toml").pin("bob") == own.fingerprint


def test_a_coordinator_that_does_not_answer(cli, keys, tmp_path):
    identity.create("relay", tmp_path / "relay")
    made = cli(*NEW, "--invite", "bob", "--coordinator", "127.0.0.1:1=relay/relay.crt")
    assert made.code == 10
    assert "the coordinator does not answer: 127.0.0.1:1: Connection refused" in made.err
    assert "hint: is it running there?" in made.err


def test_an_expired_code_and_a_mistyped_one_are_told_apart(cli, meeting):
    code = invite(cli, meeting)["codes"]["bob"]
    last = "a" if code[-20] != "a" else "b"
    typo = join(cli, code[:-20] + last + code[-19:], "bob")
    assert (typo.code, "mistyped" in typo.err) == (2, True)
    found = codes.read(code)
    old = codes.Code(**{**vars(found), "expires": 1}).write()
    expired = join(cli, old, "bob")
    assert (expired.code, "expired" in expired.err) == (12, True)


def test_seal_names_who_has_not_joined(cli, meeting):
    draft = invite(cli, meeting)
    join(cli, draft["codes"]["bob"], "bob", "--yes")
    ended = cli("seal", draft["draft"])
    assert (ended.code, "carlos has not joined yet" in ended.err) == (41, True)


def test_without_a_terminal_a_manifest_is_not_accepted_unasked(cli, meeting):
    draft = invite(cli, meeting, "bob")
    join(cli, draft["codes"]["bob"], "bob", "--yes")
    assert cli("seal", draft["draft"]).code == 0
    ended = join(cli, draft["codes"]["bob"], "bob")
    assert (ended.code, "--yes" in ended.err) == (2, True)
    assert list(Path().glob("session-*")) == [Path(f"session-{draft['draft']}.toml")]


def test_the_manifest_of_another_signer_is_refused(cli, meeting, monkeypatch):
    """The organiser's home is stolen, but not its key: the thief signs with its own."""
    draft = invite(cli, meeting, "bob")
    join(cli, draft["codes"]["bob"], "bob", "--yes")
    mallory = identity.create("mallory", Path("mallory-keys"))
    from ostraka.invitations import letters

    write = letters.write_manifest
    monkeypatch.setattr(
        letters, "write_manifest", lambda code, _own, text: write(code, mallory, text)
    )
    assert cli("seal", draft["draft"], "--out", "a.toml").code == 0
    ended = join(cli, draft["codes"]["bob"], "bob", "--yes")
    assert (ended.code, "another key than the organiser" in ended.err) == (50, True)
    assert "data: nothing" in ended.err


def test_a_manifest_made_up_around_one_real_key_is_refused(cli, meeting, monkeypatch):
    """What collections.md describes: it holds a key under the victim's name that is not its own."""
    draft = invite(cli, meeting, "bob")
    join(cli, draft["codes"]["bob"], "bob", "--yes")
    from ostraka.invitations import meeting as meetings

    other = identity.create("bob", Path("other-keys"))
    send = meetings.send

    async def swapped(draft_, text, own, network):
        real = identity.load("bob", Path("bob-keys")).pin
        return await send(draft_, text.replace(real, other.pin), own, network)

    monkeypatch.setattr(meetings, "send", swapped)
    assert cli("seal", draft["draft"], "--out", "a.toml").code == 0
    ended = join(cli, draft["codes"]["bob"], "bob", "--yes")
    assert (ended.code, "does not hold your key" in ended.err) == (50, True)


def test_a_key_that_changed_is_not_accepted_by_invitation_either(cli, meeting, keys):
    draft = invite(cli, meeting, "bob")
    join(cli, draft["codes"]["bob"], "bob", "--yes")
    sealed = cli("seal", draft["draft"], "--out", "a.toml")
    assert sealed.code == 0
    book = home.known_keys()
    pin = identity.load("alice", Path("alice-keys")).pin
    book.learn(config.load("a.toml"), "bob")
    book.path.write_text(book.path.read_text().replace(pin, "sha256:" + "0" * 64))
    ended = join(cli, draft["codes"]["bob"], "bob", "--yes")
    assert (ended.code, "the key of alice CHANGED" in ended.err) == (13, True)


@pytest.mark.parametrize(
    "arguments",
    [
        ("--invite", "bob", "--coordinator", "127.0.0.1:1=coordinator.crt", "--as", ""),
        ("--invite", "bob"),
        ("--invite", "Bob", "--coordinator", "127.0.0.1:1=coordinator.crt"),
        ("--party", "bob.crt", "--party", "carlos.crt"),
    ],
)
def test_new_refuses_what_cannot_be_an_invitation(cli, session, arguments):
    assert cli(*NEW, *arguments).code == 2


def test_a_code_has_no_secret_in_its_repr(cli, meeting):
    draft = invite(cli, meeting, "bob")
    found = codes.read(draft["codes"]["bob"])
    assert found.secret.hex() not in repr(found)
    saved = home.drafts_directory() / f"{draft['draft']}.json"
    assert saved.stat().st_mode & 0o777 == 0o600
    assert json.loads(saved.read_text())["codes"]["bob"] == draft["codes"]["bob"]
