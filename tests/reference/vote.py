"""Second implementation of the engine and of the vote, with passive security."""

import secrets
from collections.abc import Generator
from fractions import Fraction
from itertools import chain
from math import ceil, factorial, floor
from pathlib import Path
from typing import Any

from party import Party
from session import Network
from sharing import (
    P,
    Shares,
    Stream,
    combine,
    complete,
    dealt_to,
    lagrange,
    pack,
    point,
    polynomial,
    unpack,
    zero_part,
)
from wire import Stop

Tasks = Generator[tuple[Shares, int, Shares], tuple[Shares, Shares, Shares], Shares]


# Tasks of the engine: for each round a generator yields products, a number of random elements and
# sums to open; it gets reduced products, the random elements and what was opened.


def check_ballots(rows: list[Shares], choices: int, ballots: int, abstain: bool) -> Tasks:
    """Return an element for each row, 0 where it is valid."""
    entries, each = [a for row in rows for a in row], len(rows[0]) // ballots
    count = len(rows[0]) + ballots * (each > 1)
    squares, coefficients, _ = yield [a * a % P for a in entries], count * len(rows), []
    weights, sums = [1] * (each - abstain) + [choices] * abstain, []
    for r, row in enumerate(rows):
        s = squares[r * len(row) : (r + 1) * len(row)]
        errors = combine([1, -1], [s, row])
        if each > 1:
            errors += [
                sum(map(int.__mul__, weights, s[i : i + each])) - choices
                for i in range(0, len(s), each)
            ]
        sums.append(sum(map(int.__mul__, errors, coefficients[r * count :])) % P)
    return (yield [], 0, sums)[2]


def look_up_powers(x: Shares, f: Shares, lift: bool) -> Tasks:
    """Return f(x) for each x, by powers; `lift`: the first round reduces x as well."""
    d, m, powers = len(f) - 1, len(x), {0: [1] * len(x), 1: x}
    if lift and d:
        wanted = [1, 2][:d]
        reduced, _, _ = yield (
            [a * b % P for k in wanted for a, b in zip(x, powers[k - 1], strict=True)],
            0,
            [],
        )
        powers |= {k: reduced[(k - 1) * m : k * m] for k in wanted}
    while (j := max(powers)) < d:
        factors = range(1, min(j, d - j) + 1)
        reduced, _, _ = yield (
            [a * b % P for i in factors for a, b in zip(powers[j], powers[i], strict=True)],
            0,
            [],
        )
        powers |= {j + i: reduced[(i - 1) * m : i * m] for i in factors}
    return combine(f, [powers[k] for k in range(d + 1)])


def look_up_masked(x: Shares, f: Shares, random: Shares) -> Tasks:
    """Return f(x) for each x, under a mask, with 2 d + 1 offered elements for each."""
    d, m = len(f) - 1, len(x)
    r, *letters = (random[i * m : (i + 1) * m] for i in range(2 * d + 1))
    b, v = letters[:d], letters[d:]
    products = [p * q % P for k in range(1, d) for p, q in zip(v[k - 1], b[k], strict=True)]
    reduced, _, w = yield (
        products,
        0,
        [p * q % P for k in range(d) for p, q in zip(b[k], v[k], strict=True)],
    )
    c = b[0] + reduced
    told = (
        yield [], 0, [p * q % P for p, q in zip(c, r * d, strict=True)] + combine([1, 1], [x, r])
    )[2]
    results = []
    for i in range(m):
        A, powers, ratio = told[d * m + i], [1], 1
        for k in range(d):
            ratio = ratio * told[k * m + i] * pow(w[k * m + i], -1, P) % P
            powers.append(v[k][i] * ratio % P)
        g = [
            (-1) ** k
            * pow(factorial(k), -1, P)
            * sum(
                f[k + j] * factorial(k + j) * pow(A, j, P) * pow(factorial(j), -1, P)
                for j in range(d + 1 - k)
            )
            for k in range(d + 1)
        ]
        results.append(sum(map(int.__mul__, g, powers)) % P)
    return results


