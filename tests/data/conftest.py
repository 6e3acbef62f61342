"""Manifests that ask for a column, for cells, for rows with weights; and tables read for them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ostraka.data.mapping import Prepared, prepare
from ostraka.data.notation import Notation
from ostraka.data.opening import open_table
from ostraka.data.selection import Selection
from ostraka.data.template import Template
from ostraka.inputs.row_forms import RowForm
from ostraka.manifest import parse
from ostraka.protocols import protocol_for
from ostraka.protocols.protocol import Protocol

PARTIES = "".join(
    f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{9000 + i}"\n'
    'roles = ["contributor", "compute", "recipient"]\n'
    for i, name in enumerate(("alice", "bob", "carlos"), start=1)
)

SCHEMES = {
    "table": 'scheme = "shamir"\nthreshold = 1',
    "tally": 'scheme = "shamir"\nthreshold = 1',
    "private-choice": 'scheme = "shamir"\nthreshold = 1',
    "threshold-vote": 'scheme = "shamir"\nthreshold = 1',
}


def protocol(name: str, schema: str, outputs: str = "") -> Protocol:
    sharing = SCHEMES.get(name, 'scheme = "additive"')
    return protocol_for(
        parse(
            f'[session]\ntitle = "t"\nprotocol = "{name}"\ndeadline = "1m"\n{PARTIES}'
            f"[input]\n{schema}\n[outputs]\n{outputs}\n[sharing]\n{sharing}\n"
        )
    )


DECIMAL = 'type = "decimal(2)"\nmin = 0\nmax = 1000000\nunit = "USD"'
SUM = protocol("secure-sum", DECIMAL)
VECTOR = protocol("secure-sum", 'type = "int"\nlength = 3\nmin = 0\nmax = 100')
CELLS = protocol("table", f"{DECIMAL}\nlength = 3", 'rows = ["HR", "IT", "R&D"]\nheads = 1000')
GRID = protocol(
    "table", f"{DECIMAL}\nlength = 4",
    'rows = ["women", "men"]\ncolumns = ["office", "workshop"]',
)  # fmt: skip
WEIGHTED = protocol("secure-sum", DECIMAL, 'weights = "own"\nmax_weight = 1000')
VOTE = protocol(
    "threshold-vote", 'type = "choice([\\"yes\\", \\"no\\"])"\nlength = 3', 'pass_at = "1/2"'
)


BALLOT = protocol("tally", 'type = "choice([\\"a\\", \\"b\\", \\"c\\"])"', "choices = 2")
EXPONENTIAL = '[privacy]\ncentral = { mechanism = "exponential", epsilon = 1.0 }'
SCORES = protocol(
    "private-choice",
    'type = "int"\nlength = 2\nmin = 0\nmax = 9',
    f'options = ["A", "B"]\n{EXPONENTIAL}',
)
PROTOCOLS = {
    "ballot": BALLOT, "scores": SCORES,
    "sum": SUM, "vector": VECTOR, "cells": CELLS, "grid": GRID, "weighted": WEIGHTED, "vote": VOTE,
}  # fmt: skip


def given(
    value: Any = (), group: Any = (), decimal: Any = None, thousands: Any = None, **more: Any
) -> Selection:
    many = {"values": value, "groups": group}
    lists = {k: (v,) if isinstance(v, str) else tuple(v) for k, v in many.items()}
    return Selection(**lists, **more, notation=Notation(decimal, thousands))


@pytest.fixture(scope="session")
def protocols() -> dict[str, Protocol]:
    return PROTOCOLS


@pytest.fixture(scope="session")
def form_of() -> Callable[[str], RowForm]:
    return lambda name: PROTOCOLS[name].row_form("alice")


@pytest.fixture(scope="session")
def selection() -> Callable[..., Selection]:
    """Make a selection: selection("Salary", "Department", decimal=",")."""
    return given


@pytest.fixture
def read(tmp_path: Path) -> Callable[..., Prepared]:
    """Write a file, and make a protocol's input of it: read("sum", "x.csv", text, value="pay").

    A file is left as it is where there is no content.
    """

    def reading(of: str, name: str, content: str | bytes | None, **options: Any) -> Prepared:
        path = name if "://" in name else str(tmp_path / name)
        if content is not None:
            Path(path).write_bytes(content.encode() if isinstance(content, str) else content)
        form = PROTOCOLS[of].row_form("alice")
        template = Template.of(form, PROTOCOLS[of].manifest.digest)
        return prepare(open_table(path, given(**options), template), form)

    return reading


@pytest.fixture(scope="session")
def encoded() -> Callable[[str, Prepared], list[int]]:
    """Encode what was read."""

    def encoding(of: str, prepared: Prepared) -> list[int]:
        assert prepared.preview.wrong == []
        found = PROTOCOLS[of]
        return found.scheme.to_signed(found.encode("alice", prepared.raw)).tolist()  # type: ignore[no-any-return]

    return encoding
