"""`demo average`: real processes, the article's numbers, and nothing left behind."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil
import pytest
from busy_machine import within

from ostraka.cli import demo, fleet

DEMO = [sys.executable, "-m", "ostraka.cli.main", "demo", "average"]
MANY = 20
"""Parties of a demo that is not over before a test has looked at its processes."""

RAISES = {"alice": 3800, "bob": 2514, "carlos": 2982, "david": 3390}


def test_the_articles_example(cli, tmp_path: Path) -> None:
    done = cli("demo", "average")
    assert done.out.startswith("sum   12686 USD\nmean  3171.5 USD\n")
    pids = re.findall(r"^\w+: process (\d+)", done.err, re.MULTILINE)
    assert len(set(pids)) == 5
    assert done.err.splitlines()[5:] == [
        "gathering 1/4", "gathering 2/4", "gathering 3/4", "gathering 4/4",
        "sharing", "computing", "opening", "done",
    ]  # fmt: skip
    assert not any(psutil.pid_exists(int(pid)) for pid in pids)
    assert list(tmp_path.iterdir()) == []
    check_tables(done.out)


def check_tables(text: str) -> None:
    """A person's check: rows, columns and the total add up, and no other raise is anywhere."""
    tables = {
        m[1].lower(): m[0].splitlines() for m in re.finditer(r"^([A-Z]+)  .*(\n.+)+", text, re.M)
    }
    assert list(tables) == list(RAISES)
    whole: dict[tuple[str, str], int] = {}
    for me, lines in tables.items():
        rows = [line.split() for line in lines]
        assert rows[0] == [me.upper(), *RAISES, "raise"]
        announced = list(map(int, rows[-1][1:-1]))
        assert wrap(sum(announced)) == sum(RAISES.values()) == int(rows[-1][-1])
        for owner, *cells, raise_ in rows[1:-1]:
            assert raise_ == (str(RAISES[owner]) if owner == me else "?")
            for to, cell in zip(RAISES, cells, strict=True):
                assert (cell == "?") == (me not in (owner, to))
                if cell != "?":
                    assert whole.setdefault((owner, to), int(cell)) == int(cell)
        for to, value in zip(RAISES, announced, strict=True):
            assert whole.setdefault(("announced", to), value) == value
    for name, value in RAISES.items():
        assert wrap(sum(whole[name, to] for to in RAISES)) == value
        assert wrap(sum(whole[owner, name] for owner in RAISES)) == whole["announced", name]


def test_a_narrow_terminal_gets_a_narrow_table() -> None:
    inputs = {name: str(value) for name, value in RAISES.items()}
    far = 10**18
    shares = {name: i * far + 1 for i, name in enumerate(RAISES, 1)}
    announced = {"alice": far, "bob": -far, "carlos": 2 * far, "david": 12686 - 2 * far}
    got = {name: -value for name, value in shares.items() if name != "alice"}
    seen = dict.fromkeys(RAISES, demo.Seen(shares, got, announced))
    wide, fits = demo._views(inputs, seen, None), demo._views(inputs, seen, 120)
    assert wide == fits
    assert "Rows are owners" in wide
    narrow = demo._views(inputs, seen, 80)
    assert max(map(len, narrow.splitlines())) <= 80
    rows = [line.split() for line in narrow.split("\n\n")[0].splitlines() if line]
    assert rows[0] == [
        "ALICE",
        *["made", "for", "them"],
        *["got", "from", "them"],
        "they",
        "announced",
    ]
    assert rows[1] == ["alice", *(str(n["alice"]) for n in (shares, shares, announced))]
    assert rows[2] == ["bob", *(str(n["bob"]) for n in (shares, got, announced))]
    assert rows[5] == ["together", "3800", str(far), "12686"]


