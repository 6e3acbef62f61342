"""Rekeying: a party takes a new key, and what others know of it and its ledger go on."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ostraka import config, home, identity
from ostraka.errors import UsageError
from ostraka.files import sync_directory
from ostraka.identity import Identity
from ostraka.record import succession
from ostraka.record.succession import Succession


def rekey(name: str, keys: Path, warn: Callable[[str], None]) -> tuple[Identity, Path]:
    """Replace NAME.key and NAME.crt, and write NAME.succession for the other parties.

    The old key signs the new one, and the party's ledger goes on under it; then the old private
    key is gone. A call that was interrupted is finished by the next one.

    Args:
        keys: the directory of the key.
        warn: is called with a text on each repair of the ledger.

    Returns:
        The new identity, and the path of NAME.succession, which holds every key since the first.

    Raises:
        UsageError: there is no key, a session that is not finished needs it, or a file cannot be
            written.
        Temporary: a run of this party is going on.
        RefusedByLedger: the ledger is not as this party wrote it.
    """
    home.require_own(keys)
    waiting = keys / f".{name}.rekey"
    path = keys / f"{name}.succession"
    try:
        if not waiting.exists() or (waiting / f"{name}.key").exists():
            _hand_over(name, keys, waiting, path, warn)
        _move(name, waiting, keys)
    except OSError as error:
        message = f"cannot write into {keys}: {error.strerror}"
        hint = f"run it again: it goes on from there, as long as {waiting} stays"
        raise UsageError(message, hint=hint, data_left=False) from None
    return identity.load(name, keys), path


def _hand_over(
    name: str, keys: Path, waiting: Path, path: Path, warn: Callable[[str], None]
) -> None:
    """Make the new key beside the old one, and sign its succession where others will look."""
    old = identity.load(name, keys)
    _require_idle(old, keys)
    made = (waiting / f"{name}.crt").exists()
    new = identity.load(name, waiting) if made else identity.create(name, waiting)
    link = Succession.of(old, new)
    before = succession.read(path) if path.exists() else []
    succession.write(path, [*(each for each in before if each.new != new.certificate), link])
    path.chmod(0o644)
    if name in home.ledger_names(config.ledger_directory(keys)):
        home.own_ledger(old, keys, warn).succeed(link)


def _require_idle(own: Identity, keys: Path) -> None:
    """Check that no record of a session is left that the old key alone can read."""
    records = home.own_records(own, keys)
    if records is not None and (left := records.kept()):
        raise UsageError(
            f"a session of {own.name} is not finished: {left[0]} needs the present key",
            hint=f"finish it: ostraka run ...; or wait {records.seconds / 60:.0f} min",
            data_left=False,
        )


def _move(name: str, waiting: Path, keys: Path) -> None:
    """Put the new files in place of the old ones; the private key goes first."""
    for file in (f"{name}.key", f"{name}.crt"):
        if (waiting / file).exists():
            os.replace(waiting / file, keys / file)
    waiting.rmdir()
    sync_directory(keys)
