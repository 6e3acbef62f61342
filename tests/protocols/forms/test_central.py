"""Joint noise from input to result: of sums by contributors, of votes by compute parties.

One run over a long vector is as many trials as it has elements: with epsilon = d for d numbers
between 0 and 1, every element keeps an epsilon of its own of 1.
"""

import asyncio
import math
from fractions import Fraction

import numpy as np
import pytest
from portions import portioned

from ostraka.errors import ManifestError, RefusedByPolicy
from ostraka.noise.shares import GaussianShares, LaplaceShares, Sensitivity
from ostraka.protocols import protocol_for
from ostraka.protocols.secure_sum import SecureSum
from ostraka.record.budget import Spend
from ostraka.simulation import MemoryNet, run_all, simulate_sync

D = 100_000
CURIOUS, HONEST = ("alice", "bob"), ("carlos", "david", "erin")
ROLES = {**dict.fromkeys(CURIOUS + HONEST, "c"), "frank": "k", "grace": "kr"}
SHAMIR = {"scheme": "shamir", "threshold": 1}


def central(mechanism="laplace", epsilon=1.0, more=""):
    return f'central = {{ mechanism = "{mechanism}", epsilon = {epsilon}{more} }}'


def vectors(manifest, *, privacy, least, **more):
    """Five contribute D numbers each, three of them honest."""
    return manifest(ROLES, length=D, bounds=(0, 1), privacy=privacy, least=least, **SHAMIR, **more)


def opened(protocol, inputs, *, seed, drop=()):
    net = MemoryNet(protocol.manifest.parties, dict.fromkeys(drop, 0), seed)
    results = asyncio.run(run_all(protocol, inputs, net, seed=seed))
    return results["grace"]


class Pooling(SecureSum):
    """Secure sum in which some contributors tell their noise: it is taken off the result again."""

    def with_noise(self, x, me, draw):
        noisy = super().with_noise(x.copy(), me, draw)
        return x if me in CURIOUS else noisy


def neighbours(protocol, drop=()):
    """What is known of carlos when it gives 0s, and when it gives 1s; all the others give 0s."""
    zeros = dict.fromkeys(protocol.contributors, [0] * D)
    found = []
    for seed, inputs in enumerate((zeros, zeros | {"carlos": [1] * D})):
        outcome = opened(protocol, inputs, seed=seed, drop=drop)
        assert len(outcome.contributors) == len(ROLES) - 2 - len(drop)
        found.append(np.array(outcome.outputs[0].value))
    return found


# --- what an adversary sees -----------------------------------------------------------------------


LAPLACE = central(epsilon=D, more=', honest = "3/5"')


@pytest.mark.parametrize(("least", "gone"), [(3, 2), (4, 1), (5, 0)])
def test_epsilon_holds_at_the_worst_dropouts(manifest, told_at_least, least, gone):
    """As many honest ones never come as the policy allows; the curious ones stay, and pool."""
    protocol = Pooling(vectors(manifest, privacy=LAPLACE, least=least))
    assert protocol.noise.honest == least - 2
    recorded = float(protocol.spends_at_worst().epsilon) / D
    assert recorded == 1
    a, b = neighbours(protocol, drop=HONEST[len(HONEST) - gone :])
    assert 0.9 < told_at_least(a, b) <= recorded


def test_gaussian_noise_holds_at_the_worst_dropouts(manifest, told_at_least):
    """Each element as a query of its own, sized for as many makers as the protocol counts on."""
    delta = Fraction(1, 100)
    gauss = central("gaussian", 1, ', delta = 0.01, honest = "3/5"')
    protocol = Pooling(vectors(manifest, privacy=gauss, least=4))
    honest = protocol.noise.honest
    protocol.noise = GaussianShares(Fraction(1), delta, Sensitivity(1, 1, D), honest)
    recorded = protocol.spends_at_worst()
    assert (honest, recorded.delta) == (2, delta)
    a, b = neighbours(protocol, drop=("erin",))
    assert 0 < told_at_least(a, b, 0.01) <= recorded.epsilon <= 1


def test_epsilon_holds_when_all_are_there(manifest, told_at_least):
    """No result goes without a party's shares where sharing is additive."""
    roles = dict.fromkeys((*CURIOUS, *HONEST, "frank", "grace"), "ckr")
    agreement = manifest(roles, length=D, bounds=(0, 1), privacy=central(epsilon=D), least=4)
    protocol = Pooling(agreement)
    assert protocol.least_counted == 7
    assert protocol.noise.honest == 4
    zeros = dict.fromkeys(protocol.contributors, [0] * D)
    one = zeros | {"carlos": [1] * D}
    a, b = (
        np.array(opened(protocol, x, seed=i).outputs[0].value) for i, x in enumerate((zeros, one))
    )
    assert 0.6 < told_at_least(a, b) <= 1  # five shares of noise where four are enough


