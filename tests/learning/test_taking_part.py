"""A study over real links in one process: rounds, cohorts, restarts, models left for others."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from ostraka import home
from ostraka.errors import PinMismatch, UnconfirmedKey, UsageError
from ostraka.learning.model import digest, load, save
from ostraka.learning.study import Study
from ostraka.learning.taking_part import StudyPlace
from ostraka.record import receipt

COMPUTE, DEVICES = ("alice", "bob", "carlos"), ("david", "erin", "mallory")


def study_of(office, *, rounds=2, devices='"contributor", "recipient"', more=""):
    roles = dict.fromkeys(COMPUTE, '"compute", "recipient"') | dict.fromkeys(DEVICES, devices)
    return Study.read(
        f'[session]\ntitle = "Digits {office.ports(1)[0]}"\ndeadline = "20s"\n'
        f"{office.tables(roles)}[policy]\nmin_contributors = 2\n"
        f"[study]\nrounds = {rounds}\nlayers = {{ weights = [2, 2] }}\nclip = 0.5\n{more}"
    )


def by(amount):
    return lambda layers, _: {"weights": layers["weights"] + amount}


def places(office, study, tmp_path, **options):
    receipts = tmp_path / "receipts"
    receipts.mkdir(exist_ok=True)
    trainers = dict(zip(DEVICES, map(by, (0.1, 0.2, 0.0)), strict=True))
    options = {"trust_new": True, "receipts": receipts} | options
    return [
        StudyPlace(study, name, trainers.get(name), keys=office.keys, **options)
        for name in (*COMPUTE, *DEVICES)
    ]


async def ends(place):
    return [end async for end in place.rounds()]


async def all_ends(those):
    async with asyncio.timeout(60):
        return await asyncio.gather(*map(ends, those))


async def first_round(place):
    rounds = place.rounds()
    end = await anext(rounds)
    await rounds.aclose()
    return end


async def test_all_parties_have_the_same_model_a_receipt_of_each_round_and_go_on(office, tmp_path):
    study = study_of(office)
    async with asyncio.timeout(60):
        first = await asyncio.gather(*map(first_round, places(office, study, tmp_path)))
    found = await all_ends(places(office, study, tmp_path))
    for one, mine in zip(first, found, strict=True):
        assert (one.number, [end.number for end in mine]) == (1, [2])
        assert (one.model == first[0].model).all()
        assert (mine[0].model == found[0][0].model).all()
        said = [receipt.verify(receipt.read(end.outcome.receipt)) for end in (one, *mine)]
        assert [each["session"] for each in said] == [one.outcome.session, mine[0].outcome.session]
    assert np.allclose(first[0].model, 0.1, atol=1e-6)
    assert np.allclose(found[0][-1].model, 0.2, atol=1e-6)
    # All is on record: run again, there is nothing left to do.
    assert await ends(places(office, study, tmp_path)[0]) == []


async def test_devices_that_learn_nothing_take_models_from_a_directory(office, tmp_path):
    study, models = study_of(office, devices='"contributor"'), tmp_path / "models"
    found = await all_ends(places(office, study, tmp_path, models=models))
    assert all(end.model is None for mine in found[3:] for end in mine)
    assert (load(models / "model-2.npz", study.shapes) == found[0][-1].model).all()
    alone = places(office, study_of(office, devices='"contributor"'), tmp_path)
    device = alone[3]
    device._keep(1, None)
    with pytest.raises(UsageError, match="does not learn the model after round 1"):
        await ends(device)


async def test_a_device_that_is_not_asked_has_no_part(office, tmp_path):
    study = study_of(office, devices='"contributor"', more="cohort = 2\n", rounds=1)
    found = await all_ends(places(office, study, tmp_path, models=tmp_path / "models"))
    asked = study.cohort(1)
    for name, mine in zip(DEVICES, found[3:], strict=True):
        assert (mine[0].outcome is None) == (name not in asked)
    assert found[0][0].outcome.contributors == asked


async def test_the_words_are_the_studys(office, tmp_path):
    study = study_of(office)
    words = StudyPlace(study, "alice").words
    assert words != StudyPlace(study_of(office), "alice").words
    wrong = "abandon ability able about above absent"
    with pytest.raises(UnconfirmedKey, match="six words of this study"):
        await ends(StudyPlace(study, "alice", trust_new=wrong, keys=office.keys))
    StudyPlace(study, "alice", trust_new=words, keys=office.keys)._check()
    with pytest.raises(UsageError, match="no party"):
        await ends(StudyPlace(study, "trent", keys=office.keys))


async def test_the_first_model_is_the_one_that_the_study_names(office, tmp_path):
    plain = study_of(office)
    first = np.ones(4)
    named = study_of(office, more=f'first = "{digest(plain.shapes, first)}"\n')
    with pytest.raises(PinMismatch):
        StudyPlace(named, "alice")._where()
    with pytest.raises(PinMismatch):
        StudyPlace(named, "alice", first=first + 1)._where()
    assert StudyPlace(named, "alice", first=first)._where()[0] == 1
    with pytest.raises(UsageError, match="names no first model"):
        StudyPlace(plain, "alice", first=first)._where()


async def test_a_device_without_a_trainer_is_told_before_anything_starts(office):
    with pytest.raises(UsageError, match="nothing to train with") as caught:
        await ends(StudyPlace(study_of(office), "david", keys=office.keys, trust_new=True))
    assert caught.value.data_left is False


def test_models_are_kept_in_the_home(office, tmp_path):
    study = study_of(office)
    place = StudyPlace(study, "alice")
    place._keep(1, np.ones(4))
    assert place._where()[0] == 2
    (kept,) = home.learning_directory().glob(f"alice-{study.digest[7:39]}-*.npz")
    assert (load(kept, study.shapes) == 1).all()
    assert Path(kept).stat().st_mode & 0o077 == 0
    save(kept, study.shapes, np.zeros(4))
    assert (place._where()[1] == 0).all()
