"""Reading of a service's settings: a TOML file, and a check for each of its keys."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ostraka.addresses import host_port
from ostraka.errors import UsageError
from ostraka.files import read_text
from ostraka.manifest import fingerprint, suggest

Check = Callable[[str, object], Any]
"""Function of a key and its value that returns the setting; ValueError, with a message that begins
with the key, where the value is not valid."""


def read_toml(path: Path) -> dict[str, Any]:
    """Return the tables of a TOML file.

    Raises:
        UsageError: it is unreadable, or not TOML.
    """
    try:
        return tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None


def checked(raw: Mapping[str, object], checks: Mapping[str, Check]) -> dict[str, Any]:
    """Return settings by name, each checked.

    Raises:
        ValueError: a name is unknown, or a value is not valid; the message begins with the name.
    """
    for name in raw:
        if name not in checks:
            raise ValueError(f'unknown key "{name}"' + suggest(name, tuple(checks)))
    return {name: checks[name](name, value) for name, value in raw.items()}


def text(name: str, value: object) -> str:
    """Check a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a string")
    return value


def path(name: str, value: object) -> Path:
    """Check a path."""
    return Path(text(name, value))


def address(name: str, value: object) -> str:
    """Check an address to listen on, "host:port"; port 0 lets the system choose."""
    found = text(name, value)
    try:
        host_port(found, lowest_port=0)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    return found


def texts(name: str, value: object) -> tuple[str, ...]:
    """Check a list of texts."""
    if not isinstance(value, list):
        raise ValueError(f"{name} must be a list of strings")
    return tuple(text(name, each) for each in value)


def fingerprints(name: str, value: object) -> tuple[str, ...]:
    """Check a list of fingerprints."""
    if not isinstance(value, list):
        raise ValueError(f'{name} must be a list of fingerprints: ["sha256:..."]')
    try:
        return tuple(map(fingerprint, value))
    except ValueError as error:
        raise ValueError(f"{name}: each {error}") from None


def one_of(*words: str) -> Check:
    """Return the check of a text that is one of some words."""

    def check(name: str, value: object) -> str:
        if value not in words:
            raise ValueError(f"{name} must be one of {', '.join(words)}")
        return str(value)

    return check


def flag(name: str, value: object) -> bool:
    """Check true or false."""
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def seconds(name: str, value: object) -> float:
    """Check a number of seconds, at most a day."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86400:
        raise ValueError(f"{name} must be a number of seconds, at most a day")
    return float(value)


def count(name: str, value: object) -> int:
    """Check a whole number above 0."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} must be a whole number above 0")
    return value


def positive(name: str, value: object) -> float:
    """Check a number above 0."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 1e9:
        raise ValueError(f"{name} must be a number above 0")
    return float(value)
