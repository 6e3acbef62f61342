"""Vectors of active security and of kings, replayed in plain Python as docs/spec/active.md says."""

import hashlib
import json
from itertools import combinations_with_replacement, product
from pathlib import Path

import numpy as np
import pytest

from ostraka.arithmetic.field import P61
from ostraka.engine.shamir.gates import _summed

top = Path(__file__).resolve().parents[2]
P = (1 << 61) - 1


def cases(name):
    return json.loads((top / "tests" / "vectors" / f"{name}.json").read_text())


class Transcript:
    """Messages of one vector: `at[step][sender, receiver]` as bytes, or text if long."""

    def __init__(self, case, party):
        self.n, self.t, self.party, self.case = case["n"], case["t"], party, case
        self.at = {}
        for sender, to, step, data in case["messages"]:
            pair = int(sender[1:]), int(to[1:])
            short = data if data.startswith("sha256:") else bytes.fromhex(data)
            self.at.setdefault(int(step.rpartition(".")[2]), {})[pair] = short

    def stream(self, i, j, use):
        return self.party.Stream(bytes.fromhex(self.case["seeds"][i][j]), f"engine {use}")

    def said(self, step, sender):
        """What a party said to one other."""
        return self.at[step][sender, (sender + 1) % self.n]

    def coin(self, step):
        links = [self.said(step, i)[:32] for i in range(self.n)]
        return self.party.Stream(self.party.H(b"ostraka coin 1", *links), "coin")

    def opened(self, shares):
        """The value at 0 of shares of all parties, which are of degree t."""
        base = [1 << j for j in range(self.t + 1)]
        for j, share in enumerate(shares):
            c = self.party.lagrange(base, 1 << j)
            assert sum(a * b for a, b in zip(c, shares, strict=False)) % P == share
        c = self.party.lagrange(base, 0)
        return sum(a * b for a, b in zip(c, shares, strict=False)) % P


def check_coins(transcript, steps, context):
    """Links are of the chains, and all heard the same."""
    H = transcript.party.H
    ends = [transcript.said(0, i)[32:64] for i in range(transcript.n)]
    heard, last = H(b"ostraka heard 1", *ends, context), ends
    for step in steps:
        for i in range(transcript.n):
            message = transcript.said(step, i)
            assert H(b"ostraka link 1", message[:32]) == last[i]
            assert message[32:64] == heard
        last = [transcript.said(step, i)[:32] for i in range(transcript.n)]


def test_the_coin(reference):
    for case in cases("coin"):
        for chain in case["chains"]:
            link = bytes.fromhex(chain["first"])
            for number in range(1, 129):
                link = reference.H(b"ostraka link 1", link)
                if number in (1, 127):
                    assert link.hex() == chain[f"link {number}"]
            assert link.hex() == chain["end"]
        ends = [bytes.fromhex(chain["end"]) for chain in case["chains"]]
        heard = reference.H(b"ostraka heard 1", *ends, bytes.fromhex(case["context"]))
        links = [bytes.fromhex(chain["link 127"]) for chain in case["chains"]]
        assert case["heard"] == heard.hex()
        assert case["messages"] == [(link + heard).hex() for link in links]
        seed = reference.H(b"ostraka coin 1", *links)
        assert case["first coin"]["seed"] == seed.hex()
        assert reference.Stream(seed, "coin").elements(3) == case["first coin"]["elements"]


def point_of(party, stream, values):
    low, high = stream.words(2)
    return values + (high << 64 | low) % (P - values)


def test_the_audit(reference):
    """Three products: masks and a coin, one fold of four rows, a coin, four numbers."""
    for case in cases("audit"):
        transcript = Transcript(case, reference)
        n, t = transcript.n, transcript.t
        check_coins(transcript, (1, 3), b"")
        x, y, z = (
            [transcript.opened([case["claim"][j][k][i] for j in range(n)]) for i in range(3)]
            for k in range(3)
        )
        assert z == [a * b % P for a, b in zip(x, y, strict=True)]
        a0, b0, m = masks_of(transcript)
        g = transcript.coin(1).elements(3)
        f_rows = [a0, *(c * v % P for c, v in zip(g, x, strict=True))]
        g_rows, k = [b0, *y], 4
        stream = transcript.coin(3)
        weights = reference.lagrange(list(range(k)), point_of(reference, stream, 2 * k - 1))
        f = sum(a * b for a, b in zip(weights, f_rows, strict=True)) % P
        h = sum(a * b for a, b in zip(weights, g_rows, strict=True)) % P
        rows = [opening(transcript, 4, j) for j in range(n)]
        assert [transcript.opened(shares) for shares in zip(*rows, strict=True)] == [
            f,
            h,
            f * h % P,
            m,
        ]
        assert set(case["found"]) == {"right"}
        assert t == (n - 1) // 2


