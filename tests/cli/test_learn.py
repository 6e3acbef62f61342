"""`ostraka learn`: explains a study, writes the manifest of a round; `demo learn` runs one.

The demo is cli/demo_learn.py, and all demos are in cli/demos.py; codes are of
cli/learn_collected.py."""

import json
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest

from ostraka.config import bind_text
from ostraka.learning.collected import read_codes, roster_pin
from ostraka.learning.model import save
from ostraka.learning.study import Study

MAIN = [sys.executable, "-m", "ostraka.cli.main"]
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


def learn(*arguments, cwd, code=0):
    done = subprocess.run(
        [*MAIN, "learn", *map(str, arguments)],
        capture_output=True, text=True, cwd=cwd, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def test_a_study_is_explained(path, tmp_path):
    text = learn(path, cwd=tmp_path).stdout
    assert text.startswith("Digits: 6 rounds of 20 devices, of 40; 8 numbers: weights [4, 2]")
    plain = " ".join(text.split())
    assert "one contributor is in at most 3 of 6" in plain
    assert Study.load(path).digest in plain
    assert "six words: " in plain
    found = json.loads(learn(path, "--output", "json", cwd=tmp_path).stdout)
    assert (found["study"], found["rounds"]) == (Study.load(path).digest, 6)


def test_the_manifest_of_a_round_is_printed(path, tmp_path):
    study = Study.load(path)
    first = learn(path, "--round", 1, cwd=tmp_path).stdout
    assert bind_text(first, "first").manifest.digest == study.manifest(1, study.start).digest
    model = tmp_path / "model.npz"
    save(model, study.shapes, np.ones(8))
    second = learn(path, "--round", 2, "--model", model, cwd=tmp_path).stdout
    assert bind_text(second, "second").manifest.digest == study.manifest(2, np.ones(8)).digest


def test_a_study_of_collections_gets_its_roster_and_codes(path, tmp_path):
    collected = STUDY.replace("cohort = 20", 'every = "1h"').replace(', "contributor"', "")
    devices = collected.index('[[party]]\nname = "device-0"')
    collected = collected[:devices] + (
        f'\n[collection]\nfrom = "invited"\norganiser = "sha256:{7:064x}"\n'
        'closes = 2030-01-01T00:00:00Z\nmailbox = "https://poll.example"\n[policy]\n'
        "min_contributors = 3\n" + collected[collected.index("[study]") :]
    )
    path.write_text(collected)
    learn(path, cwd=tmp_path, code=2)  # no roster yet
    text = learn(path, "--codes", 5, cwd=tmp_path).stdout
    study = Study.read(text)
    codes = read_codes(tmp_path / "codes.json")
    assert (len(codes), len(study.devices)) == (5, 5)
    assert study.base["collection"]["roster"] == roster_pin(codes.roster)
    assert {code.manifest.hex() for code in codes} == {study.digest[7:]}
    assert (tmp_path / "codes.json").stat().st_mode & 0o077 == 0
    assert "codes.json is here already" in learn(path, "--codes", 5, cwd=tmp_path, code=2).stderr
    first, second = (study.manifest(k, study.start).collection.closes for k in (1, 2))
    assert (second - first).total_seconds() == 3600


def test_what_cannot_be_is_said(path, tmp_path):
    done = learn(path, "--as", "device-0", "--trainer", "json:nothing", cwd=tmp_path, code=2)
    assert "--trainer training:step" in done.stderr
    assert "no party of this study" in learn(path, "--as", "eve", cwd=tmp_path, code=2).stderr
    path.write_text(STUDY.replace("clip = 1", "clip = -1"))
    assert "study.clip" in learn(path, cwd=tmp_path, code=2).stderr


@pytest.mark.skipif(find_spec("sklearn") is None, reason="its digits are not here")
def test_the_demo_learns_over_tls(tmp_path):
    command = ["demo", "learn", "--devices", "3", "--rounds", "2", "--output", "json"]
    done = subprocess.run(
        [*MAIN, *command], capture_output=True, text=True, cwd=tmp_path, timeout=90, check=True
    )
    found = json.loads(done.stdout)
    assert [each["round"] for each in found["rounds"]] == [1, 2]
    assert [each["counted"] for each in found["rounds"]] == [3, 3]
    assert list(tmp_path.iterdir()) == []
