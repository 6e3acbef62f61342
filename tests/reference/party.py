"""One compute party of a sum or a vote, from docs/spec alone: passive security.

    python party.py MANIFEST.json --as NAME --keys DIRECTORY [--input TEXT]

MANIFEST.json is in canonical form. Where the specification would let a party go on without another
one, this one stops with a traceback.
"""

import json
import os
import struct
import sys
from decimal import Decimal
from math import prod
from operator import mul
from pathlib import Path

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from wire import H, Session, Violation

P, RING = (1 << 61) - 1, 1 << 64
CONSENT, VOTE = b"\x01", b"\x02"


class Stream:
    """sharing.md, section 1."""

    def __init__(self, seed, label):
        key = H(b"ostraka stream 1", seed, label.encode())
        self.cipher = Cipher(algorithms.AES256(key), modes.CTR(bytes(16))).encryptor()

    def words(self, count):
        return words(self.cipher.update(bytes(8 * count)))

    def elements(self, count):
        found = []
        while len(found) < count:
            found += [w & P for w in self.words(count - len(found)) if w & P != P]
        return found


def words(data):
    return list(struct.unpack(f"<{len(data) // 8}Q", data))


def octets(vector):
    return struct.pack(f"<{len(vector)}Q", *vector)


def lagrange(points, at):
    """Coefficients of the values at `points` for the value at `at`."""
    return [prod((at - y) * pow(x - y, -1, P) % P for y in points if y != x) % P for x in points]


def mixed(coefficients, vectors):
    """The sum of the vectors, each times its coefficient."""
    return [sum(map(mul, coefficients, column)) % P for column in zip(*vectors, strict=True)]


