"""A party's page from the list of sessions to the receipt, with the other parties in this process.

Of ui/about.py, ui/desk.py and ui/settings.py, too.
"""

import asyncio
import re

import pytest
from ui_page import AsgiClient

from ostraka import config, party
from ostraka.ui.app import FILES, _content

pytestmark = pytest.mark.usefixtures("strict")


@pytest.fixture
def strict(monkeypatch):
    monkeypatch.delenv("OSTRAKA_TRUST_NEW")


async def others(path, keys, tmp_path, values):
    runs = (
        party.run(path, name, value, keys=keys, receipts=tmp_path, trust_new=True)
        for name, value in values.items()
    )
    return await asyncio.gather(*runs, return_exceptions=True)


async def test_a_session_from_the_rules_to_the_receipt(page, written, keys, tmp_path):
    path = written(outputs='statistics = ["sum", "mean"]')
    digest = config.load(path).digest.hex()
    async with page() as client:
        (line,) = (await client.ask("sessions"))["sessions"]
        assert (line["digest"], line["me"], line["state"]) == (digest, "alice", "")
        one = await client.ask(f"sessions/{digest}")
        explained = config.bind(path).explain()
        assert tuple(one["says"][: len(explained)]) == tuple(explained)
        assert one["trust"] == "new"
        assert one["keys"] == {"alice": "yours", "bob": "NEW", "carlos": "NEW"}
        assert len(one["words"].split()) == 6
        assert one["asked"] == "decimal(2) from 0 to 1000000 USD"
        given = await client.ask(f"sessions/{digest}/input", {"answer": "3800.50"})
        assert given == {"lines": ["3800.50 USD"]}
        refused = await client.ask(f"sessions/{digest}/run", {}, status=422)
        assert refused["exit"] == 13
        confirmed = await client.ask(f"sessions/{digest}/confirm", {})
        assert confirmed["trust"] == "known"
        assert confirmed["given"] == ["3800.50 USD"]
        begun = await client.ask(f"sessions/{digest}/run", {})
        assert begun["run"]["state"] == "running"
        twice = await client.ask(f"sessions/{digest}/run", {}, status=422)
        assert "going on already" in twice["error"]
        found = await others(path, keys, tmp_path, {"bob": "2514", "carlos": "2982"})
        run = await client.ended(digest)
        assert run["state"] == "done", run
        assert [o.value("sum") for o in found] == ["9296.5"] * 2
        assert run["result"]["outputs"][0]["value"] == "9296.5"
        names = [phase["name"] for phase in run["phases"]]
        assert names == ["gathering", "sharing", "computing", "opening", "done"]
        assert (run["present"], run["total"], run["away"]) == (3, 3, [])
        assert (await client.ask(f"sessions/{digest}"))["given"] is None
        await papers_are_there(client, run["result"])
    async with page() as client:  # another day
        (line,) = (await client.ask("sessions"))["sessions"]
        assert line["result"] == run["result"]["session"]
        assert (await client.ask(f"sessions/{digest}"))["result"] == line["result"]


async def papers_are_there(client, result):
    (head,) = (await client.ask("results"))["results"]
    assert head["status"] == "released"
    assert (await client.ask(f"results/{head['session']}/alice"))["result"] == result
    receipts = (await client.ask("receipts"))["receipts"]
    assert {r["complete"] for r in receipts} == {True}
    assert f"receipt-alice-{head['session'][:12]}.json" in [r["file"] for r in receipts]
    ledgers = (await client.ask("ledger"))["ledgers"]
    (own,) = [one for one in ledgers if one["party"] == "alice"]
    budget = next(b for b in own["budgets"] if "Wages" in b["series"])
    assert budget["spent"] == "inf"
    assert len(budget["exact"]) == budget["runs"]
    assert budget["steps"] == []


async def test_who_is_away_is_named_and_stopping_tells_that_nothing_left(page, written):
    said = []
    async with page(say=said.append) as client:
        digest = config.load(written()).digest.hex()
        await client.ask(f"sessions/{digest}/confirm", {})
        await client.ask(f"sessions/{digest}/input", {"answer": "1"})
        await client.ask(f"sessions/{digest}/run", {})
        async with asyncio.timeout(10):
            while (await client.ask(f"sessions/{digest}/run"))["run"]["away"] is None:
                await asyncio.sleep(0.01)
        run = (await client.ask(f"sessions/{digest}/run"))["run"]
        assert run["away"] == ["bob", "carlos"]
        stopped = (await client.ask(f"sessions/{digest}/stop", {}))["run"]
        assert (stopped["state"], stopped["error"]["error"]) == ("failed", "you stopped it")
        assert stopped["error"]["data"] == "nothing of yours has left this machine"
        assert stopped["error"]["ledger"] == "nothing is spent or held for this run"
    assert len(said) == 1


async def test_a_run_that_fails_says_what_the_command_line_says(page, written):
    async with page() as client:
        digest = config.load(written(deadline="1s")).digest.hex()
        await client.ask(f"sessions/{digest}/confirm", {})
        await client.ask(f"sessions/{digest}/input", {"answer": "1"})
        await client.ask(f"sessions/{digest}/run", {})
        run = await client.ended(digest)
        assert (run["error"]["exit"], run["error"]["code"]) in {
            (41, "timed-out"),
            (10, "unreachable"),
        }
        assert "bob" in run["error"]["error"]
        assert run["error"]["hint"]


