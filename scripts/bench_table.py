#!/usr/bin/env python3
"""Measure how long a table takes from file to input: CSV, JSON, Parquet, XLSX, and SQL on CSV.

usage: scripts/bench_table.py [ROWS]

Rows are made-up salaries of three departments, with a name and a year; each way is a process of
its own, `ostraka run --dry-run`. Prints for each: seconds, processor time, peak memory.
Needs the libraries of ostraka[data].
"""

from __future__ import annotations

import csv
import json
import os
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

HEADER = ("Name", "Department", "Salary", "Year")
DEPARTMENTS = ("HR", "IT", "Legal")
PARTIES = "".join(
    f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{9000 + i}"\n'
    'roles = ["contributor", "compute", "recipient"]\n'
    for i, name in enumerate(("alice", "bob", "carlos"), start=1)
)
MANIFEST = f"""[session]
title = "Salaries"
protocol = "table"
deadline = "1m"
{PARTIES}[input]
type = "decimal(2)"
length = 3
min = 0
max = 100000000000
[outputs]
rows = ["HR", "IT", "Legal"]
statistics = ["mean"]
heads = 10000000
[sharing]
scheme = "shamir"
threshold = 1
"""
MAIN = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
RELATIONS = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def rows(count: int) -> Iterator[tuple[str, str, str, str]]:
    for i in range(count):
        salary = f"{(i * 7919) % 9000 + 1000}.{i % 100:02d}"
        yield f"person {i}", DEPARTMENTS[i % 3], salary, str(2020 + i % 7)


def write_csv(path: Path, count: int) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([HEADER, *rows(count)])


def write_json(path: Path, count: int) -> None:
    with path.open("w") as file:
        for row in rows(count):
            file.write(json.dumps(dict(zip(HEADER, row, strict=True))) + "\n")


def write_parquet(path: Path, source: Path) -> None:
    import duckdb

    query = f"SELECT * REPLACE (Salary::DECIMAL(9,2) AS Salary) FROM read_csv('{source}')"
    duckdb.connect().execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")


def write_xlsx(path: Path, count: int) -> None:
    """Write a workbook by hand: openpyxl would take minutes."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{PACKAGE}/content-types"><Default Extension="xml" '
            'ContentType="application/xml"/></Types>',
        )
        archive.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{RELATIONS}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml",
            f'<workbook xmlns="{MAIN}" xmlns:r="{RELATIONS}"><sheets>'
            '<sheet name="Payroll" sheetId="1" r:id="rId1"/></sheets></workbook>',
        )
        archive.writestr(
            "xl/_rels/workbook.xml.rels",
            f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="rId1" '
            f'Type="{RELATIONS}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        )
        with archive.open("xl/worksheets/sheet1.xml", "w") as file:
            file.write(f'<worksheet xmlns="{MAIN}"><sheetData>'.encode())
            for number, row in enumerate([HEADER, *rows(count)], start=1):
                cells = "".join(map(cell, "ABCD", [number] * 4, row))
                file.write(f'<row r="{number}">{cells}</row>'.encode())
            file.write(b"</sheetData></worksheet>")


def cell(column: str, row: int, value: str) -> str:
    if row > 1 and column in "CD":
        return f'<c r="{column}{row}"><v>{value}</v></c>'
    return f'<c r="{column}{row}" t="inlineStr"><is><t>{value}</t></is></c>'


def measure(name: str, arguments: list[str]) -> None:
    started = time.perf_counter()
    command = [sys.executable, "-m", "ostraka.cli.main", *arguments]
    child = os.posix_spawn(
        sys.executable, command, os.environ,
        file_actions=[(os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0)],
    )  # fmt: skip
    _, status, used = os.wait4(child, 0)
    seconds, processor = time.perf_counter() - started, used.ru_utime + used.ru_stime
    if status:
        raise SystemExit(f"{name} failed")
    peak = used.ru_maxrss / 1024
    print(f"| {name} | {seconds:.1f} s | {processor:.1f} s | {peak:.0f} MiB |", flush=True)


def main() -> None:
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as where:
        place = Path(where)
        session = place / "session.toml"
        session.write_text(MANIFEST)
        write_csv(place / "x.csv", count)
        write_json(place / "x.jsonl", count)
        write_parquet(place / "x.parquet", place / "x.csv")
        write_xlsx(place / "x.xlsx", count)
        table = ["--value", "Salary", "--group", "Department"]
        query = "SELECT Department, sum(number(Salary)) AS s, count(*) AS n FROM data GROUP BY 1"
        ways = {
            "CSV": ("x.csv", table),
            "CSV, `--where`": ("x.csv", [*table, "--where", "Year = '2026'"]),
            "CSV, `--query`": (
                "x.csv",
                ["--query", query, "--value", "s", "--group", "Department", "--heads", "n"],
            ),
            "JSON lines": ("x.jsonl", table),
            "Parquet": ("x.parquet", table),
            "XLSX": ("x.xlsx", table),
        }
        print(f"| {count:,} rows | start to finish | processor | peak memory |")
        print("|---|---:|---:|---:|")
        for name, (file, options) in ways.items():
            given = ["--as", "alice", "--input", str(place / file), *options, "--dry-run"]
            measure(name, ["run", str(session), *given])


if __name__ == "__main__":
    main()