def wrap(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def test_as_json(cli) -> None:
    found = cli("demo", "average", "--output", "json", "--values", "10.25,-3").json
    assert found["status"] == "released"
    assert found["outputs"][0] == {"name": "sum", "value": "7.25", "unit": "USD"}
    assert found["contributors"] == 2
    assert list(found["parties"]) == ["alice", "bob"]
    for name, cents in (("alice", 1025), ("bob", -300)):
        assert wrap(sum(found["parties"][name]["made"].values())) == cents
        assert found["parties"][name]["outputs"] == found["outputs"]


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ("1", 2),
        ("", 20),
        ("1,x", 20),
        ("1,NaN", 20),
        ("1,inf", 20),
        ("1,1e9", 20),
        ("1,", 20),
        (f"1,{'9' * 25}", 20),
    ],
)
def test_bad_values(cli, values: str, code: int) -> None:
    ended = cli("demo", "average", "--values", values, "--output", "json")
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith("error: ")
    assert "hint: such as --values" in ended.err


def demo_with_children(nursery: Any, tmp_path: Path) -> tuple[Any, list[psutil.Process]]:
    """A demo of many, stopped in the middle, and its processes."""
    environ = dict(os.environ) | {"TMPDIR": str(tmp_path)}
    values = ",".join(["1"] * MANY)
    demo = nursery.start([*DEMO[1:], "--values", values], tmp_path, environ, False)
    for line in demo.stderr:
        if line.startswith("bob: process"):
            break
    return demo, psutil.Process(demo.pid).children(recursive=True)


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (signal.SIGINT, 130),
        pytest.param(signal.SIGTERM, 143, marks=pytest.mark.slow),
        (signal.SIGKILL, -9),
    ],
)
def test_no_orphans_are_left_however_it_ends(
    nursery: Any, tmp_path: Path, number: int, code: int
) -> None:
    demo, children = demo_with_children(nursery, tmp_path)
    with demo:
        assert len(children) == 1 + MANY
        demo.send_signal(number)
        out, err = demo.communicate(timeout=20)
        assert demo.returncode == code
        assert out == ""
        assert "Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []
    assert list(tmp_path.iterdir()) == []


def test_a_child_that_is_not_forked_gets_no_input_as_an_argument(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("ostraka.cli.forking.possible", lambda: False)
    child = fleet._start("coordinator")
    assert isinstance(child, subprocess.Popen)
    assert psutil.Process(child.pid).cmdline()[1:] == [
        *["-P", "-m", "ostraka.cli.child"],
        "coordinator",
    ]
    assert child.communicate(timeout=60)[0] == b""
    assert child.returncode == 1


def test_what_a_fleet_left_that_was_killed_as_a_whole_goes_when_the_next_one_starts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    kinds = ("ostraka-demo-left", "ostraka-demo-young", "ostraka-bench-left", "other-demo-left")
    left, young, bench, other = (tmp_path / kind for kind in kinds)
    with fleet.workplace("demo") as running:
        for directory in (left, young, bench, other):
            directory.mkdir()
            (directory / "alice.key").touch()
        (tmp_path / "ostraka-demo-link").symlink_to(other)
        for directory in (left, bench, other, Path(running)):
            os.utime(directory, (1, 1))
        with fleet.workplace("demo"):
            pass
        assert not left.exists()
        assert all(path.exists() for path in (young, bench, other, Path(running)))
    assert not Path(running).exists()


def test_a_killed_party_ends_the_demo(nursery: Any, tmp_path: Path) -> None:
    demo, children = demo_with_children(nursery, tmp_path)
    with demo:
        children[2].kill()
        begin = time.monotonic()
        out, err = demo.communicate(timeout=30)
        assert time.monotonic() - begin < within(20)
    assert demo.returncode == 40
    assert out == ""
    assert "error: " in err
    assert "Traceback" not in err
    _, alive = psutil.wait_procs(children, timeout=10)
    assert alive == []


def test_a_module_in_the_current_directory_is_not_run(tmp_path: Path) -> None:
    (tmp_path / "numpy.py").write_text("raise SystemExit('hijacked')")
    (tmp_path / "json.py").write_text("raise SystemExit('hijacked')")
    done = subprocess.run(
        [sys.executable, "-P", *DEMO[1:], "--values", "1,2", "--output", "json"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert json.loads(done.stdout)["outputs"][0]["value"] == 3
