import pytest

from ostraka.record.journal_frames import (
    HEAD_BYTES,
    LONGEST,
    MAGIC,
    SALT_BYTES,
    Damaged,
    Frames,
    Torn,
    content_length,
)

KEY, SALT = bytes(32), bytes(range(SALT_BYTES))
BODIES = (b"one", b"", b"x" * 1000)


def begun(salt=SALT, before=MAGIC, key=KEY):
    frames = Frames(key)
    frames.begin_life(salt, before)
    return frames


def test_bodies_come_back_in_order():
    writer, reader = begun(), begun()
    for body in BODIES:
        head, content = writer.seal(body)
        assert content_length(head) == len(content)
        assert reader.open(content) == body
        assert body == b"" or body not in content


@pytest.mark.parametrize(
    "reader",
    [begun(salt=bytes(SALT_BYTES)), begun(before=bytes(16)), begun(key=bytes([1] * 32))],
    ids=["another life", "after other frames", "another key"],
)
def test_a_frame_opens_in_its_own_place_only(reader):
    _, content = begun().seal(b"one")
    with pytest.raises(Damaged):
        reader.open(content)


def test_a_frame_that_is_left_out_or_doubled_is_noticed():
    writer = begun()
    first, second = (writer.seal(body)[1] for body in (b"one", b"two"))
    with pytest.raises(Damaged):
        begun().open(second)
    reader = begun()
    reader.open(first)
    with pytest.raises(Damaged):
        reader.open(first)


def test_each_changed_byte_is_noticed():
    _, content = begun().seal(b"one")
    for place in range(len(content)):
        changed = bytearray(content)
        changed[place] ^= 1
        with pytest.raises(Damaged):
            begun().open(bytes(changed))


def test_lengths_are_bounded():
    for size in range(HEAD_BYTES):
        with pytest.raises(Torn):
            content_length(bytes(size))
    for length in (1, 15, LONGEST + 17, 2**32 - 1):
        with pytest.raises(Damaged):
            content_length(length.to_bytes(4, "little"))
    assert content_length(bytes(HEAD_BYTES)) == 0
    with pytest.raises(ValueError, match="a body of"):
        begun().seal(bytes(LONGEST + 1))


def test_nothing_opens_before_a_life_began():
    with pytest.raises(Damaged):
        Frames(KEY).open(begun().seal(b"one")[1])
