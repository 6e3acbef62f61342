"""`ostraka learn`: explains a study, writes the manifest of a round; `demo learn` runs one.

The demo is cli/demo_learn.py, and all demos are in cli/demos.py; codes are of
cli/learn_collected.py."""

import json
from importlib.util import find_spec

import numpy as np
import pytest

from ostraka.config import bind_text
from ostraka.learning.collected import read_codes, roster_pin
from ostraka.learning.model import save
from ostraka.learning.study import Study

PARTIES = "".join(
    f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = [{roles}]\n'
    for i, (name, roles) in enumerate(
        [(f"c{k}", '"compute", "recipient"') for k in (1, 2, 3)]
        + [(f"device-{k}", '"contributor"') for k in range(40)]
    )
)
STUDY = (
    '[session]\ntitle = "Digits"\ndeadline = "5m"\n'
    f'coordinator = {{ address = "relay.example:9440", key = "sha256:{10**6:064x}" }}\n'
    f"{PARTIES}[study]\nrounds = 6\nlayers = {{ weights = [4, 2] }}\nclip = 1\ncohort = 20\n"
    "epsilon = 4\ndelta = 1e-5\n"
)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "study.toml"
    path.write_text(STUDY)
    return path


@pytest.fixture
def learn(cli):
    def learn(*arguments, code=0):
        ended = cli("learn", *arguments)
        assert ended.code == code, ended.err
        return ended

    return learn


def test_a_study_is_explained(learn, path):
    text = learn(path).out
    assert text.startswith("Digits: 6 rounds of 20 devices, of 40; 8 numbers: weights [4, 2]")
    plain = " ".join(text.split())
    assert "one contributor is in at most 3 of 6" in plain
    assert Study.load(path).digest in plain
    assert "six words: " in plain
    found = json.loads(learn(path, "--output", "json").out)
    assert (found["study"], found["rounds"]) == (Study.load(path).digest, 6)


def test_the_manifest_of_a_round_is_printed(learn, path, tmp_path):
    study = Study.load(path)
    first = learn(path, "--round", 1).out
    assert bind_text(first, "first").manifest.digest == study.manifest(1, study.start).digest
    model = tmp_path / "model.npz"
    save(model, study.shapes, np.ones(8))
    second = learn(path, "--round", 2, "--model", model).out
    assert bind_text(second, "second").manifest.digest == study.manifest(2, np.ones(8)).digest


def test_a_study_of_collections_gets_its_roster_and_codes(learn, path, tmp_path):
    collected = STUDY.replace("cohort = 20", 'every = "1h"').replace(', "contributor"', "")
    devices = collected.index('[[party]]\nname = "device-0"')
    collected = collected[:devices] + (
        f'\n[collection]\nfrom = "invited"\norganiser = "sha256:{7:064x}"\n'
        'closes = 2030-01-01T00:00:00Z\nmailbox = "https://poll.example"\n[policy]\n'
        "min_contributors = 3\n" + collected[collected.index("[study]") :]
    )
    path.write_text(collected)
    learn(path, code=2)  # no roster yet
    text = learn(path, "--codes", 5).out
    study = Study.read(text)
    codes = read_codes(tmp_path / "codes.json")
    assert (len(codes), len(study.devices)) == (5, 5)
    assert study.base["collection"]["roster"] == roster_pin(codes.roster)
    assert {code.manifest.hex() for code in codes} == {study.digest[7:]}
    assert (tmp_path / "codes.json").stat().st_mode & 0o077 == 0
    assert "codes.json is here already" in learn(path, "--codes", 5, code=2).err
    first, second = (study.manifest(k, study.start).collection.closes for k in (1, 2))
    assert (second - first).total_seconds() == 3600


def test_what_cannot_be_is_said(learn, path):
    done = learn(path, "--as", "device-0", "--trainer", "json:nothing", code=2)
    assert "--trainer training:step" in done.err
    assert "no party of this study" in learn(path, "--as", "eve", code=2).err
    path.write_text(STUDY.replace("clip = 1", "clip = -1"))
    assert "study.clip" in learn(path, code=2).err


@pytest.mark.skipif(find_spec("sklearn") is None, reason="its digits are not here")
def test_the_demo_learns_over_tls(cli, tmp_path):
    found = cli("demo", "learn", "--devices", 3, "--rounds", 2, "--output", "json").json
    assert [each["round"] for each in found["rounds"]] == [1, 2]
    assert [each["counted"] for each in found["rounds"]] == [3, 3]
    assert list(tmp_path.iterdir()) == []
