"""Runs a sum and a vote by ostraka and by MPyC in turn, and prints both with their ratio.

usage: scripts/bench --peers [--pairs N] [--quick]

MPyC comes from PyPI, with numpy, gmpy2 and uvloop, into a virtual environment of its own
(`.venv-peers`); another one by PEERS=DIR. Its processes speak without TLS, on loopback, and are
started as ours are. The first run of a session and the median of the others are told apart.
"""

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median

HERE = Path(__file__).resolve().parent
OSTRAKA = Path(sys.executable).with_name("ostraka")
ROWS = [("sum", 3, 60), ("vote", 3, 40), ("sum", 5, 40), ("vote", 5, 30)]
LONG = [("sum", 20, 20), ("vote", 20, 8)]
WHAT = {
    "first": "first",
    "warm": "warm",
    "fastest": "fastest",
    "processor": "processor time a party",
    "whole": "start to finish",
}
MOST_PRSS = 10
"""Parties from which on MPyC does without pseudorandom sharing, whose keys are C(n, t)."""


@dataclass(frozen=True)
class Found:
    """Seconds of one command.

    Attributes:
        first, warm, fastest: of its first run; the median, and the least, of the others.
        processor: processor time of a party in a run, the median of the runs.
        whole: from its start to its end.
    """

    first: float
    warm: float
    fastest: float
    processor: float
    whole: float


def peers() -> Path:
    """Return the Python that has MPyC; install it if there is none."""
    directory = Path(os.environ.get("PEERS", HERE.parent / ".venv-peers"))
    python = directory / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", directory], check=True)
        packages = ("mpyc", "numpy", "gmpy2", "uvloop")
        done = subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=False)
        if done.returncode:
            raise SystemExit("error: MPyC does not install here: there is nothing to compare with")
    return python


def ours(work: str, parties: int, runs: int) -> Found:
    """Run `ostraka bench`."""
    command = [str(OSTRAKA), "bench", work, "--parties", str(parties)]
    command += ["--runs", str(runs), "--output", "json"]
    found = json.loads(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)
    first, *others = found["seconds_all"]
    processor = found["processor_seconds_per_party"]
    return Found(first, median(others), min(others), processor, found["wall_seconds"])


def theirs(python: Path, work: str, parties: int, runs: int) -> Found:
    """Run as many processes of MPyC."""
    begin = time.monotonic()
    with tempfile.TemporaryDirectory() as directory:
        files = [Path(directory) / f"{place}.json" for place in range(parties)]
        base = free_base(parties)
        options = ["-M", str(parties), "-B", str(base), "--no-log"]
        options += ["--no-prss"] if parties > MOST_PRSS else []
        script = [python, HERE / "peer_mpyc.py", work, str(runs)]
        started = [
            subprocess.Popen([*script, file, *options, "-I", str(place)])
            for place, file in enumerate(files)
        ]
        if sum(process.wait(300) for process in started):
            raise SystemExit(f"error: MPyC's {work} of {parties} failed")
        whole = time.monotonic() - begin
        times = list(zip(*(json.loads(file.read_text()) for file in files), strict=True))
    first, *others = (max(r[1] for r in run) - min(r[0] for r in run) for run in times)
    processor = median(sum(r[2] for r in run) / parties for run in times)
    return Found(first, median(others), min(others), processor, whole)


def pair(python: Path, work: str, parties: int, runs: int, number: int) -> tuple[Found, Found]:
    """Measure MPyC and ostraka one after the other; every other pair begins with the other."""
    if number % 2:
        mpyc = theirs(python, work, parties, runs)
        return mpyc, ours(work, parties, runs)
    here = ours(work, parties, runs)
    return theirs(python, work, parties, runs), here


def free_base(count: int) -> int:
    """Return the first of `count` ports in a row where nothing listens now."""
    for base in range(21_000, 31_000, count):
        with ExitStack() as stack:
            try:
                for port in range(base, base + count):
                    stack.enter_context(socket.socket()).bind(("", port))
            except OSError:
                continue
            return base
    raise SystemExit("error: no free ports")


def cells(work: str, parties: int, pairs: list[tuple[Found, Found]]) -> list[str]:
    """Write medians of both, and the median ratio of pairs with the least and the greatest."""
    row = [work, str(parties)]
    for name in WHAT:
        mpyc, here = ([getattr(pair[i], name) for pair in pairs] for i in (0, 1))
        ratios = sorted(b / a for a, b in zip(mpyc, here, strict=True))
        row += [duration(median(mpyc)), duration(median(here))]
        row.append(f"{median(ratios):.2f} ({ratios[0]:.2f}-{ratios[-1]:.2f})")
    return row


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def main(arguments: list[str]) -> None:
    count = int(arguments[arguments.index("--pairs") + 1]) if "--pairs" in arguments else 5
    python = peers()
    heads = ["work", "parties"]
    heads += [f"{said}: {c}" for said in WHAT.values() for c in ("MPyC", "ours", "ratio")]
    print("| " + " | ".join(heads) + " |\n|---|" + "---:|" * (len(heads) - 1), flush=True)
    for work, parties, runs in ROWS + ([] if "--quick" in arguments else LONG):
        pairs = [pair(python, work, parties, runs, number) for number in range(count)]
        print("| " + " | ".join(cells(work, parties, pairs)) + " |", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
