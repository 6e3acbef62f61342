"""Section of receipts on a collection: read as it was written, and refused otherwise."""

from __future__ import annotations

from typing import Any

import pytest

from ostraka.errors import PeerViolation
from ostraka.record import collected, statements
from ostraka.record.statements import About, Roster

SUMMARY: dict[str, Any] = {
    "root": "ab" * 32, "in_time": 9, "left_out": 1, "revoked": 2, "replaced": 0, "agreed": 6,
    "refused": [1, 0, 1],
}  # fmt: skip
PLACES = tuple(f"#{i}" for i in range(1, 12))
COMPUTE = ("a", "b", "c")


def test_what_is_written_is_read() -> None:
    bits = collected.bits_of(("#1", "#9", "#11"), 11)
    assert bits == b"\x01\x05"
    assert collected.counted_table(bits)["count"] == 3
    assert collected.read_section(collected.section(SUMMARY, bits), 11, 3) == (SUMMARY, bits)
    assert [place for place in range(1, 12) if collected.is_counted(bits, place)] == [1, 9, 11]


@pytest.mark.parametrize(
    "change",
    [
        {"places": "AQ=="},
        {"places": "AQ0="},
        {"places": "AQU"},
        {"more": 1},
        {"summary": {**SUMMARY, "agreed": 7}},
        {"summary": {**SUMMARY, "agreed": 6.0}},
        {"summary": {**SUMMARY, "root": "AB" * 32}},
        {"summary": {**SUMMARY, "refused": [1, 0]}},
        {"summary": {**SUMMARY, "refused": [1, 0, 10]}},
        {"summary": {k: v for k, v in SUMMARY.items() if k != "replaced"}},
    ],
)
def test_another_form_is_refused(change: dict[str, Any]) -> None:
    written = collected.section(SUMMARY, b"\x01\x05") | change
    with pytest.raises(ValueError):
        collected.read_section(written, 11, 3)


def statement(summary: Any = SUMMARY, counted: tuple[str, ...] = ("#1",), me: str = "a") -> Any:
    about = About(bytes(32), bytes(32), Roster(PLACES, COMPUTE, COMPUTE, 11), 2, summary)
    body = statements.write(me, about, "0" * 64, counted, counted, {COMPUTE: {"x": "1" * 64}})  # type: ignore[arg-type, dict-item]
    return statements.read(body, me, about)


def test_statements_sign_the_summary_and_what_was_counted() -> None:
    one, other = statement(), statement(me="b")
    assert one["collection"] == SUMMARY
    assert statements.agreed([one, other]) == SUMMARY
    assert statements.counted([one, other]) == one["counted"] == one["consented"]
    assert statements.difference(one, other, COMPUTE) == ""


@pytest.mark.parametrize(
    "other",
    [{"summary": {**SUMMARY, "agreed": 5, "replaced": 1}}, {"counted": ("#2",)}],
)
def test_others_that_signed_otherwise_are_named(other: dict[str, Any]) -> None:
    theirs = statement(**other, me="b")
    assert statements.difference(statement(), theirs, COMPUTE) == "other contributors"
    with pytest.raises(PeerViolation, match="b"):
        statements.counted([statement(), theirs])
        statements.agreed([statement(), theirs])
