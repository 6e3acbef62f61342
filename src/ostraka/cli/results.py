"""One party's result, in words and as JSON."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ostraka.cli import voice
from ostraka.errors import OstrakaError

if TYPE_CHECKING:
    from ostraka.manifest import Manifest
    from ostraka.outcome import Outcome

SHOWN = 8
"""Elements of a vector that are shown to a person."""

MANY = 100
"""Parties of a simulation who each have a line of their own."""


def show(result: Mapping[str, Any]) -> None:
    """What a recipient learned, on stdout; the rest of the story on stderr."""
    outputs = result.get("outputs", [])
    for line in lines(outputs):
        print(line)
    if result.get("why"):
        voice.say(result["why"])
    if "contributors" in result:
        voice.say(f"from {result['contributors']} contributors")
    else:
        voice.say("done; the manifest gives this party no result")
    if result.get("receipt"):
        voice.say(f"receipt: {result['receipt']}")


def lines(outputs: list[Mapping[str, Any]]) -> list[str]:
    """ "sum   12686 USD", one line for each figure."""
    width = max((len(o["name"]) for o in outputs), default=0)
    return [_line(o, width) for o in outputs]


def _line(output: Mapping[str, Any], width: int) -> str:
    unit = f" {output['unit']}" if output.get("unit") else ""
    return f"{output['name']:{width}}  {_value(output['value'], output.get('error95'))}{unit}"


def _value(value: Any, error: Any = None) -> str:
    """A value as a person reads it; noised ones with their error: "187 +- 4"."""
    if isinstance(value, dict):
        each = error if isinstance(error, dict) else dict.fromkeys(value, error)
        return ", ".join(f"{k}: {_nested(v, each.get(k))}" for k, v in value.items())
    if not isinstance(value, list):
        return str(value) if error is None else f"{_as_fine(value, error)} +- {error}"
    errors = error if isinstance(error, list) else [error] * len(value)
    start = ", ".join(map(_value, value[:SHOWN], errors))
    if len(value) <= SHOWN:
        return f"[{start}]"
    return f"[{start}, ...] ({len(value)} values; --output json prints all)"


def _as_fine(value: Any, error: Any) -> Any:
    """A quotient with one digit more than its error; what is exact stays as it is."""
    digits = len(str(error).partition(".")[2]) + 1
    return round(value, digits) if isinstance(value, float) else value


def _nested(value: Any, error: Any) -> str:
    text = _value(value, error)
    return f"({text})" if isinstance(value, dict) else text


def of_party(manifest: Manifest, result: Outcome | OstrakaError | None) -> dict[str, Any]:
    """What `run` would have printed for one party of a simulation."""
    if isinstance(result, OstrakaError):
        return {"status": "error", "error": result.code, "message": result.message}
    if result is None:
        return {"status": "no-output"}
    return {
        "protocol": manifest.session.protocol,
        "manifest_sha256": manifest.digest.hex(),
        **result.as_json(),
    }


def show_all(results: Mapping[str, Mapping[str, Any]]) -> None:
    """A simulation: every party's view; very many who learn nothing share a line."""
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