class Voter(Party):
    """A party of a session with the engine."""

    def __init__(self, net: Network) -> None:
        super().__init__(net)
        self.used: dict[tuple[str, str], Stream] = {}
        self.step = 0

    def stream(self, use: str, j: int) -> Stream:
        c = self.m.compute[j]
        if (use, c) not in self.used:
            self.used[use, c] = Stream(self.seeds[c], f"engine {use}")
        return self.used[use, c]

    async def round(self, products: Shares, random: int, opened: Shares) -> tuple[Shares, Shares]:
        """Reduce products, deal random elements, and open sums of degree 2t: one round."""
        if self.step:
            await self.pay()
        n, t, own, size = self.m.n, self.m.t, self.own, len(opened)
        weights = lagrange([point(j, n) for j in range(2 * t + 1)])
        mine, told = [0] * (len(products) + random), [0] * size
        steps = range(0, len(mine) + size, 65536)
        if own <= 2 * t:
            fresh = Stream(secrets.token_bytes(32), "fresh").elements(random if own <= t else 0)
            dealt = combine([weights[own]], [products]) + fresh
            shares = complete(
                dealt,
                {
                    s: self.stream(f"deal {own}", s).elements(len(dealt))
                    for s in dealt_to(own, n, t)
                },
                n,
                True,
            )
            mine[: len(dealt)] = shares[own]
            told = combine(
                [weights[own], 1],
                [opened, zero_part(own, t, lambda j: self.stream("zero", j).elements(size), size)],
            )
            for c in self.others:
                j = self.m.compute.index(c)
                words = [] if j in dealt_to(own, n, t) else shares[j]
                words = words + told
                for i in range(0, len(words), 65536):
                    self.say(
                        c, "computing", self.step + i // 65536, "u8", pack(words[i : i + 65536])
                    )
        for k in set(range(2 * t + 1)) - {own}:
            count = len(products) + random * (k <= t)
            is_seeded = own in dealt_to(k, n, t)
            words = self.stream(f"deal {k}", k).elements(count) if is_seeded else []
            expected = size + count - len(words)
            for i in range(0, expected, 65536):
                length = min(65536, expected - i)
                data = await self.hear(
                    self.m.compute[k], "computing", self.step + i // 65536, "u8", length
                )
                words += unpack(data, P)
            mine[:count] = combine([1, 1], [mine[:count], words[:count]])
            told = combine([1, 1], [told, words[count:]])
        self.step += len(steps)
        return mine, told

    async def run(self, *tasks: Tasks) -> list[Shares]:
        """Run tasks side by side; return what each gives."""
        results: dict[int, Shares] = {}
        replies: dict[int, Any] = dict.fromkeys(range(len(tasks)))
        while True:
            wants = {}
            for i, task in enumerate(tasks):
                if i not in results:
                    try:
                        wants[i] = task.send(replies[i])
                    except StopIteration as end:
                        results[i] = end.value
            if not wants:
                return [results[i] for i in range(len(tasks))]
            products, randoms, opened = zip(*wants.values(), strict=True)
            mine, told = await self.round([*chain(*products)], sum(randoms), [*chain(*opened)])
            random = mine[sum(map(len, products)) :]
            for i, want in wants.items():
                replies[i] = mine[: len(want[0])], random[: want[1]], told[: len(want[2])]
                mine, random, told = mine[len(want[0]) :], random[want[1] :], told[len(want[2]) :]

    async def vote(
        self, ballot: Shares, choices: int = 1, abstain: bool = False
    ) -> tuple[Shares | None, set[str]]:
        """Take part in a vote of YES or NO; return 1 or 0 for each ballot, to recipients."""
        m, outputs = self.m, self.m.outputs
        weight = {c: outputs.get("weights", {}).get(c, 1) for c in m.contributors}
        every, q = sum(weight.values()), m.length
        offered = (2 * every + 1) * q if every > 4 and every * q <= 512 else 0
        held, random = await self.share(ballot, offered)
        names = await self.agree(set(held)) if m.agreed else set(held)
        if not m.agreed:
            await self.consent(names)
        voters = [c for c in m.contributors if c in names]
        d, each = sum(weight[c] for c in voters), len(ballot) // q
        least = least_that_passes(outputs, every if outputs.get("of") == "all" else d)
        yes = combine([weight[c] for c in voters], [held[c][::each] for c in voters])
        margins = [(v - least) % P for v in yes]
        f = polynomial([1 if value < least else 0 for value in range(d + 1)], -least)
        masked = d > 4 and offered
        table = (
            look_up_masked(margins, f, random)
            if masked
            else look_up_powers(margins, f, m.n > 2 * m.t + 1)
        )
        rows = check_ballots([held[c] for c in voters], choices, q, abstain)
        wrong, negative = await self.run(rows, table)
        for c, value in zip(voters, wrong, strict=True):
            if value:
                raise Stop("input", c, "not a valid ballot")
        return await self.open(combine([1, -1], [[1] * q, negative]), names), names


def least_that_passes(outputs: dict[str, Any], votes: int) -> int:
    if "pass_above" in outputs:
        return floor(fraction(outputs["pass_above"]) * votes) + 1
    if "pass_at" in outputs:
        return max(1, ceil(fraction(outputs["pass_at"]) * votes))
    return int(outputs["pass_at_votes"])


def fraction(text: Any) -> Fraction:
    """Return the fraction that "1/2", "60%" or 0.6 says."""
    text = str(text)
    return Fraction(text.rstrip("%")) / (100 if text.endswith("%") else 1)


async def take_part(
    document: bytes, me: str, keys: Path, x: Shares, **ballot: Any
) -> dict[str, Any]:
    """Play one party in one session; return what it found, and the statements that it heard.

    `x`: the input's elements, or the entries of its ballots, without the one that is not shared.
    """
    net = Network(document, me, keys)
    try:
        await net.gather()
        party = Voter(net)
        found, counted = await (party.vote(x, **ballot) if net.m.vote else party.sum(x))
        figures = ["outcome"] if net.m.vote else net.m.outputs.get("statistics", ["sum"])
        statements = await net.close(counted, found and dict.fromkeys(figures, found))
    except BaseException as error:
        net.abort(error if isinstance(error, Stop) else Stop("internal"))
        raise
    return {"found": found, "counted": counted, "session": net.session, "statements": statements}
