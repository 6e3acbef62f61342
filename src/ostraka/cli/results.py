"""Results of parties, printed as text or prepared as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Any

from ostraka.cli import screen, voice
from ostraka.errors import OstrakaError
from ostraka.presentation import textual
from ostraka.presentation.figures import figures

if TYPE_CHECKING:
    from ostraka.outcome import Outcome

SHOWN = 8
"""Number of parties without a result that are listed by name, where there are more than `MANY`."""

MORE = "; --output json prints all"

MANY = 100
"""Number of parties without a result up to which each has a line of its own."""


def show(result: Mapping[str, Any]) -> None:
    """Print the figures of one party's run on stdout, and whose inputs are in them on stderr.

    Args:
        result: as `Outcome.as_dict` returns it.
    """
    found = figures(result.get("outputs", []))
    for line in lines(result.get("outputs", [])):
        print(line)
    sys.stdout.flush()
    if result.get("why"):
        voice.say(result["why"])
    if "contributors" in result:
        voice.say(f"from {result['contributors']} contributors")
    else:
        voice.say("done; the manifest gives this party no result")
    if result.get("receipt"):
        voice.say(f"receipt: {result['receipt']}")
    if any(cell.error for figure in found if figure.drawable for cell in figure.cells):
        voice.say(f"bars: {screen.letters(sys.stdout).legend}")


def lines(outputs: Sequence[Mapping[str, Any]], *, room: int = 0) -> list[str]:
    """Write "sum   12686 USD", a line for each lone value; tables and charts below their names.

    Args:
        room: columns that the caller puts before each line.
    """
    return textual.draw(
        figures(outputs), screen.width() - room, screen.letters(sys.stdout), more=MORE
    )


def of_party(result: Outcome | OstrakaError) -> dict[str, Any]:
    """Return the JSON of one party of a simulation: as `run` would print it, or its error."""
    if isinstance(result, OstrakaError):
        return {"status": "error", "error": result.code, "message": result.message}
    if result.status == "no-output":
        return {"status": result.status}
    return result.as_dict()


def show_all(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the result of each party of a simulation: a line each, or a chart for all that got it.

    Where more than `MANY` parties learn nothing, all but `SHOWN` of them share one line.
    """
    nothing = [name for name, result in results.items() if result["status"] == "no-output"]
    hidden = set(nothing[SHOWN:]) if len(nothing) > MANY else set()
    told = {name: _told(result) for name, result in results.items() if name not in hidden}
    drawn = {text for text in told.values() if "\n" in text}
    for name, text in told.items():
        if text not in drawn:
            print(f"{name}: {text}")
    for text in dict.fromkeys(text for text in told.values() if text in drawn):
        print(f"{', '.join(name for name in told if told[name] == text)}:{text}")
    if hidden:
        print(f"... and {len(hidden):,} others: learn nothing")


def _told(result: Mapping[str, Any]) -> str:
    """Return what a party is told: one line, or lines below its name where there are charts."""
    if result["status"] == "error":
        return str(result["message"])
    if result["status"] == "no-output":
        return "learns nothing"
    found, why = figures(result["outputs"]), result.get("why", "")
    if not any(figure.drawable for figure in found):
        said = [" ".join(line.split()) for line in lines(result["outputs"], room=2)]
        return "; ".join([*said, *filter(None, [why])])
    rest = wrap(why, screen.width() - 2)
    return "".join(f"\n  {line}" for line in [*lines(result["outputs"], room=2), *rest])
