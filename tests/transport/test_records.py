"""Queues on both sides of TLS, without TLS: order, sizes, forgetting."""

from __future__ import annotations

import pytest

from ostraka.errors import InternalError, PeerViolation
from ostraka.transport.records import CHUNK, Inbox, Outbox


class Plain:
    """Writes and reads what it is given, in the place of TLS."""

    def __init__(self, incoming: bytes = b"") -> None:
        self.written: list[bytes] = []
        self.incoming = incoming

    def write(self, piece) -> None:
        self.written.append(bytes(piece))

    def read(self, size, view) -> int:
        size = min(size, len(self.incoming))
        view[:size], self.incoming = self.incoming[:size], self.incoming[size:]
        return size

    def pending(self) -> int:
        return len(self.incoming)


def test_a_queue_is_encrypted_in_order_a_chunk_at_a_time():
    outbox, tls = Outbox(), Plain()
    pieces = [b"a" * 10, b"", b"b" * CHUNK, memoryview(b"c" * (CHUNK + 5))]
    outbox.append(pieces)
    total = sum(map(len, pieces))
    assert (len(outbox), bool(outbox)) == (total, True)
    sizes = []
    while outbox:
        before = outbox.bytes_sent
        outbox.encrypt(tls)
        sizes.append(outbox.bytes_sent - before)
    assert sizes == [CHUNK, CHUNK, 15]
    assert b"".join(tls.written) == b"".join(pieces)


def test_forgetting_plaintext_keeps_ciphertext_and_forgetting_all_does_not():
    outbox = Outbox()
    outbox.append([b"plain"])
    outbox.bio.write(b"cipher")
    outbox.drop_queue()
    assert outbox.bio.pending == len(outbox) == 6
    outbox.drop_all()
    assert not outbox


def parser(sizes, error=None):
    got = []
    for size in sizes:
        view = bytearray(size)
        yield memoryview(view)
        got.append(bytes(view))
    if error is not None:
        raise error
    return got


def test_a_parser_is_given_the_bytes_it_asked_for_and_no_more():
    inbox, tls = Inbox(), Plain(b"abcdef")
    inbox.follow(parser([1, 3]))
    inbox.decrypt(tls)
    assert (inbox.finished, inbox.reading, inbox.bytes_received) == (True, False, 4)
    assert inbox.take() == [b"a", b"bcd"]
    assert (inbox.finished, tls.incoming) == (False, b"ef")
    inbox.follow(parser([3]))
    inbox.decrypt(tls)
    assert inbox.reading
    tls.incoming = b"g"
    inbox.decrypt(tls)
    assert inbox.take() == [b"efg"]


@pytest.mark.parametrize(
    ("raised", "seen"), [(PeerViolation("no"), PeerViolation), (KeyError("bug"), InternalError)]
)
def test_a_parser_that_fails_reads_no_more(raised, seen):
    inbox, tls = Inbox(), Plain(b"ab")
    inbox.follow(parser([1], error=raised))
    with pytest.raises(seen):
        inbox.decrypt(tls)
    assert not inbox.reading
    inbox.decrypt(tls)
    assert tls.incoming == b"b"
