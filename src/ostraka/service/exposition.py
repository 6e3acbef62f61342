"""Exposition of a service's metrics in the text format of Prometheus, by its own library."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from ostraka.errors import UsageError
from ostraka.service.http import Answer
from ostraka.service.metric import Metric

if TYPE_CHECKING:
    from prometheus_client.core import Metric as Family

Read = Callable[[], Sequence[Metric]]


def page(read: Read) -> Callable[[], Answer]:
    """Return a function that answers /metrics with what `read` returns then.

    Raises:
        UsageError: prometheus-client is not installed.
    """
    try:
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.exposition import CONTENT_TYPE_LATEST
    except ImportError:
        raise UsageError(
            "metrics need the package prometheus-client, which is not installed",
            hint="pip install 'ostraka[server]'",
        ) from None
    registry = CollectorRegistry()
    registry.register(_Collector(read))
    return lambda: Answer("200 OK", generate_latest(registry).decode(), CONTENT_TYPE_LATEST)


class _Collector:
    """Collector of metrics at the moment of a request."""

    def __init__(self, read: Read) -> None:
        self._read = read

    def collect(self) -> Iterator[Family]:
        """Yield each metric as the library has it."""
        return _families(self._read())


def _families(found: Iterable[Metric]) -> Iterator[Family]:
    from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

    for name, grows, help_, values, label in found:
        kind = CounterMetricFamily if grows else GaugeMetricFamily
        family = kind(name, help_, labels=(label,) if label else ())
        for value_of, value in values.items():
            family.add_metric((value_of,) if label else (), value)
        yield family
