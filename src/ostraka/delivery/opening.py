"""Opening a shared vector to the recipients, and to nobody else.

Three ways, chosen from public figures alone, so that everybody chooses alike; d is the vector's
length, R the recipients:

- *direct*: every compute party sends its whole share to every recipient. One round, 8 d |R| bytes
  from each compute party.
- *scattered* (additive, long vectors, two or more recipients): recipient k gets slice k of every
  share, adds it up and sends the sum to the other recipients. Two rounds; 8 d bytes from each
  compute party and 8 d more, all slices together, from each recipient, however many there are.
  A recipient sees slices of shares that add up to the result: nothing the result does not say.
- *tagged* (Shamir): direct, in pieces, each share behind the set of contributors it counts.
  Recipients combine shares of one and the same set; those of any t + 1 compute parties suffice,
  and any that came beyond those are checked against them. Where what they hold was proven to be of
  one value (`Scheme.proven`) and 3t + 1 came, up to t wrong ones are left out, and whose they are
  is noted in `Party.liars`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from ostraka.arithmetic.randomness import Words
from ostraka.delivery.agree import mask_bytes, read_mask, to_mask
from ostraka.delivery.cost import Cost
from ostraka.delivery.party import Party
from ostraka.errors import Aborted, PeerViolation
from ostraka.exchange import words
from ostraka.names import PartyId, Step
from ostraka.sharing.additive import Additive
from ostraka.sharing.scheme import InconsistentShares, Scheme

SCATTER_FROM: Final = 4096
"""Words from which halving the bytes is worth a second round."""

PIECE: Final = 1 << 20
"""Words of one message of a tagged opening: bounds what a recipient holds per compute party."""

FIRST: Final = 1 << 12
"""... and of the one that names the contributors counted."""

Announced = Callable[[PartyId, Words], None]
"""Told each share a recipient sees, for whoever wants to show it."""


def is_scattered(scheme: Scheme, length: int, recipients: Sequence[PartyId]) -> bool:
    """Whether the opening takes the two-round way."""
    return isinstance(scheme, Additive) and length >= SCATTER_FROM and len(recipients) >= 2


def steps(scheme: Scheme, length: int, recipients: Sequence[PartyId]) -> int:
    """Step numbers an opening takes."""
    if isinstance(scheme, Additive):
        return 2 if is_scattered(scheme, length, recipients) else 1
    return len(_pieces(length))


def cost(scheme: Scheme, length: int, recipients: Sequence[PartyId], total: Cost) -> None:
    """Add an opening's rounds, messages and bytes to `total`."""
    scattered = is_scattered(scheme, length, recipients)
    total.rounds += 2 if scattered else 1
    for party in scheme.compute:
        if scattered:
            for k, recipient in enumerate(recipients):
                total.send(party, [recipient], 8 * _size(_slices(length, recipients)[k]))
        elif isinstance(scheme, Additive):
            total.send(party, recipients, 8 * length)
        else:
            size = 8 * (_tag_words(scheme) + length)
            total.send(party, recipients, size, len(_pieces(length)))
    for k, recipient in enumerate(recipients if scattered else ()):
        total.send(recipient, recipients, 8 * _size(_slices(length, recipients)[k]))


async def open_to(
    party: Party,
    recipients: Sequence[PartyId],
    length: int,
    share: Words | None,
    counted: tuple[PartyId, ...],
    announced: Announced | None = None,
) -> tuple[Words, tuple[PartyId, ...]] | None:
    """Open a shared vector of `length` words.

    Args:
        share: a compute party's share, which must not change afterwards; None for others.
        counted: the contributors a compute party counts; ignored where `share` is None.
        announced: called with each share a recipient sees, except in a scattered opening.

    Returns:
        The vector and the contributors counted in it, to a recipient; None to everybody else.

    Raises:
        PeerLost: additive: a compute party is gone.
        Aborted: shamir: too few shares came, or they count different contributors.
        PeerViolation: the shares contradict each other.
    """
    first = party.next_steps(steps(party.scheme, length, recipients))
    party.patience += 1
    if not isinstance(party.scheme, Additive):
        return await _tagged(party, first, recipients, length, share, counted, announced)
    way = _scattered if is_scattered(party.scheme, length, recipients) else _direct
    value = await way(party, first, recipients, length, share, announced)
    return None if value is None else (value, party.scheme.contributors)


async def _direct(
    party: Party,
    step: Step,
    recipients: Sequence[PartyId],
    length: int,
    share: Words | None,
    announced: Announced | None,
) -> Words | None:
    if share is not None:
        party.exchange.broadcast(recipients, step, share)
    if party.me not in recipients:
        return None
    value = np.zeros(length, np.uint64)
    for sender in party.scheme.compute:
        arrived = share
        if sender != party.me:
            arrived = await party.receive(sender, step, words(length))
        assert arrived is not None
        party.scheme.add(value, arrived)
        if announced:
            announced(sender, arrived)
    return value


async def _scattered(
    party: Party,
    step: Step,
    recipients: Sequence[PartyId],
    length: int,
    share: Words | None,
    announced: Announced | None,
) -> Words | None:
    slices = dict(zip(recipients, _slices(length, recipients), strict=True))
    if share is not None:
        for recipient in recipients:
            if recipient != party.me:
                party.exchange.send(recipient, step, share[slices[recipient]])
    if party.me not in recipients:
        return None
    mine = slices[party.me]
    value = np.empty(length, np.uint64)
    part = value[mine]
    part[:] = 0 if share is None else share[mine]
    for sender in party.scheme.compute:
        if sender != party.me:
            part += await party.receive(sender, step, words(_size(mine)))
    party.exchange.broadcast(recipients, Step(step + 1), part)
    party.patience += 1
    for recipient, place in slices.items():
        if recipient != party.me:
            expected = words(_size(place))
            await party.receive(recipient, Step(step + 1), expected, into=value[place])
    return value


