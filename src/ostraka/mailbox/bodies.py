r"""Bodies of a mailbox's requests and answers that are no JSON and no signed statement.

    founding  u32 length of the manifest | manifest's TOML | the organiser's publication
    reports   record for each report | end
    record    u32 n | u64 position | u32 minute | view (n)
    end       u32 0 | u64 the last position in this answer, or `after` | u32 0

The end tells an answer that is whole from one that was cut off. Integers are little-endian.
"""

from __future__ import annotations

from collections.abc import Iterator
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


def read_records(answer: bytes) -> Iterator[Fetched]:
    """Yield the reports of an answer.

    Raises:
        EOFError: it was cut off.
        PeerViolation: bytes follow its end.
    """
    at = 0
    while True:
        length, position, minute = (
            int.from_bytes(answer[at + start : at + end], "little")
            for start, end in ((0, 4), (4, 12), (12, 16))
        )
        start, at = at + HEADER, at + HEADER + length
        if len(answer) < at:
            raise EOFError("an answer of the mailbox was cut off")
        if not length:
            break
        yield Fetched(position, minute, answer[start:at])
    if at < len(answer):
        raise PeerViolation("bytes follow the end of the mailbox's reports", data_left=False)


def split_founding(octets: bytes) -> tuple[bytes, bytes]:
    """Split what opens a collection into the manifest and the organiser's publication.

    Raises:
        PeerViolation: it is something else.
    """
    end = 4 + int.from_bytes(octets[:4], "little")
    if not 4 < end < len(octets):
        raise PeerViolation("this is no manifest with the organiser's statement", data_left=False)
    return octets[4:end], octets[end:]


def join_founding(manifest: bytes, publication: bytes) -> bytes:
    """Return what opens a collection; the inverse of `split_founding`."""
    return len(manifest).to_bytes(4, "little") + manifest + publication


def ascending(answer: bytes, after: int) -> list[Fetched]:
    """Read a block, whose positions have to rise: else it might never end.

    Raises:
        PeerViolation: it is none, or they do not.
    """
    try:
        block = list(read_records(answer))
    except EOFError as error:
        raise PeerViolation(str(error), data_left=False) from None
    for fetched in block:
        if fetched.position <= after:
            raise PeerViolation("the mailbox sends reports in another order", data_left=False)
        after = fetched.position
    return block
