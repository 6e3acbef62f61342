"""Configuration: manifests bound to their protocols, directories, the coordinator's own file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ostraka.addresses import host_port
from ostraka.errors import ManifestError, UsageError
from ostraka.files import read_text
from ostraka.manifest import Manifest, fingerprint, locate, parse, suggest

if TYPE_CHECKING:
    from ostraka.protocols.protocol import Protocol


def load(source: Path | str) -> Manifest:
    """Read a manifest and check it, also by the rules of the protocol that it names.

    Args:
        source: a path, or the TOML itself: text that has more than one line.

    Raises:
        ManifestError: the manifest is not valid; the message points at the line.
        UsageError: the file is unreadable.
    """
    return bind(source).manifest


def bind(source: Manifest | Path | str) -> Protocol:
    """Build the protocol that a manifest names, with the manifest in it, for `load` and `run`.

    Args:
        source: a manifest, or what `load` reads.

    Raises:
        ManifestError, UsageError: as `load`.
    """
    if isinstance(source, Manifest):
        from ostraka.protocols import protocol_for

        return protocol_for(source)
    if isinstance(source, str) and "\n" in source:
        return bind_text(source, "manifest")
    path = Path(source)
    return bind_text(read_text(path), str(path))


def bind_text(text: str, source: str) -> Protocol:
    """Build the protocol of a manifest's TOML; `source` is what messages call it."""
    manifest = parse(text, source)
    try:
        return bind(manifest)
    except ManifestError as error:
        words = locate(text, source, error.message)
        raise ManifestError(words, hint=error.hint, data_left=False) from None


# --- directories -------------------------------------------------------------------------------


def keys_directory(option: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of NAME.key and NAME.crt: the option, else OSTRAKA_KEYS, else here."""
    return option or Path(environ.get("OSTRAKA_KEYS") or ".")


def receipts_directory(option: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory for receipts: the option, else OSTRAKA_RECEIPTS, else here.

    Raises:
        UsageError: it is not a directory that we may write to. Better found before the session.
    """
    found = option or Path(environ.get("OSTRAKA_RECEIPTS") or ".")
    if not found.is_dir() or not os.access(found, os.W_OK | os.X_OK):
        hint = "choose another with --receipts DIR or OSTRAKA_RECEIPTS"
        raise UsageError(f"no receipt can be written into {found}", hint=hint, data_left=False)
    return found


def ledger_directory(keys: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of NAME.ledger: OSTRAKA_LEDGER, else that of the key.

    OSTRAKA_LEDGER is for keys in a directory that cannot be written.
    """
    return Path(environ.get("OSTRAKA_LEDGER") or keys)


# --- the coordinator's own file ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CoordinatorConfig:
    """Settings of a coordinator.

    Attributes:
        listen: its address, "host:port"; port 0 lets the system choose.
        name: the name of its key's files.
        keys: the directory of its key.
        allow: fingerprints of the parties that it admits; None: any party with a key.
    """

    listen: str
    name: str
    keys: Path
    allow: tuple[str, ...] | None


def load_coordinator(path: Path) -> CoordinatorConfig:
    """Read the coordinator's TOML: `listen`, and perhaps `name`, `keys` and `allow`.

    `keys` is relative to the file.

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
        for key in raw:
            if key not in _COORDINATOR:
                raise ValueError(f'unknown key "{key}"' + suggest(key, _COORDINATOR))
        return CoordinatorConfig(
            listen=_listen(raw["listen"]),
            name=_text("name", raw.get("name", "coordinator")),
            keys=path.parent / _text("keys", raw.get("keys", ".")),
            allow=_allow(raw.get("allow")),
        )
    except ValueError as error:
        raise UsageError(f"{path}: {error}") from None


_COORDINATOR = ("listen", "name", "keys", "allow")


def _text(name: str, value: object) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError(f"{name} must be a string")
    return value


def _listen(value: object) -> str:
    text = _text("listen", value)
    try:
        host_port(text, lowest_port=0)
    except ValueError as error:
        raise ValueError(f"listen {error}") from None
    return text


def _allow(value: object) -> tuple[str, ...] | None:
    if value is None:
        return None
    if not isinstance(value, list):
        raise ValueError('allow must be a list of fingerprints: ["sha256:..."]')
    try:
        return tuple(map(fingerprint, value))
    except ValueError as error:
        raise ValueError(f"allow: each {error}") from None
