"""A choice by noisy scores: its law against the closed form, its rules, its words."""

import asyncio
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from portions import portioned

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.delivery.party import Party
from ostraka.engine.reveal import reveal
from ostraka.engine.shamir.backend import start
from ostraka.errors import ManifestError, PeerViolation
from ostraka.noise.shares import GeometricShares
from ostraka.protocols import protocol_for
from ostraka.protocols.interactive import name_of
from ostraka.protocols.private_choice import GRAINS, noisy_first
from ostraka.sharing.shamir import Shamir
from ostraka.simulation import MemoryNet, run_all, simulate_sync

PARK = 'choice(["park", "library", "pool"])'
NOISE = 'central = { mechanism = "exponential", epsilon = 1.0 }'


def write(manifest, everybody, n, *, type=PARK, outputs="choices = 3", privacy=NOISE, **more):
    return manifest(
        everybody(n),
        protocol="private-choice",
        type=type,
        outputs=outputs,
        privacy=privacy,
        scheme="shamir",
        threshold=(n - 1) // 2,
        **more,
    )


def law(scores, noise, makers):
    """Of the choice, in closed form: option j with noise r is first when every other's is below
    r + s_j - s_i, or as much for those behind it; r is NB(makers / honest, e^(-1/scale))."""
    scale = float(noise.scale)
    far = int(45 * scale) + max(scores) - min(scores) + 1
    k = np.arange(1, far)
    shape = makers / noise.honest
    p = np.exp(np.concatenate([[0.0], np.cumsum(np.log((k + (shape - 1)) / k) - 1 / scale)]))
    p /= p.sum()
    up_to = np.concatenate([[0.0], np.cumsum(p)])
    found = np.tile(p, (len(scores), 1))
    for j, mine in enumerate(scores):
        for i, other in enumerate(scores):
            if i != j:
                below = np.arange(far) + mine - other + (i > j)
                found[j] *= up_to[np.clip(below, 0, far)]
    return found.sum(axis=1)


