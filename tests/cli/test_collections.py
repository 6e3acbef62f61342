"""Commands of a collection: draft, invitations, seal, contribute, revoke, close, status.

Of invitations/collecting.py, cli/contribute.py, cli/mailboxes.py and cli/new_collection.py, with a
mailbox in memory, and once over HTTP; tests/integration has compute parties, too.
"""

import asyncio
import json
from pathlib import Path

import pytest
from beside import MailboxThread
from memory_mailbox import MemoryMailbox

from ostraka import config, home, identity
from ostraka.cli import mailboxes
from ostraka.cli.collections import _status_lines
from ostraka.collection import orders, signed
from ostraka.collection.codes import read_code
from ostraka.collection.merkle import Tree
from ostraka.collection.report import OPEN
from ostraka.collection.sealing import SealingKey
from ostraka.mailbox.client import MailboxClient

URL = "https://mailbox.example"


@pytest.fixture
def box(tmp_path, monkeypatch):
    """A mailbox in memory, in place of the one over HTTP."""
    made = MemoryMailbox(identity.create("mailbox", tmp_path))
    monkeypatch.setattr(mailboxes, "at_mailbox", lambda _url, _id, work: asyncio.run(work(made)))
    return made


@pytest.fixture
def parties(tmp_path):
    return [identity.create(name, tmp_path / "keys") for name in ("c1", "c2", "c3")]


def new(
    cli,
    *more,
    protocol="secure-sum",
    source="invited",
    input_=("--min", "0", "--max", "9"),
    mailbox=URL,
):
    options = [word for i in (1, 2, 3) for word in
               ("--party", f"c{i}=keys/c{i}.crt@127.0.0.1:900{i}")]  # fmt: skip
    return cli(
        "new", protocol, *options, *input_, "--scheme", "shamir", "--collection", source,
        "--as", "olga", "--keys", "olga", "--closes", "7d", "--mailbox", mailbox,
        "--min-contributors", "2", "--output", "json", *more,
    )  # fmt: skip


def sealed(cli, box, parties, *more, count=3, **given):
    """Draft, invite and seal; the compute parties accept."""
    made = new(cli, *more, **given)
    assert made.code == 0, made.err
    if given.get("source") != "open":
        added = cli("invite", made.json["draft"], "--count", str(count), "--output", "json")
        assert added.json == {"draft": made.json["draft"], "invitations": count, "codes": []}
    ended = cli("seal", made.json["draft"], "--out", "poll.toml", "--output", "json")
    assert ended.code == 0, ended.err
    for own in parties:
        box.statements[own.name] = SealingKey.new().public.write(box.manifest, own)
    return made.json["draft"]


def codes(cli, *more):
    found = cli("invite", "poll.toml", "--output", "json", *more)
    assert found.code == 0, found.err
    return found.json["codes"]


def contribute(cli, code, value):
    Path("mine.txt").write_text(value)
    return cli("contribute", code, "--input", "mine.txt", "--output", "json")


def test_from_a_draft_to_a_report(cli, box, parties):
    sealed(cli, box, parties)
    manifest = config.load("poll.toml")
    assert (manifest.collection.size, len(manifest.contributors)) == (3, 3)
    assert box.manifest == manifest.digest
    assert manifest.party[0].roles == ("compute", "recipient")
    given = codes(cli, "--count", "2")
    assert [set(each) for each in given] == [{"code", "link"}] * 2
    assert [read_code(each["link"]).credential for each in given] == [0, 1]
    sent = contribute(cli, given[0]["code"], "7")
    assert sent.code == 0, sent.err
    receipt = json.loads(Path(sent.json["receipt"]).read_text())
    assert receipt["report"] == sent.json["report"]
    assert bytes.fromhex(sent.json["report"]) in box.reports
    for said in ("until", "c1, sha256:", "organiser", "nothing is"):
        assert said in sent.err
    replaced = contribute(cli, given[0]["link"], "8")
    assert replaced.json["receipt"] == sent.json["receipt"]
    assert [report.head.counter for report in box.reports.values()] == [1, 2]


def test_the_same_over_http(cli, parties, tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "*")
    with MailboxThread(tmp_path) as box:
        made = new(cli, "--early-close", mailbox=box.url)
        cli("invite", made.json["draft"], "--count", "2")
        assert cli("seal", made.json["draft"], "--out", "poll.toml").code == 0
        given, _ = codes(cli)
        waiting = contribute(cli, given["code"], "7")
        assert (waiting.code, "c1, c2, c3 have not accepted" in waiting.err) == (75, True)
        accept(box.url, parties)
        sent = contribute(cli, given["link"], "7")
        assert sent.code == 0, sent.err
        assert contribute(cli, given["code"], "7").json == sent.json
        assert cli("status", "poll.toml", "--output", "json").json["reports"] == 1
        own = cli("status", sent.json["receipt"], "--output", "json").json
        assert (own["state"], own["counted"]) == ("open", [])
        assert cli("close", "poll.toml").code == 0
        late = contribute(cli, given["code"], "8")
        assert (late.code, "closed" in late.err) == (12, True)
        assert contribute(cli, given["code"], "7").json == sent.json
    monkeypatch.setattr(mailboxes, "PATIENCE_SECONDS", 0.0)
    gone = contribute(cli, given["code"], "7")
    assert gone.code == 10
    assert "nothing of yours has left this machine" in gone.err


