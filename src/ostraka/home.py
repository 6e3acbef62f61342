"""A party's own files on its machine: the key that the manifest pins, the ledger, and the home.

    OSTRAKA_HOME/results/    results of runs, for `ostraka result`
    OSTRAKA_HOME/sessions/   records of sessions that are not finished
    OSTRAKA_HOME/drafts/     drafts with invitations, for `ostraka seal`
    OSTRAKA_HOME/reports/    reports to collections, their keys and their receipts
    OSTRAKA_HOME/collections/   what compute parties keep of collections until these are answered
    OSTRAKA_HOME/known.toml  keys of other parties that this machine has met
    OSTRAKA_HOME/coordinator/   the key of a coordinator that was started without a file

The home is by default `ostraka` in the platform's directory for data. It and all directories in it
are made with mode 0700.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from ostraka import config, identity
from ostraka.errors import PinMismatch, UsageError
from ostraka.files import loose_modes
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.record.journal_store import RecordStore
from ostraka.record.known_keys import KeyBook
from ostraka.record.ledger import Ledger
from ostraka.record.own_network import OwnNetwork, load_network
from ostraka.record.own_rules import load_durability, load_rules, load_workers
from ostraka.record.trust import Meeting, Trust


def results_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of results in the home, made if it is not there; see `_part`."""
    return _part("results", environ)


def sessions_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of sessions' records in the home, made if it is not there."""
    return _part("sessions", environ)


def drafts_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of an organiser's drafts in the home, made if it is not there."""
    return _part("drafts", environ)


def reports_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of a contributor's reports in the home, made if it is not there."""
    return _part("reports", environ)


def collections_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of collections' reports in the home, made if it is not there."""
    return _part("collections", environ)


def serving_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of what `serve` knows of sessions, made if it is not there."""
    return _part("serving", environ)


def learning_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of models between the rounds of studies, made if it is not there."""
    return _part("learning", environ)


def own_workers(name: str, keys: Path) -> int:
    """Return how many processes open a collection's reports: by NAME.toml, or one for each core.

    Raises:
        UsageError: NAME.toml is not valid.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return load_workers(name, keys) or cores or 1


def coordinator_directory(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the directory of a coordinator's own key in the home, made if it is not there."""
    return _part("coordinator", environ)


def known_keys(environ: Mapping[str, str] = os.environ) -> KeyBook:
    """Return the book of keys in the home, without making it.

    Raises:
        UsageError: this user has no home, or other users of the machine can write there.
    """
    home = _home(environ)
    if home.exists():
        require_own(home)
    return KeyBook(home / "known.toml")


def meet(
    manifest: Manifest, me: PartyId, trust: Trust, environ: Mapping[str, str] = os.environ
) -> Meeting:
    """Check that a manifest's keys are known, or confirmed, before the party `me` takes part.

    Args:
        trust: what is to happen with keys that are not known; OSTRAKA_TRUST_NEW=1 adds `new`.

    Raises:
        UnconfirmedKey: a key is new and not confirmed, or CHANGED.
        UsageError: the book cannot be used, or the words are no words.
    """
    book = KeyBook(_part("", environ) / "known.toml")
    meeting = Meeting.of(manifest, me, book)
    meeting.require(replace(trust, new=trust.new or environ.get("OSTRAKA_TRUST_NEW") == "1"))
    return meeting


def _part(name: str, environ: Mapping[str, str]) -> Path:
    """Return a directory of the home; make it and the home, with mode 0700, where they are missing.

    Args:
        name: of the directory; "" is the home itself.

    Raises:
        UsageError: it cannot be made or written, or other users of the machine can write there.
    """
    home = _home(environ)
    hint = "choose another: OSTRAKA_HOME=DIR"
    for directory in dict.fromkeys((home, home / name)):
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"cannot make the directory {directory}: {error.strerror}"
            raise UsageError(message, hint=hint, data_left=False) from None
        require_own(directory)
        if not os.access(directory, os.W_OK | os.X_OK):
            message = f"cannot write into the directory {directory}"
            raise UsageError(message, hint=hint, data_left=False)
    return home / name


def require_own(directory: Path) -> None:
    """Check that no other user of the machine can add, replace or remove files of a directory.

    Raises:
        UsageError: the mode lets its group or others write, or it belongs to another user.
    """
    if loose_modes(directory, 0o7755) is not None:
        raise UsageError(
            f"other users of this machine can write into {directory}",
            hint=f"chmod go-w {directory}",
            data_left=False,
        )
    owner, me = directory.stat().st_uid, os.geteuid()
    if owner not in (me, 0):
        message = f"{directory} belongs to another user of this machine (number {owner})"
        raise UsageError(message, hint="use a directory of your own", data_left=False)


def _home(environ: Mapping[str, str]) -> Path:
    if chosen := environ.get("OSTRAKA_HOME"):
        return Path(chosen)
    try:
        return _data(environ) / "ostraka"
    except RuntimeError:
        message = "this user has no home directory"
        raise UsageError(message, hint="set OSTRAKA_HOME=DIR", data_left=False) from None


def _data(environ: Mapping[str, str]) -> Path:
    """Return the platform's directory for data of programs; RuntimeError where there is none."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support"
    # A path that is not absolute is ignored, as the XDG Base Directory Specification wants.
    chosen = Path(environ.get("XDG_DATA_HOME", ""))
    return chosen if chosen.is_absolute() else Path.home() / ".local" / "share"


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
        UsageError: NAME.toml is not valid, or other users can write into the ledger's directory;
            or the book of keys cannot be read.
    """
    rules = load_rules(own.name, keys)
    directory = config.ledger_directory(keys)
    if directory.is_dir():
        require_own(directory)
    renewed = known_keys().successors()
    ledger = Ledger(directory, own, rules, now=lambda: datetime.now(UTC), successors=renewed)
    ledger.read()
    if ledger.chain.torn:
        warn(
            f"the last line of {ledger.chain.path} was never finished, and so never acted "
            "on: it is left out"
        )
    return ledger


def own_records(own: Identity, keys: Path) -> RecordStore | None:
    """Return the records of a party's sessions; None where its own NAME.toml wants none.

    Args:
        keys: the directory of the party's key.

    Raises:
        UsageError: NAME.toml is not valid, or there is no directory for records.
    """
    chosen = load_durability(own.name, keys)
    if not chosen.durable:
        return None
    return RecordStore(sessions_directory(), own, chosen.resume_for)


def ledger_names(where: Path) -> list[str]:
    """List the parties with a ledger in the directory `where`.

    A ledger that was deleted counts, as its head file is still there: it is not the same as none.
    """
    found = (*where.glob("*.ledger"), *where.glob("*.ledger.head"))
    return sorted({path.name.partition(".")[0] for path in found})


def own_network(
    name: str,
    directory: Path,
    listen: str | None = None,
    proxy: str | None = None,
    environ: Mapping[str, str] = os.environ,
) -> OwnNetwork:
    """Return a party's own way to the network: NAME.toml, and what overrides it.

    Args:
        listen: of the option `--listen`; `proxy`: of the option `--proxy`.

    Raises:
        UsageError: the file, an option, OSTRAKA_PROXY or OSTRAKA_MQTT is not valid.
    """
    known = load_network(name, directory)
    return known.changed(listen, proxy, environ.get("OSTRAKA_PROXY"), environ.get("OSTRAKA_MQTT"))
