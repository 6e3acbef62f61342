"""Differences of two manifests, in words: what a party reads before it agrees to a new version."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from ostraka.manifest.model import Manifest

_ABSENT: Final = object()

Tree = Mapping[str, Any]


def differences(manifest: Manifest, other: Manifest) -> list[str]:
    """Return a sentence for each place in which two manifests differ; none if they agree.

    Args:
        manifest: is "here" in the sentences.
        other: is "there".
    """
    here, there = _tree(manifest), _tree(other)
    first = _first_words(here.pop("party"), there.pop("party"))
    return [*first, *_compared("", here, there)]


def _tree(manifest: Manifest) -> dict[str, Any]:
    """Return the tables, with parties and inputs by their names."""
    tree: dict[str, Any] = json.loads(manifest.canonical)
    tree["party"] = {party["name"]: party for party in tree["party"]}
    if isinstance(tree["input"], list):
        tree["input"] = {entry["name"]: entry for entry in tree["input"]}
    return tree


def _first_words(here: Tree, there: Tree) -> Iterator[str]:
    """Yield the differences of parties, which matter most."""
    for name in here:
        if name not in there:
            yield f"{name} takes part here, and not there"
    for name in there:
        if name not in here:
            yield f"{name} takes part there, and not here"
        elif here[name]["key"] != there[name]["key"]:
            keys = f"{here[name]['key']} here, {there[name]['key']} there"
            yield f"the key of {name} is another: {keys}"
    for name in here:
        if name in there:
            parties = ({**side[name], "key": ""} for side in (here, there))
            yield from _compared(name, *parties)
    shared = [[name for name in one if name in two] for one, two in ((here, there), (there, here))]
    if shared[0] != shared[1]:
        yield "the parties are in another order"


def _compared(path: str, here: Any, there: Any) -> Iterator[str]:
    if isinstance(here, dict) and isinstance(there, dict):
        for key in dict.fromkeys([*here, *there]):
            below = f"{path}.{key}" if path else key
            yield from _compared(below, here.get(key, _ABSENT), there.get(key, _ABSENT))
    elif here != there:
        yield f"{path}: {_written(here)} here, {_written(there)} there"


def _written(value: Any) -> str:
    if value is _ABSENT or value is None:
        return "nothing"
    return json.dumps(value, ensure_ascii=False)