def accept(url, parties):
    manifest = config.load("poll.toml").digest

    async def put(own):
        client = MailboxClient(url, manifest)
        await client.put_statement(own.name, SealingKey.new().public.write(manifest, own))
        client.close()

    for own in parties:
        asyncio.run(put(own))


def test_codes_are_given_once_and_printed_again_on_demand(cli, box, parties):
    sealed(cli, box, parties)
    Path("names.txt").write_text("ann\n\nbob\n")
    first = codes(cli, "--names", "names.txt")
    assert [each["name"] for each in first] == ["ann", "bob"]
    assert codes(cli, "--again") == first
    (last,) = codes(cli)
    assert read_code(last["code"]).credential == 2
    none = cli("invite", "poll.toml", "--count", "1")
    assert (none.code, "0 invitations" in none.err) == (2, True)


def test_names_and_weights_of_a_draft_are_in_its_roster(cli, box, parties):
    ballots = ("--type", 'choice(["yes", "no"])')
    made = new(cli, protocol="threshold-vote", input_=ballots)
    assert made.code == 0, made.err
    draft = made.json["draft"]
    Path("names.txt").write_text("ann\nbob\ncarla\n")
    Path("weights.txt").write_text("1\n3\n2\n")
    files = ("--names", "names.txt", "--weights", "weights.txt")
    assert cli("invite", draft, *files).code == 0
    assert cli("seal", draft, "--out", "poll.toml").code == 0
    manifest = config.load("poll.toml")
    assert manifest.outputs["weights"] == {"#2": 3, "#3": 2}
    assert [int.from_bytes(box.roster[i + 32 : i + 36], "little") for i in (0, 36, 72)] == [1, 3, 2]
    assert [each["name"] for each in codes(cli)] == ["ann", "bob", "carla"]


def test_weights_are_refused_where_the_protocol_takes_none(cli, box, parties):
    draft = new(cli).json["draft"]
    Path("weights.txt").write_text("1\n3\n")
    refused = cli("invite", draft, "--count", "2", "--weights", "weights.txt")
    assert (refused.code, "weights" in refused.err) == (2, True)
    Path("weights.txt").write_text("1\n-3\n")
    assert cli("invite", draft, "--count", "2", "--weights", "weights.txt").code == 2


def test_a_sealed_roster_stays(cli, box, parties):
    draft = sealed(cli, box, parties)
    refused = cli("invite", draft, "--count", "1")
    assert (refused.code, "is sealed" in refused.err) == (2, True)
    again = cli("seal", draft, "--out", "poll.toml", "--output", "json")
    assert again.code == 0, again.err


def test_a_collection_without_invitations(cli, box, parties):
    noise = ("--local", "laplace=1", "--max-reports", "50")
    sealed(cli, box, parties, *noise, source="open")
    (given,) = codes(cli)
    assert read_code(given["code"]).credential == OPEN
    sent = contribute(cli, given["link"], "7")
    assert sent.code == 0, sent.err
    assert contribute(cli, given["link"], "6").code == 31


def test_an_invalid_input_sends_nothing(cli, box, parties):
    sealed(cli, box, parties)
    (given,) = codes(cli, "--count", "1")
    refused = contribute(cli, given["code"], "10")
    assert refused.code == 20
    assert "nothing of yours has left this machine" in refused.err
    assert not box.reports


def test_a_manifest_that_was_swapped_is_30(cli, box, parties):
    sealed(cli, box, parties)
    (given,) = codes(cli, "--count", "1")
    box.toml = box.toml.replace(b"max = 9", b"max = 8")
    refused = contribute(cli, given["code"], "7")
    assert refused.code == 30
    assert "nothing of yours has left" in refused.err


def test_a_code_that_was_taken_back_is_12(cli, box, parties):
    sealed(cli, box, parties)
    Path("names.txt").write_text("ann\nbob\ncarla\n")
    one, two, three = codes(cli, "--names", "names.txt")
    taken = cli("invite", "poll.toml", "--revoke", "ann", "--output", "json")
    assert taken.json == {"revoked": ["#1"]}
    assert contribute(cli, one["code"], "7").code == 12
    assert contribute(cli, two["code"], "7").code == 0
    more = cli(
        "invite", "poll.toml", "--revoke", "#2", "--revoke", three["code"], "--output", "json"
    )
    assert more.json == {"revoked": ["#1", "#2", "#3"]}
    assert cli("invite", "poll.toml", "--revoke", "dora").code == 2


