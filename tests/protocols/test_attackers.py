"""An attacker for every maker of noise: neighbouring inputs are told apart no better than recorded.

The attacker knows all inputs but the victim's, pools with as many makers as the manifest admits to
be curious, whose noise it takes off again, and loses as many honest ones as the manifest admits to
be missing. From pairs of neighbouring inputs it measures a bound that epsilon exceeds; the bound
must stay below the epsilon that the ledger records, and come near enough to be a measurement.
"""

import asyncio
from fractions import Fraction

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.randomness import SeededDraw, Stream
from ostraka.delivery.party import Party
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import start
from ostraka.noise.shares import GeometricShares
from ostraka.protocols import protocol_for
from ostraka.protocols.private_choice import noisy_first
from ostraka.protocols.secure_sum import SecureSum
from ostraka.protocols.threshold_vote import ThresholdVote
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet, run_all

MANY = [50_000, pytest.param(2_000_000, marks=pytest.mark.slow)]
"""Samples of each of two neighbours."""

CURIOUS, HONEST = ("alice", "bob"), ("carlos", "david", "erin")
SUMMED = {**dict.fromkeys(CURIOUS + HONEST, "c"), "frank": "k", "grace": "kr"}
VICTIM = "carlos"
VOTE = {"protocol": "tally", "type": 'choice(["red", "green", "blue"])'}
SHAMIR = {"scheme": "shamir", "threshold": 1}


def joint(mechanism, epsilon, more=""):
    return f'central = {{ mechanism = "{mechanism}", epsilon = {epsilon}{more} }}'


def own(mechanism, epsilon, more=""):
    return f'local = {{ mechanism = "{mechanism}", epsilon = {epsilon}{more} }}'


def drawn(sampler, count, name):
    return sampler.draw(Stream(SeededDraw(f"attack {name}").seed(), "test"), count)


# --- contributors' joint noise, whole runs --------------------------------------------------------


class Pooled(SecureSum):
    """Secure sum whose curious makers take their noise off again, and which keeps what it opens."""

    def with_noise(self, x, me, draw):
        noisy = super().with_noise(x.copy(), me, draw)
        return x if me in CURIOUS else noisy

    def combine(self, opened, counted):
        self.counted, self.seen = counted, self.scheme.to_signed(opened)
        return super().combine(opened, counted)


def opened(agreement, inputs, seed):
    protocol = Pooled(agreement)
    lost = HONEST[len(HONEST) - (len(protocol.contributors) - protocol.least_counted) :]
    net = MemoryNet(agreement.parties, dict.fromkeys(lost, 0), seed)
    asyncio.run(run_all(protocol, inputs, net, seed=seed))
    assert set(protocol.counted) == set(protocol.contributors) - set(lost)
    assert VICTIM in protocol.counted
    return protocol


def sums(manifest, epsilon, count, least, **more):
    """Five contributors, three of them honest, of whom some may be missing."""
    privacy = joint("laplace", epsilon * count, ', honest = "3/5"')
    return manifest(SUMMED, length=count, privacy=privacy, least=least, **SHAMIR, **more)


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("least", [3, 4, 5])
def test_sums(manifest, told_at_least, count, least):
    agreement = sums(manifest, 1, count, least, bounds=(0, 7))
    low = dict.fromkeys(agreement.contributors, [0] * count)
    pair = [opened(agreement, low | {VICTIM: [x] * count}, x) for x in (0, 7)]
    recorded = pair[0].spends_at_worst().epsilon / count
    assert 0.85 < told_at_least(pair[0].seen, pair[1].seen) <= recorded == 1


