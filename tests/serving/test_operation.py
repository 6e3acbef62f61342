"""A party that stays: what it begins, tries again, waits for, and never does twice."""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "mailbox"))
from scene import Collecting

from ostraka.collecting import NotDue
from ostraka.errors import Aborted, InputError, RefusedByPolicy, UsageError
from ostraka.manifest import parse
from ostraka.outcome import Outcome
from ostraka.serving import operation
from ostraka.serving.book import APPROVED, DONE, FAILED, REFUSED, WAITING, SessionBook
from ostraka.serving.objections import objections
from ostraka.serving.operation import PartyService, own_input
from ostraka.serving.settings import PartySettings


class Runs:
    """Stands for `party.run`: ends as it is told, each time a session is taken part in."""

    def __init__(self, *endings):
        self.endings, self.seen = list(endings), []

    async def __call__(self, manifest, its):
        self.seen.append(manifest.digest.hex())
        ending = self.endings.pop(0) if self.endings else None
        if isinstance(ending, asyncio.Event):
            await ending.wait()
        elif ending is not None:
            raise ending
        digest = manifest.digest.hex()
        return Outcome((), (), session="5" * 64, protocol="secure-sum", manifest_sha256=digest)


@pytest.fixture
def its(tmp_path):
    return Collecting(tmp_path / "keys")


@pytest.fixture
def serving(tmp_path, its, monkeypatch):
    """Makes a service in tmp_path, and the book that it keeps."""
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(operation, "FIRST_PAUSE", 0.01)
    (tmp_path / "sessions").mkdir()
    (tmp_path / "book").mkdir()
    (tmp_path / "sessions" / "poll.toml").write_bytes(its.toml)

    def make(run, reload=None, **settings):
        usual = {"keys": tmp_path / "keys", "sessions": tmp_path / "sessions", "look": 0.01}
        usual |= {"approve": "auto", "receipts": tmp_path, "log": "json", "drain": 5.0}
        found = PartySettings("c1", **(usual | settings))
        service = PartyService(found, reload, directory=tmp_path / "book", run=run)
        return service, SessionBook(tmp_path / "book", "c1")

    return make


async def until(condition):
    async with asyncio.timeout(20):
        while not condition():
            await asyncio.sleep(0.01)


async def looked_again(service):
    """Return once the service has looked at all there is, and had its time to act on it."""
    seen = service.looks
    await until(lambda: service.looks >= seen + 3)


class Running:
    def __init__(self, service):
        self.service = service

    async def __aenter__(self):
        self.task = asyncio.create_task(self.service.run(lambda _: None))
        return self.task

    async def __aexit__(self, *_):
        self.task.cancel()
        await asyncio.gather(self.task, return_exceptions=True)


def state(book, its):
    entry = book.find(its.id.hex())
    return entry and entry.state


async def test_a_session_is_run_once_and_its_result_is_kept(serving, its, tmp_path):
    runs = Runs()
    service, book = serving(runs)
    async with Running(service):
        await until(lambda: state(book, its) == DONE)
        await looked_again(service)
    service, book = serving(runs)
    async with Running(service):
        await looked_again(service)
    assert runs.seen == [its.id.hex()]
    (kept,) = (tmp_path / "home" / "results").glob("*.json")
    assert json.loads(kept.read_text())["title"] == "Poll"


async def test_what_passes_is_tried_again_and_a_collection_is_waited_for(serving, its):
    runs = Runs(NotDue("open"), Aborted("c2 left"), NotDue("open"))
    service, book = serving(runs)
    async with Running(service):
        await until(lambda: state(book, its) == DONE)
    assert len(runs.seen) == 4
    assert service.ended == {"aborted": 1, "done": 1}
    values = {metric.name: metric.values for metric in service.metrics()}
    assert values["ostraka_party_sessions"] == {DONE: 1}


async def test_what_is_refused_is_not_tried_again_until_it_is_approved(serving, its):
    runs = Runs(RefusedByPolicy("no"), ZeroDivisionError())
    service, book = serving(runs)
    async with Running(service):
        await until(lambda: state(book, its) == FAILED)
        await looked_again(service)
        assert len(runs.seen) == 1
        book.approve(its.id.hex()[:8])
        await until(lambda: service.ended["internal"] == 1)
        await until(lambda: state(book, its) == FAILED)
        book.approve(its.id.hex()[:8])
        await until(lambda: state(book, its) == DONE)


