"""The engine over Shamir shares: what `engine.backend` asks for, and how a computation starts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np

from ostraka.arithmetic.field import Elements
from ostraka.arithmetic.randomness import SEED_BYTES, Draw, Stream, Words
from ostraka.delivery.party import Party
from ostraka.engine.array import Fresh, SecretArray, of_contributors
from ostraka.engine.backend import Backend
from ostraka.engine.circuit import Circuit
from ostraka.engine.rounds import Task
from ostraka.engine.shamir import reduce
from ostraka.engine.shamir.audit import Auditor
from ostraka.engine.shamir.coin import Coin, of_links
from ostraka.engine.shamir.context import Context, Counters
from ostraka.engine.shamir.deal import deal, random_elements
from ostraka.engine.shamir.offers import Offers
from ostraka.engine.shamir.opening import open_shares
from ostraka.engine.shamir.rounds import shared_round
from ostraka.engine.shamir.shuffle import shuffled
from ostraka.engine.shamir.sliced import boolean
from ostraka.errors import ManifestError
from ostraka.exchange import Array, words
from ostraka.names import PartyId
from ostraka.sharing.shamir import Shamir


class ShamirBackend(Context, Backend):
    """One compute party of a computation on Shamir shares. Made by `start` or `start_active`."""

    @property
    def active(self) -> bool:
        return self.audit is not None

    async def deal(
        self, dealers: Sequence[int], own: Elements | None, shape: tuple[int, ...], *, total: bool
    ) -> list[SecretArray]:
        local = None if own is None else own.reshape(-1).__getitem__
        dealt = await deal(self, dealers, prod(shape), local, total=total)
        return [self.array(share.reshape(shape)) for share in dealt]

    async def tell(
        self, messages: Mapping[int, Words], expected: Mapping[int, int]
    ) -> dict[int, Words]:
        step = self.begin()
        for receiver, message in messages.items():
            self.send(receiver, step, message)
        return {
            sender: await self.receive_words(sender, step, np.empty(length, np.uint64))
            for sender, length in expected.items()
        }

    async def open(self, x: SecretArray, to: Iterable[PartyId] | None = None) -> Elements | None:
        found = await open_shares(self, _flat(x), to)
        return None if found is None else found.reshape(x.shape)

    async def products(self, x: SecretArray, y: SecretArray) -> SecretArray:
        return self.array(await reduce.products(self, _flat(x), _flat(y)))

    async def sums(self, x: SecretArray, y: SecretArray, axis: int) -> SecretArray:
        return self.array(await reduce.sums(self, x.parts[0], y.parts[0], axis))

    async def matrices(self, x: SecretArray, y: SecretArray) -> SecretArray:
        return self.array(await reduce.matrices(self, x.parts[0], y.parts[0]))

    def own(self, use: str) -> Stream:
        return self.stream(self.me, use)

    async def random(self, shape: tuple[int, ...]) -> Fresh:
        return Fresh(self, (await random_elements(self, shape),))

    async def toss(self) -> Stream:
        if self.audit:
            return await self.audit.toss()
        own = self.own("public coin").fill(np.empty(SEED_BYTES // 8, np.uint64))
        others = [party for party in range(self.n) if party != self.me]
        told = await self.all_to_all(dict.fromkeys(others, own), words(len(own)))
        return of_links([told.get(party, own).tobytes() for party in range(self.n)])

    def bits(self, count: int) -> Circuit | None:
        return boolean(self, count)

    async def shuffled(self, table: SecretArray) -> SecretArray | None:
        found = await shuffled(self, table.parts[0])
        return None if found is None else self.array(found)

    def claim(self, x: SecretArray, y: SecretArray, z: SecretArray) -> None:
        if self.audit:
            self.audit.products(_flat(x), _flat(y), _flat(z))

    async def prove(self) -> None:
        if self.audit:
            await self.audit.settle()

    async def round(self, tasks: Sequence[Task]) -> list[Any]:
        return await shared_round(self, tasks)

    # --- what comes from contributors and goes to recipients ------------------------------------

    def given(self, shares: Elements) -> SecretArray:
        """Return contributors' shares as a secret array; each row is one contributor's.

        With active security the next proof finds shares that are not of degree t.
        """
        if self.audit:
            self.audit.given([shares.reshape(-1)])
        return of_contributors(self.array(shares))

    def share_of(self, x: SecretArray) -> Words:
        """Return this party's share of an array, flat, for `delivery` to open to recipients."""
        return _flat(x)


def _flat(x: SecretArray) -> Words:
    return np.ascontiguousarray(x.parts[0]).reshape(-1)


async def start(
    party: Party, draw: Draw, offers: Offers | None = None, *, active: bool = False
) -> ShamirBackend:
    """Start a computation: agree on a seed with every other compute party.

    Rounds: 1, with 32 bytes to every other compute party, twice that with active security; none if
    the offers came with the shares of inputs.

    Args:
        party: its scheme must be Shamir sharing, and it one of the compute parties.
        draw: source of this party's own randomness.
        offers: made and taken along with the shares of inputs; None to exchange them now.

    Raises:
        ManifestError: the scheme is not Shamir sharing.
    """
    scheme = party.scheme
    if not isinstance(scheme, Shamir):
        raise ManifestError(
            f"{scheme.name} sharing cannot multiply",
            hint='set scheme = "shamir" under [sharing]',
        )
    if offers:
        return _engine(party, scheme, offers)
    offers = Offers(scheme, party.me, draw, active=active)
    messages: dict[PartyId, Array] = {
        name: offers.message(name) for name in scheme.compute if name != party.me
    }
    step = party.next_steps()
    got = await party.exchange.all_to_all(messages, step, words(SEED_BYTES // 8 * (1 + active)))
    for name, message in got.items():
        offers.take(name, message)
    engine = _engine(party, scheme, offers)
    engine.counters = Counters(1, len(messages), sum(m.nbytes for m in messages.values()))
    return engine


async def start_active(
    party: Party, draw: Draw, context: bytes = b"", offers: Offers | None = None
) -> ShamirBackend:
    """Start as `start` does, with active security against t < n / 2 parties.

    Args:
        context: bytes on which honest parties must agree, or the first proof stops the run.

    Raises:
        ManifestError: there are fewer than 2t + 1 compute parties, or the scheme is another.
    """
    engine = await start(party, draw, offers, active=True)
    engine.need_products()
    engine.audit = Auditor(engine, Coin(engine, draw, context))
    engine.audit.dealt([engine.offered])
    return engine


def _engine(party: Party, scheme: Shamir, offers: Offers) -> ShamirBackend:
    offered, ends = offers.random, offers.ends()
    return ShamirBackend(
        party, scheme, offers.seeds(), offered=offered, chain=offers.chain, ends=ends
    )
