"""Vectors: what is sent arrives, and nothing else is taken for it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import PeerLost, PeerViolation
from ostraka.exchange import octets, words
from ostraka.limits import DATA_FRAME, INLINE_VECTOR
from ostraka.names import Step
from ostraka.wire import frames, vectors
from ostraka.wire.messages import Abort, Pong, Statement, Vector, encode

STEP = Step(3, 7)


def sent(message: np.ndarray, step: Step = STEP) -> bytes:
    return b"".join(bytes(piece) for piece in vectors.pack(step, message))


def numbers(size: int) -> np.ndarray:
    return np.arange(size, dtype="<u8") * np.uint64(0x9E3779B97F4A7C15)


EDGES = [0, 1, INLINE_VECTOR // 8, INLINE_VECTOR // 8 + 1]


@pytest.mark.parametrize("size", EDGES)
def test_words_arrive(parse, size):
    received = parse(vectors.unpack(STEP, words(size)), sent(numbers(size)))
    assert received.dtype == np.dtype("<u8")
    assert (received == numbers(size)).all()
    assert received.shape == (size,)
    received += np.uint64(1)  # it is the receiver's own


@pytest.mark.parametrize("size", [0, 1, INLINE_VECTOR, INLINE_VECTOR + 1])
def test_octets_arrive(parse, size):
    message = np.resize(np.arange(251, dtype="u1"), size)
    received = parse(vectors.unpack(STEP, octets(size)), sent(message))
    assert (received == message).all()


@pytest.mark.parametrize("size", [DATA_FRAME // 8, DATA_FRAME // 8 + 1, 3 * DATA_FRAME // 8 - 1])
def test_long_vectors_arrive(parse_whole, size):
    received = parse_whole(vectors.unpack(STEP, words(size)), sent(numbers(size)))
    assert (received == numbers(size)).all()


def test_a_long_vector_is_not_copied_to_be_sent():
    message = numbers(1_000_000)
    pieces = list(vectors.pack(STEP, message))
    views = [piece for piece in pieces if isinstance(piece, memoryview)]
    assert sum(len(view) for view in views) == message.nbytes
    message[0] = 1
    assert bytes(views[0][:8]) == (1).to_bytes(8, "little")


def test_what_is_not_contiguous_is_sent_all_the_same(parse):
    message = numbers(20)[::2]
    assert (parse(vectors.unpack(STEP, words(10)), sent(message)) == message).all()


@pytest.mark.parametrize(
    "message", [np.zeros(3), np.zeros((2, 2), "<u8"), np.zeros(3, "i8"), np.zeros(3, ">u8")]
)
def test_other_arrays_cannot_travel(message):
    with pytest.raises(TypeError):
        sent(message)


SHORT, LONG = 4, INLINE_VECTOR


def announced(step: Step, dtype: str, length: int, inline: bytes) -> bytes:
    return frames.control(encode(Vector(*step, dtype, length, inline)))


@pytest.mark.parametrize(
    ("expected", "stream"),
    [
        pytest.param(words(SHORT), sent(numbers(SHORT), Step(3, 6)), id="an earlier step"),
        pytest.param(words(SHORT), sent(numbers(SHORT), Step(3, 8)), id="a later step"),
        pytest.param(words(SHORT), sent(numbers(SHORT), Step(2, 7)), id="an earlier phase"),
        pytest.param(words(SHORT), sent(numbers(SHORT), Step(4, 7)), id="a later phase"),
        pytest.param(words(SHORT), sent(numbers(SHORT), Step(7, 3)), id="phase for number"),
        pytest.param(words(SHORT), sent(numbers(SHORT + 1)), id="too long"),
        pytest.param(words(SHORT), sent(numbers(SHORT - 1)), id="too short"),
        pytest.param(words(SHORT), sent(numbers(LONG)), id="far too long"),
        pytest.param(words(LONG), sent(numbers(SHORT)), id="far too short"),
        pytest.param(words(SHORT), sent(np.zeros(SHORT, "u1")), id="bytes for words"),
        pytest.param(octets(SHORT), sent(numbers(SHORT)), id="words for bytes"),
        pytest.param(words(SHORT), announced(STEP, "u8", SHORT, bytes(31)), id="a byte missing"),
        pytest.param(words(SHORT), announced(STEP, "u8", SHORT, bytes(33)), id="a byte more"),
        pytest.param(words(SHORT), announced(STEP, "u8", SHORT, b""), id="nothing inline"),
        pytest.param(words(LONG), announced(STEP, "u8", LONG, bytes(8)), id="inline and long"),
        pytest.param(
            words(LONG), announced(STEP, "u8", LONG, b"") + frames.control(b""), id="cut off"
        ),
        pytest.param(
            words(LONG),
            announced(STEP, "u8", LONG, b"") + frames.data_header(8 * LONG - 1),
            id="a chunk too short",
        ),
        pytest.param(words(SHORT), frames.control(encode(Pong())), id="another message"),
        pytest.param(
            words(SHORT), frames.control(encode(Statement(b"", bytes(64)))), id="a statement"
        ),
        pytest.param(words(SHORT), frames.data_header(32) + bytes(32), id="no announcement"),
        pytest.param(words(SHORT), frames.relay(0, bytes(32)), id="a relay frame"),
    ],
)
def test_anything_else_is_a_violation(parse, expected, stream):
    with pytest.raises(PeerViolation):
        parse(vectors.unpack(STEP, expected), stream)


def test_an_abort_says_why(parse):
    stream = frames.control(encode(Abort("peer-lost", "bob")))
    with pytest.raises(PeerLost, match="peer-lost, naming bob"):
        parse(vectors.unpack(STEP, words(SHORT)), stream)


@given(st.binary(max_size=200))
def test_any_bytes_are_refused_or_the_vector_sent(feed_whole, data):
    prefix = announced(STEP, "u8", SHORT, bytes(32))[: 200 - len(data)]
    try:
        vector, _ = feed_whole(vectors.unpack(STEP, words(SHORT)), prefix + data)
    except (PeerViolation, PeerLost, EOFError):
        return
    assert (prefix + data).startswith(sent(vector))