async def test_a_session_waits_for_approval(serving, its):
    runs = Runs()
    service, book = serving(runs, approve="ask")
    async with Running(service):
        await until(lambda: state(book, its) == WAITING)
        await looked_again(service)
        assert not runs.seen
        book.approve(its.id.hex())
        await until(lambda: state(book, its) == DONE)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"protocols": ("tally",)}, "its protocol is secure-sum"),
        ({"organisers": ("sha256:" + "0" * 64,)}, "its organiser is not known"),
        ({"min_contributors": 4}, "min_contributors is 3, not 4 or more"),
        ({"threshold": 2}, "threshold is 1, not 2 or more"),
    ],
)
async def test_floors(serving, its, settings, words):
    runs = Runs()
    service, book = serving(runs, **settings)
    async with Running(service):
        await until(lambda: state(book, its) == REFUSED)
    assert words in book.find(its.id.hex()).why
    assert not runs.seen
    with pytest.raises(UsageError):
        book.approve(its.id.hex())
    service, book = serving(runs)
    async with Running(service):
        await until(lambda: state(book, its) == DONE), "settings that allow it later do"


async def test_reload(serving, its):
    runs = Runs()
    allowing, _ = serving(runs)
    service, book = serving(runs, lambda: allowing.settings, threshold=2)
    async with Running(service):
        await until(lambda: state(book, its) == REFUSED)
        os.kill(os.getpid(), signal.SIGHUP)
        await until(lambda: state(book, its) == DONE)


async def test_a_file_that_is_no_manifest_is_told_of_once(serving, its, tmp_path, capsys):
    (tmp_path / "sessions" / "a.toml").write_text("x = 1")
    service, book = serving(Runs())
    async with Running(service):
        await until(lambda: state(book, its) == DONE)
        await looked_again(service)
    lines = [json.loads(line)["event"] for line in capsys.readouterr().err.splitlines()]
    assert len([line for line in lines if line.startswith("not a manifest")]) == 1


async def test_a_missing_directory_is_told_of(serving, its, tmp_path, capsys):
    service, _ = serving(Runs(), sessions=tmp_path / "gone")
    async with Running(service):
        await looked_again(service)
    assert capsys.readouterr().err.count("there is no directory") == 1


async def test_it_drains(serving, its):
    """A session that runs ends; one that waits for its time is left for the next start."""
    going = asyncio.Event()
    runs = Runs(going)
    service, book = serving(runs)
    async with Running(service) as task:
        await until(lambda: runs.seen)
        service.stop()
        await asyncio.sleep(0.05)
        assert not task.done()
        going.set()
        await asyncio.wait_for(task, 10)
    assert state(book, its) == DONE


async def test_it_does_not_wait_for_collections_that_are_open(serving, its, monkeypatch):
    monkeypatch.setattr(operation, "EARLY_LOOKS", 1e6)
    error = NotDue("open")
    error.until = 1e12
    runs = Runs(error)
    service, book = serving(runs)
    async with Running(service) as task:
        await until(lambda: runs.seen)
        service.stop()
        await asyncio.wait_for(task, 10)
    assert state(book, its) == APPROVED


ROLES = {
    "alice": '["contributor", "compute"]',
    "bob": '["compute", "recipient"]',
    "carlos": '["compute", "recipient"]',
    "david": '["contributor"]',
}


def live(series):
    """A session with contributors, of a series."""
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = {roles}\n'
        for i, (name, roles) in enumerate(ROLES.items())
    )
    return parse(
        f'[session]\ntitle = "Wages"\nseries = "{series}"\nprotocol = "secure-sum"\n'
        'deadline = "5m"\ncoordinator = { address = "127.0.0.1:9440", key = "sha256:'
        f'{9:064x}" }}\n{parties}[input]\ntype = "int"\nmin = 0\nmax = 10\n'
        '[sharing]\nscheme = "shamir"\nthreshold = 1\n'
    )


def test_an_input_is_read_from_the_file_of_its_series(tmp_path):
    file = tmp_path / "wages.txt"
    its = PartySettings("alice", tmp_path, inputs={"wages": file})
    made = live("wages")
    assert not list(objections(made, its))
    file.write_text("7\n")
    assert own_input(made, its) == "7"
    file.unlink()
    with pytest.raises(InputError, match=r"wages\.txt"):
        own_input(made, its)
    other = live("other")
    assert "name the file of its series" in "".join(objections(other, its))
    outside = PartySettings("bob", tmp_path, inputs={"wages": file})
    assert own_input(made, outside) is None
