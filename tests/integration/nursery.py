"""Processes that are forked from one that has loaded the package; each is otherwise on its own.

    python nursery.py DESCRIPTOR

Most of what a process of a short session costs is its start: the interpreter, a thousand modules.
A forked one has its own memory, descriptors, environment, directory, signals and exit code, and
goes through `main` as a command does. Tests of start itself, and of what a process holds, start
theirs afresh.
"""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import traceback
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from typed import TypedCommand

_MOST = 1 << 16


class Nursery:
    """The process that forks; one for all tests of a pytest worker."""

    def __init__(self):
        self._lock = threading.Lock()
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._server = subprocess.Popen(
                [sys.executable, __file__, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )

    def start(self, arguments, directory, environment, stdin):
        """Fork a process that does as `python ARGUMENTS` would. `stdin`: whether it has one."""
        ends = {"in": os.pipe(), "out": os.pipe(), "err": os.pipe()}
        theirs = [ends["in"][0], ends["out"][1], ends["err"][1]]
        pid, code = self.fork(order(arguments, directory, environment), theirs)
        for descriptor in theirs:
            os.close(descriptor)
        child = Child(pid, code, *(ends[name][name == "in"] for name in ends))
        if not stdin:
            child.stdin.close()
        return child

    def start_child(self, arguments):
        """Fork a process in a session of its own, which shares our stderr; its pipes are bytes."""
        stdin, stdout = os.pipe(), os.pipe()
        what = order(arguments, Path.cwd(), dict(os.environ), alone=True)
        pid, code = self.fork(what, [stdin[0], stdout[1], 2])
        os.close(stdin[0])
        os.close(stdout[1])
        return Child(pid, code, stdin[1], stdout[0], text=False)

    def typed(self, directory):
        """A program `ostraka` in a directory, whose processes are forked: a context."""
        return TypedCommand(directory, self, order)

    def fork(self, order, descriptors):
        """Fork a process with this stdin, stdout and stderr: its pid, and a descriptor that brings
        its exit code. Safe to call from several threads."""
        code, theirs = os.pipe()
        with self._lock:
            socket.send_fds(self._socket, [order], [*descriptors, theirs])
            pid = int(self._socket.recv(_MOST))
        os.close(theirs)
        return pid, code

    def close(self):
        self._socket.close()
        self._server.wait(20)


def order(arguments, directory, environment, *, alone=False):
    """What to fork, as it is sent. `alone`: in a session of its own."""
    found = {"arguments": list(map(str, arguments)), "directory": str(directory)}
    return json.dumps(found | {"environment": environment, "alone": alone}).encode()


class Child:
    """A forked process, as `subprocess.Popen` shows one, in text or in bytes."""

    def __init__(self, pid, code, stdin, stdout, stderr=None, text=True):
        self.pid, self.returncode, self._code = pid, None, code
        kind = "" if text else "b"
        self.stdin = os.fdopen(stdin, "w" + kind)
        self.stdout = os.fdopen(stdout, "r" + kind)
        self.stderr = None if stderr is None else os.fdopen(stderr, "r" + kind)

    def poll(self):
        with suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, seconds=None):
        if self.returncode is None:
            if not select.select([self._code], [], [], seconds)[0]:
                raise subprocess.TimeoutExpired(str(self.pid), seconds)
            self.returncode = int(os.read(self._code, _MOST))
            os.close(self._code)
        return self.returncode

    def communicate(self, timeout=None):
        """Read what it says until it ends: its stdout and stderr."""
        said, self.stdin = {}, self.stdin.close()
        streams = (self.stdout, self.stderr)
        readers = [threading.Thread(target=lambda s=s: said.update({s: s.read()})) for s in streams]
        for reader in readers:
            reader.start()
        self.wait(timeout)
        for reader in readers:
            reader.join()
        self.close()
        return said[self.stdout], said[self.stderr]

    def close(self):
        """Close the pipes to it."""
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream is not None:
                stream.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.wait()
        self.close()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


# --- the process that forks ----------------------------------------------------------------------


def serve(orders):
    """Fork what is ordered, and report exit codes, until the other end closes."""
    codes = {}
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    while True:
        ready = select.select([orders, ended], [], [])[0]
        if ended in ready:
            os.read(ended, _MOST)
            reap(codes)
        if orders in ready:
            order, descriptors, *_ = socket.recv_fds(orders, _MOST, 4)
            if not order:
                return
            pid = os.fork()
            if pid == 0:
                signal.set_wakeup_fd(-1)
                for descriptor in (*codes.values(), ended, wake, orders.fileno()):
                    os.close(descriptor)
                become(json.loads(order), descriptors)
            for descriptor in descriptors[:3]:
                os.close(descriptor)
            codes[pid] = descriptors[3]
            orders.send(str(pid).encode())


def reap(codes):
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            descriptor = codes.pop(found[0])
            with suppress(BrokenPipeError):
                os.write(descriptor, str(os.waitstatus_to_exitcode(found[1])).encode())
            os.close(descriptor)


def become(order, descriptors):
    """Do as the ordered process would, and end."""
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # which `nohup` has the tests ignore
        signal.signal(signal.SIGINT, signal.default_int_handler)
        for number, descriptor in enumerate(descriptors[:3]):
            os.dup2(descriptor, number)
        for descriptor in descriptors:
            os.close(descriptor)
        sys.stdin, sys.stdout = os.fdopen(0), os.fdopen(1, "w")
        sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace")
        if order["alone"]:
            os.setsid()
        os.chdir(order["directory"])
        os.environ.clear()
        os.environ.update(order["environment"])
        places = os.environ.get("PYTHONPATH", "").split(os.pathsep)
        sys.path[1:1] = [place for place in places if place and place not in sys.path]
        run(order["arguments"])
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


def run(arguments):
    import runpy

    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    elif arguments[0] == "-c":
        sys.argv = ["-c", *arguments[2:]]
        exec(compile(arguments[1], "<string>", "exec"), {"__name__": "__main__"})
    else:
        sys.argv = arguments
        runpy.run_path(arguments[0], run_name="__main__")


def load():
    """Load the package, but for the modules that run as `__main__`, and what its commands load."""
    import gc
    import pkgutil
    from importlib import import_module

    import ostraka
    from ostraka.errors import UsageError
    from ostraka.protocols import catalogue

    for found in pkgutil.walk_packages(ostraka.__path__, "ostraka."):
        if found.name not in COMMANDS:
            with suppress(ImportError, UsageError):  # a package that is not installed here
                import_module(found.name)
    for name in ALSO:
        with suppress(ImportError):
            import_module(name)
    assert all(catalogue.values())
    assert not any(name in sys.modules for name in COMMANDS)
    gc.freeze()


COMMANDS = ("ostraka.cli.main", "ostraka.cli.child")
ALSO = ("numpy.fft", "pydantic.dataclasses", "pydantic.type_adapter", "rich.table")


if __name__ == "__main__":
    sys.path[0] = str(Path.cwd())
    load()
    with socket.socket(fileno=int(sys.argv[1])) as mine:
        serve(mine)
