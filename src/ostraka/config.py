"""Files and environment to manifest, input, directories. Read once, at the start."""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ostraka import limits
from ostraka.errors import ManifestError, UsageError
from ostraka.manifest import Manifest, fingerprint, host_port, locate, parse, suggest

if TYPE_CHECKING:
    from ostraka.protocols.protocol import Protocol
    from ostraka.record.budget import Budget
    from ostraka.record.rules import Rule


def load(path: Path) -> Manifest:
    """Read a manifest and check it against its protocol.

    Raises:
        ManifestError: unreadable, or not valid for the protocol it names.
    """
    return load_text(_read(path).decode("utf-8", "replace"), str(path))


def load_text(text: str, source: str) -> Manifest:
    """As `load`, from text; `source` is what messages call it."""
    manifest = parse(text, source)
    try:
        protocol(manifest)
    except ManifestError as error:
        words = locate(text, source, error.message)
        raise ManifestError(words, hint=error.hint, data_left=False) from None
    return manifest


def protocol(manifest: Manifest) -> Protocol:
    """The protocol a manifest names, bound to it: it has checked its own options."""
    from ostraka.protocols import protocol_for

    return protocol_for(manifest)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limits.MANIFEST + 1)
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}", data_left=False) from None
    if len(content) > limits.MANIFEST:
        raise UsageError(f"{path} is larger than {limits.MANIFEST} bytes", data_left=False)
    return content


# --- directories -------------------------------------------------------------------------------


def keys_directory(option: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where NAME.key and NAME.crt are: the option, else OSTRAKA_KEYS, else here."""
    return option or Path(environ.get("OSTRAKA_KEYS") or ".")


def receipts_directory(option: Path | None = None, environ: Mapping[str, str] = os.environ) -> Path:
    """Where receipts go: the option, else OSTRAKA_RECEIPTS, else here.

    Raises:
        UsageError: it is no directory we may write to; better found now than after the session.
    """
    found = option or Path(environ.get("OSTRAKA_RECEIPTS") or ".")
    if not found.is_dir() or not os.access(found, os.W_OK | os.X_OK):
        hint = "choose another with --receipts DIR or OSTRAKA_RECEIPTS"
        raise UsageError(f"no receipt can be written into {found}", hint=hint, data_left=False)
    return found


def ledger_directory(keys: Path, environ: Mapping[str, str] = os.environ) -> Path:
    """Where NAME.ledger is: OSTRAKA_LEDGER, for keys that lie where nothing can be written, else
    beside the key."""
    return Path(environ.get("OSTRAKA_LEDGER") or keys)


# --- the coordinator's own file ----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class CoordinatorConfig:
    """Where a coordinator listens ("host:port", port 0 lets the system choose), who it is, and
    whom it admits: fingerprints, or None for everybody with a key."""

    listen: str
    name: str
    keys: Path
    allow: tuple[str, ...] | None


def load_coordinator(path: Path) -> CoordinatorConfig:
    """Read the coordinator's TOML: `listen`, and perhaps `name`, `keys` and `allow`.

    `keys` is relative to the file.

    Raises:
        UsageError: unreadable, or anything else in it.
    """
    try:
        raw = tomllib.loads(_read(path).decode("utf-8", "replace"))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not TOML: {error}") from None
    if "listen" not in raw:
        raise UsageError(f"{path}: listen is missing", hint='listen = "0.0.0.0:9440"')
    try:
        for key in raw:
            _known(key, _COORDINATOR)
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
        host_port(f"{text.removesuffix(':0')}:1" if text.endswith(":0") else text)
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


# --- a party's own file -------------------------------------------------------------------------


def load_rules(name: str, keys: Path) -> tuple[Rule, ...]:
    """What a party allows: each `[[budget]]` of NAME.toml beside its key; none without that file.

    Raises:
        UsageError: unreadable, others may write to it, or anything else in it.
    """
    path = keys / f"{name}.toml"
    if not (path.exists() or path.is_symlink()):  # a link to nowhere must not mean: no rules
        return ()
    if problem := loose_modes(path, 0o644):
        raise UsageError(f"{problem}: others could raise your budget", data_left=False)
    try:
        raw = tomllib.loads(_read(path).decode("utf-8", "replace"), parse_float=Decimal)
        for key in raw:
            _known(key, ("budget",))
        tables = raw.get("budget", [])
        if not isinstance(tables, list):
            raise ValueError("budget is a table of its own, in two brackets: [[budget]]")
        return tuple(map(_rule, tables))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", data_left=False) from None


_RULE = (
    "source", "series", "epsilon", "delta", "accountant", "same_roster_only", "min_difference"
)  # fmt: skip


def _rule(table: dict[str, Any]) -> Rule:
    from ostraka.record.accountant import WAYS
    from ostraka.record.rules import Rule

    for key in table:
        _known(key, _RULE)
    if "source" not in table:
        raise ValueError('source is missing: a name for this data, such as "payroll"')
    series = table.get("series", "*")
    if series == []:
        raise ValueError('series names none, so the budget would hold for nothing: "*" is all')
    accountant = table.get("accountant", "zcdp" if "delta" in table else "basic")
    if accountant not in WAYS:
        raise ValueError(f"accountant must be one of {', '.join(WAYS)}")
    least, same = table.get("min_difference", 1), table.get("same_roster_only", False)
    if type(least) is not int or least < 1 or type(same) is not bool:
        raise ValueError("min_difference is a whole number from 1, same_roster_only true or false")
    return Rule(
        source=_text("source", table.get("source")),
        series=tuple(
            _text("series", s) for s in (series if isinstance(series, list) else [series])
        ),
        budget=_budget(table),
        accountant=accountant,
        same_roster_only=same,
        min_difference=least,
    )


def _budget(table: dict[str, Any]) -> Budget | None:
    from ostraka.record.budget import UNSAID, Budget

    if "epsilon" not in table and "delta" not in table:
        return None
    epsilon = _fraction("epsilon", table.get("epsilon", 0))
    delta = _fraction("delta", table.get("delta", str(UNSAID)))
    if epsilon <= 0 or not 0 <= delta < 1:
        raise ValueError("epsilon must be above 0, delta from 0 to below 1")
    return Budget(epsilon, delta)


def _fraction(name: str, value: object) -> Fraction:
    """ "3", "1e-6", "1/3" or 0.5, exact."""
    if isinstance(value, bool) or not isinstance(value, str | int | Decimal):
        raise ValueError(f'{name} must be a number, such as "3", "1e-6" or "1/3"')
    try:
        return Fraction(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        raise ValueError(f'{name} must be a number, such as "3", "1e-6" or "1/3"') from None


def _known(key: str, known: tuple[str, ...]) -> None:
    if key not in known:
        raise ValueError(f'unknown key "{key}"' + suggest(key, known))


# --- what doctor looks at ----------------------------------------------------------------------


def loose_modes(path: Path, wanted: int) -> str | None:
    """None when the path allows no more than the mode `wanted`, else what is wrong, in words."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except OSError as error:
        return f"cannot read {path}: {error.strerror}"
    if mode & ~wanted:
        return f"{path} has mode {mode:04o}; it should be {wanted:04o}"
    return None
