"""Standard streams that are closed, broken, full or stopped."""

import io
import os
import sys
import threading
import time

import pytest
from busy_machine import within

from ostraka.cli import streams
from ostraka.cli.streams import Stderr
from ostraka.errors import Temporary, UsageError


class Broken(io.StringIO):
    def write(self, _):
        raise OSError(5, "it is gone")


def test_what_is_said_is_written_in_order():
    out = io.StringIO()
    err = Stderr(out)
    for i in range(100):
        assert err.write(f"{i}\n") == len(f"{i}\n")
    err.flush()
    assert out.getvalue() == "".join(f"{i}\n" for i in range(100))


@pytest.mark.parametrize("stream", [None, Broken()])
def test_a_closed_or_broken_stderr_is_never_an_error(stream):
    err = Stderr(stream)
    print("something", file=err, flush=True)
    assert err.isatty() is False
    assert err.drain()


class Stopped(io.StringIO):
    """As a terminal after Ctrl-S, or a full pipe: takes nothing until it is released."""

    def __init__(self):
        super().__init__()
        self.released = threading.Event()

    def write(self, text):
        assert self.released.wait(60)
        return super().write(text)


def test_a_stderr_that_takes_nothing_is_waited_for_once():
    stopped = Stopped()
    err = Stderr(stopped)
    begin = time.monotonic()
    for _ in range(1000):
        err.write("a line\n")
        err.flush()
    assert time.monotonic() - begin < within(10)
    assert not err.drain(0.01)
    stopped.released.set()
    assert err.drain(30)
    assert stopped.getvalue() == "a line\n" * 1000


@pytest.fixture
def stdout_to(monkeypatch):
    opened = []

    def to(descriptor, mode="w"):
        opened.append(os.fdopen(descriptor, mode))
        monkeypatch.setattr(sys, "stdout", opened[-1])

    yield to
    for file in opened:
        file.close()


def test_a_file_a_pipe_and_nothing_are_fine(stdout_to, tmp_path):
    reader, writer = os.pipe()
    for descriptor in (os.open(tmp_path / "x", os.O_CREAT | os.O_WRONLY), writer,
                       os.open(os.devnull, os.O_WRONLY)):  # fmt: skip
        stdout_to(descriptor)
        streams.require_output()
    os.close(reader)


def refused(kind, words):
    with pytest.raises(kind, match=words) as caught:
        streams.require_output()
    assert "no other party was contacted" in caught.value.message
    assert caught.value.data_left is False
    assert caught.value.hint


def test_a_closed_one_is_refused(monkeypatch):
    monkeypatch.setattr(sys, "stdout", streams.Closed())
    refused(UsageError, "standard output is closed")


def test_one_that_is_for_reading_only_is_refused(stdout_to, tmp_path):
    (tmp_path / "x").touch()
    stdout_to(os.open(tmp_path / "x", os.O_RDONLY), "r")
    refused(UsageError, "reading only")


@pytest.mark.skipif(sys.platform != "linux", reason="/dev/full is Linux's")
def test_a_full_one_is_refused(stdout_to):
    stdout_to(os.open("/dev/full", os.O_WRONLY))
    refused(Temporary, "on a full disk")


def test_a_full_disk_is_refused(stdout_to, tmp_path, monkeypatch):
    class Full:
        f_bavail = 0

    monkeypatch.setattr(os, "fstatvfs", lambda _: Full)
    stdout_to(os.open(tmp_path / "x", os.O_CREAT | os.O_WRONLY))
    refused(Temporary, "on a full disk")


def test_one_whose_reader_is_gone_is_refused(stdout_to):
    reader, writer = os.pipe()
    stdout_to(writer)
    os.close(reader)
    refused(Temporary, "no reader")


def test_it_takes_text_alone_and_goes_on_after_what_it_refuses():
    out = io.StringIO()
    err = Stderr(out)
    with pytest.raises(TypeError):
        err.write(b"")
    err.write("a line\n")
    assert err.drain()
    assert out.getvalue() == "a line\n"
