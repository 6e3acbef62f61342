"""Runs `ostraka bench` over a set of sizes and prints the results as Markdown tables."""

import json
import os
import platform
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import bench_peers

ostraka = Path(sys.executable).with_name("ostraka")


@dataclass(frozen=True)
class Row:
    parties: int
    size: int
    link: str
    runs: int
    long: bool = False
    work: str = "sum"
    security: str = "passive"


tables = {
    "Scalar sum": [
        Row(3, 1, "direct", 5),
        Row(3, 1, "relay", 5),
        Row(5, 1, "direct", 3),
        Row(10, 1, "direct", 3),
        Row(20, 1, "direct", 9),
        Row(20, 1, "relay", 9),
        Row(50, 1, "relay", 1, long=True),
    ],
    "Vector sum": [
        Row(3, 10**6, "direct", 5),
        Row(3, 10**6, "relay", 5),
        Row(5, 10**6, "direct", 3),
        Row(3, 10**7, "direct", 3, long=True),
        Row(3, 10**7, "relay", 3, long=True),
    ],
    "Vector sum of bits, without and with joint noise": [Row(3, 10**6, "direct", 9, work="noise")],
    "Operations and protocols of the engine": [
        Row(3, 10**6, "direct", 5, work="mul"),
        Row(3, 10**5, "direct", 5, work="compare"),
        Row(3, 1000, "direct", 5, work="sort"),
        Row(3, 500, "direct", 5, work="matmul"),
        Row(3, 500, "direct", 5, work="fixed-matmul"),
        Row(5, 10**5, "direct", 5, work="mul"),
        Row(9, 10**5, "direct", 5, work="mul"),
        Row(21, 10**5, "direct", 3, long=True, work="mul"),
        Row(5, 10**4, "direct", 5, work="compare"),
        Row(3, 1, "direct", 25, work="vote"),
        Row(3, 1, "relay", 25, work="vote"),
        Row(3, 10**4, "direct", 5, work="vote"),
        Row(20, 1, "direct", 9, long=True, work="vote"),
        Row(50, 1, "relay", 3, long=True, work="vote"),
        Row(3, 1000, "direct", 5, work="auction"),
        Row(3, 10**5, "direct", 5, work="inner-product"),
    ],
    "The same with active security": [
        Row(3, 10**6, "direct", 5, work="mul", security="active"),
        Row(3, 10**5, "direct", 5, work="compare", security="active"),
        Row(3, 1000, "direct", 5, work="sort", security="active"),
        Row(3, 500, "direct", 5, work="matmul", security="active"),
        Row(3, 500, "direct", 3, work="fixed-matmul", security="active"),
        Row(5, 10**5, "direct", 5, work="mul", security="active"),
        Row(5, 10**4, "direct", 3, long=True, work="compare", security="active"),
        Row(3, 1, "direct", 25, work="vote", security="active"),
        Row(3, 1000, "direct", 5, work="auction", security="active"),
        Row(3, 1, "direct", 9, security="active"),
    ],
}

columns = (
    "work", "parties", "elements", "link", "in protocol", "M elements/s", "start to finish",
    "rounds", "bytes sent a party", "peak memory a process",
)  # fmt: skip


def measure(row: Row) -> list[dict]:
    """What `ostraka bench` says about one row: with noise, about several."""
    command = [
        ostraka, "bench", row.work, "--parties", str(row.parties), "--size", str(row.size),
        "--link", row.link, "--runs", str(row.runs), "--security", row.security,
        "--output", "json",
    ]  # fmt: skip
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"error: {' '.join(map(str, command))} ended with {done.returncode}")
    found = json.loads(done.stdout)
    without, *others = found.pop("beside", [None])
    return [without, found, *others] if without else [found]


def duration(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1e3:.3g} ms"


def line(cells: Iterator[object]) -> str:
    return "| " + " | ".join(map(str, cells)) + " |"


def cells(row: Row, result: dict) -> Iterator[object]:
    yield result.get("noise", row.work)
    yield row.parties
    yield f"{row.size:,}"
    yield row.link
    yield duration(result["seconds"])
    yield f"{row.size / result['seconds'] / 1e6:.3g}" if row.size > 1 else "-"
    yield duration(result["wall_seconds"])
    yield result["rounds"]
    yield f"{result['bytes_sent_per_party']:,.0f}"
    yield f"{result['peak_rss_mib']:.0f} MiB"


def main() -> None:
    if "--peers" in sys.argv[1:]:
        bench_peers.main(sys.argv[1:])
        return
    quick = "--quick" in sys.argv[1:]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}.")
    for title, rows in tables.items():
        print(f"\n## {title}\n")
        print(line(iter(columns)))
        print(line("---" if name in ("work", "link") else "---:" for name in columns), flush=True)
        for row in rows:
            if not (quick and row.long):
                for result in measure(row):
                    print(line(cells(row, result)), flush=True)


if __name__ == "__main__":
    main()
