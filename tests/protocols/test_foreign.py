"""Offers of other packages: found without importing them, refused by the name of the package."""

from importlib.metadata import EntryPoint, EntryPoints

import pytest

from ostraka.errors import ManifestError
from ostraka.protocols import foreign
from ostraka.protocols.secure_sum import SecureSum


def offer(name, value):
    return EntryPoint(name, value, foreign.GROUP)


@pytest.fixture
def offered(monkeypatch):
    """Stands for installed packages with these entry points."""

    def install(**values):
        found = EntryPoints(offer(n, v) for n, each in values.items() for v in each)
        monkeypatch.setattr(
            "importlib.metadata.entry_points", lambda group: found.select(group=group)
        )

    return install


def test_a_name_that_is_not_offered_is_none(offered):
    offered(other=["not_there:Thing"])
    assert foreign.load("mine") is None
    assert foreign.offers().names == {"other"}


def test_an_offer_under_its_own_name_is_imported():
    found = foreign.import_offer(offer("secure-sum", "ostraka.protocols.secure_sum:SecureSum"))
    assert found is SecureSum


def test_two_offers_of_one_name_are_both_named(offered):
    offered(mine=["one:A", "two:B"])
    with pytest.raises(ManifestError, match='"mine" is offered more than once: by one and two'):
        foreign.load("mine")


def test_one_offer_found_twice_is_one(offered):
    offered(mine=["one:A", "one:A"])
    with pytest.raises(ManifestError, match="fails to load: ModuleNotFoundError"):
        foreign.load("mine")


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("not_there:A", "the package not_there, .* fails to load: ModuleNotFoundError"),
        ("json:Missing", "fails to load: AttributeError"),
        ("json:loads", 'what the package json offers as "mine" is not a protocol'),
        ("ostraka.protocols.protocol:Protocol", "is not a protocol"),
        ("ostraka.protocols.tally:Tally", 'offers a protocol as "mine" of another name'),
    ],
)
def test_a_broken_offer_names_its_package(value, problem):
    with pytest.raises(ManifestError, match=problem) as caught:
        foreign.import_offer(offer("mine", value))
    assert caught.value.data_left is False
