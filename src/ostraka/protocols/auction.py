"""Sealed-bid auctions: the losing bids stay sealed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Final, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BeforeValidator

from ostraka.arithmetic.randomness import Words
from ostraka.engine.array import SecretArray, concatenate, stack
from ostraka.engine.backend import Backend
from ostraka.engine.choose import first_pairs, leaders, select
from ostraka.engine.multiply import mul
from ostraka.engine.sort import shuffle
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.outcome import Output, Value
from ostraka.protocols.bench_case import BenchCase
from ostraka.protocols.forms.numbers import Comparing
from ostraka.protocols.interactive import name_of
from ostraka.protocols.options import InputOptions, read_options, refuse
from ostraka.protocols.sentences import explain_interactive, names, second_session
from ostraka.protocols.shares import Shares

Figure = Literal["winner", "price"]

NO_SALE = "no sale"


def _number(value: object) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        raise ValueError("must be a number")
    return Decimal(value)


class AuctionOptions(InputOptions):
    """`[outputs]`: the rules of an auction.

    Attributes:
        price: what the winner pays: its own bid, or the second highest.
        reserve: bids below it do not win; in the input's unit.
        ties: who wins of those who bid most alike: the first in the manifest's order, or one of
            them drawn jointly, uniformly, unknown to any t parties beforehand.
        reveal: what all recipients learn, or what each does: { seller = ["winner", "price"] }.
    """

    price: Literal["first", "second"] = "first"
    reserve: Annotated[Decimal | None, BeforeValidator(_number)] = None
    ties: Literal["order", "random"] = "order"
    reveal: tuple[Figure, ...] | dict[str, tuple[Figure, ...]] = ("winner", "price")


def _made_up_bids(size: int) -> NDArray[np.int64]:
    draw = np.random.default_rng(0)  # noqa: TID251 - public inputs of a benchmark
    return draw.integers(-(2**39), 2**39, size)


def _highest(_: int, size: int) -> tuple[NDArray[np.int64], ...]:
    """Compute the opened numbers: the winner's place, and the price above the least bid; each + 1.

    Zero says that nothing was sold.
    """
    bids = _made_up_bids(size)
    return np.array([bids.argmax() + 1]), np.array([bids.max() + 2**39 + 1])


BENCH: Final = {
    "auction": BenchCase(
        lambda _: {"input": {"type": "int", "min": -(2**39), "max": 2**39}},
        lambda bidder, size: int(_made_up_bids(size)[bidder]),
        _highest,
        absent=True,
    )
}


class Auction(Comparing):
    """Auction: the highest bid wins; of equal ones, the manifest's first, or one drawn. [NO07]

    Contributors: one bid each, a number within the manifest's bounds.
    Recipients learn: the winner, the price, or both, each as the manifest says, and who was
    counted. Compute parties learn whose bids are out of bounds. No other party learns anything.
    Rounds: for up to 64 bids at most 13 and one comparison, for more those of `choose.leaders`, and
    where ties are drawn those of a shuffle; bytes: `cost()`, above 64 bids as their number.
    Tolerates: t curious compute parties of n >= 2t + 1, who must all stay.
    """

    name = "auction"
    bench_cases = BENCH
    options_model = AuctionOptions
    options: AuctionOptions

    def __init__(self, manifest: Manifest) -> None:
        super().__init__(manifest)
        self._prepare(manifest, read_options(AuctionOptions, manifest))
        if self.codec.length != 1:
            refuse("input.length: a bid is one number")
        self.reserve = self._reserve()
        self._groups = self._who_learns_what()
        self.opened = sum(len(figures) for figures in self._groups)

    # --- the figure -----------------------------------------------------------------------------

    async def evaluate(self, engine: Backend, x: SecretArray, shares: Shares) -> SecretArray:
        count, drawn = 1 + (self.options.price == "second"), self.options.ties == "random"

        def also(y: SecretArray) -> SecretArray:
            pairs = [] if drawn else [first_pairs(y, count)]
            return concatenate([y - self.reserve, *pairs])

        bids, valid, negative = await self.checked(x, shares, "a bid within the bounds", also)
        below, less = negative[: len(x)][valid], negative[len(x) :]
        # from 1: zero says that nothing was sold
        number = {c: i for i, c in enumerate(self.contributors, 1)}
        numbers = engine.public(np.array([number[c] for c in shares.counted]))
        table = stack([bids[:, 0], below[:, 0], numbers])
        if drawn:
            table = await shuffle(table)
        known = valid.all() and not drawn
        found = await leaders(table, count, less if known else None)
        both = stack([found[2, 0], await self._paid(found) - self.codec.low + 1])
        sold = await mul(both, 1 - found[1, 0])
        order: dict[Figure, int] = {"winner": 0, "price": 1}
        return sold[[order[figure] for figures in self._groups for figure in figures]]

    async def _paid(self, found: SecretArray) -> SecretArray:
        """Select what the winner pays.

        Args:
            found: rows of the highest bids, the highest first, and of whether each is below the
                reserve.
        """
        if self.options.price == "first":
            return found[0, 0]
        reserve = found.engine.public(self.reserve)
        return await select(found[1, 1], reserve, found[0, 1]) if found.shape[1] > 1 else reserve

    def combine(self, opened: Words, counted: Sequence[PartyId]) -> tuple[Output, ...]:
        return self._outputs(next(iter(self._groups)), opened)

    def combine_for(
        self, me: PartyId, opened: Words, counted: Sequence[PartyId]
    ) -> tuple[Output, ...]:
        mine = next(figures for figures, parties in self._groups.items() if me in parties)
        return self._outputs(mine, opened)

    def _outputs(self, figures: tuple[Figure, ...], opened: Words) -> tuple[Output, ...]:
        parts, unit = self.scheme.to_signed(opened).reshape(-1, 1), self.manifest.input.unit
        wide = self.codec.wide()
        made = {
            "winner": lambda part: Output("winner", "", (part,), self._winner, scalar=True),
            "price": lambda part: Output(
                "price", unit, (part,), self._price, scalar=True, wide=wide
            ),
        }
        return tuple(made[f](part) for f, part in zip(figures, parts, strict=True))

    def _winner(self, number: int) -> Value:
        return name_of(self.contributors, number - 1) if number else NO_SALE

    def _price(self, number: int) -> Value:
        return self.shown()(number - 1 + self.codec.low) if number else NO_SALE

    # --- before anything runs -------------------------------------------------------------------

    @property
    def openings(self) -> tuple[tuple[tuple[PartyId, ...], slice], ...]:
        found, start = [], 0
        for figures, parties in self._groups.items():
            found.append((parties, slice(start, start + len(figures))))
            start += len(figures)
        return tuple(found)

    @property
    def readers(self) -> Mapping[str, tuple[PartyId, ...]]:
        learned = {name: figures for figures, parties in self._groups.items() for name in parties}
        figures = {figure for group in self._groups for figure in group}
        return {f: tuple(r for r in self.recipients if f in learned[r]) for f in sorted(figures)}

    def _part(self, me: int) -> int:
        # in a shuffle no two have the same part
        return me if self.options.ties == "random" else super()._part(me)

    def _reserve(self) -> int:
        """Encode the least bid that wins: the reserve, else the least possible bid."""
        if self.options.reserve is None:
            return self.codec.low
        units = Fraction(self.options.reserve) / self.codec.quantum
        if units.denominator != 1 or not self.codec.low <= units <= self.codec.high:
            refuse("outputs.reserve: must be a possible bid")
        return units.numerator

    def _who_learns_what(self) -> dict[tuple[Figure, ...], tuple[PartyId, ...]]:
        reveal = self.options.reveal
        table = reveal if isinstance(reveal, dict) else dict.fromkeys(self.recipients, reveal)
        for name, figures in table.items():
            if name not in self.recipients:
                refuse(f"outputs.reveal: {name} is not a recipient")
            if not figures or len(set(figures)) != len(figures):
                refuse("outputs.reveal: names winner, price or both, each once")
        groups: dict[tuple[Figure, ...], tuple[PartyId, ...]] = {}
        for name in self.recipients:
            if name not in table:
                refuse(
                    f"outputs.reveal: does not say what {name} learns",
                    hint=f'add {name} = ["price"], or take the role of recipient from {name}',
                )
            groups[table[name]] = (*groups.get(table[name], ()), name)
        return groups

    def plaintext(self, inputs: Mapping[PartyId, object]) -> dict[str, Value]:
        bids = {c: int(self.codec.encode(inputs[c])[0]) for c in self.contributors if c in inputs}
        winner = max(bids, key=lambda c: bids[c])
        if bids[winner] < self.reserve:
            return {"winner": NO_SALE, "price": NO_SALE}
        others = [bid for c, bid in bids.items() if c != winner]
        price = max([self.reserve, *others]) if self.options.price == "second" else bids[winner]
        return {"winner": winner, "price": self.shown()(price)}

    def explain(self) -> list[str]:
        second = self.options.price == "second"
        lines = [
            f"{names(parties)} learn{'s' * (len(parties) == 1)} the {' and the '.join(figures)}."
            for figures, parties in self._groups.items()
        ]
        pays = (
            "the second highest bid, or the reserve if that is higher" if second else "what it bid"
        )
        ties = "the first in the manifest's order"
        if self.options.ties == "random":
            ties = "one that the compute parties draw together, and none of them alone"
        rule = f"The rule: the highest bid wins; of equal ones, {ties}. It pays {pays}."
        if self.options.reserve is not None:
            rule += f" Bids below {self.options.reserve} do not win."
        edge = (
            "The answer itself: a price tells that no bidder but the winner bid more, and no sale "
            "that no bidder bid the reserve. "
        )
        if second:
            edge += "A second price is a losing bid, though not whose. "
            if len(self.contributors) == 2:
                edge = "WARNING: two bidders and a second price: the price is the loser's bid. "
            elif self.least_counted <= 2:
                edge += "WARNING: a result may count two bidders: the price is the loser's bid. "
        else:
            edge += "Knowing the winner and the price is knowing the winner's bid, and no other. "
        edge += "Bidders who compare notes learn whether the others' bids were above their own."
        return explain_interactive(
            self,
            "the outcome",
            [*lines, rule, edge, second_session(self, "auction"), self.explain_bounds()],
        )
