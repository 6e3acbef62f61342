"""The process that listens on a port, named as far as the system tells."""

import asyncio
import os
import socket
import subprocess
import sys

import pytest

from ostraka.errors import UsageError
from ostraka.transport import listening
from ostraka.transport.holders import holder_of
from ostraka.transport.resolver import Resolver

linux = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="needs /proc")
LISTEN = """
import socket, sys
held = socket.create_server((sys.argv[1], 0), family=socket.AF_INET6 if ":" in sys.argv[1] else 2)
print(held.getsockname()[1], flush=True)
sys.stdin.read()
"""


@linux
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_another_process_of_this_user_is_named_in_the_hint(host):
    with subprocess.Popen(
        [sys.executable, "-c", LISTEN, host],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as other:
        port = int(other.stdout.readline())
        assert f"(process {other.pid})" in holder_of(port)
        with pytest.raises(UsageError) as refused:
            asyncio.run(listening.listening(host, port, Resolver(), exact=True, warn=print))
        assert f"(process {other.pid}) listens there" in refused.value.hint
        assert "another process" not in refused.value.hint
        other.stdin.close()


@linux
def test_this_process_is_named_too():
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert holder_of(port).endswith(f"(process {os.getpid()})")
    assert holder_of(port) == ""


def test_a_system_that_tells_nothing(tmp_path):
    assert holder_of(443, tmp_path) == ""
    (tmp_path / "net").mkdir()
    line = "   0: 00000000:01BB 00000000:0000 0A 00000000:00000000 00:00000000 0 0 0 77 1 0 100 0 0"
    (tmp_path / "net" / "tcp").write_text(f"head\n{line}\n")
    assert holder_of(443, tmp_path) == ""
    (tmp_path / "12" / "fd").mkdir(parents=True)
    (tmp_path / "12" / "comm").write_text("odd\x1b[2J\n")
    (tmp_path / "12" / "fd" / "3").symlink_to("socket:[77]")
    assert holder_of(443, tmp_path) == "odd?[2J (process 12)"
    assert holder_of(444, tmp_path) == ""
