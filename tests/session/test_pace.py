"""The pace of a session's links, from its manifest."""

import pytest

from ostraka.session.pace import Pace


@pytest.mark.parametrize(
    ("timeout", "tick"), [(60, 1), (16, 1), (8, 0.5), (4, 0.25), (0.2, 0.25), (3600, 1)]
)
def test_a_word_each_second_or_more_often(office, timeout, tick):
    pace = Pace.of(office.manifest(timeout=timeout))
    assert pace == (tick, 4 * tick, timeout)


def test_many_parties_say_a_word_less_often(office):
    manifest = office.manifest(timeout=60)
    many = manifest.model_copy(update={"party": manifest.party * 100})
    assert Pace.of(many).tick == pytest.approx(3)
    assert Pace.of(many.model_copy(update={"party": manifest.party * 1000})).tick == 60 / 16
