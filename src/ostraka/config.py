"""Configuration: manifests bound to their protocols, and directories."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ostraka.errors import ManifestError, UsageError
from ostraka.files import read_text
from ostraka.manifest import Manifest, PartySpec, locate, parse

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


def keys_directory(
    option: Path | str | None = None, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return the directory of NAME.key and NAME.crt: the option, else OSTRAKA_KEYS, else here."""
    return Path(option or environ.get("OSTRAKA_KEYS") or ".")


def parties_here(manifest: Manifest, keys: Path) -> list[PartySpec]:
    """Return the parties of a manifest whose private keys are in a directory."""
    return [party for party in manifest.party if (keys / f"{party.name}.key").exists()]


def receipts_directory(
    option: Path | str | None = None, environ: Mapping[str, str] = os.environ
) -> Path:
    """Return the directory for receipts: the option, else OSTRAKA_RECEIPTS, else here.

    Raises:
        UsageError: it is not a directory that we may write to. Better found before the session.
    """
    found = Path(option or environ.get("OSTRAKA_RECEIPTS") or ".")
    if not found.is_dir() or not os.access(found, os.W_OK | os.X_OK):
        hint = "choose another with --receipts DIR or OSTRAKA_RECEIPTS"
        raise UsageError(f"no receipt can be written into {found}", hint=hint, data_left=False)
    return found


def ledger_directory(keys: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of NAME.ledger: OSTRAKA_LEDGER, else that of the key.

    OSTRAKA_LEDGER is for keys in a directory that cannot be written.
    """
    return Path(environ.get("OSTRAKA_LEDGER") or keys)
