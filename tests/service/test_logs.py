"""Log lines: text or JSON, of listed fields alone."""

import io
import json
import logging
import sys

import pytest

from ostraka.service import logs


def written(form, level="info", *, sources=False, log=logging.INFO, **fields):
    stream = io.StringIO()
    logs.set_up(form, level, stream, sources=sources)
    logs.event(log, "room ended", **fields)
    return stream.getvalue()


def test_a_line_of_text():
    line = written("text", members=3, room="00ff", seconds=1.5)
    moment, rest = line.split(" ", 1)
    assert moment.endswith("Z")
    assert rest == "info room ended room=00ff members=3 seconds=1.5\n"


def test_a_line_stays_one_line_whatever_a_manifest_says(capsys):
    logs.set_up("text", "info", sys.stderr, sources=False)
    logs.event(logging.WARNING, 'bad.toml:1: unknown key "\x1b[2J"\nbad.toml:2: party: is missing')
    said = capsys.readouterr().err
    assert said.endswith(r'unknown key "\x1b[2J"; bad.toml:2: party: is missing' + "\n")
    assert said.count("\n") == 1


def test_a_line_of_json():
    line = json.loads(written("json", room="00ff", members=3))
    assert line.pop("time").endswith("Z")
    assert line == {"level": "info", "event": "room ended", "room": "00ff", "members": 3}


@pytest.mark.parametrize("form", ["text", "json"])
def test_a_source_is_told_only_where_the_operator_asks(form):
    assert "192.0.2.7" not in written(form, source="192.0.2.7")
    assert "192.0.2.7" in written(form, source="192.0.2.7", sources=True)


def test_levels():
    assert written("text", "warning") == ""
    assert "error" in written("text", "warning", log=logging.ERROR)


def test_a_field_that_is_not_listed_is_refused():
    with pytest.raises(ValueError, match="share"):
        logs.event(logging.INFO, "room ended", share=b"secret")


def test_a_bug_has_its_traceback():
    stream = io.StringIO()
    logs.set_up("json", "info", stream)
    try:
        raise ZeroDivisionError
    except ZeroDivisionError:
        logs.LOGGER.exception("a connection ended by a bug")
    assert "ZeroDivisionError" in json.loads(stream.getvalue())["traceback"]
