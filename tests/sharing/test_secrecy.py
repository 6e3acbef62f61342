"""Share secrecy, exactly: over a tiny field or ring every choice of randomness is tried."""

from itertools import combinations

import numpy as np
import pytest

from ostraka.arithmetic.field import Field
from ostraka.sharing.additive import remainder
from ostraka.sharing.shamir import Shamir, complete


def every_tuple(size, base, dtype):
    """All `size`-tuples over range(base): one array for each place."""
    grid = np.meshgrid(*[np.arange(base, dtype=dtype)] * size, indexing="ij")
    return [axis.ravel().copy() for axis in grid]


def joint_counts(shares, base):
    """How often each combination of values occurs."""
    code = np.zeros(len(shares[0]), np.int64)
    for share in shares:
        code = code * base + share.astype(np.int64)
    return np.bincount(code, minlength=base ** len(shares))


def shamir_shares(field, n, t, contributor, secret):
    """Every compute party's share, for every possible choice of the t seeded ones."""
    scheme = Shamir(("x", *range(n)), tuple(range(n)), t, field)
    seeded = scheme.by_seed(contributor)
    targets = [party for party in range(n) if party not in seeded]
    fixed = every_tuple(t, field.p, np.uint64)
    x = np.full(field.p**t, secret, np.uint64)
    rest = complete(field, x, fixed, scheme.coefficients(seeded, targets))
    return scheme, dict(zip((*seeded, *targets), (*fixed, *rest), strict=True))


CASES = [
    (bits, n, t)
    for bits, sizes in ((3, range(2, 7)), (5, range(2, 6)))
    for n in sizes
    for t in range(1, n)
    if Field(bits).p ** t <= 40_000
]


@pytest.mark.parametrize("contributor", ["x", 0, 1])
@pytest.mark.parametrize(("bits", "n", "t"), CASES)
def test_any_t_shamir_shares_are_uniform_whatever_the_secret(bits, n, t, contributor):
    field = Field(bits)
    for secret in {0, 1, 2, field.p // 2, field.p - 1}:
        scheme, shares = shamir_shares(field, n, t, contributor, secret)
        for coalition in combinations(range(n), t):
            counts = joint_counts([shares[party] for party in coalition], field.p)
            assert (counts == 1).all()
        for quorum in combinations(range(n), t + 1):
            assert (scheme.combine({party: shares[party] for party in quorum}) == secret).all()
        assert (scheme.combine(shares) == secret).all()


def test_t_plus_1_shares_do_depend_on_the_secret():
    """The test above would notice: here it must see a difference."""
    _, shares = shamir_shares(Field(3), 3, 1, 0, 4)
    assert not (joint_counts([shares[0], shares[1]], 7) == 1).all()


@pytest.mark.parametrize("n", [2, 3])
@pytest.mark.parametrize("secret", [0, 1, 127, 128, 255])
def test_any_n_minus_1_additive_shares_are_uniform_whatever_the_secret(n, secret):
    seeded = every_tuple(n - 1, 256, np.uint8)
    last = remainder(np.full(256 ** (n - 1), secret, np.uint8), seeded)
    shares = [*seeded, last]
    for coalition in combinations(shares, n - 1):
        assert (joint_counts(coalition, 256) == 1).all()
    assert (sum(shares[1:], start=shares[0].copy()) == secret).all()
