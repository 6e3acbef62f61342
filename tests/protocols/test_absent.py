"""Every protocol among parties that know from the beginning that some contributors are absent."""

import asyncio

import pytest

from ostraka.config import bind
from ostraka.errors import ManifestError, RefusedByPolicy
from ostraka.manifest import parse
from ostraka.outcome import Outcome
from ostraka.protocols import catalogue
from ostraka.simulation import MemoryNet, run_all

ROLES = {"alice": "ckr", "bob": "ckr", "carlos": "kr", "david": "c", "erin": "c", "frank": "c"}
WORDS = {"c": "contributor", "k": "compute", "r": "recipient"}
NUMBERS = 'type = "int"\nmin = 0\nmax = 1000\n'
ABSENT = {"erin"}

ASKED = {
    "secure-sum": (NUMBERS, 'statistics = ["sum", "mean"]', (1, 20, 300, 400, 500)),
    "threshold-vote": ('type = "bool"\n', 'pass_at = "1/2"', (True, False, True, True, False)),
    "tally": ('type = "bool"\n', "", (True, False, True, True, True)),
    "auction": (NUMBERS, 'price = "second"', (10, 20, 30, 999, 15)),
    "statistics": (NUMBERS, 'statistics = ["median", "max"]', (10, 20, 30, 999, 15)),
    "table": (NUMBERS, 'statistics = ["sum"]', (1, 20, 300, 400, 500)),
}


def manifest(name, sharing, more="", least=3):
    text = f'[session]\ntitle = "Test"\nprotocol = "{name}"\ndeadline = "1m"\nstart = "enough"\n'
    for i, (party, letters) in enumerate(ROLES.items()):
        roles = ", ".join(f'"{WORDS[letter]}"' for letter in letters)
        text += f'[[party]]\nname = "{party}"\nkey = "sha256:{i:064x}"\nroles = [{roles}]\n'
        text += f'address = "127.0.0.1:{9000 + i}"\n'
    asks, outputs, _ = ASKED[name]
    text += f"[input]\n{asks}[outputs]\n{outputs}\n[sharing]\n{sharing}\n"
    return parse(text + f"[policy]\nmin_contributors = {least}\n{more}")


SHAMIR = 'scheme = "shamir"\nthreshold = 1\n'
CASES = [
    (name, sharing)
    for name in ASKED
    for sharing in (
        *(['scheme = "additive"'] if name == "secure-sum" else []),
        SHAMIR,
        SHAMIR + 'security = "active"',
    )
    if "active" not in sharing or "active" in catalogue[name].securities
]


@pytest.mark.parametrize(("name", "sharing"), CASES)
def test_a_result_is_that_of_the_contributors_that_came(name, sharing):
    protocol = bind(manifest(name, sharing))
    givers = [party for party, letters in ROLES.items() if "c" in letters]
    inputs = dict(zip(givers, ASKED[name][2], strict=True))
    here = {party: value for party, value in inputs.items() if party not in ABSENT}
    net = MemoryNet(tuple(party for party in ROLES if party not in ABSENT))
    found = asyncio.run(run_all(protocol.without(ABSENT), here, net))
    for party in ("alice", "bob", "carlos"):
        assert isinstance(found[party], Outcome), found
        assert found[party].contributors == tuple(here)
        for output in found[party].outputs:
            wanted = protocol.plaintext(here)[output.name]
            assert output.value == wanted or output.noised, output


def test_what_the_manifest_determines_stays():
    noise = '[privacy]\ncentral = { mechanism = "discrete-laplace", epsilon = 1.0, honest = 0.5 }\n'
    protocol = bind(manifest("secure-sum", 'scheme = "additive"', noise, least=4))
    without = protocol.without(ABSENT)
    assert protocol.without(()) is protocol
    assert protocol.least_counted == without.least_counted == 4
    assert protocol.noise is without.noise
    assert without.scheme.contributors == ("alice", "bob", "david", "frank")
    assert set(protocol.lengths) - set(without.lengths) == ABSENT
    assert protocol.may_leave == ("david", "erin", "frank")
    assert protocol.spends_at_worst() == without.spends_at_worst()


def test_noise_that_the_fewest_cannot_make_is_refused():
    noise = '[privacy]\ncentral = { mechanism = "discrete-laplace", epsilon = 1.0, honest = 0.5 }\n'
    with pytest.raises(ManifestError, match="may count 2"):
        bind(manifest("secure-sum", 'scheme = "additive"', noise, least=2))


def test_too_few_are_refused_even_if_a_session_began_with_them():
    protocol = bind(manifest("secure-sum", 'scheme = "additive"', least=4))
    few = {"erin", "frank"}
    net = MemoryNet(tuple(party for party in ROLES if party not in few))
    inputs = {"alice": 1, "bob": 2, "david": 3}
    found = asyncio.run(run_all(protocol.without(few), inputs, net))
    assert all(isinstance(end, RefusedByPolicy) for end in found.values()), found


@pytest.mark.parametrize(("name", "sharing"), CASES[:3])
def test_check_says_who_may_be_missing_and_who_can_use_it(name, sharing):
    said = "\n".join(bind(manifest(name, sharing)).explain())
    assert "without those of david, erin and frank that did not come" in said
    assert "alice says when" in said
    assert "can have honest contributors left out" in said
    assert "not before" not in said