class Run:
    """sharing.md and sums.md: how one party shares, agrees and opens."""

    def __init__(self, session):
        self.session, sharing = session, session.manifest["sharing"]
        self.compute, self.contributors = session.compute, session.contributors
        self.n, self.t, self.number = len(self.compute), sharing["threshold"], self.compute.index
        self.me, self.additive = self.number(session.name), sharing["scheme"] == "additive"
        self.modulus = RING if self.additive else P
        self.points = [1 << j if self.n <= 61 else j + 1 for j in range(self.n)]
        self.others = [p for p in self.compute if p != session.name]
        self.phase, c = 0, len(self.contributors)
        self.mask = ((1 << c) - 1).to_bytes(-(-c // 8), "little")

    def seeded(self, giver):
        """Numbers of the compute parties that get seeds."""
        computes = giver in self.compute
        place = self.number(giver) if computes else self.contributors.index(giver)
        if self.additive:
            return [j for j in range(self.n) if j != place % self.n]
        return [(place + computes + k) % self.n for k in range(self.t)]

    def rest(self, x, drawn, at):
        """The share of party `at` that follows from x and what seeded parties have."""
        if self.additive:
            return [(v - sum(r)) % RING for v, *r in zip(x, *drawn.values(), strict=True)]
        c = lagrange([0, *(self.points[j] for j in drawn)], self.points[at])
        return mixed(c, [x, *drawn.values()])

    def split(self, x):
        """Our parcels, as bytes, by number of compute party."""
        seeds = {j: os.urandom(32) for j in self.seeded(self.session.name)}
        drawn = {j: self.share(seed, len(x), True) for j, seed in seeds.items()}
        return {j: seeds.get(j) or octets(self.rest(x, drawn, j)) for j in range(self.n)}

    def share(self, parcel, length, seeded):
        """The share in a parcel."""
        if not seeded:
            return self.elements(parcel)
        stream = Stream(parcel, "share")
        return stream.words(length) if self.additive else stream.elements(length)

    def elements(self, data):
        found = words(data)
        if max(found, default=0) >= self.modulus:
            raise Violation("a number that is no element")
        return found

    def add(self, *vectors):
        return [sum(column) % self.modulus for column in zip(*vectors, strict=True)]

    def shared(self, x, length, offered=None):
        """Share x (empty: nothing), with offers of so many elements if an engine asks for them;
        return our shares of all contributors' vectors."""
        session, engine, m = self.session, offered is not None, offered or 0
        parcels, halves = self.split(x) if x else {}, [os.urandom(32) for _ in self.compute]
        deals = m > 0 and self.me <= self.t
        offers = self.split(Stream(os.urandom(32), "offer").elements(m)) if deals else {}
        self.dealt, self.seeds, found = [0] * m, {}, {}
        for j, peer in enumerate(self.compute):
            data = parcels.get(j, b"") + engine * halves[j] + offers.get(j, b"")
            if peer == session.name:
                own = data
            elif data:
                seed = not engine and j in self.seeded(session.name)
                session.send([peer], 0, 0, data, "u1" if seed else "u8")
        for giver in dict.fromkeys(self.contributors + self.compute * engine):
            gives, offer = giver in self.contributors, engine and giver in self.compute
            deals = m > 0 and offer and self.number(giver) <= self.t
            seed = self.me in self.seeded(giver)
            one, two = gives * (32 if seed else 8 * length), offer * 32
            size = one + two + deals * (32 if seed else 8 * m)
            form = (size, "u1") if seed and not offer else (size // 8, "u8")
            data = link.receive(0, 0, *form) if (link := session.links.get(giver)) else own
            if gives:
                found[giver] = self.share(data[:one], length, seed)
            if offer:
                half = halves[self.number(giver)]
                (_, first), (_, last) = sorted([(session.name, half), (giver, data[one:][:32])])
                self.seeds[self.number(giver)] = H(b"ostraka pair 1", first, last)
            if deals:
                self.dealt = self.add(self.dealt, self.share(data[one + two :], m, seed))
        return found

    def agree(self, *kinds):
        """Say each kind of the set of all contributors; all others must say the same."""
        for data in (kind + self.mask for kind in kinds):
            self.phase += 1
            self.session.send(self.others, self.phase, 0, data, "u1")
            for peer in self.others:
                if self.session.links[peer].receive(self.phase, 0, len(data), "u1") != data:
                    raise Violation(f"{peer} does not agree on whom to count")

    def opened(self, share):
        """Open a vector to all recipients, directly or tagged; None where this party is none."""
        session, d = self.session, len(share)
        self.phase += 1
        if d > 4096 or (self.additive and d == 4096 and len(session.recipients) > 1):
            raise SystemExit("a vector longer than this reference opens")
        tag = b"" if self.additive else self.mask.ljust(-(-len(self.mask) // 8) * 8, b"\0")
        session.send(session.recipients, self.phase, 0, tag + octets(share))
        if session.name not in session.recipients:
            return None
        shares = {self.me: share}
        for peer in self.others:
            data = session.links[peer].receive(self.phase, 0, len(tag) // 8 + d)
            if data[: len(tag)] != tag:
                raise Violation(f"{peer} counts others")
            shares[self.number(peer)] = self.elements(data[len(tag) :])
        return self.value(shares)

    def value(self, shares):
        """What shares, by number of compute party, open to: signed integers."""
        found = self.add(*shares.values())
        if not self.additive:
            base = list(shares)[: self.t + 1]
            points, rows = [self.points[j] for j in base], [shares[j] for j in base]
            if any(mixed(lagrange(points, self.points[j]), rows) != s for j, s in shares.items()):
                raise Violation("shares contradict each other")
            found = mixed(lagrange(points, 0), rows)
        return [v - self.modulus if 2 * v >= self.modulus else v for v in found]


class Engine(Run):
    """vote.md, sections 2 to 4."""

    def __init__(self, session):
        super().__init__(session)
        self.streams, self.step = {}, -1

    def drawn(self, peer, use, count):
        if (peer, use) not in self.streams:
            self.streams[peer, use] = Stream(self.seeds[peer], f"engine {use}")
        return self.streams[peer, use].elements(count)

    def with_zero(self, told):
        k, near = 2 * self.t + 1, (self.t + 2) // 2
        for j in range(k) if told else ():
            if 0 < min((j - self.me) % k, (self.me - j) % k) <= near:
                drawn = self.drawn(j, "zero", len(told))
                told = self.add(told, drawn if self.me < j else [-v for v in drawn])
        return told

    def readers(self, dealer):
        """Those who read their shares of a deal from streams."""
        wraps = dealer + self.t >= self.n and dealer >= self.t
        return [((0 if wraps else dealer + 1) + k) % self.n for k in range(self.t)]

    def round(self, products, randoms, opened):
        """Shares of the products and of so many random elements; what was opened."""
        workers, self.step = range(2 * self.t + 1), self.step + 1  # a piece of 65,536 at most
        shares, total = [0] * (len(products) + randoms), [0] * len(opened)
        w = lagrange([self.points[k] for k in workers], 0)
        if self.me in workers:
            fresh = Stream(os.urandom(32), "random").elements(randoms * (self.me <= self.t))
            vector = [w[self.me] * v % P for v in products] + fresh
            total = self.with_zero([w[self.me] * v % P for v in opened])
            drawn = {
                j: self.drawn(j, f"deal {self.me}", len(vector)) for j in self.readers(self.me)
            }
            for j, peer in enumerate(self.compute):
                message = ([] if j in drawn else self.rest(vector, drawn, j)) + total
                if j != self.me and message:
                    self.session.send([peer], self.phase, self.step, octets(message))
            shares[: len(vector)] = self.rest(vector, drawn, self.me)
        for k in (k for k in workers if k != self.me):
            size, told = len(products) + randoms * (k <= self.t), len(opened)
            read = self.me in self.readers(k)
            share = self.drawn(k, f"deal {k}", size) if read else []
            link = self.session.links[self.compute[k]]
            if length := told + (0 if read else size):
                share += self.elements(link.receive(self.phase, self.step, length))
            shares[:size] = self.add(shares[:size], share[:size])
            total = self.add(total, share[size:])
        return shares[: len(products)], shares[len(products) :], total


def secure_sum(run, text):
    """Sum of numbers; the input is one, or several separated by blanks."""
    asked = run.session.manifest["input"]
    places = int(asked["type"].removeprefix("decimal(").rstrip(")").replace("int", "0"))
    x = [int(Decimal(word).scaleb(places)) % run.modulus for word in text.split()]
    total = run.add(*run.shared(x, asked["length"]).values())
    if not run.additive:
        run.agree(CONSENT, VOTE)
    run.phase += 2  # consent and computing, where nothing is sent
    return run.opened(total), "sum"


def threshold_vote(run, text):
    """YES or NO to one question, without abstaining or a quorum."""
    outputs, t = run.session.manifest["outputs"], run.t
    w = [outputs.get("weights", {}).get(c, 1) for c in run.contributors]
    total = d = sum(w)
    if set(outputs) - {"pass_at", "pass_at_votes", "weights"} or d > 64 * t:
        raise SystemExit("a vote that this reference does not know")
    above, below = map(int, outputs.get("pass_at", "0/1").split("/"))
    least = outputs.get("pass_at_votes", -(-above * total // below))
    masked, values = d > 4, [int(v < least) for v in range(total + 1)]
    ballot = [int(text == "yes")] * bool(text)
    x = [share for (share,) in run.shared(ballot, 1, (2 * d + 1) * masked).values()]
    outside = set(run.contributors) - set(run.compute)
    if outside and run.session.manifest["policy"]["min_contributors"] < len(x):
        run.agree(CONSENT, VOTE)
        run.phase += 1  # of consents, which the agreement has
    else:
        run.agree(b"")
    run.phase += 1
    margin, m, afresh = (sum(map(mul, w, x)) - least) % P, len(x), run.n > 2 * t + 1
    if masked:
        r, b, v = run.dealt[0], run.dealt[1 : d + 1], run.dealt[d + 1 :]
        more, told = [*map(mul, v, b[1:])], [*map(mul, b, v)]
    else:
        more, told = ([margin] * afresh + [margin**2])[: d - 1 + afresh], []
    found, coefficients, below = run.round([a * a for a in x] + more, m, told)
    errors = [(s - a) * c for s, a, c in zip(found[:m], x, coefficients, strict=True)]
    if masked:
        more, told = [], [*(c * r for c in (b[0], *found[m:])), margin + r]
    else:
        powers = [margin][afresh:] + found[m:]
        more, told = [powers[-1] * a for a in powers[: d - len(powers)]], []
    found, _, told = run.round(more, 0, errors + told)
    if any(told[:m]):
        raise Violation(f"invalid ballots, where this is not 0: {told[:m]}")
    at = [told[-1] - z if masked else z for z in range(-least, total - least + 1)]
    f, powers, ratio = interpolated(at, values), [] if masked else powers + found, 1
    for top, bottom, a in zip(told[m:-1], below, v if masked else [], strict=True):
        ratio = ratio * top * pow(bottom, -1, P) % P
        powers.append(a * ratio)
    return run.opened([(1 - f[0] - sum(map(mul, f[1:], powers))) % P]), "outcome"


def interpolated(points, values):
    """Coefficients, lowest power first, of the polynomial with these values at these points."""
    f = [0] * len(values)
    for x, value in zip(points, values, strict=True):
        basis = [value]
        for y in (y for y in points if y != x):
            c, pairs = pow(x - y, -1, P), zip([0, *basis], [*basis, 0], strict=True)
            basis = [(up - y * here) * c % P for up, here in pairs]
        f = [(a + b) % P for a, b in zip(f, basis, strict=True)]
    return f


def main(arguments):
    options = dict(zip(arguments[1::2], arguments[2::2], strict=True))
    session = Session(Path(arguments[0]).read_bytes(), options["--as"], options["--keys"])
    play = {"secure-sum": secure_sum, "threshold-vote": threshold_vote}[session.protocol]
    found, name = play(Engine(session), options.get("--input", ""))
    results = len(session.close(name, found))
    print(json.dumps({name: found, "session": session.id.hex(), "results": results}))


if __name__ == "__main__":
    main(sys.argv[1:])
