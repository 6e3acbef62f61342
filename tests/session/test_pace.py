"""The pace of a session's links, from its manifest."""

import pytest

from ostraka.session.pace import Pace, begins_in


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


@pytest.mark.parametrize(
    ("age", "seconds"),
    [(0, 60), (20, 40), (59, 2.5), (69, 2.5), (70, 60), (3600, 60), (-5, 60)],
)
def test_a_proposer_that_was_killed_begins_when_it_would_have(age, seconds):
    """But for a moment in which its links return; and anew once the others have given up."""
    assert begins_in(60, age) == seconds