async def _tagged(
    party: Party,
    step: Step,
    recipients: Sequence[PartyId],
    length: int,
    share: Words | None,
    counted: tuple[PartyId, ...],
    announced: Announced | None,
) -> tuple[Words, tuple[PartyId, ...]] | None:
    pieces, tag = _pieces(length), _tag(party.scheme, counted)
    if share is not None:
        for i, piece in enumerate(pieces):
            message = share[piece] if i else np.concatenate((tag, share[piece]))
            party.exchange.broadcast(recipients, Step(step + i), message)
    if party.me not in recipients:
        return None
    value = np.empty(length, np.uint64)
    for i, piece in enumerate(pieces):
        ahead = 0 if i else len(tag)
        expected = words(ahead + _size(piece))
        arrived = await party.gather_live(party.scheme.compute, Step(step + i), expected)
        shares = {} if share is None else {party.me: share[piece]}
        shares |= {sender: vector[ahead:] for sender, vector in arrived.items()}
        if ahead:
            tags = {sender: vector[:ahead] for sender, vector in arrived.items()}
            counted = _counted(party, tags if share is None else {party.me: tag, **tags})
        value[piece] = combined(party, shares, certain=party.scheme.proven)
        for sender, vector in shares.items() if announced else ():
            announced(sender, vector)  # type: ignore[misc]
    return value, counted


def _tag_words(scheme: Scheme) -> int:
    return -(-mask_bytes(scheme.contributors) // 8)


def _tag(scheme: Scheme, counted: tuple[PartyId, ...]) -> Words:
    """A set of contributors as words."""
    tag = np.zeros(8 * _tag_words(scheme), np.uint8)
    mask = to_mask(counted, scheme.contributors)
    tag[: len(mask)] = mask
    return tag.view(np.uint64)


def _counted(party: Party, tags: dict[PartyId, Words]) -> tuple[PartyId, ...]:
    """The one set of contributors that every share which arrives is about.

    Where all who are honest are known to count the same, it is the one that so many name.
    """
    scheme = party.scheme
    sets = {sender: _read(party, sender, tag) for sender, tag in tags.items()}
    _require_enough(party, len(sets))
    (counted, agreeing), *others = Counter(sets.values()).most_common()
    if not others:
        return counted
    if not scheme.proven or agreeing < scheme.needed + scheme.lying:
        raise Aborted("compute parties opened sums over different contributors; none was used")
    _note(party, [name for name, theirs in sets.items() if theirs != counted])
    return counted


def _read(party: Party, sender: PartyId, tag: Words) -> tuple[PartyId, ...]:
    try:
        return read_mask(party, sender, tag.view(np.uint8))
    except PeerViolation:
        if not party.scheme.proven:
            raise
        return ()  # a lie like any other


def combined(party: Party, shares: dict[PartyId, Words], *, certain: bool = False) -> Words:
    """The value that shares open to.

    Args:
        certain: honest parties hold shares of one value each, so whoever contradicts them lies:
            that is noted, and corrected if it can be.

    Raises:
        Aborted: too few came.
        PeerViolation: they contradict each other, or are no shares.
    """
    _require_enough(party, len(shares))
    for sender, vector in shares.items():
        try:
            party.scheme.check(vector)
        except ValueError as problem:
            raise PeerViolation(f"{sender} announced no share: {problem}", peer=sender) from None
    try:
        return party.scheme.combine(shares)
    except InconsistentShares:
        pass
    try:
        value, wrong = party.scheme.corrected(shares)
    except InconsistentShares:
        raise _contradiction(list(shares)) from None
    if not certain:
        raise _contradiction(list(shares), wrong)
    _note(party, wrong)
    return value


def _note(party: Party, liars: Iterable[PartyId]) -> None:
    party.liars += [liar for liar in liars if liar not in party.liars]


def _contradiction(parties: Sequence[PartyId], wrong: Sequence[PartyId] = ()) -> PeerViolation:
    """Whose shares are wrong is told where it is certain; whose fault that is, is not."""
    hint = "find out which party is faulty before running again"
    if wrong:
        names = " and ".join(wrong)
        return PeerViolation(
            f"the shares that {names} announced contradict all others; no result was computed",
            hint=f"{hint}: {names}, or somebody who gave them wrong shares",
        )
    return PeerViolation(
        f"the shares announced by {', '.join(parties)} contradict each other: at least one of them "
        "is wrong, and no result was computed",
        hint=hint,
    )


def _require_enough(party: Party, count: int) -> None:
    enough = party.scheme.needed + party.scheme.lying
    if count < enough:
        raise Aborted(
            f"only {count} compute parties announced a share and {enough} are needed "
            f"(lost: {', '.join(party.lost) or 'nobody'})",
            peer=party.lost[0] if party.lost else None,
        )


def _slices(length: int, recipients: Sequence[PartyId]) -> list[slice]:
    """The vector cut into one nearly equal slice for each recipient."""
    cuts = [length * k // len(recipients) for k in range(len(recipients) + 1)]
    return [slice(a, b) for a, b in pairwise(cuts)]


def _pieces(length: int) -> list[slice]:
    """The first one, which is copied to go behind the set, is short."""
    rest = range(FIRST, length, PIECE)
    return [slice(0, min(FIRST, length)), *(slice(i, min(i + PIECE, length)) for i in rest)]


def _size(piece: slice) -> int:
    return int(piece.stop - piece.start)