def test_close_where_the_manifest_allows_it(cli, box, parties):
    sealed(cli, box, parties)
    refused = cli("close", "poll.toml")
    assert (refused.code, "before its time" in refused.err) == (31, True)
    Path("poll.toml").unlink()
    sealed(cli, box, parties, "--early-close")
    (given,) = codes(cli, "--count", "1")
    wrong = cli("close", "poll.toml", "--as", "c1", "--keys", "keys")
    assert wrong.code == 11
    ended = cli("close", "poll.toml")
    assert ended.code == 0, ended.err
    assert orders.read_close(box.orders["close"], box.shape) > 1_700_000_000
    refused = contribute(cli, given["code"], "7")
    assert (refused.code, "closed" in refused.err) == (12, True)


def test_status(cli, box, parties):
    sealed(cli, box, parties)
    (given,) = codes(cli, "--count", "1")
    sent = contribute(cli, given["code"], "7")
    found = cli("status", "poll.toml", "--output", "json").json
    assert (found["reports"], found["state"]) == (1, "open")
    assert found["closes"] == f"{config.load('poll.toml').collection.closes:%FT%TZ}"
    assert "not_accepted" not in found
    del box.statements["c2"]
    assert cli("status", "poll.toml", "--output", "json").json["not_accepted"] == ["c2"]
    assert "waits    for c2 to accept it" in cli("status", "poll.toml").out
    own = cli("status", sent.json["receipt"], "--output", "json")
    assert own.json == {**found, "counted": []}
    assert "counted  by no compute party yet" in cli("status", sent.json["receipt"]).out


def test_a_mailbox_alone_cannot_say_that_a_report_was_counted(cli, box, parties, monkeypatch):
    sealed(cli, box, parties)
    (given,) = codes(cli, "--count", "1")
    sent = contribute(cli, given["code"], "7").json
    tree = Tree.of([(1, bytes.fromhex(sent["report"]))])
    receipts, proofs = {}, {own.name: tree.proof(1) for own in parties}

    async def inclusion(_digest):
        return proofs

    async def published():
        return receipts

    monkeypatch.setattr(box, "inclusion", inclusion)
    monkeypatch.setattr(box, "receipts", published)
    ask = ("status", sent["receipt"], "--output", "json")
    assert cli(*ask).json["counted"] == []
    for own, root in zip(parties, (tree.root, tree.root, bytes(32)), strict=True):
        body = json.dumps({"summary": {"root": root.hex()}}).encode()
        receipts[own.name] = signed.write_statement(signed.RECEIPT, box.manifest, body, own)
    assert cli(*ask).json["counted"] == ["c1", "c2"]
    receipts["c1"] = receipts["c2"]
    assert cli(*ask).code == 11


def test_a_status_is_written_for_people():
    result = {"outputs": [{"name": "tally", "value": {"soup": 2}, "unit": "votes"}]}
    shown = {"reports": 3, "closes": "soon", "state": "done", "counted": ["c1", "c2"]}
    assert _status_lines({**shown, "result": {**result, "contributors": 2}})[3:] == [
        "counted  by c1, c2", "result   tally  soup: 2 votes", "         from 2 contributors",
    ]  # fmt: skip
    withheld = {"outputs": [], "why": "1 of 1 cells is withheld", "contributors": 2}
    assert "         1 of 1 cells is withheld" in _status_lines({**shown, "result": withheld})


def test_no_person_is_invited_twice_by_name(cli, box, parties):
    draft = new(cli).json["draft"]
    Path("names.txt").write_text("ann\nbob\n")
    assert cli("invite", draft, "--names", "names.txt").code == 0
    again = cli("invite", draft, "--names", "names.txt")
    assert (again.code, "ann and 1 more would have two invitations" in again.err) == (2, True)
    assert cli("invite", draft, "--count", "2", "--output", "json").json["invitations"] == 4


@pytest.mark.parametrize("text", ["7", "soon", "2030-01-01T00:00:00"])
def test_what_is_no_time_to_close(cli, box, parties, text):
    made = new(cli, "--closes", text)
    assert (made.code, "--closes" in made.err) == (2, True)


def test_options_of_a_collection_need_one(cli):
    refused = cli("new", "secure-sum", "--closes", "7d")
    assert (refused.code, "--collection" in refused.err) == (2, True)
    refused = cli("new", "secure-sum", "--collection", "invited")
    assert (refused.code, "organiser" in refused.err) == (2, True)


def test_a_manifest_that_is_not_of_this_machine(cli, box, parties):
    draft = sealed(cli, box, parties)
    (home.drafts_directory() / f"{draft}.json").unlink()
    refused = cli("invite", "poll.toml")
    assert (refused.code, "not on this machine" in refused.err) == (2, True)
