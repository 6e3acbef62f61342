"""A party's own access to MQTT brokers, `[mqtt]` of NAME.toml beside its key.

It is no part of the manifest. A password goes to the broker that it was given for and to no other,
as another party may have written the manifest and named a broker of its own.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from ostraka.addresses import broker_host_port
from ostraka.errors import UsageError
from ostraka.files import loose_modes, read_text
from ostraka.manifest import suggest

_KEYS: Final = ("broker", "user", "password_file", "ca", "certificate", "key")


@dataclass(frozen=True, slots=True)
class BrokerAccess:
    """Access of one party to one broker.

    Attributes:
        broker: its URL as manifests have it, "mqtts://host:port".
        user: name at the broker; None: none is given.
        password: of that user.
        ca: file of the authorities that may have signed the broker's certificate; None: those that
            this machine trusts.
        certificate: file of this party's certificate at the broker, and `key`: of its key; None for
            brokers that ask for none. They are not the key of the manifest.
    """

    broker: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


def read_brokers(table: Any, directory: Path) -> tuple[BrokerAccess, ...]:
    """Read `[mqtt]`, or a list of it; paths are relative to the file's directory.

    Raises:
        ValueError: it is not valid.
        UsageError: a password's file cannot be read, or others may read it.
    """
    tables = table if isinstance(table, list) else [table]
    found = tuple(_access(one, directory) for one in tables)
    if len({access.broker for access in found}) < len(found):
        raise ValueError("[mqtt] names a broker twice")
    return found


def _access(table: Any, directory: Path) -> BrokerAccess:
    if not isinstance(table, dict):
        raise ValueError("mqtt is a table: [mqtt]")
    for key, value in table.items():
        if key not in _KEYS:
            hint = '; use password_file = "..."' if key == "password" else suggest(key, _KEYS)
            raise ValueError(f'unknown key "{key}" in [mqtt]' + hint)
        if not isinstance(value, str) or not value:
            raise ValueError(f"[mqtt] {key} is a text")
    try:
        broker_host_port(table.get("broker"))
    except ValueError as error:
        raise ValueError(f"[mqtt] broker {error}") from None
    if ("certificate" in table) != ("key" in table):
        raise ValueError("[mqtt] certificate and key go together")
    if "password_file" in table and "user" not in table:
        raise ValueError("[mqtt] password_file goes with user")
    paths = {key: directory / table[key] for key in ("ca", "certificate", "key") if key in table}
    password = None
    if "password_file" in table:
        password = _password(directory / table["password_file"])
    if "key" in paths and (problem := loose_modes(paths["key"], 0o600)):
        raise UsageError(f"{problem}: others could read your key", data_left=False)
    return BrokerAccess(table["broker"], table.get("user"), password, **paths)


def _password(path: Path) -> str:
    if problem := loose_modes(path, 0o600):
        raise UsageError(f"{problem}: others could read your broker's password", data_left=False)
    return read_text(path).rstrip("\r\n")


def with_environment(known: tuple[BrokerAccess, ...], text: str | None) -> tuple[BrokerAccess, ...]:
    """Return the accesses with the user and password that OSTRAKA_MQTT gives for one broker.

    Args:
        text: "mqtts://user:password@host:port", or None.

    Raises:
        UsageError: it is not valid; the message does not repeat it.
    """
    if not text:
        return known
    scheme, _, rest = text.partition("://")
    credentials, at, address = rest.rpartition("@")
    user, colon, password = (unquote(part) for part in credentials.partition(":"))
    url = f"{scheme}://{address}"
    try:
        broker_host_port(url)
    except ValueError as error:
        raise UsageError(f"OSTRAKA_MQTT {error}", data_left=False) from None
    if not (at and user and colon):
        hint = "OSTRAKA_MQTT=mqtts://USER:PASSWORD@HOST:PORT"
        raise UsageError("OSTRAKA_MQTT has no user and password", hint=hint, data_left=False)
    before = next((access for access in known if access.broker == url), BrokerAccess(url))
    others = tuple(access for access in known if access.broker != url)
    return (*others, replace(before, user=user, password=password))