@pytest.mark.parametrize("count", MANY)
def test_histograms(manifest, told_at_least, count):
    """A change of option moves one count up and another down: both are looked at."""
    agreement = sums(manifest, 1, count, 3, type='choice(["a", "b"])', statistics=("histogram",))
    all_a = dict.fromkeys(agreement.contributors, ["a"] * count)
    pair = [opened(agreement, all_a | {VICTIM: [x] * count}, ord(x)) for x in "ab"]
    both = [run.seen.reshape(-1, 2) - (3, 0) for run in pair]
    told = [np.maximum(seen[:, 0], -seen[:, 1]) for seen in both]
    recorded = pair[0].spends_at_worst().epsilon / count
    assert 0.75 < told_at_least(told[1], told[0]) <= recorded == 1


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(("victim", "least_told"), portioned([(4, 0.5)], [(8, 0.85)]))
def test_variances(manifest, told_at_least, count, victim, least_told):
    """To the end of the range the sum tells, to the middle the spreads tell, too."""
    agreement = sums(manifest, 1, count, 3, bounds=(0, 8), statistics=("sum", "variance"))
    low = dict.fromkeys(agreement.contributors, [0] * count)
    pair = [opened(agreement, low | {VICTIM: [x] * count}, x) for x in (0, victim)]
    halves = [np.split(run.seen, 2) for run in pair]
    told = [-np.minimum(x, np.where(victim == 8, x, spread // 8)) for x, spread in halves]
    recorded = pair[0].spends_at_worst().epsilon / count
    assert least_told < told_at_least(told[1], told[0]) <= recorded == 1


# --- compute parties' joint noise -----------------------------------------------------------------


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("n", [3, 5])
def test_tallies(manifest, everybody, told_at_least, count, n):
    """A ballot of three votes moves from red to green; threshold parties pool their noise."""
    t = (n - 1) // 2
    agreement = manifest(
        everybody(n),
        privacy=joint("laplace", 1),
        scheme="shamir",
        threshold=t,
        outputs="weights = { alice = 3 }",
        **VOTE,
    )
    protocol = protocol_for(agreement)
    told = []
    for moved in (0, 3):
        red, green = (
            sum(drawn(protocol.noise.share, count, f"{n} {moved} {i} {c}") for i in range(n - t))
            for c in ("red", "green")
        )
        told.append(np.maximum(red - moved, -(green + moved)))
    recorded = protocol.spends_at_worst().epsilon
    assert 0.75 < told_at_least(told[1], told[0]) <= recorded == 1


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize("kind", ["tally", "threshold-vote"])
def test_gaussian_counts(manifest, everybody, told_at_least, count, kind):
    """The best test of a shift against Gaussian noise is the projection on it."""
    gauss = joint("gaussian", 1, ", delta = 0.01")
    more = VOTE if kind == "tally" else VOTE | {"protocol": kind, "outputs": 'reveal = "winner"'}
    more = {"outputs": "", **more}
    protocol = protocol_for(manifest(everybody(3), privacy=gauss, **SHAMIR, **more))
    told = []
    for moved in (0, 1):
        red, green = (
            sum(drawn(protocol.noise.share, count, f"{moved} {i} {c}") for i in range(2))
            for c in "rg"
        )
        told.append(red - green - 2 * moved)
    recorded = protocol.spends_at_worst()
    assert recorded.delta == Fraction(1, 100)
    assert 0.3 < told_at_least(told[1], told[0], 0.01) <= recorded.epsilon <= 1


class Unmasked(ThresholdVote):
    """Threshold vote in which one compute party's noise is known: as if it dealt none."""

    def dealt_noise(self, me, draw):
        noise = super().dealt_noise(me, draw)
        return noise * 0 if me == "alice" else noise


@pytest.mark.parametrize("count", [8000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_outcomes_of_votes(manifest, everybody, told_at_least, count):
    """One vote is needed, and noise alone may make up for it."""
    agreement = manifest(
        everybody(3),
        protocol="threshold-vote",
        type="bool",
        length=count,
        outputs="pass_at_votes = 1",
        privacy=joint("laplace", count),
        **SHAMIR,
    )
    told = []
    for vote in (False, True):
        protocol = Unmasked(agreement)
        inputs = dict.fromkeys(everybody(3), [False] * count) | {VICTIM: [vote] * count}
        net = MemoryNet(agreement.parties, seed=vote)
        found = asyncio.run(run_all(protocol, inputs, net, seed=int(vote)))["bob"]
        told.append(np.array([value == "YES" for value in found.outputs[0].value], np.int64))
    recorded = protocol.spends_at_worst().epsilon / count
    assert 0.6 < told_at_least(told[1], told[0]) <= recorded == 1


@pytest.mark.parametrize("count", [8000, pytest.param(200_000, marks=pytest.mark.slow)])
def test_choices_by_secret_scores(told_at_least, count):
    """One option is behind, and a neighbour's numbers move it up and the other down; a compute
    party knows its own noise."""
    names = ("p0", "p1", "p2")
    noise = GeometricShares(Fraction(1), 4, 2 * count, 2)
    told = []
    for seed, scores in enumerate([(0, 8), (4, 4)]):
        net = MemoryNet(names, seed=seed)
        table = np.tile(np.array(scores)[:, None], count)

        async def one(name, net=net, table=table, seed=seed):
            engine = await start(
                Party(net.exchange(name), Shamir(("x",), names, 1)), SeededDraw(f"{seed} {name}")
            )
            secret = await engine.share(0, table, table.shape)
            mine = np.zeros(2 * count, np.int64) if name == "p0" else None
            return await reveal(await noisy_first(secret, noise, mine))

        async def all_three(one=one):
            return await asyncio.gather(*map(one, names))

        told.append(asyncio.run(all_three())[0])
    recorded = noise.spends(2).epsilon
    assert 0.6 < told_at_least(told[1], told[0]) <= recorded == 1


# --- noise of each contributor --------------------------------------------------------------------


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(("options", "epsilon"), [(2, 1), (3, 1), (3, 2)])
def test_randomized_responses(manifest, everybody, told_at_least, count, options, epsilon):
    """All compute parties together see the reports."""
    named = ", ".join(f'"{o}"' for o in "abc"[:options])
    agreement = manifest(
        everybody(3),
        type=f"choice([{named}])",
        length=count,
        statistics=("histogram",),
        privacy=own("randomized-response", epsilon * count),
    )
    protocol = protocol_for(agreement)

    def reports(option):
        x = protocol.input_of(VICTIM, [option] * count, SeededDraw(f"{options} {option}"))
        return protocol.scheme.to_signed(x).reshape(-1, options).argmax(1)

    recorded = protocol.spends_at_worst().epsilon / count
    assert 0.85 * epsilon < told_at_least(reports("a"), reports("b")) <= recorded == epsilon


@pytest.mark.parametrize("count", MANY)
@pytest.mark.parametrize(
    ("mechanism", "more", "delta", "least_told"),
    [("laplace", "", 0.0, 0.85), ("gaussian", ", delta = 0.01", 0.01, 0.3)],
)
def test_noise_on_numbers(
    manifest, everybody, told_at_least, count, mechanism, more, delta, least_told
):
    agreement = manifest(everybody(3), bounds=(-5, 5), privacy=own(mechanism, 1, more))
    protocol = protocol_for(agreement)
    sampler = protocol.local.mechanism.sampler
    low, high = (x + drawn(sampler, count, f"{mechanism} {x}") for x in (-5, 5))
    recorded = protocol.spends_at_worst()
    assert recorded.delta == Fraction(str(delta))
    assert least_told < told_at_least(low, high, delta) <= recorded.epsilon <= 1
