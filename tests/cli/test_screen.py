"""The screen: colours only where a person sees them, and where they are wanted."""

import io

import pytest

from ostraka.cli import screen
from ostraka.presentation.textual import ASCII, UNICODE


class Terminal(io.StringIO):
    encoding = "UTF-8"

    def isatty(self):
        return True


@pytest.fixture(autouse=True)
def plain(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)


def test_a_terminal_gets_colours_and_a_pipe_none():
    assert screen.paint("error:", "red", Terminal()) == "\x1b[1;31merror:\x1b[0m"
    assert screen.paint("error:", "red", io.StringIO()) == "error:"


@pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
def test_no_colour_is_obeyed(monkeypatch, name, value):
    monkeypatch.setenv(name, value)
    assert screen.paint("error:", "red", Terminal()) == "error:"


def test_letters_are_those_of_the_encoding():
    assert screen.letters(Terminal()) is UNICODE
    assert screen.letters(io.TextIOWrapper(io.BytesIO(), "latin-1")) is ASCII


@pytest.mark.parametrize(("columns", "width"), [("60", 60), ("300", 120), ("3", 20)])
def test_text_is_as_wide_as_the_terminal_within_reason(monkeypatch, columns, width):
    monkeypatch.setenv("COLUMNS", columns)
    assert screen.width() == width
