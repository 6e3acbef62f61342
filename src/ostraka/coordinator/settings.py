"""Settings of a coordinator, from its TOML file or from options of the command line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from ostraka.coordinator.admission import Quotas
from ostraka.errors import UsageError
from ostraka.mailbox.settings import MailboxSettings, read_table
from ostraka.manifest import suggest
from ostraka.service import reading
from ostraka.service.logs import LEVELS

FORMS: Final = ("text", "json")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of a coordinator.

    Attributes:
        listen: its address, "host:port"; port 0 lets the system choose.
        name: the name of its key's files.
        keys: the directory of its key.
        allow: fingerprints of the parties that it admits; None: any party with a key.
        http: address of /healthz, /readyz, /metrics and /status; None: there are none.
        mailbox: settings of the mailbox of collections; None: there is none.
        log, level: form of log lines, and the lowest level that is logged.
        log_sources: whether log lines tell the address that a connection came from.
        drain: seconds that rooms have to end after SIGTERM.
        limits: bounds of connections, rooms, members and bytes.
    """

    listen: str = ""
    name: str = "coordinator"
    keys: Path = Path()
    allow: tuple[str, ...] | None = None
    http: str | None = None
    mailbox: MailboxSettings | None = None
    log: str = "text"
    level: str = "info"
    log_sources: bool = False
    drain: float = 10.0
    limits: Quotas = field(default_factory=Quotas)


def load(path: Path) -> Settings:
    """Read a coordinator's TOML file. Its `keys` is relative to the file.

    Raises:
        UsageError: the file is unreadable, has another key, or a value that is not valid.
    """
    raw = reading.read_toml(path)
    if "listen" not in raw and not _is_mailbox_only(raw):
        raise UsageError(f"{path}: listen is missing", hint='listen = "0.0.0.0:9440"')
    try:
        found = _settings(raw, path.parent)
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return replace(found, keys=path.parent / found.keys)


def _is_mailbox_only(raw: Mapping[str, object]) -> bool:
    table = raw.get("http")
    return isinstance(table, dict) and table.get("only") is True


def _settings(raw: Mapping[str, object], directory: Path) -> Settings:
    """Read the settings; the table [http], if there is one, is the mailbox's, and its `health` is
    what a file without a mailbox calls `http`."""
    table = raw.get("http")
    if not isinstance(table, dict):
        return Settings(**checked(raw))
    mailbox = _mailbox(table)
    rest = checked({name: value for name, value in raw.items() if name != "http"})
    return Settings(**rest, http=mailbox.health, mailbox=replace(mailbox, directory=directory))


def of_options(given: Mapping[str, str]) -> dict[str, Any]:
    """Return options of the command line as settings, by the names of `Settings`.

    Raises:
        UsageError: a value is not valid.
    """
    try:
        return checked(given)
    except ValueError as error:
        raise UsageError(f"--{error}") from None


def checked(raw: Mapping[str, object]) -> dict[str, Any]:
    """Return settings by name, each checked.

    Raises:
        ValueError: a name is unknown, or a value is not valid; the message begins with the name.
    """
    return reading.checked(raw, _CHECKS)


def _mailbox(table: Mapping[str, object]) -> MailboxSettings:
    try:
        return read_table(table)
    except ValueError as error:
        raise ValueError(f"http: {error}") from None


def _limits(name: str, value: object) -> Quotas:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table")
    known = tuple(field.name for field in fields(Quotas))
    for key, most in value.items():
        if key not in known:
            raise ValueError(f'{name}: unknown key "{key}"' + suggest(key, known))
        reading.count(f"{name}: {key}", most)
    return Quotas(**value)


_CHECKS: Final[dict[str, reading.Check]] = {
    "listen": reading.address,
    "name": reading.text,
    "keys": reading.path,
    "allow": reading.fingerprints,
    "http": reading.address,
    "log": reading.one_of(*FORMS),
    "level": reading.one_of(*LEVELS),
    "log_sources": reading.flag,
    "drain": reading.seconds,
    "limits": _limits,
}
