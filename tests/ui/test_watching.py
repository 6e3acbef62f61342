"""A run as the page sees it, and errors in the words of the command line."""

import errno

import pytest

from ostraka.errors import InputError, PeerLost, Unreachable
from ostraka.outcome import Outcome
from ostraka.progress import Phase, Progress
from ostraka.ui.watching import PageRun, failure, shortened


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_phases_have_the_time_at_which_they_began(clock):
    run = PageRun("alice", "Wages", clock)
    progress = Progress(run)
    for step, phase in enumerate(Phase):
        clock.now = 100.0 + step
        progress.enter(phase)
        run.gathering(2, 3) if phase is Phase.GATHERING else None
    run.away(("bob",))
    run.moved(5, 10)
    clock.now = 110.0
    run.done()
    clock.now = 200.0
    found = run.as_json()
    assert [each["after"] for each in found["phases"]] == [0, 1, 2, 3, 4]
    assert (found["state"], found["seconds"]) == ("done", 10)
    assert (found["present"], found["total"], found["away"], found["moved"]) == (
        2,
        3,
        ["bob"],
        [5, 10],
    )


def test_warnings_are_kept_once_and_not_without_end(clock):
    run = PageRun("alice", "Wages", clock)
    for i in (1, 1, *range(1000)):
        run.warn(f"warning {i}")
    found = run.as_json()["warnings"]
    assert (found[:2], len(found)) == (["warning 1", "warning 0"], 100)


def test_whom_a_session_waits_for_is_said_once_and_only_while_it_gathers(clock):
    run = PageRun("alice", "Wages", clock)
    for text in ("waiting for bob, 9 s left", "bob is away", "waiting for carlos, 4 s left"):
        run.warn(text)
    assert run.as_json()["warnings"] == ["bob is away", "waiting for carlos, 4 s left"]
    run.phase(Phase.SHARING)
    assert run.as_json()["warnings"] == ["bob is away"]


def test_a_result_that_cannot_be_kept_is_shown_with_a_warning(clock, home, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("ostraka.record.results.keep", full)
    run = PageRun("alice", "Wages", clock)
    run.result(Outcome(session="ab" * 32))
    assert run.as_json()["result"]["status"] == "no-output"
    assert "No space left" in run.as_json()["warnings"][0]


def test_an_error_says_whether_data_has_left():
    progress = Progress()
    error = PeerLost("bob is gone", hint="ask bob", peer="bob")
    found = failure(error, progress)
    assert found == {
        "error": "bob is gone", "hint": "ask bob", "code": "peer-lost", "exit": 40,
        "data": "nothing of yours has left this machine", "ledger": "",
    }  # fmt: skip
    progress.input_leaves()
    assert failure(error, progress)["data"].endswith("alone they reveal nothing")
    progress.phase, progress.settled, progress.reservation = Phase.OPENING, "held", "12345678abc"
    found = failure(error, progress)
    assert found["data"].endswith("others may have the result already")
    assert "run 12345678 is held" in found["ledger"]
    assert failure(InputError("no", data_left=False))["exit"] == 20
    assert failure(Unreachable("no"))["data"] == ""


def test_an_error_of_the_system_and_a_bug():
    gone = FileNotFoundError(errno.ENOENT, "No such file or directory", "x.csv")
    assert failure(gone)["error"] == "cannot use x.csv: No such file or directory"
    found = failure(KeyError("secret"))
    assert found["exit"] == 70
    assert "secret" not in str(found)


def test_a_long_vector_is_shown_in_part():
    long = {"name": "sum", "value": list(range(5000)), "error95": [1] * 5000, "unit": "EUR"}
    short = {"name": "mean", "value": "2.5"}
    cut, kept = shortened({"status": "noised", "outputs": [long, short]})["outputs"]
    assert (cut["value"][-1], len(cut["value"]), len(cut["error95"])) == (1999, 2000, 2000)
    assert (cut["of"], cut["unit"], kept) == (5000, "EUR", short)
    assert shortened({"status": "no-output"}) == {"status": "no-output"}
