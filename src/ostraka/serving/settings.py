"""Settings of a party that stays, from its TOML file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from ostraka.errors import UsageError
from ostraka.manifest.collection import mailbox_url
from ostraka.service import reading
from ostraka.service.logs import LEVELS


@dataclass(frozen=True, slots=True)
class PartySettings:
    """Settings of a party that stays.

    Attributes:
        name: the party's, in manifests and of its key's files.
        keys: the directory of its key, of NAME.toml with its budgets, and of its ledger.
        sessions: the directory whose manifests (*.toml) it looks at.
        receipts: the directory of receipts.
        organisers: fingerprints of those whose collections it takes part in; None: any.
        protocols: names of those it takes part in; None: any.
        approve: "ask": each session waits for `ostraka approve`; "auto": those without objection
            begin by themselves.
        trust_new: whether it takes keys that it has not met on trust.
        min_contributors: floor of the manifest's `min_contributors`.
        threshold: floor of the manifest's threshold.
        look: seconds between two looks at the directory.
        http: address of /healthz, /readyz, /metrics and /status; None: there are none.
        log, level, log_sources, drain: as a coordinator's.
        mailboxes: URLs of mailboxes that it asks for collections in which it computes.
        inputs: by series, the file of its input to sessions of that series, which is read when one
            begins.
    """

    name: str
    keys: Path = Path()
    sessions: Path = Path("sessions")
    receipts: Path = Path("receipts")
    organisers: tuple[str, ...] | None = None
    protocols: tuple[str, ...] | None = None
    approve: str = "ask"
    trust_new: bool = False
    min_contributors: int = 1
    threshold: int = 1
    look: float = 5.0
    http: str | None = None
    log: str = "text"
    level: str = "info"
    log_sources: bool = False
    drain: float = 30.0
    mailboxes: tuple[str, ...] = ()
    inputs: Mapping[str, Path] = field(default_factory=dict)


def load(path: Path) -> PartySettings:
    """Read a party's TOML file. Directories are relative to it.

    Raises:
        UsageError: the file is unreadable, has another key, or a value that is not valid.
    """
    raw = reading.read_toml(path)
    if "name" not in raw:
        raise UsageError(f"{path}: name is missing", hint='name = "c1"')
    try:
        found = PartySettings(**reading.checked(raw, _CHECKS))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    if found.mailboxes and found.approve == "auto" and found.organisers is None:
        raise UsageError(
            f'{path}: with mailboxes, approve = "auto" needs organisers: all who open a collection '
            "there would be obeyed",
            hint='list the fingerprints of the organisers, or say approve = "ask"',
        )
    places: dict[str, Any] = {
        part: path.parent / getattr(found, part) for part in ("keys", "sessions", "receipts")
    }
    inputs = {series: path.parent / file for series, file in found.inputs.items()}
    return replace(found, inputs=inputs, **places)


def _look(name: str, value: object) -> float:
    found = reading.seconds(name, value)
    if found < 0.1:
        raise ValueError(f"{name} must be at least 0.1 seconds")
    return found


def _mailboxes(name: str, value: object) -> tuple[str, ...]:
    return tuple(mailbox_url(url) for url in reading.texts(name, value))


def _inputs(name: str, value: object) -> dict[str, Path]:
    if not isinstance(value, dict):
        raise ValueError(f'{name} must be a table: each series = "the file of its input"')
    return {series: reading.path(f"{name}.{series}", file) for series, file in value.items()}


_CHECKS: Final[dict[str, reading.Check]] = {
    "name": reading.text,
    "keys": reading.path,
    "sessions": reading.path,
    "receipts": reading.path,
    "mailboxes": _mailboxes,
    "organisers": reading.fingerprints,
    "protocols": reading.texts,
    "approve": reading.one_of("ask", "auto"),
    "trust_new": reading.flag,
    "min_contributors": reading.count,
    "threshold": reading.count,
    "look": _look,
    "http": reading.address,
    "log": reading.one_of("text", "json"),
    "level": reading.one_of(*LEVELS),
    "log_sources": reading.flag,
    "drain": reading.seconds,
    "inputs": _inputs,
}
