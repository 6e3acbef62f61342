"""Second implementation of parcels, agreement, consent, openings and the secure sum."""

import contextlib
import secrets
import struct
from functools import partial
from itertools import pairwise
from typing import Any

from session import Network
from sharing import (
    P,
    Shares,
    Stream,
    combine,
    complete,
    drawn_share,
    pack,
    recombine,
    seeded,
    signed,
    unpack,
)
from wire import H, Lost, Stop

REFUSAL, CONSENT, VOTE = range(3)


class Party:
    """A party that computes, and may contribute and receive; `net` says and hears vectors."""

    def __init__(self, net: Network) -> None:
        self.net, self.m, self.me = net, net.m, net.me
        self.own = self.m.compute.index(self.me)
        self.others = [c for c in self.m.compute if c != self.me]
        self.owed: dict[str, list[Any]] = {c: [] for c in self.m.parties}
        self.seeds: dict[str, bytes] = {}

    def say(self, to: str, phase: str, step: int, dtype: str, data: bytes) -> None:
        self.net.say(to, self.m.phase[phase], step, dtype, data)

    async def hear(self, of: str, phase: str, step: int, dtype: str, length: int) -> bytes:
        """Return the next vector of a peer, after those that it owes."""
        while self.owed[of]:
            await self.owed[of].pop(0)()
        return await self.net.hear(of, self.m.phase[phase], step, dtype, length)

    async def pay(self) -> None:
        """Hear all vectors that are owed."""
        for queue in self.owed.values():
            while queue:
                await queue.pop(0)()

    def agrees(self, names: set[str]) -> bool:
        return len(names) >= self.m.minimum

    # Sharing

    def seeded_by(self, c: str) -> list[int]:
        """Return the compute parties that get seeds from a contributor, or with an offer."""
        m, place = self.m, self.m.contributors.index(c) if c in self.m.contributors else 0
        return seeded(m.compute.index(c) if c in m.compute else None, place, m.n, m.t, m.shamir)

    def may_miss(self, c: str) -> bool:
        return self.m.agreed and not (self.m.vote and c in self.m.compute)

    async def share(self, x: Shares, offered: int = 0) -> tuple[dict[str, Shares], Shares]:
        """Return my shares of the inputs that came, and of the offered elements."""
        m, held, elements = self.m, {}, [0] * offered
        out: dict[str, list[bytes]] = {c: [] for c in self.others}
        halves = {c: secrets.token_bytes(32) for c in self.others if m.vote}
        if self.me in m.contributors:
            held[self.me] = self.deal([value % m.modulus for value in x], out)
        for c, half in halves.items():
            out[c].append(half)
        if offered and self.own <= m.t:
            elements = self.deal(Stream(secrets.token_bytes(32), "offer").elements(offered), out)
        for c in self.others:
            if out[c] and not self.agrees_on(self.me, c):
                bare = not m.vote and m.compute.index(c) in self.seeded_by(self.me)
                self.say(c, "sharing", 0, "u1" if bare else "u8", b"".join(out[c]))
        for c in [*m.contributors, *(c for c in halves if c not in m.contributors)]:
            if c == self.me:
                continue
            if self.agrees_on(c, self.me):
                held[c] = self.agreed(c, c, len(x))
                continue
            is_seed = self.own in self.seeded_by(c)
            parcel = (32 if is_seed else 8 * len(x)) * (c in m.contributors)
            deals = offered > 0 and c in m.compute[: m.t + 1]
            size = parcel + 32 * (c in halves) + (32 if is_seed else 8 * offered) * deals
            dtype = "u1" if is_seed and c not in halves else "u8"
            try:
                data = await self.hear(c, "sharing", 0, dtype, size // int(dtype[1]))
            except Lost:
                if not self.may_miss(c):
                    raise
                continue
            if parcel:
                held[c] = self.taken(data[:parcel], is_seed, len(x))
            if c in halves:
                pair = halves[c], data[parcel : parcel + 32]
                self.seeds[c] = H(b"ostraka pair 1", *(pair if self.me < c else pair[::-1]))
            if deals:
                elements = combine(
                    [1, 1], [elements, self.taken(data[parcel + 32 :], is_seed, offered)]
                )
        return held, elements

    def deal(self, x: Shares, out: dict[str, list[bytes]]) -> Shares:
        """Add a parcel of x to what goes to each other compute party; return my share."""
        m, seeds = self.m, {s: secrets.token_bytes(32) for s in self.seeded_by(self.me)}
        drawn = {s: drawn_share(seed, len(x), m.shamir) for s, seed in seeds.items()}
        for s in seeds:
            if self.agrees_on(self.me, m.compute[s]):
                drawn[s] = self.agreed(m.compute[s], self.me, len(x))
        shares = complete(x, drawn, m.n, m.shamir)
        for c, parcels in out.items():
            j = m.compute.index(c)
            parcels.append(seeds.get(j) or pack(shares[j]))
        return shares[self.own]

    def agrees_on(self, c: str, j: str) -> bool:
        return not self.m.shamir and c != j and {c, j} <= set(self.m.compute)

    def agreed(self, peer: str, c: str, count: int) -> Shares:
        use = struct.pack("<I", self.m.phase["sharing"]) + c.encode()
        seed = H(b"ostraka pair share\0", self.net.pairs[peer], use)
        return unpack(seed)[:count] if count <= 4 else drawn_share(seed, count, False)

    def taken(self, parcel: bytes, is_seed: bool, count: int) -> Shares:
        return (
            drawn_share(parcel, count, self.m.shamir) if is_seed else unpack(parcel, self.m.modulus)
        )

    # Agreement and consent

    def statement(self, data: bytes) -> tuple[int, set[str]]:
        if data[0] > VOTE:
            raise Stop("violation", why="a statement that says nothing known")
        if data[0] == REFUSAL:
            raise Stop("policy", why="a party refused to count")
        return data[0], self.m.unmask(data[1:])

    async def agree(self, mine: set[str]) -> set[str]:
        """Return the contributors to count, agreed on with all compute parties that stay."""
        m, kind, size = self.m, CONSENT, 1 + len(self.m.mask(set()))
        consented: list[set[str]] = []
        for k in range(2 * m.n):
            phase, step = ("later", k - 1) if k else ("first", 0)
            kind = kind if self.agrees(mine) else REFUSAL
            data = bytes([kind]) + (bytes(size - 1) if kind == REFUSAL else m.mask(mine))
            present = [c for c in self.others if not self.net.is_lost(c)]
            for c in present:
                self.say(c, phase, step, "u1", data)
            consented.append(mine)
            heard = {self.me: self.statement(data)}
            for c in present:
                with contextlib.suppress(*[Lost] * self.may_miss(c)):
                    heard[c] = self.statement(await self.hear(c, phase, step, "u1", size))
            votes = {c: names for c, (what, names) in heard.items() if what == VOTE}
            together = set.intersection(*(names for _, names in heard.values()))
            together -= set(m.compute) - set(heard)
            if kind == VOTE:
                late = [c for c in heard if c not in votes]
                return await self.count_votes(
                    mine, list(votes.values()), late, step + 1 if k else 0
                )
            if votes:
                kind, mine = VOTE, next((v for v in votes.values() if v in consented), set())
            elif (
                not self.enough(together, len(heard))
                or not set(filter(self.must_stay, m.contributors)) <= together
            ):
                raise Stop("aborted", why="too few agree")
            else:
                kind = (
                    VOTE
                    if all(names == mine == together for _, names in heard.values())
                    else CONSENT
                )
                mine = together
        raise Stop("aborted", why="no agreement")

    def must_stay(self, c: str) -> bool:
        return not self.may_miss(c)

    def enough(self, names: set[str], count: int) -> bool:
        m = self.m
        return count >= (m.t + 1 if names == set(m.contributors) else max(m.n - m.t, m.n // 2 + 1))

    async def count_votes(
        self, mine: set[str], votes: list[set[str]], late: list[str], step: int
    ) -> set[str]:
        """Vote once more for those that did not vote yet, and owe the hearing of their votes."""
        size = 1 + len(self.m.mask(mine))

        async def hear_vote(c: str) -> None:
            with contextlib.suppress(Lost):
                votes.append(self.statement(await self.hear(c, "later", step, "u1", size))[1])

        for c in late:
            self.say(c, "later", step, "u1", bytes([VOTE]) + self.m.mask(mine))
            self.owed[c].append(partial(hear_vote, c))
        if not self.enough(mine, votes.count(mine)):
            await self.pay()
        if not self.enough(mine, votes.count(mine)):
            raise Stop("aborted", why="too few votes")
        return mine

    async def consent(self, names: set[str]) -> None:
        """Say a consent to these contributors, and owe the hearing of the others' consents."""
        mask = self.m.mask(names) if self.agrees(names) else self.m.mask(set())

        async def hear_consent(c: str) -> None:
            if await self.hear(c, "consent", 0, "u1", len(mask)) != mask:
                raise Stop("policy", c, "it does not consent")

        for c in self.others:
            self.say(c, "consent", 0, "u1", mask)
            self.owed[c].append(partial(hear_consent, c))

    # Openings

    async def open(self, mine: Shares, names: set[str]) -> Shares | None:
        """Open shares to all recipients; return what was opened, if this party is one."""
        m, d = self.m, len(mine)
        await self.pay()
        if not m.shamir:
            return await self.open_additive(mine)
        mask = m.mask(names)
        mask += bytes(-len(mask) % 8)
        cuts = [0, *range(4096, d, 2**20), d]
        pieces = [pack(mine[a:b]) for a, b in pairwise(cuts)]
        pieces[0] = mask + pieces[0]
        for r in m.recipients:
            for i, piece in enumerate(pieces if r != self.me else []):
                self.say(r, "opening", i, "u8", piece)
        if self.me not in m.recipients:
            return None
        shares = {self.own: mine}
        for c in self.others:
            with contextlib.suppress(Lost):
                data = [
                    await self.hear(c, "opening", i, "u8", len(piece) // 8)
                    for i, piece in enumerate(pieces)
                ]
                if data[0].startswith(mask):
                    shares[m.compute.index(c)] = unpack(b"".join(data)[len(mask) :], P)
        return [signed(value, P) for value in recombine(shares, m.n, m.t)]

    async def open_additive(self, mine: Shares) -> Shares | None:
        m, d, k = self.m, len(mine), len(self.m.recipients)
        scattered = d >= 4096 and k > 1
        cuts = {
            r: slice(d * i // k, d * (i + 1) // k) if scattered else slice(0, d)
            for i, r in enumerate(m.recipients)
        }
        readers = [r for r in m.recipients if r != self.me]
        for r in readers:
            self.say(r, "opening", 0, "u8", pack(mine[cuts[r]]))
        if self.me not in m.recipients:
            return None
        size = len(mine[cuts[self.me]])
        shares = [
            mine[cuts[self.me]],
            *[unpack(await self.hear(c, "opening", 0, "u8", size)) for c in self.others],
        ]
        found = {self.me: combine([1] * m.n, shares, 2**64)}
        for r in readers if scattered else []:
            self.say(r, "slices", 0, "u8", pack(found[self.me]))
        for r in readers if scattered else []:
            found[r] = unpack(await self.hear(r, "slices", 0, "u8", len(mine[cuts[r]])))
        return [signed(value, 2**64) for r in m.recipients if r in found for value in found[r]]

    async def sum(self, x: Shares) -> tuple[Shares | None, set[str]]:
        """Take part in a secure sum; return the sums, to recipients, and who was counted."""
        held, _ = await self.share(x)
        names = await self.agree(set(held)) if self.m.agreed else set(held)
        if not self.agrees(names):
            raise Stop("policy", why="too few contributors")
        return await self.open(
            combine([1] * len(names), [held[c] for c in names], self.m.modulus), names
        ), names
