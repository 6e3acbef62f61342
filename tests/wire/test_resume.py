"""Streams over connections that are lost at every byte, and the table of how a link stands."""

from __future__ import annotations

import itertools
import random

import pytest

from ostraka.errors import InternalError, PeerViolation
from ostraka.limits import ACK_BYTES
from ostraka.wire.resume import TABLE, WRAP, SentStream, Settled, Standing, Turn, after

PIECES = [b"a", b"", b"bcd", bytearray(b"ef"), memoryview(b"ghijk"), b"l"]
WHOLE = b"".join(PIECES)


def joined(pieces) -> bytes:
    return b"".join(pieces)


@pytest.mark.parametrize(("standing", "turn"), list(itertools.product(Standing, Turn)))
def test_the_table(standing, turn):
    if (standing, turn) in TABLE:
        assert after(standing, turn) is TABLE[standing, turn]
    else:
        with pytest.raises(InternalError, match=standing.value):
            after(standing, turn)
    assert after(standing, Turn.OVER) is Standing.OVER


@pytest.mark.parametrize("acknowledged", range(len(WHOLE) + 1))
def test_a_loss_at_every_byte(acknowledged):
    for received in range(acknowledged, len(WHOLE) + 1):
        sent = SentStream()
        assert joined(sent.add(PIECES)) == WHOLE
        sent.acknowledge(acknowledged)
        assert sent.kept == WHOLE[acknowledged:]
        assert joined(sent.resume(received)) == WHOLE[received:]
        assert joined(sent.add([b"more"])) == b"more"
        assert joined(sent.resume(received)) == WHOLE[received:] + b"more"
        assert sent.position == len(WHOLE) + 4


def test_what_is_kept_is_no_copy():
    piece = bytearray(b"abc")
    sent = SentStream()
    sent.add([piece])
    piece[1] = ord("x")
    assert sent.kept == b"axc"


@pytest.mark.parametrize(
    "claim",
    [
        lambda sent: sent.acknowledge(len(WHOLE) + 1),
        lambda sent: sent.acknowledge(2),
        lambda sent: sent.resume(len(WHOLE) + 1),
        lambda sent: sent.resume(2),
    ],
    ids=["acknowledges too much", "takes it back", "has too much", "has less than it settled"],
)
def test_positions_that_cannot_be(claim):
    sent = SentStream()
    sent.add(PIECES)
    sent.acknowledge(3)
    with pytest.raises(PeerViolation):
        claim(sent)
    assert (sent.acknowledged, sent.kept) == (3, WHOLE[3:])


def test_positions_in_signals_count_modulo_two_to_the_32():
    sent = SentStream(WRAP - 2)
    sent.add([b"abcd"])
    sent.acknowledge(1)
    assert (sent.acknowledged, sent.kept) == (WRAP + 1, b"d")


@pytest.mark.parametrize("has", range(len(WHOLE) + 1))
@pytest.mark.parametrize("when", range(len(PIECES) + 1))
def test_a_run_that_is_replayed_sends_what_the_peer_lacks(has, when):
    """The peer comes back when so many pieces are computed again, and has so many bytes."""
    sent = SentStream(replayed=True)
    for piece in PIECES[:when]:
        sent.add([piece])
    got = joined(sent.resume(has))
    for piece in PIECES[when:]:
        if sent.position < has:  # an acknowledgement ahead of this run
            sent.acknowledge(has)
        got += joined(sent.add([piece]))
    assert got == WHOLE[has:]
    assert sent.position == len(WHOLE)


def test_random_losses_lose_nothing():
    for seed in range(300):
        draw = random.Random(seed)
        sent, settled = SentStream(), Settled()
        written = got = b""
        way = b""
        for _ in range(40):
            match draw.randrange(4):
                case 0:
                    pieces = [draw.randbytes(draw.randrange(5)) for _ in range(draw.randrange(3))]
                    written += joined(pieces)
                    way += joined(sent.add(pieces))
                case 1:
                    size = draw.randrange(len(way) + 1)
                    got, way = got + way[:size], way[size:]
                    settled.taken(len(got))
                case 2:
                    sent.acknowledge(settled.tell())
                case 3:
                    way = joined(sent.resume(len(got)))
        assert got + way == written


def test_the_peer_is_told_of_much_and_not_of_little():
    settled = Settled()
    assert not settled.taken(ACK_BYTES - 1)
    assert settled.taken(ACK_BYTES)
    assert settled.tell() == ACK_BYTES
    assert not settled.taken(2 * ACK_BYTES - 1)


def test_by_hand_nothing_is_settled_by_taking():
    settled = Settled(5, by_hand=True)
    assert not settled.taken(5 + ACK_BYTES)
    assert settled.tell() == 5
    settled.settle(70)
    settled.settle(60)
    assert settled.tell() == 70
