"""Gist of an explanation: who learns what, the worst it can tell, what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from ostraka.delivery.cost import Cost
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.sentences import names

ROUND_SECONDS: Final = 0.05
"""Seconds that a round takes between continents, about."""

BYTES_PER_SECOND: Final = 10_000_000 / 8
"""Bytes that a party's link takes in a second, at least: 10 Mbit/s."""

_WARNING: Final = "WARNING: "
_ANSWER: Final = "The answer itself: "
_NOISE: Final = "bounded by epsilon"
_REHEARSAL: Final = "This is a rehearsal"
_SHARES: Final = "Shares: "


@dataclass(frozen=True)
class Gist:
    """Gist of what a manifest means, in three lines.

    Attributes:
        learns: sentences: what recipients learn, and that the others learn nothing.
        worst: sentences: what the answer itself can tell, and who together sees every input.
        cost: rounds, bytes and seconds.
    """

    learns: tuple[str, ...]
    worst: tuple[str, ...]
    cost: str

    @classmethod
    def of(cls, protocol: Protocol, sentences: Sequence[str], cost: Cost) -> Gist:
        """Return the summary of the sentences about a protocol under its manifest."""
        return cls(tuple(_learns(protocol, sentences)), tuple(_worst(sentences)), _cost(cost))


def seconds(cost: Cost) -> float:
    """Return how long the messages take between continents, without computing or gathering."""
    most = max((sent.bytes for sent in cost.sent.values()), default=0)
    return cost.rounds * ROUND_SECONDS + most / BYTES_PER_SECOND


def _learns(protocol: Protocol, sentences: Sequence[str]) -> list[str]:
    recipients = protocol.recipients
    others = [party for party in protocol.manifest.parties if party not in recipients]
    who = [f"{names(group)} learn" for group in (recipients, others) if group]
    starts = (_REHEARSAL, *who)
    return [sentence for sentence in sentences if sentence.startswith(starts)]


def _worst(sentences: Sequence[str]) -> list[str]:
    """Return all warnings, or else what the answer itself tells; then what the shares tell."""
    found = [s for s in sentences if s.startswith(_WARNING)]
    if not found:
        found = [_first(s) for s in sentences if s.startswith(_ANSWER)][:1]
    found += [_plain(s) for s in sentences if _NOISE in s][:1]
    return found + [_plain(s) for s in sentences if s.startswith(_SHARES)][:1]


def _first(sentence: str) -> str:
    """Return the first statement of several, without its name."""
    return _plain(sentence.partition(". ")[0].rstrip(".") + ".")


def _plain(sentence: str) -> str:
    text = sentence.partition(": ")[2] or sentence
    return text[:1].upper() + text[1:]


def _cost(cost: Cost) -> str:
    most = max((sent.bytes for sent in cost.sent.values()), default=0)
    rounds = f"{cost.rounds} round{'s' * (cost.rounds != 1)}"
    return (
        f"{rounds}, at most {most:,} bytes from one party; about "
        f"{seconds(cost):.2g} s at {ROUND_SECONDS * 1000:.0f} ms a round and 10 Mbit/s, once all "
        "are there; computing comes on top."
    )
