"""The pace of one source is bounded, and forgotten."""

from ostraka.service import arrivals
from ostraka.service.arrivals import Arrivals


def test_pace_allows_some_at_once_and_then_some_a_second():
    pace = Arrivals(3, 2)
    assert [pace.allows("s", 0.0) for _ in range(4)] == [True, True, True, False]
    assert pace.allows("other", 0.0)
    assert [pace.allows("s", 1.0) for _ in range(3)] == [True, True, False]
    pace.forget(1.4)
    assert len(pace) == 1
    pace.forget(10.0)
    assert len(pace) == 0


def test_a_flood_of_sources_takes_bounded_memory(monkeypatch):
    monkeypatch.setattr(arrivals, "SOURCES", 5)
    pace = Arrivals(3, 2)
    assert [pace.allows(str(source), 0.0) for source in range(7)] == [True] * 5 + [False] * 2
    assert pace.allows("4", 0.0), "one that is known goes on"
    assert pace.allows("8", 1.0), "others have nothing spent any more"


def test_a_hundred_thousand_of_one_source_in_ten_seconds():
    pace = Arrivals(300, 20)
    allowed = sum(pace.allows("s", number / 10_000) for number in range(100_000))
    assert 499 <= allowed <= 500, "300 at once, 20 a second for ten seconds"
    assert len(pace) == 1
