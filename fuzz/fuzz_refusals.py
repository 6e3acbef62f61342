"""Count of refusals by documented errors, which targets of fuzzing share."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager

from ostraka.record.journal_frames import Damaged

REFUSED = Counter()


@contextmanager
def refused_by(*errors):
    """Count a documented error of the innermost target, and go on."""
    try:
        yield
    except errors as error:
        assert str(error) or isinstance(error, Damaged)
        REFUSED[type(error).__name__] += 1
