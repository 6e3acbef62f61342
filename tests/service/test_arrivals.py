"""The pace of one source is bounded, and forgotten."""

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
