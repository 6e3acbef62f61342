"""Every target of fuzzing over its corpus and a few hundred mutations; scripts/fuzz does more."""

import fuzz_targets
import pytest
from fuzz_mutations import CORPUS, corpus, mutations

COUNT = 300
NEVER = {"http"}
"""Targets that refuse nothing: each request has an answer."""


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch):
    monkeypatch.setattr("os.fsync", lambda _descriptor: None)


def test_every_target_has_a_corpus():
    assert {path.name for path in CORPUS.iterdir()} == set(fuzz_targets.TARGETS)


@pytest.mark.parametrize("name", sorted(fuzz_targets.TARGETS))
def test_bytes_are_read_or_refused(name):
    target, kept = fuzz_targets.TARGETS[name], corpus(name)
    fuzz_targets.REFUSED.clear()
    for data in kept:
        target(data)
    refused = fuzz_targets.REFUSED.total()
    for data in mutations(kept, COUNT, name):
        target(data)
    assert name in NEVER or fuzz_targets.REFUSED.total() - refused > COUNT / 10


@pytest.mark.parametrize("name", sorted(set(fuzz_targets.TARGETS) - NEVER))
def test_a_corpus_has_what_is_read_whole(name):
    """Otherwise mutations would not get beyond the first check."""
    read = 0
    for data in corpus(name):
        fuzz_targets.REFUSED.clear()
        fuzz_targets.TARGETS[name](data)
        read += not fuzz_targets.REFUSED
    assert read
