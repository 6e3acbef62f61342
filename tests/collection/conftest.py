"""One collection of three compute parties and four invitations, made by scripts/vectors."""

import sys
from pathlib import Path

import pytest

SCRIPTS = str(Path(__file__).resolve().parents[2] / "scripts")


@pytest.fixture(scope="session")
def made():
    """The module that makes the collection of the vectors."""
    sys.path.insert(0, SCRIPTS)
    try:
        import vectors_collection
    finally:
        sys.path.remove(SCRIPTS)
    return vectors_collection


@pytest.fixture(scope="session")
def terms(made):
    return made.terms()


@pytest.fixture(scope="session")
def report(made, terms):
    return made.fixed_report(terms)