def choices(n, scores, noise, count):
    """What n parties choose, so many times at once."""
    names = tuple(f"p{i}" for i in range(n))
    net = MemoryNet(names, seed=n)
    table = np.tile(np.array(scores)[:, None], count)

    async def one(name):
        scheme = Shamir(("x",), names, (n - 1) // 2)
        engine = await start(Party(net.exchange(name), scheme), SeededDraw(f"choice {name}"))
        secret = await engine.share(0, table, table.shape)
        return await reveal(await noisy_first(secret, noise))

    async def main():
        return await asyncio.gather(*map(one, names))

    found = asyncio.run(main())
    assert all(np.array_equal(found[0], other) for other in found[1:])
    return found[0]


@pytest.mark.parametrize(("n", "grains"), portioned([(3, 1), (5, GRAINS)], [(3, GRAINS), (5, 1)]))
@pytest.mark.parametrize("scores", [(7, 6, 6, 2), (3, 3, 3), (40, 41)])
def test_the_choice_has_the_law_of_the_closed_form(n, scores, grains):
    count = 4000
    noise = GeometricShares(Fraction(1), grains, len(scores) * count, n // 2 + 1)
    scaled = [grains * score for score in scores]
    expected = count * law(scaled, noise, n)
    observed = np.bincount(choices(n, scaled, noise, count), minlength=len(scores))
    assert ((observed - expected) ** 2 / expected).sum() < 20  # 3 degrees: one chance in 5000
    if grains == 1:  # another law is told from this one
        flat = np.full(len(scores), count / len(scores))
        assert ((observed - flat) ** 2 / flat).sum() > 20


def test_with_the_noise_of_the_honest_alone_it_is_permute_and_flip():
    """[MS20]: options in random order, each taken with probability e^(epsilon (s - best) / 2 D)."""
    scores, rate = (5, 4, 4, 0), 0.5
    heads = np.exp(rate * (np.array(scores) - 5.0))
    wanted = np.zeros(4)
    orders = [np.array(o) for o in np.ndindex(4, 4, 4, 4) if len(set(o)) == 4]
    for order in orders:
        left = 1.0
        for j in order:
            wanted[j] += left * heads[j] / len(orders)
            left *= 1 - heads[j]
    noise = GeometricShares(Fraction(1), GRAINS, 4, 2)
    found = law([GRAINS * score for score in scores], noise, 2)
    assert found == pytest.approx(wanted, abs=2e-3)


def rows():
    """Scores, epsilon and five regrets, as decision 0012 lists them."""
    page = Path(__file__).resolve().parents[2] / "docs" / "decisions" / "0012-joint-noise.md"
    found = re.findall(r"^\| ([0-9 ]+) \|((?: [0-9.]+ \|){6})$", page.read_text(), re.MULTILINE)
    assert len(found) == 4
    return [([*map(int, s.split())], *map(float, f.replace("|", "").split())) for s, f in found]


@pytest.mark.parametrize(("scores", "epsilon", "curator", "alone", *"abc"), rows())
def test_the_figures_of_decision_0012(scores, epsilon, curator, alone, a, b, c):
    """How far the chosen score is below the best, on average."""
    below, grains = max(scores) - np.array(scores), 64
    weights = np.exp(-epsilon / 2 * below)
    assert below @ weights / weights.sum() == pytest.approx(curator, abs=0.006)  # [MT07]
    for (honest, makers), known in zip(
        [(1, 1), (2, 3), (3, 5), (5, 9)], (alone, a, b, c), strict=True
    ):
        noise = GeometricShares(Fraction(epsilon), grains, len(scores), honest)
        found = below @ law([grains * score for score in scores], noise, makers)
        assert found == pytest.approx(known, abs=0.006)


def test_equal_scores_are_chosen_alike():
    noise = GeometricShares(Fraction(4), GRAINS, 2, 2)
    assert law([0, 0], noise, 3) == pytest.approx([0.5, 0.5], abs=2e-3)


@pytest.mark.parametrize(("n", "security"), [(3, "passive"), (5, "passive"), (3, "active")])
def test_with_hardly_any_noise_the_best_is_chosen(manifest, everybody, n, security):
    sure = 'central = { mechanism = "exponential", epsilon = 400 }'
    agreement = write(
        manifest,
        everybody,
        n,
        type='choice(["park", "library", "pool", "abstain"])',
        outputs="choices = 2\nweights = { alice = 2 }",
        privacy=sure,
        security=security,
    )
    ballots = [["pool", "park"], ["library"], ["pool", "library"], "abstain", ["pool"]]
    inputs = dict(zip(everybody(n), ballots, strict=False))
    for outcome in simulate_sync(agreement, inputs).values():
        assert outcome.status == "noised"
        (choice,) = outcome.outputs
        assert choice.value == protocol_for(agreement).plaintext(inputs)["choice"] == "pool"


def test_numbers_for_every_option_may_be_scores_too(manifest, everybody):
    agreement = write(
        manifest,
        everybody,
        3,
        type="decimal(1)",
        length=3,
        bounds=(-5, 5),
        outputs='options = ["a", "b", "c"]',
        privacy='central = { mechanism = "exponential", epsilon = 2000 }',
    )
    inputs = {"alice": [5, -4, 0], "bob": ["-0.1", 4, 0], "carlos": [-5, "0.1", 0]}
    protocol = protocol_for(agreement)
    assert protocol.change == 10
    assert "up to 10. Of 3 shares" in " ".join(protocol.explain())
    assert simulate_sync(agreement, inputs)["bob"].outputs[0].value == "b"
    assert protocol.plaintext(inputs) == {"choice": "b"}


def test_what_is_no_ballot_or_out_of_bounds_stops_the_run(manifest, everybody):
    numbers = {"type": "int", "length": 2, "bounds": (0, 9), "outputs": 'options = ["a", "b"]'}
    for options, lie in (({}, 1000), (numbers, 10)):
        agreement = write(manifest, everybody, 3, **options)
        protocol = protocol_for(agreement)
        wrong = np.zeros(protocol.lengths["bob"], np.int64)
        wrong[0] = lie
        valid = dict.fromkeys(everybody(3), [3, 4] if options else "park")
        results = simulate_with(agreement, valid, "bob", wrong)
        assert all(isinstance(r, PeerViolation) and r.peer == "bob" for r in results)


def test_what_is_no_ballot_may_be_left_out(manifest, everybody):
    agreement = write(
        manifest,
        everybody,
        4,
        outputs='invalid = "exclude"',
        privacy='central = { mechanism = "exponential", epsilon = 400 }',
        least=3,
    )
    wrong = np.array([1000, 0, 0])
    for outcome in simulate_with(agreement, dict.fromkeys(everybody(4), "pool"), "bob", wrong):
        assert outcome.outputs[0].value == "pool"
        assert outcome.contributors == ("alice", "carlos", "david")


def simulate_with(agreement, inputs, liar, vector):
    """A run in which `liar` shares `vector` whatever its input."""
    protocol = protocol_for(agreement)
    honest = protocol.share

    def share(x, me, draw):
        return honest(protocol.scheme.from_signed(vector.copy()) if me == liar else x, me, draw)

    protocol.share = share
    results = asyncio.run(run_all(protocol, inputs, MemoryNet(agreement.parties), seed=3))
    return list(results.values())


@pytest.mark.parametrize(
    ("change", "match"),
    [
        ({"privacy": ""}, "needs exponential noise"),
        ({"privacy": 'central = { mechanism = "laplace", epsilon = 1 }'}, "needs exponential"),
        ({"outputs": 'options = ["x", "y", "z"]'}, "name the options of input.type"),
        ({"type": "int", "length": 3, "outputs": 'options = ["x", "y"]'}, "as many as"),
        ({"type": "int", "length": 2, "outputs": 'options = ["x", "x"]'}, "as many as"),
        ({"type": "int", "length": 2, "outputs": 'options = ["x", "X "]'}, "as many as"),
        (
            {"type": "int", "length": 2, "outputs": r'options = ["x", "\u001b[2J"]'},
            r"outputs.options.1: .* U\+001B",
        ),
        (
            {"type": "int", "length": 2, "outputs": 'options = ["x", "y"]\nweights = { bob = 2 }'},
            "goes with ballots",
        ),
        (
            {"type": "int", "length": 2, "outputs": 'options = ["x", "y"]\nchoices = 2'},
            "goes with ballots",
        ),
        ({"length": 2, "outputs": ""}, "one question"),
        (
            {
                "type": "int",
                "length": 2,
                "bounds": (0, 10**15),
                "outputs": 'options = ["x", "y"]',
            },
            "too large",
        ),
    ],
)
def test_what_cannot_be_chosen_from_is_refused(manifest, everybody, change, match):
    with pytest.raises(ManifestError, match=match):
        protocol_for(write(manifest, everybody, 3, **change))


def test_words_and_what_it_spends(manifest, everybody):
    protocol = protocol_for(write(manifest, everybody, 3))
    text = " ".join(protocol.explain())
    assert "epsilon = 1, however it changes the scores, each by up to 1" in text
    assert f"at most {protocol.within} below the best" in text
    assert "can also deal any noise it likes" in text
    active = protocol_for(write(manifest, everybody, 3, security="active"))
    assert f"move a score by up to {active.most_noise} " in " ".join(active.explain())
    assert protocol.spends(()).epsilon == 1
    assert protocol.spends(()).delta == 0


@pytest.mark.parametrize("number", [-1, 3, 10**12])
def test_a_falsified_figure_names_nothing(number):
    """With passive security no other check would notice."""
    assert name_of(("a", "b", "c"), 2) == "c"
    with pytest.raises(PeerViolation, match="stands for no name"):
        name_of(("a", "b", "c"), number)
