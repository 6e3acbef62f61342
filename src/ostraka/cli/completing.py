"""Completion in the shell: session files, parties of a manifest, protocols, kept results."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, Final

MOST: Final = 200
"""Names that are offered at most."""


def complete_file(*endings: str) -> Callable[[str], list[str]]:
    """Return a function that completes paths of files with one of these endings."""

    def complete(incomplete: str) -> list[str]:
        return list(_paths(incomplete, endings))[:MOST]

    return complete


def complete_session(incomplete: str) -> list[str]:
    """Complete paths of manifests: files that end in .toml."""
    return complete_file(".toml")(incomplete)


def complete_party(ctx: Any, incomplete: str) -> list[str]:
    """Complete names of a manifest's parties; where no manifest is named yet, those of keys here.

    Those whose keys are here come first.
    """
    here = sorted(path.stem for path in Path().glob("*.key"))
    # Where the option that is completed has no value yet, the parser leaves arguments as they are.
    given = [ctx.params.get("session"), *ctx.args]
    session = next((each for each in given if each), None)
    named = _parties(Path(session)) if session else None
    names = here if named is None else sorted(named, key=lambda name: name not in here)
    return [name for name in names if name.startswith(incomplete)][:MOST]


def complete_protocol(incomplete: str) -> list[tuple[str, str]]:
    """Complete names of protocols, each with what it computes."""
    from ostraka.protocols import every_protocol

    known = [each for each in every_protocol() if each.name.startswith(incomplete)]
    return [(each.name, each.summary) for each in known if not each.problem]


def complete_kept(incomplete: str) -> list[tuple[str, str]]:
    """Complete ids of sessions whose results are kept here, the newest first."""
    from ostraka.home import results_directory
    from ostraka.record import results

    with suppress(Exception):
        kept = results.kept(results_directory())
        ids = dict.fromkeys(one.session[:12] for one in kept if one.session.startswith(incomplete))
        return [(name, "") for name in list(ids)[:MOST]]
    return []


def _parties(session: Path) -> list[str] | None:
    """Return the names in a manifest, valid or not; None where it cannot be read."""
    import tomllib

    try:
        found = tomllib.loads(session.read_text())
        return [str(party["name"]) for party in found["party"]]
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _paths(incomplete: str, endings: tuple[str, ...]) -> Iterator[str]:
    """Yield directories, and files with these endings, that begin so."""
    start, _, last = incomplete.rpartition("/")
    folder = Path(start or ("/" if incomplete.startswith("/") else "."))
    with suppress(OSError):
        for path in sorted(folder.iterdir()):
            shown = incomplete[: len(incomplete) - len(last)] + path.name
            if not path.name.startswith(last) or (path.name.startswith(".") and not last):
                continue
            if path.is_dir():
                yield f"{shown}/"
            elif path.suffix in endings:
                yield shown
