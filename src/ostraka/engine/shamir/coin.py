"""Joint randomness that no party can choose, or foresee before every honest party has opened.

Every party commits, when the engine starts, to the end of a chain of SHA-256 hashes; each toss
opens one link more of every chain, and the coin is the hash of all links. So a toss is one round,
and it falls only when *every* honest party has opened: what any of them did before, it did before
the coin was known. A party that speaks last learns the coin before it opens its link; then it can
stop the run, but not change the coin. With its link each party repeats what it heard in the
commitments, so one that told different parties different things is noticed before the first coin is
used.

Adversary: active, all parties but one; one that does not follow makes the others stop. SHA-256 is
taken for a random function.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from ostraka.arithmetic.randomness import SEED_BYTES, Draw, Stream, Words
from ostraka.engine.shamir.context import Context
from ostraka.engine.shamir.links import after, chain
from ostraka.errors import Aborted, PeerViolation
from ostraka.exchange import octets


class Coin:
    """Coin of one computation, tossed by every compute party at the same places.

    Attributes:
        context: bytes on which honest parties must agree, or the toss stops the run.
        trusting: whether messages go unchecked; only to count messages without peers.
    """

    def __init__(self, engine: Context, draw: Draw, context: bytes = b"") -> None:
        self.engine, self.draw, self.context = engine, draw, context
        self.trusting = False
        self._chain, self._last = list(engine.chain[:-1]), engine.ends
        self._heard = b"".join(self._last)

    async def toss(self, aside: Sequence[Words] = ()) -> tuple[Stream, list[list[int]]]:
        """Draw from the coin a stream that every party reads alike.

        Rounds: 1, and one more for a new chain.

        Args:
            aside: elements for each party, of one length at every party, that travel with the link.
                An honest party sends its own before it knows the coin; a liar need not.

        Returns:
            The stream, and the elements that each party sent this one aside.

        Raises:
            PeerViolation: a link is not of the chain its party committed to.
            Aborted: parties heard different commitments, or have different contexts.
        """
        if not self._chain:
            await self._commit()
        state = hashlib.sha256(b"ostraka heard 1" + self._heard + self.context).digest()
        own = self._chain.pop() + state
        each = [words.tobytes() for words in aside] or [b""] * self.engine.n
        messages = await self._told([own + more for more in each])
        for party, message in enumerate(messages if not self.trusting else ()):
            self._check(party, message[:SEED_BYTES], agrees=message[SEED_BYTES : len(own)] == state)
        self._last = [message[:SEED_BYTES] for message in messages]
        return of_links(self._last), [
            self._elements(i, m[len(own) :]) for i, m in enumerate(messages)
        ]

    def _elements(self, party: int, message: bytes) -> list[int]:
        return [int(x) for x in self.engine.check(party, np.frombuffer(message, np.uint64))]

    def _check(self, party: int, link: bytes, *, agrees: bool) -> None:
        name = self.engine.names[party]
        if not agrees:
            raise Aborted(
                f"{name} and this party were told different things, or count different "
                "contributors; no result was revealed",
                hint="one of the compute parties does not follow the protocol",
            )
        if after(link) != self._last[party]:
            raise PeerViolation(f"{name} opened a coin it had not committed to", peer=name)

    async def _commit(self) -> None:
        self._chain = chain(self.draw)
        self._last = await self._told([self._chain.pop()] * self.engine.n)
        self._heard = b"".join(self._last)

    async def _told(self, own: Sequence[bytes]) -> list[bytes]:
        """Send each party its message, and return all messages to this one, its own included."""
        engine = self.engine
        told = {party: np.frombuffer(said, np.uint8) for party, said in enumerate(own)}
        ours = told.pop(engine.me)
        heard = await engine.all_to_all(told, octets(len(ours)))
        return [heard.get(party, ours).tobytes() for party in range(engine.n)]


def of_links(links: Sequence[bytes]) -> Stream:
    """Return the stream of a coin, from the 32 bytes that each party told, in their order."""
    return Stream(hashlib.sha256(b"ostraka coin 1" + b"".join(links)).digest(), "coin")
