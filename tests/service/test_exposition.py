"""The page of metrics, read by the library of Prometheus itself; and without that library."""

import sys

import pytest

from ostraka.coordinator.figures import Counts, Statistics, metrics
from ostraka.errors import UsageError
from ostraka.service import exposition


def found():
    since = Counts(accepted=9, joined=7, rooms=3)
    since.ended.update(["closed", "closed", "peer-lost"])
    return metrics(Statistics(5, 4, 2, 1000, 10, 20, 1, 6), since, "0.1.0", 12.5)


def test_the_page_of_metrics():
    """The text format, as the library of Prometheus itself reads it."""
    from prometheus_client.parser import text_string_to_metric_families

    answer = exposition.page(found)()
    assert answer.kind.startswith("text/plain")
    samples = [s for family in text_string_to_metric_families(answer.body) for s in family.samples]
    values = {(s.name, *s.labels.values()): s.value for s in samples}
    assert values["ostraka_coordinator_build_info", "0.1.0"] == 1
    assert values["ostraka_coordinator_ended_total", "closed"] == 2
    assert values["ostraka_coordinator_relayed_bytes_total",] == 1000
    assert values["ostraka_coordinator_rooms",] == 2


def test_the_package_that_is_missing_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(UsageError) as caught:
        exposition.page(found)
    assert "ostraka[server]" in caught.value.hint
