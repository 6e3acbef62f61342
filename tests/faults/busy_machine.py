"""Limits of time that hold on a machine that is busy with something else."""

import time


def slowness():
    """How many times as long as its processor time a piece of work takes just now; at least 1."""
    wall, processor = time.monotonic(), time.process_time()
    while (done := time.process_time() - processor) < 0.1:
        pass
    return max(1.0, (time.monotonic() - wall) / done)


def within(seconds):
    """Return a limit of wall time for work that may take so many seconds on a quiet machine."""
    return seconds * slowness()
