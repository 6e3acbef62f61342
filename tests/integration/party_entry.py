"""Test only: `ostraka ARGS...`, after arming one signal to be sent when a phase begins.

    python party_entry.py PHASE SIGNAL PID ARGS...

PHASE is gathering, sealing, sharing, computing, opening, known or done; PID 0 is this very
process. Each phase is announced on stderr as `phase NAME`, before the signal goes.
"""

import os
import sys

from ostraka.cli.main import main
from ostraka.party import Seat
from ostraka.progress import Observer

phase, number, pid = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
del sys.argv[1:4]
original = Seat.run


class Armed(Observer):
    def __init__(self, observer):
        self._observer = observer
        self._reached = set()

    def _reach(self, name):
        if name in self._reached:
            return
        self._reached.add(name)
        print(f"phase {name}", file=sys.stderr, flush=True)
        if name == phase:
            os.kill(pid or os.getpid(), number)

    def gathering(self, present, total):
        self._observer.gathering(present, total)
        self._reach("sealing" if present == total else "gathering")

    def phase(self, name):
        self._observer.phase(name)
        self._reach(name)

    def resuming(self, session, seconds):
        self._observer.resuming(session, seconds)

    def warn(self, text):
        self._observer.warn(text)

    def result(self, outcome):
        self._observer.result(outcome)
        self._reach("known")

    def moved(self, done, total):
        self._observer.moved(done, total)


async def run(seat, raw=None, progress=None, *more):
    progress.observer = Armed(progress.observer)
    return await original(seat, raw, progress, *more)


Seat.run = run
main()
