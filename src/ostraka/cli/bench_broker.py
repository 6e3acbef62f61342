"""Broker of `bench --link mqtt`: Mosquitto on a free port of this machine, for one measurement."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from ostraka.errors import Unreachable, UsageError

STARTED_WITHIN = 20.0
"""Seconds within which the broker answers."""


def find_mosquitto() -> str:
    """Return the path of the program; Debian keeps it where only root's shells look.

    Raises:
        UsageError: it is not installed.
    """
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    if (found := shutil.which("mosquitto", path=path)) is None:
        hint = "on Debian and Ubuntu: apt install mosquitto"
        raise UsageError("there is no mosquitto on this machine", hint=hint, data_left=False)
    return found


@contextmanager
def running_broker(directory: Path) -> Iterator[dict[str, str]]:
    """Run a broker as a context; yield what a manifest's `coordinator` says of it.

    It is on loopback, without TLS: records of the parties' own TLS go through it.
    """
    program, port = find_mosquitto(), _free_port()
    config = directory / "mosquitto.conf"
    config.write_text(
        f"listener {port} 127.0.0.1\nallow_anonymous true\nset_tcp_nodelay true\nlog_type error\n"
    )
    directory.chmod(0o711)  # started by root, it changes to a user of its own
    config.chmod(0o644)
    command = [program, "-c", str(config)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    try:
        _wait_for(port)
        yield {"mqtt": f"mqtt://127.0.0.1:{port}", "topic": "bench"}
    finally:
        child.terminate()
        child.wait()


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def _wait_for(port: int) -> None:
    until = monotonic() + STARTED_WITHIN
    while monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            sleep(0.02)
        else:
            return
    raise Unreachable(f"mosquitto did not start within {STARTED_WITHIN:g} s", data_left=False)
