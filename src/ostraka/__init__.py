"""ostraka: compute together on private data, over a real network, revealing only the answer.

    outcome = await ostraka.run("session.toml", as_="alice", input=3800)
    outcome.value("mean")

Public names: `load` and `check` read and explain a manifest, `run` takes part as one party,
`simulate` rehearses all parties with made-up inputs; `run_sync` and `simulate_sync` do the same
from plain code; `open_session` is a session as one party sees it, with its progress shown.
`ostraka.models.export` writes a fitted model as an input. The rest of the package
is private. docs/library.md shows how each is used.
"""

TYPE_CHECKING = False  # as type checkers know it: to import typing would take longer than the rest

if TYPE_CHECKING:
    from ostraka import errors
    from ostraka.config import load
    from ostraka.explanation import Explanation, check
    from ostraka.identity import Identity
    from ostraka.manifest import Manifest
    from ostraka.outcome import Outcome, Output
    from ostraka.own_session import OwnSession, open_session
    from ostraka.party import run, run_sync
    from ostraka.progress import Observer
    from ostraka.progress_view import ProgressView
    from ostraka.simulation import simulate, simulate_sync
    from ostraka.teaching import ShownShares

__version__ = "0.1.0"

__all__ = [
    "Explanation",
    "Identity",
    "Manifest",
    "Observer",
    "Outcome",
    "Output",
    "OwnSession",
    "ProgressView",
    "ShownShares",
    "check",
    "errors",
    "load",
    "open_session",
    "run",
    "run_sync",
    "simulate",
    "simulate_sync",
]

_MODULES = {
    "Explanation": "explanation",
    "Identity": "identity",
    "Manifest": "manifest",
    "Observer": "progress",
    "Outcome": "outcome",
    "Output": "outcome",
    "OwnSession": "own_session",
    "ProgressView": "progress_view",
    "ShownShares": "teaching",
    "check": "explanation",
    "load": "config",
    "open_session": "own_session",
    "run": "party",
    "run_sync": "party",
    "simulate": "simulation",
    "simulate_sync": "simulation",
}


def __getattr__(name: str) -> object:
    """Import a public name when it is first used, so that `import ostraka` is quick. [PEP 562]"""
    from importlib import import_module

    if name == "errors":
        return import_module("ostraka.errors")
    if name not in _MODULES:
        raise AttributeError(f"module 'ostraka' has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"ostraka.{_MODULES[name]}"), name)
    return found


def __dir__() -> list[str]:
    """List the public names, also those not imported yet."""
    return [*globals(), *__all__]
