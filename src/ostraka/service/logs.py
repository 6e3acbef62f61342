"""Logs of a service: one line an event, as text or as JSON, of fields from one list.

A line never holds a key, a frame or a name. The address that a connection came from is in it only
if the operator asks for that.
"""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Final, TextIO

from ostraka.text import visible

LOGGER: Final = logging.getLogger("ostraka.service")

FIELDS: Final = (
    "address",
    "fingerprint",
    "room",
    "members",
    "relayed_bytes",
    "seconds",
    "code",
    "count",
    "source",
)
"""Fields that a line may have, in this order; `room` is the first 4 bytes of a room's name."""

LEVELS: Final = ("debug", "info", "warning", "error")


def event(level: int, text: str, **fields: object) -> None:
    """Log one event.

    Args:
        level: as `logging` numbers levels.
        text: what happened, the same words each time.
        fields: figures of it, each one of `FIELDS`.
    """
    if unknown := fields.keys() - set(FIELDS):
        raise ValueError(f"fields of a log line: {', '.join(sorted(unknown))}")
    LOGGER.log(level, text, extra={"fields": fields})


def set_up(form: str, level: str, stream: TextIO, *, sources: bool = False) -> None:
    """Send the service's log lines to a stream, in place of where they went before.

    Args:
        form: "text" or "json".
        level: the lowest level that is logged; one of `LEVELS`.
        sources: whether lines tell the address that a connection came from.
    """
    handler = logging.StreamHandler(stream)
    handler.setFormatter(Json(sources) if form == "json" else Text(sources))
    LOGGER.handlers[:] = [handler]
    LOGGER.propagate = False
    LOGGER.setLevel(level.upper())


class _Lines(logging.Formatter):
    """Formatter of events and of bugs, which have a traceback and no fields."""

    def __init__(self, sources: bool) -> None:
        super().__init__()
        self._sources = sources

    def fields(self, record: logging.LogRecord) -> dict[str, object]:
        """Return the fields of a line that may be shown, in the order of `FIELDS`."""
        given = getattr(record, "fields", {})
        shown = (name for name in FIELDS if self._sources or name != "source")
        return {name: given[name] for name in shown if name in given}

    def moment(self, record: logging.LogRecord) -> str:
        """Return when it happened: UTC, to the millisecond."""
        at = datetime.fromtimestamp(record.created, UTC)
        return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Text(_Lines):
    """Formatter of lines for people: moment, level, words, name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line, and the traceback of a bug below it."""
        fields = "".join(f" {name}={value}" for name, value in self.fields(record).items())
        said = visible("; ".join(record.getMessage().splitlines()))
        line = f"{self.moment(record)} {record.levelname.lower()} {said}{fields}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line


class Json(_Lines):
    """Formatter of lines for machines: one JSON object with `time`, `level`, `event`, fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return one line."""
        line = {
            "time": self.moment(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            **self.fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line)
