"""Settings of a coordinator, from its TOML file or from options of the command line."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final

from ostraka.addresses import host_port
from ostraka.coordinator.admission import Quotas
from ostraka.errors import UsageError
from ostraka.files import read_text
from ostraka.manifest import fingerprint, suggest
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
        http: address of /healthz, /readyz and /metrics; None: there are none.
        log, level: form of log lines, and the lowest level that is logged.
        log_sources: whether log lines tell the address that a connection came from.
        drain: seconds that rooms have to end after SIGTERM.
        limits: bounds of connections, rooms, members and bytes.
    """

    listen: str
    name: str = "coordinator"
    keys: Path = Path()
    allow: tuple[str, ...] | None = None
    http: str | None = None
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
    try:
        raw = tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    if "listen" not in raw:
        raise UsageError(f"{path}: listen is missing", hint='listen = "0.0.0.0:9440"')
    try:
        found = Settings(**checked(raw))
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None
    return replace(found, keys=path.parent / found.keys)


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
    for name in raw:
        if name not in _READ:
            raise ValueError(f'unknown key "{name}"' + suggest(name, tuple(_READ)))
    return {name: _READ[name](name, value) for name, value in raw.items()}


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a string")
    return value


def _path(name: str, value: object) -> Path:
    return Path(_text(name, value))


def _address(name: str, value: object) -> str:
    text = _text(name, value)
    try:
        host_port(text, lowest_port=0)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    return text


def _allow(name: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list):
        raise ValueError(f'{name} must be a list of fingerprints: ["sha256:..."]')
    try:
        return tuple(map(fingerprint, value))
    except ValueError as error:
        raise ValueError(f"{name}: each {error}") from None


def _form(name: str, value: object) -> str:
    return _one_of(name, value, FORMS)


def _level(name: str, value: object) -> str:
    return _one_of(name, value, LEVELS)


def _one_of(name: str, value: object, words: tuple[str, ...]) -> str:
    if value not in words:
        raise ValueError(f"{name} must be one of {', '.join(words)}")
    return str(value)


def _flag(name: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _seconds(name: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:
        raise ValueError(f"{name} must be a number of seconds, at most a day")
    return float(value)


def _limits(name: str, value: object) -> Quotas:
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be a table")
    known = tuple(field.name for field in fields(Quotas))
    for key, most in value.items():
        if key not in known:
            raise ValueError(f'{name}: unknown key "{key}"' + suggest(key, known))
        if isinstance(most, bool) or not isinstance(most, int) or most < 1:
            raise ValueError(f"{name}: {key} must be a whole number above 0")
    return Quotas(**value)


_READ: Final = {
    "listen": _address,
    "name": _text,
    "keys": _path,
    "allow": _allow,
    "http": _address,
    "log": _form,
    "level": _level,
    "log_sources": _flag,
    "drain": _seconds,
    "limits": _limits,
}
