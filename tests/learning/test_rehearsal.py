"""Rehearsed studies: with 100 devices noise costs less than 1% at epsilon 10; devices may fail."""

from importlib.util import find_spec

import numpy as np
import pytest

from ostraka.errors import OstrakaError
from ostraka.learning import digits
from ostraka.learning.rehearsal import rehearse, without_protocol
from ostraka.learning.study import Study
from ostraka.learning.training import Logistic, accuracy

needs_digits = pytest.mark.skipif(find_spec("sklearn") is None, reason="no digits here")
DIGITS = "epsilon = 10\ndelta = 1e-5\nrate = 8\n"


def of_digits(toml, devices, rounds, **more):
    text = toml(devices, study=DIGITS, **more)
    text = text.replace("rounds = 4", f"rounds = {rounds}").replace("[3, 2]", "[24, 10]")
    study, data = Study.read(text), digits.load(devices)
    trainers = dict(zip(study.devices, map(Logistic, data.devices), strict=True))

    def right(model):
        return accuracy(Logistic.scores(study.shapes.split(model), data.test.inputs),
                        data.test.labels)  # fmt: skip

    return study, trainers, right


@needs_digits
@pytest.mark.slow
def test_a_hundred_devices_learn_digits_within_a_hundredth_of_no_noise(study_toml):
    study, trainers, right = of_digits(study_toml, 100, 12)
    clean = right(without_protocol(study, trainers, study.start))
    ends = [list(rehearse(study, trainers, seed=1000 * seed))[-1] for seed in range(3)]
    noised = float(np.mean([right(end.model) for end in ends]))
    assert clean > 0.9
    assert noised > clean - 0.01


@needs_digits
def test_rounds_without_noise_are_the_sums_in_the_clear(study_toml):
    study, trainers, right = of_digits(study_toml, 8, 2)
    text = study_toml(8, study="rate = 8\n").replace("[3, 2]", "[24, 10]")
    exact = Study.read(text.replace("rounds = 4", "rounds = 2"))
    ends = list(rehearse(exact, trainers))
    assert np.allclose(ends[-1].model, without_protocol(exact, trainers, exact.start), atol=1e-5)
    assert right(ends[-1].model) > 0.3
    assert study.digest != exact.digest


def test_devices_that_crash_are_not_counted_and_too_few_end_the_study(study_toml):
    policy = "[policy]\nmin_contributors = 6\n"
    study = Study.read(study_toml(8, study="rate = 1\n", policy=policy))
    trainers = {name: lambda layers, _: {"weights": layers["weights"] + 0.01}
                for name in study.devices}  # fmt: skip
    lost = {1: {}, 2: {"device-0": 0, "device-5": 1}, 3: {"device-1": 0}, 4: {}}
    ends = list(rehearse(study, trainers, missing=lambda k: lost[k]))
    assert [len(end.outcome.contributors) for end in ends] == [8, 6, 7, 8]
    assert np.allclose(ends[-1].model, 0.04, atol=1e-5)  # the mean of those that are counted
    many = dict.fromkeys(study.devices[:3], 0)
    with pytest.raises(OstrakaError) as caught:
        list(rehearse(study, trainers, missing=lambda _: many))
    assert caught.value.exit_code in (31, 40)


def test_the_same_seed_gives_the_same_models(study_toml):
    study = Study.read(study_toml(4))
    trainers = {name: lambda layers, _: {"weights": layers["weights"] + 0.01}
                for name in study.devices}  # fmt: skip
    first = [end.model for end in rehearse(study, trainers, seed=1)]
    again = [end.model for end in rehearse(study, trainers, seed=1)]
    other = [end.model for end in rehearse(study, trainers, seed=2)]
    assert all((a == b).all() for a, b in zip(first, again, strict=True))
    assert not (first[0] == other[0]).all()