def opening(transcript, step, j):
    return transcript.party.unpack(transcript.said(step, j))


def masks_of(transcript):
    """Values at 0 of the sums of all parties' polynomials; the messages are theirs."""
    n, t = transcript.n, transcript.t
    total = [0, 0, 0]
    for i in range(n):
        drawn = transcript.stream(i, i, "audit").elements(3 * (t + 1))
        polynomials = [drawn[k * (t + 1) : (k + 1) * (t + 1)] for k in range(3)]
        for j in (j for j in range(n) if j != i):
            values = [sum(c << j * e for e, c in enumerate(row)) % P for row in polynomials]
            assert transcript.party.unpack(transcript.at[1][i, j][64:]) == values
        total = [(a + row[0]) % P for a, row in zip(total, polynomials, strict=True)]
    return total


def test_a_fold_of_gates(reference):
    """One word of 64 ANDs, in the first of 64 rows."""
    for case in cases("gate_fold"):
        transcript = Transcript(case, reference)
        check_coins(transcript, (2,), b"")
        u = [1, *transcript.coin(2).elements(63)]
        claims, vectors = [], []
        for i in range(3):
            f, h = (folded(row, u) for row in vectors_of(case, i))
            vectors.append((f, h))
            claims.append(sum(a * b for a, b in zip(f, h, strict=True)) % P)
        shares = [found["claims"] for found in case["found"]]
        assert [transcript.opened(row) for row in zip(*shares, strict=True)] == claims
        check_dealt(transcript, case)
        for me in range(3):
            for k, (name, far) in enumerate((("f", 1), ("h", 2))):
                shares = [on_line(reference, vectors[i][k], (i + far) % 3, me) for i in range(3)]
                assert _sha(reference, shares) == case["found"][me][name]


def on_line(party, vector, stranger, me):
    """A party's share of a vector that two parties know, by the line that is 0 at the third."""
    c = party.lagrange([0, 1 << stranger], 1 << me)[0]
    return [c * v % P for v in vector]


def _sha(party, rows):
    return hashlib.sha256(b"".join(map(party.pack, rows))).hexdigest()


def bits(word):
    """Bits of a word in the order of columns: bit 0 of all bytes, then bit 1, ..."""
    return [word >> 8 * byte + bit & 1 for bit in range(8) for byte in range(8)]


def vectors_of(case, i):
    """f and h of the claim of party i, for row 0: four factors of 64 columns each."""
    after, before = (i + 1) % 3, (i - 1) % 3
    x, y, zero = case["x"], case["y"], case["zero"]
    z = (x[i] & y[i]) ^ (x[i] & y[after]) ^ (x[after] & y[i]) ^ zero[before] ^ zero[i]
    e = z ^ zero[before] ^ (x[i] & y[i])
    near = zip(*map(bits, (x[i], y[i], e)), strict=True)
    far = zip(*map(bits, (x[after], y[after], zero[i])), strict=True)
    f = [[(1 - 2 * e) * v for v in (1, -2 * a, -2 * b, 4 * a * b)] for a, b, e in near]
    h = [[(1 - 2 * e) * v for v in (1, b, a, a * b)] for a, b, e in far]
    return [column[k] for k in range(4) for column in f], [
        column[k] for k in range(4) for column in h
    ]


def folded(row, u):
    """The sum over rows: all rows but the first are gates of zeros."""
    rest = sum(u[1:])
    return [(v + (rest if k < 64 else 0)) % P for k, v in enumerate(row)]


def dot(a, b):
    return sum(v * w for v, w in zip(a, b, strict=True))


