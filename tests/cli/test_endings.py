"""Signals that end a command: its code, who is told, and what is settled before."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress

import pytest
from busy_machine import within

from ostraka.cli import voice
from ostraka.cli.endings import SIGNALS, Endings, Signalled

CODES = [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]


@pytest.fixture
def endings(monkeypatch):
    """Handlers of this process, for the time of the test."""
    monkeypatch.setattr(voice, "speaker", type(voice.speaker)())
    before = {number: signal.getsignal(number) for number in SIGNALS}
    for number in SIGNALS:
        signal.signal(number, signal.default_int_handler)
    found = Endings()
    found.watch()
    yield found
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_ends_what_runs_and_is_told_by_the_code(endings, capsys, number, code):
    with pytest.raises(Signalled):
        os.kill(os.getpid(), number)
        time.sleep(5)
    assert voice.guarded(lambda: (_ for _ in ()).throw(Signalled())) == code
    assert "bug" not in capsys.readouterr().err


@pytest.mark.parametrize(("number", "code"), CODES)
def test_a_signal_cancels_a_coroutine_which_ends_in_its_own_way(endings, number, code):
    ended = []

    async def main():
        try:
            os.kill(os.getpid(), number)
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)  # such as telling the peers
            ended.append("in order")

    with pytest.raises(Signalled):
        endings.run(main())
    assert ended == ["in order"]
    assert voice.interrupted() == code


def test_a_signal_wakes_a_loop_that_sleeps(endings):
    async def main():
        pid = os.getpid()
        asyncio.get_running_loop().run_in_executor(None, lambda: os.kill(pid, signal.SIGTERM))
        await asyncio.sleep(60)

    begin = time.monotonic()
    with pytest.raises(Signalled):
        endings.run(main())
    assert time.monotonic() - begin < within(20)


def test_threads_at_work_are_not_waited_for(endings):
    """Such as the encoding of a long input, or a resolver without an answer."""
    release = threading.Event()

    async def main():
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.to_thread(release.wait, 60)

    begin = time.monotonic()
    with pytest.raises(Signalled):
        endings.run(main())
    assert time.monotonic() - begin < within(20)
    release.set()


def test_a_second_signal_ends_the_process_at_once(endings, monkeypatch, capsys):
    left = []

    async def main():
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(60)
        finally:
            os.kill(os.getpid(), signal.SIGHUP)
            await asyncio.sleep(0)

    monkeypatch.setattr(os, "_exit", left.append)
    with pytest.raises(Signalled):
        endings.run(main())
    assert left == [129]
    assert "ended at once" in capsys.readouterr().err


def test_an_error_on_the_way_out_does_not_hide_the_signal(endings):
    async def main():
        os.kill(os.getpid(), signal.SIGTERM)
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RuntimeError from None

    with pytest.raises(Signalled):
        endings.run(main())


def test_a_signal_that_comes_too_late_changes_nothing(endings):
    async def main():
        os.kill(os.getpid(), signal.SIGTERM)
        with suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        return 7

    assert endings.run(main()) == 7
    assert voice.speaker.signal == 0


def test_what_the_parent_ignores_stays_ignored(endings):
    """As `nohup` does with SIGHUP."""
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    Endings().watch()
    assert signal.getsignal(signal.SIGHUP) is signal.SIG_IGN


def test_handlers_are_put_back_where_no_signal_came(endings, monkeypatch):
    with pytest.raises(SystemExit) as ended:
        endings.leave(3)
    assert ended.value.code == 3
    assert signal.getsignal(signal.SIGTERM) is signal.default_int_handler
    left = []
    monkeypatch.setattr(os, "_exit", lambda code: left.append(code) or sys.exit(code))
    voice.speaker.signal = signal.SIGTERM
    with pytest.raises(SystemExit):
        endings.leave(143)
    assert left == [143]


@pytest.mark.parametrize(("number", "code"), CODES[1:])
def test_a_run_that_gathers_is_ended_and_holds_nothing(cli, ostraka, session, number, code):
    (session.parent / "x").write_text("1")
    with ostraka(session.parent, "run", session, "--as", "alice", "--input", "x") as child:
        while not (line := child.stderr.readline()).startswith("gathering 1/3"):
            assert line, "it ended"
        os.kill(child.pid, number)
        rest = child.stderr.read()
        assert child.wait(60) == code
    assert signal.Signals(number).name in rest
    assert "ledger: nothing is spent or held for this run\n" in rest
    assert rest.endswith("data: nothing of yours has left this machine\n")
    (run,) = cli("ledger", "--json").json["runs"]
    assert (run["state"], run["why"]) == ("released", "interrupted")


def test_a_run_is_ended_at_its_prompt(cli, session):
    """On a terminal, which shows letters again afterwards."""
    import pty
    import termios

    leader, follower = pty.openpty()
    command = ["-m", "ostraka.cli.main", "run", session, "--as", "alice"]
    shown = termios.tcgetattr(leader)[3] & termios.ECHO
    with subprocess.Popen(
        [sys.executable, *command], cwd=session.parent, stdin=follower, stderr=follower,
        stdout=subprocess.PIPE, start_new_session=True,
    ) as child:  # fmt: skip
        os.close(follower)
        try:
            said = b""
            while b"not shown" not in said:
                said += os.read(leader, 1000)  # an error once the child has gone
            os.kill(child.pid, signal.SIGTERM)
            assert child.wait(60) == 143
            assert child.stdout.read() == b""
        finally:
            child.kill()
    assert termios.tcgetattr(leader)[3] & termios.ECHO == shown
    os.close(leader)
    assert not (session.parent / "alice.ledger").exists()
