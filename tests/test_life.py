"""Lives of a run: what a second process takes over from the first."""

import pytest

from ostraka.config import bind
from ostraka.errors import Aborted, InputError, TimedOut
from ostraka.life import Life
from ostraka.progress import Observer, Progress
from ostraka.record.journal_entries import Sealed
from ostraka.record.journal_store import RecordStore


class Told(Observer):
    def __init__(self):
        self.warned, self.resumed = [], []

    def warn(self, text):
        self.warned.append(text)

    def resuming(self, session, seconds):
        self.resumed.append((session, seconds >= 0))


@pytest.fixture
def protocol(office):
    text = office.manifest().model_copy()
    return bind(text)


@pytest.fixture
def store(keys, tmp_path):
    from ostraka import identity

    return RecordStore(tmp_path / "sessions", identity.load("alice", keys), 3600.0)


async def begun(protocol, store, raw=5):
    return await Life.begin(protocol, "alice", raw, store, Progress())


async def again(protocol, store, raw=None):
    progress = Progress(Told())
    record = store.unfinished(protocol.manifest.digest, progress.observer.warn)
    life = await Life.resume(protocol, "alice", raw, record, progress)
    return life, progress


def crash(life):
    life.record.close()


async def test_what_is_drawn_is_drawn_again_and_each_purpose_by_itself(protocol, store):
    first = await begun(protocol, store)
    uses = ("input", "run", "session", "dealt noise")
    drawn = [first.draw(use).seed() for use in uses]
    assert len(set(drawn)) == len(uses)
    x = first.take_input()
    crash(first)
    second, progress = await again(protocol, store)
    assert [second.draw(use).seed() for use in uses] == drawn
    assert second.take_input().tolist() == x.tolist()
    assert progress.observer.resumed == [("", True)]
    second.record.erase()


async def test_nothing_is_recorded_of_a_run_that_is_not_durable(protocol):
    life = await begun(protocol, None)
    with life:
        life.reserve("1")
        await life.finish()
    assert life.record is None
    assert life.reservation == ""


async def test_an_input_that_is_refused_leaves_no_record(protocol, store):
    with pytest.raises(InputError):
        await begun(protocol, store, raw="five")
    assert not store.directory.exists()


@pytest.mark.parametrize("raw", [None, 5])
async def test_the_input_on_record_is_used(protocol, store, raw):
    crash(await begun(protocol, store))
    life, progress = await again(protocol, store, raw)
    assert life.take_input().tolist() == [5]
    assert not progress.observer.warned
    life.record.erase()


async def test_before_a_session_another_input_begins_anew(protocol, store):
    """Nothing of the first has left: a person may correct it."""
    crash(await begun(protocol, store))
    life, progress = await again(protocol, store, 6)
    assert life is None
    assert progress.observer.resumed == progress.observer.warned == []
    assert not list(store.directory.iterdir())


@pytest.mark.parametrize("raw", [6, "six"])
async def test_in_a_session_another_input_is_told_and_not_used(protocol, store, raw):
    life = await begun(protocol, store)
    life.record.seal(Sealed(b"\x3f" * 32))
    crash(life)
    life, progress = await again(protocol, store, raw)
    assert life.take_input().tolist() == [5]
    assert "input" in progress.observer.warned[0]
    assert progress.observer.resumed == [("3f" * 32, True)]
    assert progress.data_left  # it may have
    assert not progress.gathering
    life.record.erase()


async def test_the_reservation_is_the_first_ones(protocol, store):
    life = await begun(protocol, store)
    life.reserve("0123")
    crash(life)
    life, _ = await again(protocol, store)
    assert life.reservation == "0123"
    life.record.erase()


@pytest.mark.parametrize(
    ("error", "sealed", "kept"),
    [
        (None, True, False),
        (Aborted("gone"), True, False),
        (KeyboardInterrupt(), True, False),
        (TimedOut("away"), True, True),
        (TimedOut("nobody came"), False, False),
    ],
)
async def test_a_record_is_kept_only_where_all_may_resume(protocol, store, error, sealed, kept):
    life = await begun(protocol, store)
    if sealed:
        life.record.seal(Sealed(b"i" * 32))
    life.__exit__(type(error), error, None)
    assert bool(list(store.directory.iterdir())) == kept
    if kept:
        life, _ = await again(protocol, store)
        life.record.erase()


async def test_a_disk_that_fills_up_is_told(protocol, store, monkeypatch):
    from ostraka.record import journal

    progress = Progress(Told())
    life = await Life.begin(protocol, "alice", 5, store, progress)

    def no_room(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(journal.os, "pwritev", no_room)
    await life.finish()
    (text,) = progress.observer.warned
    assert "would not survive a crash: No space left" in text


@pytest.mark.parametrize(("security", "sealed"), [("passive", True), ("active", False)])
async def test_after_a_loss_of_power_it_goes_on(office, store, monkeypatch, security, sealed):
    life, protocol = await _after_power(office, store, monkeypatch, security, sealed)
    assert life.take_input().tolist() == [5]
    life.require_whole(protocol)
    life.record.erase()


async def test_where_parties_may_lie_a_loss_of_power_ends_the_session(office, store, monkeypatch):
    """A liar could tell this party something else the second time."""
    life, protocol = await _after_power(office, store, monkeypatch, "active", True)
    with pytest.raises(Aborted, match="started again during the session"), life:
        life.require_whole(protocol)
    assert not list(store.directory.iterdir())


async def _after_power(office, store, monkeypatch, security, sealed):
    from ostraka.record import journal_store

    sharing = f'scheme = "shamir"\nthreshold = 1\nsecurity = "{security}"'
    protocol = bind(office.manifest(sharing=sharing))
    life = await begun(protocol, store)
    if sealed:
        life.record.seal(Sealed(b"i" * 32))
    crash(life)
    monkeypatch.setattr(journal_store, "boot", lambda: "another start")
    life, _ = await again(protocol, store)
    return life, protocol
