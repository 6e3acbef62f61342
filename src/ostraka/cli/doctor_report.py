"""Text of `doctor --report`: what helps to understand a fault, without names, addresses or keys."""

from __future__ import annotations

import os
import platform
import ssl
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from ostraka.cli.findings import Findings
    from ostraka.manifest import Manifest

PACKAGES: Final = (
    "aiomqtt", "cryptography", "msgpack", "numpy", "pydantic", "rich", "typer",
    "duckdb", "matplotlib", "prometheus-client", "psycopg", "python-calamine", "starlette",
    "uvicorn",
)  # fmt: skip
"""Packages whose release may matter: those that are needed, then those of extras."""


def report(findings: Findings, manifest: Manifest | None) -> str:
    """Return the report, one "key: value" a line.

    A finding is told by what was looked at and whether it was well, never by its detail, which
    may hold names, paths, addresses and fingerprints; a manifest by its shape.
    """
    rows = [*_machine(), *_packages(), *(_session(manifest) if manifest else ())]
    checks = (f"{each['check']}: {_verdict(each['ok'])}" for each in findings.lines)
    return "\n".join([*(f"{key}: {value}" for key, value in rows), *checks])


def _machine() -> Iterator[tuple[str, object]]:
    yield "ostraka", _version("ostraka")
    yield "python", f"{platform.python_implementation()} {platform.python_version()}"
    yield "system", f"{platform.system()} {platform.release()} {platform.machine()}"
    yield "libc", " ".join(platform.libc_ver()) or "unknown"
    yield "openssl", ssl.OPENSSL_VERSION
    yield "cores", os.cpu_count() or "unknown"


def _packages() -> Iterator[tuple[str, object]]:
    for name in PACKAGES:
        yield name, _version(name)


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _session(manifest: Manifest) -> Iterator[tuple[str, object]]:
    """Yield the shape of a session: counts and kinds; no title, name, unit, bound or option."""
    from ostraka.protocols import every_protocol

    session, sharing = manifest.session, manifest.sharing
    own = {each.name for each in every_protocol() if each.package == "ostraka"}
    yield "protocol", session.protocol if session.protocol in own else "of another package"
    yield "parties", f"{len(manifest.party)}, of which compute: {len(manifest.compute)}"
    yield "sharing", f"{sharing.scheme}, threshold {sharing.threshold}, {sharing.security}"
    kinds = (f"{each.type.kind} x {each.length}" for each in manifest.inputs)
    yield "inputs", ", ".join(kinds)
    meeting = ["broker"] * len(session.brokers) + ["relay"] * len(session.relays)
    yield "meeting", ", ".join(meeting) or "direct"
    noise = manifest.privacy.local or manifest.privacy.central
    yield "noise", noise.mechanism if noise else "none"
    if manifest.collection is not None:
        yield "collection", f"{manifest.collection.source}, {manifest.collection.places_count}"


def _verdict(ok: Any) -> str:
    return {True: "ok", False: "FAIL"}.get(ok, "note")
