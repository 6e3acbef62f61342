"""Results of parties, printed as text or prepared as JSON."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ostraka.cli import voice
from ostraka.errors import OstrakaError
from ostraka.values import in_words

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
    outputs = result.get("outputs", [])
    for line in lines(outputs):
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


def lines(outputs: list[Mapping[str, Any]]) -> list[str]:
    """Write "sum   12686 USD", one line for each figure."""
    width = max((len(o["name"]) for o in outputs), default=0)
    return [_line(o, width) for o in outputs]


def _line(output: Mapping[str, Any], width: int) -> str:
    unit = f" {output['unit']}" if output.get("unit") else ""
    value = in_words(output["value"], output.get("error95"), more=MORE)
    return f"{output['name']:{width}}  {value}{unit}"


def of_party(result: Outcome | OstrakaError) -> dict[str, Any]:
    """Return the JSON of one party of a simulation: as `run` would print it, or its error."""
    if isinstance(result, OstrakaError):
        return {"status": "error", "error": result.code, "message": result.message}
    if result.status == "no-output":
        return {"status": result.status}
    return result.as_dict()


def show_all(results: Mapping[str, Mapping[str, Any]]) -> None:
    """Print the result of each party of a simulation, a line each.

    Where more than `MANY` parties learn nothing, all but `SHOWN` of them share one line.
    """
    nothing = [name for name, result in results.items() if result["status"] == "no-output"]
    hidden = set(nothing[SHOWN:]) if len(nothing) > MANY else set()
    for name, result in results.items():
        if name in hidden:
            continue
        if result["status"] == "error":
            print(f"{name}: {result['message']}")
        elif result["status"] == "no-output":
            print(f"{name}: learns nothing")
        else:
            said = [" ".join(line.split()) for line in lines(result["outputs"])]
            print(f"{name}: {'; '.join([*said, *filter(None, [result.get('why')])])}")
    if hidden:
        print(f"... and {len(hidden):,} others: learn nothing")