def test_noise_for_the_honest_among_all_is_found_out_at_the_worst_dropouts(manifest, told_at_least):
    """The broken mechanism, in the same test: the honest three of five are counted on."""
    protocol = Pooling(vectors(manifest, privacy=LAPLACE, least=3))
    protocol.noise = LaplaceShares(Fraction(D), protocol.noise.sensitivity, 3)
    assert protocol.spends(("alice", "bob", "carlos")).epsilon > Fraction(D * 2)
    a, b = neighbours(protocol, drop=("david", "erin"))
    assert told_at_least(a, b) > 1.4


@pytest.mark.parametrize("least", [1, 2])
def test_noise_that_the_curious_may_know_all_of_is_refused(manifest, least):
    """Two of five are curious, and a result may count only those."""
    with pytest.raises(ManifestError, match="would hide nothing") as caught:
        protocol_for(vectors(manifest, privacy=LAPLACE, least=least))
    enough = {1: "5/5", 2: "4/5"}[least]
    assert caught.value.hint == (
        f'set min_contributors to 3 or more in [policy], or honest to "{enough}" or more'
    )
    for change in (
        {"least": 3, "privacy": LAPLACE},
        {"least": least, "privacy": LAPLACE.replace("3/5", enough)},
    ):
        assert protocol_for(vectors(manifest, **change)).noise.honest == 1


def test_fewer_than_noise_takes_are_refused(manifest):
    protocol = protocol_for(vectors(manifest, privacy=LAPLACE, least=3))
    zeros = dict.fromkeys(protocol.contributors, [0] * D)
    found = opened(protocol, zeros, seed=1, drop=("alice", "bob", "carlos"))
    assert isinstance(found, RefusedByPolicy)


@pytest.mark.parametrize("counted", range(8))
def test_what_is_recorded_is_what_the_honest_among_the_counted_leave(manifest, counted):
    """Two of seven are curious, and at least four are counted."""
    roles = {f"c{i}": "c" for i in range(7)} | {"k0": "kr", "k1": "k"}
    some = central(epsilon=1, more=', honest = "5/7"')
    protocol = protocol_for(manifest(roles, privacy=some, bounds=(0, 1), least=4, **SHAMIR))
    assert protocol.noise.honest == 2
    spend = protocol.spends(protocol.contributors[:counted])
    if counted <= 2:
        assert spend.exact
    else:
        assert spend == protocol.noise.spends(counted - 2)
        assert (spend.epsilon == 1) == (counted >= 4)
    assert protocol.spends_at_worst() == protocol.noise.spends(2)


# --- results --------------------------------------------------------------------------------------


@pytest.mark.parametrize("sharing", [{}, SHAMIR])
@pytest.mark.parametrize("mechanism", ["laplace", "gaussian"])
def test_sums_and_means_are_as_near_as_they_say(manifest, everybody, mechanism, sharing):
    d = 2000
    more = ", delta = 1e-6" if mechanism == "gaussian" else ""
    agreement = manifest(
        everybody(3),
        type="decimal(1)",
        length=d,
        bounds=(-50, 50),
        statistics=("sum", "mean"),
        privacy=central(mechanism, 50 * d if mechanism == "laplace" else 10, more),
        **sharing,
    )
    inputs = {name: [50 - i] * d for i, name in enumerate(everybody(3))}
    outcome = simulate_sync(agreement, inputs)["bob"]
    assert outcome.status == "noised"
    for output, exact in zip(outcome.outputs, (147, 49), strict=True):
        off = np.abs(np.array(output.value, float) - exact)
        error = float(output.error95[0])
        assert set(output.error95) == {output.error95[0]}
        assert 0.92 < np.mean(off <= error + 1e-9) < 0.985
        assert np.mean(np.array(output.value, float) - exact) == pytest.approx(0, abs=error / 10)


def test_noise_makes_small_sums_negative_too(manifest, everybody):
    for sharing in ({}, SHAMIR):
        agreement = manifest(
            everybody(3), length=500, bounds=(0, 1), privacy=central(epsilon=100), **sharing
        )
        values = simulate_sync(agreement, dict.fromkeys(everybody(3), [0] * 500))["alice"]
        assert min(values.outputs[0].value) < 0 < max(values.outputs[0].value)


def test_histograms_have_an_error_for_every_option(manifest, everybody):
    agreement = manifest(
        everybody(5),
        type='choice(["in", "out"])',
        statistics=("histogram", "count"),
        privacy=central(epsilon=0.5),
    )
    bins, count = simulate_sync(agreement, dict.fromkeys(everybody(5), "in"))["alice"].outputs
    assert set(bins.value) == set(bins.error95) == {"in", "out"}
    assert bins.error95["in"] == protocol_for(agreement).noise.within(5)
    assert (count.value, count.error95) == (5, None)


