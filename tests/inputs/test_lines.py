"""Lines of a text without an object for each."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from ostraka.inputs import lines
from ostraka.inputs.lines import Lines, chunks


@given(st.text("ab\u00e9\U0001f600\ud800 \n\r"))
def test_lines_are_those_of_the_text(text: str) -> None:
    found = Lines(text)
    expected = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert list(found) == expected == found[:]
    assert found[1:3] == expected[1:3]
    assert len(found) == len(expected)


def test_lines_do_not_depend_on_the_pieces_that_are_looked_through(monkeypatch) -> None:
    monkeypatch.setattr(lines, "_PIECE", 3)
    text = "a\r\n\u00e9\u00e9\n\nb\n"
    assert list(Lines(text)) == ["a", "\u00e9\u00e9", "", "b", ""]


def test_places() -> None:
    assert Lines("a\nb", "x.txt", 3).place(1) == "line 4 of x.txt"
    assert Lines("a\nb").place(1) == "value 2"


def test_of_values() -> None:
    found = Lines.of(["1", 2, "3.50"])
    assert found is not None
    assert list(found) == ["1", "2", "3.50"]
    assert Lines.of(["1", "2\n3"]) is None


def test_chunks_cover_all() -> None:
    assert list(chunks(0)) == []
    parts = list(chunks(2 * lines.CHUNK + 1))
    assert [part.start for part in parts] == [0, lines.CHUNK, 2 * lines.CHUNK]
    assert parts[-1].stop == 2 * lines.CHUNK + 1
