"""Metrics: their names are a contract with dashboards."""

from ostraka.coordinator.figures import Counts, Statistics, metrics

NOW = Statistics(5, 4, 2, 1000, 10, 20, 1, 6)


def found():
    since = Counts(accepted=9, handshakes=8, joined=7, rooms=3)
    since.ended.update(["closed", "closed", "peer-lost"])
    return metrics(NOW, since, "0.1.0", 12.5)


def test_values():
    shown = {name.removeprefix("ostraka_coordinator_"): values for name, _, _, values, _ in found()}
    assert shown == {
        "build_info": {"0.1.0": 1},
        "uptime_seconds": {"": 12.5},
        "connections": {"": 5},
        "members": {"": 4},
        "rooms": {"": 2},
        "queued_bytes": {"": 10},
        "queued_bytes_most": {"": 20},
        "strangers": {"": 1},
        "evicted_strangers": {"": 6},
        "relayed_bytes": {"": 1000},
        "accepted": {"": 9},
        "handshakes": {"": 8},
        "joined": {"": 7},
        "ended": {"closed": 2, "peer-lost": 1},
        "rooms_ended": {"": 3},
    }
    labels = {metric.name: metric.label for metric in found() if metric.label}
    assert labels == {
        "ostraka_coordinator_build_info": "release",
        "ostraka_coordinator_ended": "code",
    }
