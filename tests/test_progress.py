"""The one state of a run: its phase, and whether data has left."""

from ostraka.progress import Observer, Phase, Progress


def test_what_has_left_and_whether_others_may_have_the_result():
    progress = Progress()
    assert (progress.gathering, progress.data_left, progress.opening) == (True, False, False)
    progress.enter(Phase.SHARING)
    assert (progress.gathering, progress.data_left) == (False, False)
    progress.input_leaves()
    progress.enter(Phase.COMPUTING)
    assert (progress.data_left, progress.opening) == (True, False)
    for phase in (Phase.OPENING, Phase.DONE):
        progress.enter(phase)
        assert progress.opening


def test_a_run_without_an_observer_is_not_watched():
    assert Progress(Observer()).watched
    assert not Progress().watched


def test_the_state_has_changed_when_an_observer_that_fails_is_told():
    class Fails(Observer):
        def phase(self, phase):
            raise RuntimeError

    progress = Progress(Fails())
    try:
        progress.enter(Phase.OPENING)
    except RuntimeError:
        assert progress.opening
