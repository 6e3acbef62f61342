"""Forks of a process: what they share with it, and what they do not."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from ostraka.cli import forking

pytestmark = pytest.mark.skipif(not forking.possible(), reason="no process is forked here")

BEGIN = """
import json, os, secrets, signal, sys, time
from ostraka.cli import forking, voice
voice.prepare()
def told(fork):
    said = fork.stdout.read().decode()
    return fork.wait(), said
"""


def run(code: str) -> Any:
    """What a process of its own prints as JSON; this one has threads, so it is not forked."""
    command = [sys.executable, "-c", BEGIN + code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return json.loads(done.stdout), done.stderr


def test_a_fork_has_its_own_session_descriptors_and_random_numbers() -> None:
    (parent, held, *children), _ = run("""
held = os.open("/dev/null", os.O_RDONLY)
def work():
    open_ones = [n for n in range(3, 200) if os.path.exists(f"/proc/self/fd/{n}")]
    open_ones = [n for n in open_ones if "/proc/" not in os.readlink(f"/proc/self/fd/{n}")]
    print(json.dumps([os.getpid(), os.getsid(0), open_ones, secrets.token_hex()]))
forks = [forking.fork(work), forking.fork(work)]
print(json.dumps([os.getpid(), held, *map(told, forks)]))
""")
    found = [json.loads(said) for _, said in children]
    assert [code for code, _ in children] == [0, 0]
    for pid, session, descriptors, _ in found:
        assert session == pid != parent
        assert descriptors == []
    assert held >= 3
    assert len({random for *_, random in found}) == 2


def test_what_the_parent_has_said_is_said_once() -> None:
    found, err = run("""
print("[", end="")
voice.say("parent")
fork = forking.fork(lambda: voice.say("child"))
code, said = told(fork)
voice.say("parent again")
print(json.dumps([code, said]) + "]")
""")
    assert found == [[0, ""]]
    assert err.splitlines() == ["parent", "child", "parent again"]


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("None", 0),
        ("sys.exit(41)", 41),
        ("1 / 0", 1),
        ("os.kill(os.getpid(), signal.SIGTERM) or time.sleep(60)", -15),
        ("sys.stdin.read()", 0),
    ],
)
def test_how_it_ends(work: str, code: int) -> None:
    found, err = run(f"""
from ostraka.cli.endings import endings
endings.watch()
fork = forking.fork(lambda: {work})
fork.stdin.close()
print(json.dumps([fork.wait(), fork.poll()]))
""")
    assert found == [code, code]
    assert ("ZeroDivisionError" in err) == ("/" in work)


def test_one_that_runs_on_is_waited_for_as_long_as_said_and_can_be_ended() -> None:
    found, _ = run("""
import subprocess
ends = []
for end in (forking.Fork.terminate, forking.Fork.kill):
    fork = forking.fork(sys.stdin.read)
    assert fork.poll() is None
    try:
        fork.wait(0.01)
    except subprocess.TimeoutExpired:
        end(fork)
        ends.append(fork.wait())
    end(fork)  # it is gone, and no other process may be meant
print(json.dumps(ends))
""")
    assert found == [-15, -9]
