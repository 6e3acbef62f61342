"""Cost of a protocol: payload messages and bytes, without framing or encryption."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from ostraka.names import PartyId


@dataclass(frozen=True, slots=True)
class Sent:
    """Messages and bytes that one party sends to all others together."""

    messages: int = 0
    bytes: int = 0


@dataclass
class Cost:
    """Rounds (messages that wait for one another) and what each party sends, exactly.

    Attributes:
        unsound: with active security, the most that liars can get a wrong result through with, as a
            multiple of 1 / (2^61 - 1).
    """

    rounds: int = 0
    unsound: int = 0
    sent: dict[PartyId, Sent] = field(default_factory=lambda: defaultdict(Sent))

    def soundness(self) -> int:
        """Return the greatest k such that a wrong result passes with a chance below 2^-k."""
        return 61 - self.unsound.bit_length()

    def send(self, sender: PartyId, to: Iterable[PartyId], size: int, messages: int = 1) -> None:
        """Count `size` bytes, in so many messages, from `sender` to each of `to` but itself."""
        receivers = sum(party != sender for party in to)
        before = self.sent[sender]
        self.sent[sender] = Sent(
            before.messages + messages * receivers, before.bytes + size * receivers
        )
