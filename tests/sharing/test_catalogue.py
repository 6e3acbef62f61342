"""Schemes are found by the name that a manifest gives them."""

import pytest

from ostraka.sharing.additive import Additive
from ostraka.sharing.catalogue import scheme_named
from ostraka.sharing.shamir import Shamir


@pytest.mark.parametrize(
    ("name", "kind", "needed"), [("additive", Additive, 3), ("shamir", Shamir, 2)]
)
def test_a_name_gives_its_scheme(name, kind, needed):
    found = scheme_named(name, ("x",), ("a", "b", "c"), 1)
    assert type(found) is kind
    assert (found.contributors, found.compute, found.needed) == (("x",), ("a", "b", "c"), needed)


def test_no_other_name_is_known():
    with pytest.raises(KeyError, match="replicated"):
        scheme_named("replicated", ("x",), ("a", "b", "c"), 1)
