"""Commands `known list`, `renew` and `forget`; keys of other parties, shown and confirmed."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostraka.cli import examples, voice
from ostraka.cli.options import OutputOption

if TYPE_CHECKING:
    from ostraka.manifest import Manifest
    from ostraka.record.known_keys import MetKey
    from ostraka.record.trust import Meeting, Trust

SHOWN = 12
"""Number of parties whose keys are listed one by one; of more, only those that are not known."""

app = typer.Typer(
    name="known",
    help="Show, or forget, the keys of other parties that this machine has met.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)


@app.command("list", cls=examples.Helped)
def list_(output: OutputOption = voice.OutputFormat.TEXT) -> None:
    """List the keys that this machine has met: since when, and in how many sessions."""
    from ostraka import home

    book = home.known_keys()
    entries = sorted(book.read().values(), key=lambda entry: entry.name)
    if output is voice.OutputFormat.JSON:
        voice.emit({"known": [entry.as_dict() for entry in entries]})
        return
    for entry in entries:
        count = len(entry.sessions)
        met = f"{count} session{'s' * (count != 1)}"
        print(f"{entry.name}  {entry.key}  known since {entry.since:%Y-%m-%d}, {met}")
    if not entries:
        voice.say(f"no key is known yet: {book.path} is written when a run has ended well")


@app.command(cls=examples.Helped)
def forget(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The party whose key is forgotten.")],
) -> None:
    """Forget the key of a party, such as one that lost it: its next key is NEW, not CHANGED."""
    from ostraka import home

    entry = home.known_keys().forget(name)
    voice.say(f"forgot the key of {name}: {entry.key}, known since {entry.since:%Y-%m-%d}")
    voice.say("compare the next one with its owner by voice before you run with it")


@app.command(cls=examples.Helped)
def renew(
    file: Annotated[
        Path, typer.Argument(metavar="NAME.succession", help="What its owner's `rekey` wrote.")
    ],
) -> None:
    """Take the new key of a party that its known key has signed."""
    from ostraka import home
    from ostraka.record import succession

    links = succession.read(file)
    entry = home.known_keys().renew(links)
    voice.say(f"{entry.name} is known by {entry.key} from now on")


# --- keys of a manifest ------------------------------------------------------------------------


def key_lines(met: Sequence[MetKey]) -> list[str]:
    """Write a line for each key of a manifest: "  key       bob    known since 2026-11-01"."""
    from ostraka.record.known_keys import KeyStanding

    certain = (KeyStanding.OWN, KeyStanding.KNOWN)
    shown = [m for i, m in enumerate(met) if i < SHOWN or m.standing not in certain][:100]
    width = max(len(m.name) for m in shown)
    lines = [f"  {'key':8}  {m.name:{width}}  {m.in_words()}" for m in shown]
    hidden = len(met) - len(shown)
    return lines + ([f"  {'key':8}  ... and {hidden} more"] if hidden else [])


def trust(new: bool, words: str | None) -> Trust:
    """Return what `run` does with keys that are not known; it shows all of them before it asks.

    Args:
        new: the option `--trust-new`.
        words: of the option `--words`; None if it was left out.

    Raises:
        UsageError: `words` is empty.
    """
    from ostraka.errors import UsageError
    from ostraka.record.trust import Trust

    if words is not None and not words.strip():
        raise UsageError("--words needs six words", data_left=False)
    return Trust(new, words or "", _ask if on_a_terminal() else None, tell)


def heading(meeting: Meeting | None) -> list[str]:
    """Write the lines that `run` shows before it gathers: all keys, and the six words."""
    return [] if meeting is None else _lines(meeting.manifest, meeting.met)


def tell(manifest: Manifest, met: Sequence[MetKey]) -> None:
    """Show the keys of a manifest, and its six words, on stderr."""
    for line in _lines(manifest, met):
        voice.say(line)


def _lines(manifest: Manifest, met: Sequence[MetKey]) -> list[str]:
    from ostraka.manifest.words import six_words

    keys = [" ".join(line.split()) for line in key_lines(met)]
    return [*keys, f"six words: {six_words(manifest.digest)}"]


def on_a_terminal() -> bool:
    """Return whether a person can be asked: stdin and stderr are a terminal."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stderr))


def _ask(new: Sequence[MetKey]) -> bool:
    """Ask a person to compare the six words; silence and anything but yes is a no."""
    names = ", ".join(met.name for met in new[:SHOWN])
    voice.say(f"This machine meets {names} for the first time. Call one of them, and compare the")
    voice.say("six words above: if the manifest was swapped on its way, they differ.")
    return typer.confirm("Are they the same?", default=False, err=True)
