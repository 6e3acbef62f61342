"""Metrics as plain values: a room says what it counts, `exposition` how a monitor reads it."""

from __future__ import annotations

from typing import NamedTuple


class Metric(NamedTuple):
    """Metric of a service.

    Attributes:
        name: the name that it has in /metrics, without "_total".
        grows: whether it only grows.
        help: what it tells, one sentence.
        values: its value by label; under "" where it has no label.
        label: the name of its label; "" where it has none.
    """

    name: str
    grows: bool
    help: str
    values: dict[str, float]
    label: str = ""
