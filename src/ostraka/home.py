"""A party's own files on its machine: the key that the manifest pins, and the ledger."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from ostraka import config, identity
from ostraka.errors import PinMismatch
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.record.ledger import Ledger
from ostraka.record.own_rules import load_rules


def own_identity(manifest: Manifest, me: PartyId, keys: Path) -> Identity:
    """Load the key of the party `me`, which must be the key that the manifest pins.

    Raises:
        UsageError: there is no key, or other users of the machine can read it.
        PinMismatch: the manifest pins another key.
    """
    found = identity.load(me, keys)
    require_pinned(manifest, me, found)
    return found


def require_pinned(manifest: Manifest, me: PartyId, own: Identity) -> None:
    """Check that a key is the one that the manifest pins for the party `me`.

    Raises:
        PinMismatch: the manifest pins another key.
    """
    if own.fingerprint != manifest.pin(me):
        raise PinMismatch(
            f"{own.certificate_path} is not the key that the manifest names for {me}",
            hint=f"yours is {identity.fingerprint_text(own.fingerprint)}; "
            "choose another --keys, or agree on a new manifest",
            data_left=False,
        )


def own_ledger(own: Identity, keys: Path, warn: Callable[[str], None]) -> Ledger:
    """Open a party's ledger under the rules of its own NAME.toml; read and check its entries.

    Args:
        keys: the directory of the party's key.
        warn: is called with a text when an unfinished last line was left out.

    Raises:
        RefusedByLedger: the ledger was altered, or cannot be written.
        UsageError: NAME.toml is not valid.
    """
    rules = load_rules(own.name, keys)
    directory = config.ledger_directory(keys)
    ledger = Ledger(directory, own, rules, now=lambda: datetime.now(UTC))
    ledger.read()
    if ledger.chain.torn:
        warn(
            f"the last line of {ledger.chain.path} was never finished, and so never acted "
            "on: it is left out"
        )
    return ledger


def ledger_names(where: Path) -> list[str]:
    """List the parties with a ledger in the directory `where`.

    A ledger that was deleted counts, as its head file is still there: it is not the same as none.
    """
    found = (*where.glob("*.ledger"), *where.glob("*.ledger.head"))
    return sorted({path.name.partition(".")[0] for path in found})