async def test_closing_the_page_ends_its_sessions(page, written):
    said = []
    async with page(say=said.append) as client:
        digest = config.load(written()).digest.hex()
        await client.ask(f"sessions/{digest}/confirm", {})
        await client.ask(f"sessions/{digest}/input", {"answer": "1"})
        await client.ask(f"sessions/{digest}/run", {})
    assert said == ['"Wages" was stopped; data: nothing of yours has left this machine']


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ("38OO", "38OO"), ("", "blank"), ("-1", "0"), ("1.234", "2"), (None, "no text"),
        ("1\n2", ""), ('{"a": 1}', "object"),
    ],
)  # fmt: skip
async def test_a_bad_input_is_20_and_does_not_wait(page, written, answer, error):
    async with page() as client:
        digest = config.load(written()).digest.hex()
        refused = await client.ask(f"sessions/{digest}/input", {"answer": answer}, status=422)
        assert (refused["exit"], refused["data"]) == (20, "nothing of yours has left this machine")
        if error != "38OO":
            assert error in refused["error"]
        else:
            assert error not in str(refused), "the message never repeats an input"
        assert (await client.ask(f"sessions/{digest}"))["given"] is None
        await client.ask(f"sessions/{digest}/confirm", {})
        refused = await client.ask(f"sessions/{digest}/run", {}, status=422)
        assert (refused["exit"], refused["error"]) == (20, "your input is needed first")


async def test_what_was_shown_is_what_is_run(page, written):
    """A manifest that changes on disk has another digest: the page's buttons are of no use then."""
    async with page() as client:
        path = written()
        digest = config.load(path).digest.hex()
        await client.ask(f"sessions/{digest}/confirm", {})
        await client.ask(f"sessions/{digest}/input", {"answer": "1"})
        path.write_text(path.read_text().replace("max = 1000000", "max = 2000000"))
        refused = await client.ask(f"sessions/{digest}/run", {}, status=422)
        assert "its file was changed or removed" in refused["error"]


async def test_a_party_without_an_input_just_takes_part(page, written, keys, tmp_path):
    roles = {"alice": '"recipient"'} | dict.fromkeys(("bob", "carlos"), '"contributor", "compute"')
    path = written(roles=roles)
    digest = config.load(path).digest.hex()
    async with page() as client:
        await client.ask(f"sessions/{digest}/confirm", {})
        one = await client.ask(f"sessions/{digest}")
        assert (one["form"], one["asked"]) == (None, "")
        refused = await client.ask(f"sessions/{digest}/input", {"answer": "1"}, status=422)
        assert "is asked for no input" in refused["error"]
        await client.ask(f"sessions/{digest}/run", {})
        await others(path, keys, tmp_path, {"bob": "2", "carlos": "3"})
        run = await client.ended(digest)
        assert run["result"]["outputs"][0]["value"] == "5"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"a": 1, "a": 2}', b"[" * 9000])
async def test_what_is_no_json_object_is_refused(page, written, body):
    async with page() as client:
        digest = config.load(written()).digest.hex()
        for path in (f"sessions/{digest}/input", "join"):
            refused = await client.ask(path, body, "POST", 422)
            assert refused["exit"] == 2


async def test_a_body_without_end_is_not_read(page, written):
    async with page() as client:
        digest = config.load(written()).digest.hex()
        refused = await client.ask(f"sessions/{digest}/input", b" " * (2 << 20), "POST", 422)
        assert "longer than" in refused["error"]


async def test_an_unknown_address_and_verb(page):
    async with page() as client:
        assert (await client.send("GET", "/api/nothing"))[0] == 404
        assert (await client.send("PUT", "/api/join"))[0] == 405
        assert (await client.ask("sessions/00", status=422))["exit"] == 2


def test_its_files_load_nothing_and_leave_no_hole():
    content = {path: _content(room, name) for path, (room, name, _) in FILES.items()}
    assert sum(map(len, content.values())) < 100_000
    text = "".join(content.values())
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|@import|url\(|\bon\w+=\"", text)
    assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(", text)
    own = set(re.findall(r'(?:src|href)="(/[^"#]*)"', content["/"]))
    assert own == set(FILES) - {"/"}


async def test_a_file_of_the_page_needs_no_token(page):
    async with page() as client:
        for path, (_, _, kind) in FILES.items():
            status, head, _ = await client.send("GET", path, headers={"authorization": None})
            assert (status, head["content-type"].partition(";")[0]) == (200, kind)


async def test_a_bug_tells_its_kind_and_no_input(page, monkeypatch):
    from ostraka.ui.desk import SessionDesk

    async def broken(self):
        raise ValueError("secret 3800")

    monkeypatch.setattr(SessionDesk, "sessions", broken)
    async with page() as client:
        assert isinstance(client, AsgiClient)
        told = await client.ask("sessions", status=500)
    assert told["exit"] == 70
    assert "ValueError" in told["hint"]
    assert "3800" not in str(told)