def test_what_a_run_spends_is_what_the_manifest_says(manifest, everybody):
    agreement = manifest(everybody(4), privacy=central(epsilon=0.25))
    assert protocol_for(agreement).spends(tuple(everybody(4))) == Spend.pure(Fraction(1, 4))
    gauss = manifest(everybody(4), privacy=central("gaussian", 0.25, ", delta = 1e-7"))
    spend = protocol_for(gauss).spends(tuple(everybody(4)))
    assert spend.epsilon <= Fraction(1, 4)
    assert spend.delta == Fraction(1, 10**7)


def test_clipping_bounds_what_one_contributor_can_change(manifest, everybody):
    agreement = manifest(
        everybody(3),
        length=100,
        bounds=(-10, 10),
        privacy='clip = { norm = "l1", at = 10 }\n' + central(),
    )
    protocol = protocol_for(agreement)
    assert protocol.noise.sensitivity.l1 == 20  # not 2000
    assert sum(protocol.scheme.to_signed(protocol.encode("alice", [10] * 100))) <= 10


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"statistics": ("count",)}, "known anyway"),
        ({"privacy": central("exponential")}, "one is chosen"),
        ({"privacy": central(epsilon=1e-9), "bounds": (0, 10**9)}, "more noise than"),
        ({"privacy": central(more=', honest = "3/4"'), "least": 1, **SHAMIR}, "1 of 4"),
        ({"privacy": central("gaussian", 1, ", delta = 1e-25")}, None),
        ({"privacy": central("gaussian", 1, ", delta = 1e-25"), "length": 300}, "delta"),
    ],
)
def test_what_cannot_be_noised_is_refused_before_anything_runs(manifest, everybody, change, match):
    agreement = manifest(everybody(4), **{"privacy": central(), **change})
    if match is None:
        assert protocol_for(agreement)
        return
    with pytest.raises(ManifestError, match=match):
        protocol_for(agreement)


def test_words_say_whom_the_noise_holds_against(manifest, everybody):
    money = {"type": "decimal(2)", "bounds": (0, 50), "unit": "USD"}
    protocol = protocol_for(manifest(everybody(4), privacy=central(), **money))
    text = " ".join(protocol.explain())
    assert "may change up to 50 USD in the L1 norm" in text
    assert f"a sum is within {protocol.noise.within(4) / 100:.6g} USD" in text
    assert "the noise of 2 is enough" in text
    assert "up to 2 of the 4 who pool what they know;" in text
    assert "With the noise of 1 alone, epsilon would be" in text
    assert "subtracting" not in text


def test_a_manifest_that_takes_all_for_honest_is_warned_of(manifest, everybody):
    """A recipient that contributes takes off its own share; the noise of three is left of four."""
    for honest, warned in (("1", True), ("3/4", False)):
        privacy = central(more=f', honest = "{honest}"')
        text = " ".join(protocol_for(manifest(everybody(4), privacy=privacy)).explain())
        assert ("all 4 are taken for honest" in text) == warned


# --- votes ----------------------------------------------------------------------------------------


