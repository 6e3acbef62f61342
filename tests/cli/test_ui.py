"""Command `ui`: what it refuses before it listens. Whole sessions: tests/integration/test_ui.py."""

import socket
import sys

import pytest


def test_a_place_that_is_not_there(cli):
    ended = cli("ui", "nowhere")
    assert (ended.code, ended.out) == (2, "")
    assert "nowhere is not there" in ended.err


def test_a_port_that_is_taken(cli):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ended = cli("ui", "--port", taken.getsockname()[1])
    assert (ended.code, ended.out) == (2, "")
    assert "cannot listen on 127.0.0.1" in ended.err


def test_receipts_that_cannot_be_written(cli):
    ended = cli("ui", "--receipts", "nowhere")
    assert ended.code == 2
    assert "no receipt can be written" in ended.err


@pytest.mark.parametrize("package", ["starlette", "uvicorn"])
def test_a_package_that_is_missing(cli, monkeypatch, package):
    monkeypatch.setitem(sys.modules, package, None)
    ended = cli("ui")
    assert ended.code == 2
    assert f"the page needs the package {package}" in ended.err
    assert "ostraka[server]" in ended.err


def test_help_has_examples(cli):
    assert "ostraka ui sessions --as alice --keys keys" in cli("ui", "--help").out
