"""Figures of a coordinator: what it counts, and the names that they have in /metrics."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from ostraka.service.metric import Metric


class Statistics(NamedTuple):
    """Figures of a coordinator at one moment."""

    connections: int
    members: int
    rooms: int
    relayed_bytes: int
    queued_bytes: int
    most_queued_bytes: int
    strangers: int
    evicted_strangers: int


@dataclass
class Counts:
    """Events since a coordinator started.

    Attributes:
        accepted: connections that arrived.
        handshakes: connections that have proven a key.
        joined: connections that entered a room.
        ended: connections that ended, by the code of their end.
        rooms: rooms that have ended.
    """

    accepted: int = 0
    handshakes: int = 0
    joined: int = 0
    ended: Counter[str] = field(default_factory=Counter)
    rooms: int = 0


def metrics(now: Statistics, since: Counts, release: str, uptime: float) -> list[Metric]:
    """Return what /metrics shows; a value under "" has no label.

    Args:
        uptime: seconds since the coordinator started.
    """
    name = "ostraka_coordinator_{}".format
    return [
        Metric(name("build_info"), False, "Release of ostraka.", {release: 1}, "release"),
        Metric(name("uptime_seconds"), False, "Seconds since the start.", {"": uptime}),
        Metric(name("connections"), False, "Open connections.", {"": now.connections}),
        Metric(name("members"), False, "Connections in rooms.", {"": now.members}),
        Metric(name("rooms"), False, "Rooms with members.", {"": now.rooms}),
        Metric(name("queued_bytes"), False, "Bytes waiting for receivers.", {"": now.queued_bytes}),
        Metric(
            name("queued_bytes_most"),
            False,
            "Most bytes that waited.",
            {"": now.most_queued_bytes},
        ),
        Metric(name("strangers"), False, "Connections without a key yet.", {"": now.strangers}),
        Metric(
            name("evicted_strangers"),
            True,
            "Strangers that had to go for others.",
            {"": now.evicted_strangers},
        ),
        Metric(name("relayed_bytes"), True, "Payload bytes forwarded.", {"": now.relayed_bytes}),
        Metric(name("accepted"), True, "Connections that arrived.", {"": since.accepted}),
        Metric(name("handshakes"), True, "Connections that proved a key.", {"": since.handshakes}),
        Metric(name("joined"), True, "Connections that entered a room.", {"": since.joined}),
        Metric(name("ended"), True, "Connections that ended, by code.", dict(since.ended), "code"),
        Metric(name("rooms_ended"), True, "Rooms that have ended.", {"": since.rooms}),
    ]