def check_dealt(transcript, case):
    """What each party deals: S_rs but the last, in order; the readers have streams."""
    for i in range(3):
        f, h = vectors_of(case, i)
        ones = [1] * 64 + [0] * 192
        cache = {(0, 0): dot(f, h), (0, 1): dot(f, ones), (1, 0): dot(ones, h), (1, 1): 64}
        entries = []
        for r, s in combinations_with_replacement(range(64), 2):
            one, two = cache[min(r, 1), min(s, 1)], cache[min(s, 1), min(r, 1)]
            entries.append((one + (two if r != s else 0)) % P)
        entries.pop()
        reader = (i + 1) % 3 if i + 1 < 3 else 0
        drawn = transcript.stream(i, reader, f"deal {i}").elements(len(entries))
        to = 3 - i - reader
        c = transcript.party.lagrange([0, 1 << reader], 1 << to)
        sent = [(c[0] * v + c[1] * r) % P for v, r in zip(entries, drawn, strict=True)]
        data = transcript.party.pack(sent)
        assert transcript.at[1][i, to] == f"sha256:{hashlib.sha256(data).hexdigest()}"


def test_kings(reference):
    for case in cases("king"):
        transcript = Transcript(case, reference)
        n, t, m = transcript.n, transcript.t, 12
        weights = reference.lagrange([1 << j for j in range(2 * t + 1)], 0)
        values = [sum(w * case["local"][j][e] for j, w in enumerate(weights)) % P for e in range(m)]
        masks = [mask_of(transcript, -(-m // (n - t)), j)[:m] for j in range(n)]
        size = -(-m // n)
        for j in range(n):
            for e in range(m):
                king = e // size
                silent = [(king + 1 + k) % n for k in range(t)]
                c = reference.lagrange([0, *(1 << s for s in silent)], 1 << j)[0]
                v = values[e] + transcript_mask(transcript, masks, e)
                wanted = ((0 if j in silent else c * v) - masks[j][e]) % P
                assert wanted == case["shares"][j][e]


def transcript_mask(transcript, masks, e):
    return transcript.opened([row[e] for row in masks])


def mask_of(transcript, length, j):
    """One party's shares of the masks, of n - t combinations one after another."""
    n, t, party = transcript.n, transcript.t, transcript.party
    dealt = []
    for d in range(n):
        readers = [(d + 1 + k) % n for k in range(t + 1)]
        drawn = [transcript.stream(d, r, f"king {d}").elements(length) for r in readers]
        c = party.lagrange([1 << r for r in readers], 1 << j)
        dealt.append(party.combine(c, drawn))
        if j not in (d, *readers):
            assert transcript.at[FIRST][d, j] == party.pack(dealt[-1])
    rows = [party.combine([pow(2, i * k, P) for i in range(n)], dealt) for k in range(n - t)]
    return [v for row in rows for v in row]


FIRST = 1
"""First step of the vector: step 0 is the seeds'."""


@pytest.mark.parametrize("width", [1, 3, 40])
def test_the_order_of_gates(width):
    """Bit b of byte k of word v of a strip of s words is at 8 (b s + v) + k of the strip."""
    rng = np.random.default_rng(width)
    planes = rng.integers(0, 1 << 64, (4, 2, 64, width), np.uint64)
    u = rng.integers(0, P, 64, np.uint64)
    f, h = _summed(P61, planes, u)
    for word, byte, bit in product((0, width // 2, width - 1), (0, 5), (0, 7)):
        start = word // 32 * 32
        strip = min(32, width - start)
        column = 64 * start + 8 * (bit * strip + word - start) + byte
        shift = np.uint64(8 * byte + bit)
        x, y, e, es = (planes[k, :, :, word] >> shift & np.uint64(1) for k in range(4))
        for i, a, b, near, far in zip(range(2), x, y, e, es, strict=True):
            rows = zip(u.tolist(), a.tolist(), b.tolist(), near.tolist(), far.tolist(), strict=True)
            sums = np.zeros((2, 4), object)
            for c, v, w, one, two in rows:
                sums[0] += [c * (1 - 2 * one) * z for z in (1, -2 * v, -2 * w, 4 * v * w)]
                sums[1] += [c * (1 - 2 * two) * z for z in (1, w, v, v * w)]
            for found, wanted in zip((f[i], h[i]), sums, strict=True):
                assert [int(z) for z in found.reshape(4, -1)[:, column]] == [z % P for z in wanted]