def votes(manifest, everybody, protocol, n, *, privacy, outputs="", **more):
    sharing = {"scheme": "shamir", "threshold": (n - 1) // 2}
    return manifest(
        everybody(n), protocol=protocol, outputs=outputs, privacy=privacy, **sharing, **more
    )


@pytest.mark.parametrize(("n", "how"), portioned([(3, "passive")], [(5, "passive"), (3, "active")]))
def test_counts_are_as_near_as_they_say(manifest, everybody, n, how):
    """Sensitivity 2 w, from one option to another."""
    more = {"type": 'choice(["red", "green", "abstain"])', "outputs": "weights = { alice = 3 }"}
    more |= {"privacy": central(epsilon=2), "security": how}
    agreement = votes(manifest, everybody, "tally", n, **more)
    noise = protocol_for(agreement).noise
    assert (noise.sensitivity.l1, noise.sensitivity.l2_squared, noise.honest) == (6, 18, n // 2 + 1)
    off = []
    for seed in range(6 if how == "active" else 12):
        outcome = simulate_sync(agreement, dict.fromkeys(everybody(n), "red"), seed=seed)["alice"]
        (tally,) = outcome.outputs
        assert outcome.status == "noised"
        assert set(tally.error95.values()) == {noise.within(n)}
        off += [tally.value["red"] - n - 2, tally.value["green"], tally.value["abstain"]]
    assert np.mean(np.abs(off) <= noise.within(n)) > 0.85
    assert np.std(off) > noise.within(n) / 6


SENSITIVITIES = [
    ('choice(["yes", "no"])', 'pass_at = "1/2"', (1, 1)),
    ('choice(["yes", "no", "abstain"])', 'pass_at = "1/2"', (2, 2)),
    ('choice(["a", "b", "c", "d"])', 'reveal = "winner"', (2, 4)),
    ('choice(["a", "b", "c", "d"])', 'reveal = "winner"\nchoices = 2', (4, 4)),
    ('choice(["a", "b", "c", "abstain"])', 'reveal = "winner"\nchoices = 3', (4, 4)),
    ('choice(["a", "b", "c", "abstain"])', 'reveal = "approved"\npass_at = "1/2"', (2, 4)),
]


@pytest.mark.parametrize(("type_", "outputs", "wanted"), SENSITIVITIES)
def test_how_many_counts_another_ballot_changes(manifest, everybody, type_, outputs, wanted):
    agreement = votes(
        manifest, everybody, "threshold-vote", 3, type=type_, outputs=outputs, privacy=central()
    )
    found = protocol_for(agreement).noise.sensitivity
    assert (found.l1, found.length) == wanted


def test_a_noisy_referendum_goes_either_way_as_its_law_says(manifest, everybody):
    """3000 questions at once: two of three are for it, and two are needed; P(noise >= 0)."""
    q = 3000
    agreement = votes(
        manifest,
        everybody,
        "threshold-vote",
        3,
        type="bool",
        length=q,
        outputs="pass_at_votes = 2",
        privacy=central(epsilon=q),
    )
    inputs = {"alice": [True] * q, "bob": [True] * q, "carlos": [False] * q}
    outcome = simulate_sync(agreement, inputs)["carlos"]
    assert outcome.status == "noised"
    k = np.arange(1, 400)
    u = np.exp(np.concatenate([[0.0], np.cumsum(np.log((k + 0.5) / k) - 1)]))  # NB(3/2, 1/e)
    at_zero = (u @ u) / u.sum() ** 2
    passing = (1 + at_zero) / 2
    share = np.mean([value == "YES" for value in outcome.outputs[0].value])
    assert abs(share - passing) < 4 * math.sqrt(passing * (1 - passing) / q)


@pytest.mark.parametrize("outputs", ['reveal = "winner"', 'reveal = "approved"\npass_at = "2/3"'])
def test_with_hardly_any_noise_the_outcome_is_the_textbooks(manifest, everybody, outputs):
    agreement = votes(
        manifest,
        everybody,
        "threshold-vote",
        5,
        type='choice(["a", "b", "abstain"])',
        outputs=outputs,
        privacy=central(epsilon=200),
    )
    inputs = dict(zip(everybody(5), ("b", "b", "a", "abstain", "b"), strict=True))
    outcome = simulate_sync(agreement, inputs)["alice"]
    assert outcome.outputs[0].value == protocol_for(agreement).plaintext(inputs)["outcome"]


@pytest.mark.parametrize("security", ["passive", "active"])
@pytest.mark.parametrize("name", ["tally", "threshold-vote"])
def test_what_noise_sends_is_what_check_says(manifest, everybody, name, security):
    outputs = 'pass_at = "1/2"' if name == "threshold-vote" else ""
    more = {"type": 'choice(["yes", "no", "abstain"])', "outputs": outputs, "security": security}
    protocol = protocol_for(votes(manifest, everybody, name, 3, privacy=central(), **more))
    bare = protocol_for(votes(manifest, everybody, name, 3, privacy="", **more))
    net = MemoryNet(protocol.manifest.parties, seed=1)
    asyncio.run(run_all(protocol, dict.fromkeys(everybody(3), "no"), net, seed=1))
    assert dict(net.sent) == dict(protocol.cost().sent)
    rounds = protocol.cost().rounds - bare.cost().rounds
    # a noisy total is compared, where a total in a small range is looked up
    assert rounds == 1 if (name, security) == ("tally", "passive") else rounds > 1


def test_votes_refuse_more_honesty_than_the_threshold_promises(manifest, everybody):
    with pytest.raises(ManifestError, match="1 of 3 are not honest"):
        protocol_for(
            votes(
                manifest,
                everybody,
                "tally",
                3,
                type="bool",
                privacy=central(more=', honest = "3/3"'),
            )
        )


@pytest.mark.parametrize(
    ("security", "said"),
    [("passive", "can also deal any noise it likes"), ("active", "can move a count by up to")],
)
def test_votes_say_what_a_liar_can_do_with_noise(manifest, everybody, security, said):
    for name, outputs in (("tally", ""), ("threshold-vote", 'pass_at = "1/2"')):
        more = {"type": "bool", "outputs": outputs, "security": security}
        agreement = votes(manifest, everybody, name, 3, privacy=central(), **more)
        text = " ".join(protocol_for(agreement).explain())
        assert said in text
        assert "unanim" not in text.lower()
        assert protocol_for(agreement).spends(()) == Spend.pure(Fraction(1))
