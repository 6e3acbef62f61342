"""Sentences of `check` on rounds of a study: what each tells, what all tell, and when to worry."""

import pytest

from ostraka import config
from ostraka.learning.study import Study
from ostraka.protocols import rounds


def said(text):
    study = Study.read(text)
    return "\n".join(rounds.explain(config.bind(study.manifest(1, study.start))))


@pytest.fixture
def toml():
    def make(devices, study, policy=""):
        party = '[[party]]\nname = "{}"\nkey = "sha256:{:064x}"\nroles = [{}]\n'
        parties = "".join(
            party.format(f"c{i}", i, '"compute", "recipient"') for i in (1, 2, 3)
        ) + "".join(party.format(f"d{i}", i + 10, '"contributor"') for i in range(devices))
        return (
            '[session]\ntitle = "t"\ndeadline = "5m"\n'
            f'coordinator = {{ address = "h:1", key = "sha256:{10**6:064x}" }}\n{parties}{policy}'
            f"[study]\nlayers = {{ weights = [24, 10] }}\nclip = 0.5\n{study}"
        )

    return make


def test_what_all_rounds_tell_is_said(toml):
    text = said(toml(100, "rounds = 12\nepsilon = 8\ndelta = 1e-5\n"))
    assert "one contributor is in at most 12 of 12" in text
    assert "bounded by epsilon = 7.99" in text
    assert "delta = 1e-5" in text
    assert "its norm is at most 0.5" in text
    assert "WARNING" not in text


def test_a_cohort_is_in_fewer_rounds(toml):
    text = said(toml(100, "rounds = 12\ncohort = 50\nepsilon = 8\ndelta = 1e-5\n"))
    assert "one contributor is in at most 6 of 12" in text


@pytest.mark.parametrize(
    ("devices", "study", "words"),
    [
        (100, "rounds = 2\nepsilon = 40\ndelta = 1e-5\n", "WARNING: many rounds: epsilon = 40"),
        (5, "rounds = 12\nepsilon = 1\ndelta = 1e-5\n", "WARNING: few contributors: with 4"),
        (50, "rounds = 7\n", "WARNING: no noise"),
        (50, "rounds = 7\n", "7 rounds tell more than one"),
        (10, "rounds = 7\n", "WARNING: few contributors: a round may count 9 of 10"),
    ],
)
def test_what_to_worry_about_is_said(toml, devices, study, words):
    assert words in said(toml(devices, study))


def test_many_contributors_without_noise_are_not_called_few(toml):
    assert "few contributors" not in said(toml(50, "rounds = 7\n"))


def test_a_session_that_is_no_round_has_no_such_sentences(toml):
    study = Study.read(toml(10, "rounds = 1\n"))
    manifest = study.manifest(1, study.start).model_copy(update={"round": None})
    assert rounds.explain(config.bind(manifest)) == []
