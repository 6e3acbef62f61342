"""Commitments bind to all that they are over, and tell nothing without their key."""

import hashlib
import hmac

import numpy as np
import pytest

from ostraka.names import Step
from ostraka.record import commitments
from ostraka.record.commitments import Commitment, figure_commitment, figure_nonce

KEY = bytes(range(32))


def test_a_commitment_binds_receivers_step_type_length_and_content(monkeypatch):
    monkeypatch.setattr(commitments.os, "urandom", bytes)
    sent = np.array([1, 2], np.uint64)
    variants = [
        (["bob"], Step(0, 1), sent),
        (["bobb"], Step(0, 1), sent),
        (["bob", "carlos"], Step(0, 1), sent),
        (["bob"], Step(0, 2), sent),
        (["bob"], Step(1, 0), sent),
        (["bob"], Step(2, 0), sent),
        (["bob"], Step(0, 1), np.array([1, 3], np.uint64)),
        (["bob"], Step(0, 1), np.array([1, 2, 0], np.uint64)),
        (["bob"], Step(0, 1), sent.view(np.uint8)),
    ]
    values = set()
    for variant in variants:
        commitment = Commitment()
        commitment.add(*variant)
        values.add(commitment.value())
    assert len(values) == len(variants)


@pytest.mark.parametrize("long", [0, 1, 3])
def test_a_commitment_is_the_same_whichever_thread_hashes(monkeypatch, long):
    def messages():
        for i in range(6):
            yield ("bob",), Step(0, i), np.full(8 if i == long else 2, i, np.uint64)

    monkeypatch.setattr(commitments.os, "urandom", bytes)

    def committed(least):
        monkeypatch.setattr(commitments.limits, "HASHED_BESIDE", least)
        commitment = Commitment()
        for message in messages():
            commitment.add(*message)
        return commitment.value()

    assert committed(8) == committed(10**6) == committed(0)


def test_a_commitment_is_over_the_bytes_its_docstring_says():
    commitment = Commitment()
    commitment.add(["bob", "carlos"], Step(3, 14), np.array([1, 2], np.uint64))
    commitment.add(["bob"], Step(4, 0), np.frombuffer(b"xyz", np.uint8))
    elements = bytes([1, *[0] * 7, 2, *[0] * 7])
    said = b"bob,carlos\x003.14\0<u8\x002\0" + hashlib.sha256(elements).digest()
    said += b"bob\x004.0\0|u1\x003\0" + hashlib.sha256(b"xyz").digest()
    assert commitment.value() == hmac.new(commitment.key, said, "sha256").hexdigest()


def test_a_commitment_hides_under_its_key():
    values = set()
    for _ in range(2):
        commitment = Commitment()
        commitment.add(["bob"], Step(0, 1), np.zeros(1, np.uint64))
        values.add(commitment.value())
    assert len(values) == 2


def test_a_figure_is_committed_to_over_the_bytes_its_docstring_says():
    nonce = hmac.new(KEY, "ostraka figure\0größe".encode(), "sha256").digest()
    assert figure_nonce(KEY, "größe") == nonce
    said = b"<i8\x002\0" + (1).to_bytes(8, "little") + (2**64 - 3).to_bytes(8, "little")
    said += b"|O\x002\0[1208925819614629174706176,-5]"
    parts = np.array([1, -3]), np.array([2**80, -5], object)
    assert figure_commitment(nonce, parts) == hmac.new(nonce, said, "sha256").hexdigest()


def test_a_figure_s_commitment_binds_key_name_number_of_parts_type_and_content():
    one, two = np.array([1]), np.array([2])
    variants = [
        (KEY, "sum", [one, two]), (KEY, "mean", [one, two]), (bytes(32), "sum", [one, two]),
        (KEY, "sum", [two, one]), (KEY, "sum", [one]), (KEY, "sum", [np.array([1, 2])]),
        (KEY, "sum", [one.astype(object), two]), (KEY, "sum", []),
    ]  # fmt: skip
    values = {figure_commitment(figure_nonce(key, name), parts) for key, name, parts in variants}
    assert len(values) == len(variants)


def test_each_figure_of_a_group_has_a_commitment_of_its_own():
    one, two = (np.array([1]),), (np.array([2]),)
    found = commitments.group_commitments(KEY, {"sum": one, "mean": two})
    assert found == {
        "sum": figure_commitment(figure_nonce(KEY, "sum"), one),
        "mean": figure_commitment(figure_nonce(KEY, "mean"), two),
    }


@pytest.mark.parametrize("many", [52, 53, 5000])
def test_a_statement_is_bounded_however_many_figures_there_are(many):
    figures = {f"{i:06}": (np.array([i]),) for i in range(many)}
    found = commitments.group_commitments(KEY, figures)
    assert len(commitments.canonical(found)) <= commitments.GROUP_BYTES
    assert tuple(found) == (tuple(figures) if many == 52 else (commitments.ALL,))
    if many > 52:
        figures["000007"] = (np.array([8]),)
        assert commitments.group_commitments(KEY, figures) != found
