"""Settings of a mailbox: the table [http] of a coordinator's file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ostraka.mailbox.database import connector
from ostraka.service import reading


@dataclass(frozen=True, slots=True)
class MailboxSettings:
    """Settings of a mailbox.

    Attributes:
        listen: its address, "host:port"; port 0 lets the system choose.
        store: "sqlite:PATH" or "postgresql://...".
        certificate, key: PEM files of HTTPS; None: plain HTTP, on loopback or behind a proxy.
        proxies: addresses of proxies whose `X-Forwarded-For` is believed.
        organisers: fingerprints of those that may open collections; None: any organiser.
        only: whether there is no relay beside it.
        health: address of /healthz, /readyz, /metrics and /status; None: there are none.
        gigabytes: of all reports together, at most.
        collections: number of collections, at most.
        keep_days: days after the end of a collection at which its reports are deleted.
        at_once, a_second: requests that one address may make in a row, and a second for long.
        directory: what paths are relative to.
    """

    listen: str
    store: str = "sqlite:reports.db"
    certificate: Path | None = None
    key: Path | None = None
    proxies: tuple[str, ...] = ()
    organisers: tuple[str, ...] | None = None
    only: bool = False
    health: str | None = None
    gigabytes: float = 16.0
    collections: int = 1000
    keep_days: float = 30.0
    at_once: int = 300
    a_second: float = 20.0
    directory: Path = Path()


def read_table(raw: Mapping[str, object]) -> MailboxSettings:
    """Read the table [http].

    Raises:
        ValueError: a key is unknown or missing, or a value is not valid; the message begins with
            the key.
    """
    found = reading.checked(raw, _CHECKS)
    if "listen" not in found:
        raise ValueError('listen is missing: listen = "127.0.0.1:8080"')
    if "key" in found and "certificate" not in found:
        raise ValueError("certificate is missing, whose key is given")
    return MailboxSettings(**found)


def _store(name: str, value: object) -> str:
    found = reading.text(name, value)
    try:
        connector(found, Path())
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None
    return found


_CHECKS: Final[dict[str, reading.Check]] = {
    "listen": reading.address,
    "store": _store,
    "certificate": reading.path,
    "key": reading.path,
    "proxies": reading.texts,
    "organisers": reading.fingerprints,
    "only": reading.flag,
    "health": reading.address,
    "gigabytes": reading.positive,
    "collections": reading.count,
    "keep_days": reading.positive,
    "at_once": reading.count,
    "a_second": reading.positive,
}
