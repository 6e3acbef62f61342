"""Results that a party keeps: each run's, as it was printed, written before it is printed.

    RESULTS/SESSION.NAME.json   {"party": NAME, "at": TIME, "title": TITLE, "result": {...}}

A file appears whole or not at all, is on disk when `keep` returns, and has mode 0600. A machine may
be home to several parties of one session, so the name has both. Only `forget` deletes a result.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ostraka import strict_json
from ostraka.errors import UsageError
from ostraka.files import read_bounded, replacing

_LARGEST: Final = 1 << 34
"""Bytes of a result at most: a party reads here what it wrote itself."""


@dataclass(frozen=True)
class Kept:
    """One party's result of one session.

    Attributes:
        session: the session's id, 64 hex digits.
        party: the party's name.
        path: its file.
        written: when, in nanoseconds since 1970.
    """

    session: str
    party: str
    path: Path
    written: int

    def read(self) -> dict[str, Any]:
        """Return what `keep` was given, with the party and the time.

        Raises:
            UsageError: the file cannot be read, or is none of ours.
        """
        try:
            found = strict_json.parse(read_bounded(self.path, _LARGEST))
            if isinstance(found, dict) and isinstance(found["result"]["status"], str):
                return found
        except (ValueError, KeyError, TypeError):
            pass
        raise UsageError(f"{self.path} is not a result that ostraka wrote")


def keep(directory: Path, party: str, at: str, title: str, result: Mapping[str, Any]) -> Path:
    """Write a result and return its path; it is on disk then.

    Args:
        at: the time, ISO 8601.
        result: as `Outcome.as_dict` returns it, with the session's id.

    Raises:
        OSError: it cannot be written.
    """
    path = directory / f"{result['session']}.{party}.json"
    whole = {"party": party, "at": at, "title": title, "result": result}
    with replacing(path) as file:
        json.dump(whole, file, default=str)
    return path


def kept(directory: Path) -> list[Kept]:
    """List all results, the newest first."""
    return sorted(_all(directory), key=lambda one: one.written, reverse=True)


def _all(directory: Path) -> Iterator[Kept]:
    for path in directory.glob("[!.]*.json"):
        session, _, party = path.name.removesuffix(".json").partition(".")
        with suppress(FileNotFoundError):  # forgotten meanwhile
            yield Kept(session, party, path, path.stat().st_mtime_ns)


def find(directory: Path, session: str = "", party: str = "") -> Kept:
    """Return the newest result, or that of a session.

    Args:
        session: the first digits of just one session's id; "" for any.
        party: its name; "" for any, where the session has the result of one party here.

    Raises:
        UsageError: there is none, or more than one that is meant.
    """
    fit = [
        one
        for one in kept(directory)
        if one.session.startswith(session) and party in ("", one.party)
    ]
    if not fit:
        what = (f" of {party}" if party else "") + (f" of session {session}" if session else "")
        raise UsageError(f"{directory} has no result{what}", hint="see: ostraka result --list")
    if session and len({one.session for one in fit}) > 1:
        raise UsageError(f'the ids of several sessions start with "{session}"', hint="give more")
    if session and len(fit) > 1:
        names = ", ".join(sorted(one.party for one in fit))
        raise UsageError(f"{names} have results of it here", hint="choose: --as NAME")
    return fit[0]


def forget(one: Kept) -> None:
    """Delete a result; its receipt and the ledger's entry stay.

    Raises:
        OSError: it cannot be deleted.
    """
    one.path.unlink()
