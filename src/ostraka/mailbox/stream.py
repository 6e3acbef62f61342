r"""Stream of reports from a mailbox to one compute party.

    record  u32 n | u64 position | u32 minute | view (n)
    end     u32 0 | u64 the last position that was sent, or `after` | u32 0

The end tells a stream that is complete from one that was cut off. Integers are little-endian.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from ostraka.errors import PeerViolation

HEADER: Final = 4 + 8 + 4


class Fetched(NamedTuple):
    """Report as a compute party gets it: its position, the minute since 1970 at which the mailbox
    says that it came, and the party's view of it."""

    position: int
    minute: int
    view: bytes


def write_record(position: int, minute: int, view: bytes) -> bytes:
    """Return a record; one with an empty view is the end."""
    numbers = ((len(view), 4), (position, 8), (minute, 4))
    return b"".join(number.to_bytes(size, "little") for number, size in numbers) + view


def read_records(read: Callable[[int], bytes], largest: int) -> Iterator[Fetched]:
    """Yield the reports of a stream up to its end.

    Args:
        read: returns as many bytes as it is asked for, or fewer at the end of the connection.
        largest: bytes of a view, at most.

    Raises:
        EOFError: the stream was cut off.
        PeerViolation: a view is larger.
    """
    while True:
        header = _exactly(read, HEADER)
        length, position, minute = (
            int.from_bytes(part, "little") for part in (header[:4], header[4:12], header[12:])
        )
        if length > largest:
            raise PeerViolation("the mailbox sends a report that is too long")
        if not length:
            return
        yield Fetched(position, minute, _exactly(read, length))


def _exactly(read: Callable[[int], bytes], length: int) -> bytes:
    found = read(length)
    while len(found) < length:
        more = read(length - len(found))
        if not more:
            raise EOFError("the stream of reports was cut off")
        found += more
    return found
