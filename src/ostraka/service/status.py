"""Status of a service as a page for its operator: its figures in words, without a script.

It has what /metrics has, so no name of a party, no address and no session.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterable, Iterator
from html import escape
from typing import Final

from ostraka.service.http import Answer
from ostraka.service.metric import Metric

HTML: Final = "text/html; charset=utf-8"

_STYLE: Final = """
:root { color-scheme: light dark; font: 1rem/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 0 auto; padding: 1rem; }
table { border-collapse: collapse; width: 100%; }
td { border-bottom: 1px solid #8886; padding: .3rem 1rem .3rem 0; vertical-align: baseline; }
td + td { text-align: right; padding-right: 0; font-variant-numeric: tabular-nums; }
.state { border-left: 4px solid #2e8b57; padding: .3rem .8rem; background: #8882; }
.bad { border-color: #c33; }
"""

_POLICY: Final = (
    "default-src 'none'; base-uri 'none'; form-action 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'"
)

_UNITS: Final = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "KB"))


def page(read: Callable[[], Iterable[Metric]], obstacle: Callable[[], str]) -> Callable[[], Answer]:
    """Return a function that answers /status.

    Args:
        read: returns the metrics.
        obstacle: returns why the service takes no work now; "" where it does.
    """
    return lambda: Answer("200 OK", _html(list(read()), obstacle()), HTML)


def _html(metrics: list[Metric], why: str) -> str:
    state = f"It takes no work now: {escape(why)}." if why else "It is ready."
    rows = "".join(
        f"<tr><td>{escape(words)}</td><td>{escape(value)}</td></tr>"
        for metric in metrics
        for words, value in _rows(metric)
    )
    return (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>ostraka: status</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>ostraka</h1><p class="state{" bad" * bool(why)}">{state}</p>'
        f"<table><tbody>{rows}</tbody></table></main></body></html>\n"
    )


def _rows(metric: Metric) -> Iterator[tuple[str, str]]:
    """Yield the words and the value of each row; a label that says all, as a release, is one."""
    words = metric.help.rstrip(".")
    if metric.name.endswith("_seconds"):
        words = words.replace("Seconds", "Time", 1)
    if metric.name.endswith("_info"):
        yield words, ", ".join(metric.values)
        return
    for label, value in metric.values.items():
        yield words + (f": {label}" if label else ""), in_words(metric.name, value)


def in_words(name: str, value: float) -> str:
    """Write a metric's value for people: bytes and seconds in units that fit."""
    if name.endswith("_seconds"):
        minutes, seconds = divmod(int(value), 60)
        hours, minutes = divmod(minutes, 60)
        days, hours = divmod(hours, 24)
        parts = ((days, "d"), (hours, "h"), (minutes, "min"), (seconds, "s"))
        return " ".join(f"{n} {unit}" for n, unit in parts if n) or "0 s"
    if "_bytes" in name:
        for size, unit in _UNITS:
            if value >= size:
                return f"{value / size:.1f} {unit}"
        return f"{value:.0f} bytes"
    return f"{int(value):,}" if value == int(value) else f"{value:g}"
