"""Studies: what is refused, what a round's manifest says, and what all rounds spend."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ostraka import config
from ostraka.blocking import run_to_end
from ostraka.errors import InputError, ManifestError
from ostraka.explanation import check
from ostraka.learning.study import Study
from ostraka.record.accountant import epsilon
from ostraka.record.budget import Budget
from ostraka.simulation import MemoryNet, run_all, simulate_sync


def test_a_round_follows_from_study_number_and_model(study_toml):
    one, other = Study.read(study_toml()), Study.read("\n# a comment\n" + study_toml())
    assert one.digest == other.digest
    first = one.manifest(1, one.start)
    assert first.digest == other.manifest(1, other.start).digest
    assert first.digest != one.manifest(2, one.start).digest
    assert first.digest != one.manifest(1, one.start + 1e-12).digest
    assert (first.session.title, first.session.series) == ("Digits, round 1", "Digits")
    assert first.round is not None
    assert (first.round.study, first.round.number, first.round.of) == (one.digest, 1, 4)
    assert first.input.length == 6
    rooms = {one.manifest(k, one.start).session.room for k in (1, 2)}
    assert len(rooms) == 2
    assert None not in rooms


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("rounds = 4", "rounds = 5"),
        ("[3, 2]", "[2, 3]"),
        ("clip = 0.5", "clip = 0.25"),
        ("epsilon = 8", "epsilon = 4"),
        ('deadline = "5m"', 'deadline = "6m"'),
        ("clip = 0.5", "clip = 0.5\nrate = 2"),
    ],
)
def test_another_study_has_another_digest_and_other_rounds(study_toml, before, after):
    one, other = Study.read(study_toml()), Study.read(study_toml().replace(before, after))
    assert one.digest != other.digest
    assert one.manifest(1, one.start).digest != other.manifest(1, other.start).digest


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("[study]", "[studies]"), "no table \\[study\\]"),
        (("[study]", "[input]\nmin = 0\n[study]"), "input: follows from \\[study\\]"),
        (("epsilon = 8\n", ""), "epsilon and delta go together"),
        (("[3, 2]", "[]"), "must hold layers"),
        (("[3, 2]", "[0]"), "must hold layers"),
        (("[3, 2]", "[100000, 100000]"), "elements"),
        (("rounds = 4", "rounds = 0"), "study.rounds"),
        (("rounds = 4", "rounds = 4\nturns = 2"), "study.turns"),
        (("clip = 0.5", "clip = 1e20"), "too large for so many"),
        (("clip = 0.5", 'clip = 0.5\nevery = "1h"'), "study.every"),
        (('deadline = "5m"', 'deadline = "soon"'), "as its first round: .*deadline"),
        (("[study]", "[study"), "not TOML"),
    ],
)
def test_what_is_wrong_is_refused_in_words(study_toml, change, words):
    with pytest.raises(ManifestError, match=words):
        Study.read(study_toml().replace(*change))


@pytest.mark.parametrize("cohort", ["", "cohort = 5\n"])
@pytest.mark.parametrize("rounds", [1, 4, 40])
def test_all_rounds_of_a_device_spend_the_studys_epsilon_and_no_more(study_toml, cohort, rounds):
    text = study_toml(more=cohort).replace("rounds = 4", f"rounds = {rounds}")
    study = Study.read(text)
    spend = config.bind(study.manifest(1, study.start)).spends_at_worst()
    together = epsilon([spend] * study.rounds_of_one, Budget(Fraction(8), Fraction("1e-5")), "zcdp")
    assert together is not None
    assert 7.98 < together <= 8
    assert study.rounds_of_one == (rounds if not cohort else -(-rounds // 2))


def test_those_who_are_not_asked_do_not_contribute(study_toml):
    study = Study.read(study_toml(more="cohort = 4\n"))
    for k in (1, 2, 3):
        manifest = study.manifest(k, study.start)
        assert manifest.contributors == study.cohort(k)
        assert set(manifest.parties) == {"c1", "c2", "c3", *study.cohort(k)}
    receiving = Study.read(study_toml(more="cohort = 4\n", roles='["contributor", "recipient"]'))
    assert len(receiving.manifest(1, receiving.start).recipients) == 13


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(numbers=st.lists(st.floats(-1e6, 1e6), min_size=6, max_size=6))
def test_updates_are_never_longer_than_the_clip(study_toml, numbers):
    study = Study.read(study_toml())
    found = study.update(study.start, {"weights": np.reshape(numbers, (3, 2))})
    assert np.linalg.norm(found) <= 0.5 * (1 + 1e-12)
    assert np.abs(found).max() <= 0.5
    if np.linalg.norm(numbers) <= 0.5:
        assert found.tolist() == numbers


def test_a_round_gives_the_mean_of_updates(study_toml):
    study = Study.read(study_toml(4, study="rate = 2\n"))
    draw = np.random.default_rng(1)
    updates = {name: draw.uniform(-0.1, 0.1, 6) for name in study.devices}
    ends = simulate_sync(study.manifest(1, study.start), updates)
    found = study.after(study.start, ends["c1"])
    assert np.allclose(found, 2 * np.mean(list(updates.values()), axis=0), atol=1e-6)


def test_an_update_that_is_longer_than_the_clip_does_not_count(study_toml):
    study = Study.read(study_toml(5))
    protocol = config.bind(study.manifest(1, study.start))
    at = protocol.clipping.at
    protocol.clipping = None  # a device's program that was changed
    honest = dict.fromkeys(study.devices[1:], np.full(6, 0.1))
    net = MemoryNet(protocol.manifest.parties)
    inputs = {**honest, study.devices[0]: np.full(6, 0.49)}
    assert at * float(protocol.codec.quantum) < 6**0.5 * 0.49
    ends = run_to_end(run_all(protocol, inputs, net))
    assert ends["c1"].contributors == study.devices[1:]


def test_a_refused_update_says_that_nothing_left(study_toml):
    study = Study.read(study_toml())
    with pytest.raises(InputError) as caught:
        study.update(study.start, {"weights": [[np.inf] * 2] * 3})
    assert caught.value.data_left is False


def test_check_explains_a_round(study_toml):
    study = Study.read(study_toml())
    said = "\n".join(check(study.manifest(2, study.start)).sentences)
    assert "Round 2 of 4 of the study" in said


def test_model_sizes_leave_the_norm_cheap_to_prove(study_toml):
    for shape in ("[3, 2]", "[65]", "[100000]", "[1000, 1000]"):
        study = Study.read(study_toml().replace("[3, 2]", shape))
        form = config.bind(study.manifest(1, study.start)).form
        assert form.compared <= 2 * 64 + 1
