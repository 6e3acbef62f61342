import hashlib

import numpy as np
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from ostraka.arithmetic.randomness import BLOCK, OsDraw, SeededDraw, Stream, blocks

SEED = bytes(range(32))


def read(length, seed=SEED, label="share"):
    return Stream(seed, label).fill(np.empty(length, np.uint64))


def test_a_stream_is_aes_256_ctr_under_a_labelled_key():
    key = hashlib.sha256(b"ostraka stream 1" + SEED + b"share").digest()
    zeros = bytes(8 * 20_000)
    plain = Cipher(algorithms.AES(key), modes.CTR(bytes(16))).encryptor().update(zeros)
    assert read(20_000).tobytes() == plain


@pytest.mark.parametrize("cuts", [[1, 2, 3], [BLOCK], [BLOCK - 1, 2], [0, 5, BLOCK + 7]])
def test_a_stream_only_moves_forward_however_it_is_cut(cuts):
    stream = Stream(SEED, "share")
    pieces = [stream.fill(np.empty(n, np.uint64)) for n in cuts]
    assert np.array_equal(np.concatenate(pieces), read(sum(cuts)))


def test_other_labels_and_other_seeds_give_other_streams():
    assert not np.array_equal(read(4), read(4, label="other"))
    assert not np.array_equal(read(4), read(4, seed=bytes(32)))


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_seed_of_another_size_is_refused(size):
    with pytest.raises(ValueError, match="32 bytes"):
        Stream(bytes(size), "share")


def test_seeded_draws_repeat_and_never_give_a_seed_twice():
    one, two, other = SeededDraw(7), SeededDraw(7), SeededDraw(8)
    seeds = [one.seed() for _ in range(100)]
    assert seeds == [two.seed() for _ in range(100)]
    assert len({*seeds, *(other.seed() for _ in range(100))}) == 200
    assert {len(seed) for seed in seeds} == {32}


def test_the_real_draw_asks_the_operating_system(monkeypatch):
    monkeypatch.setattr("os.urandom", lambda n: b"\x05" * n)
    assert OsDraw().seed() == b"\x05" * 32


@pytest.mark.parametrize("length", [0, 1, BLOCK - 1, BLOCK, BLOCK + 1, 3 * BLOCK])
def test_blocks_cover_a_vector_once(length):
    covered = [i for part in blocks(length) for i in range(part.start, part.stop)]
    assert covered == list(range(length))
