"""Program `ostraka` for shells of tests: what is typed runs in a process forked from the nursery.

The program is a few lines that need none of the package: it hands its arguments, directory,
environment and streams to a thread of the test over a socket, passes signals on, and ends as the
forked process does. A process whose program was killed is killed.
"""

import json
import os
import select
import signal
import socket
import sys
import threading
from contextlib import suppress

PROGRAM = """#!{python} -IS
import json, os, signal, socket, sys
with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as it:
    it.connect({place!r})
    said = {{"arguments": sys.argv[1:], "directory": os.getcwd(), "environment": dict(os.environ)}}
    socket.send_fds(it, [json.dumps(said).encode()], [0, 1, 2])
    pid = int(it.recv(64))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, _frame: os.kill(pid, number))
    code = int(it.recv(64))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


class TypedCommand:
    """The program, in a directory that a shell's PATH begins with; a context."""

    def __init__(self, directory, nursery, fork_order):
        self.directory, self._nursery, self._order = directory, nursery, fork_order
        self._place = directory / "socket"
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)

    def __enter__(self):
        self._listening.bind(str(self._place))
        self._listening.listen()
        program = self.directory / "ostraka"
        program.write_text(PROGRAM.format(python=sys.executable, place=str(self._place)))
        program.chmod(0o755)
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                typed, _ = self._listening.accept()
                threading.Thread(target=self._run, args=(typed,), daemon=True).start()

    def _run(self, typed):
        with typed:
            said, streams, *_ = socket.recv_fds(typed, 1 << 16, 3)
            asked = json.loads(said)
            arguments = ["-m", "ostraka.cli.main", *asked["arguments"]]
            order = self._order(arguments, asked["directory"], asked["environment"])
            pid, code = self._nursery.fork(order, streams)
            for stream in streams:
                os.close(stream)
            with os.fdopen(code, "rb", 0) as ended, suppress(OSError):
                typed.send(str(pid).encode())
                if typed in select.select([ended, typed], [], [])[0]:
                    os.kill(pid, signal.SIGKILL)
                typed.send(ended.read(64))
