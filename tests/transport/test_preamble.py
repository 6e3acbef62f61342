"""The cleartext start of a link: whole, byte by byte, with trailing data, and wrong."""

from __future__ import annotations

import pytest

from ostraka.errors import PeerLost, PeerViolation, PinMismatch
from ostraka.limits import CERTIFICATE
from ostraka.transport.preamble import HEADER, MAGIC, Preamble, announce, pinned


@pytest.mark.parametrize("size", [1, 400, CERTIFICATE])
@pytest.mark.parametrize("trailing", [b"", b"x", b"y" * 5000])
def test_a_whole_preamble_gives_the_certificate_and_what_follows(size, trailing):
    certificate = bytes(range(256)) * 16
    assert Preamble().feed(announce(certificate[:size]) + trailing) == (
        certificate[:size],
        trailing,
    )


def test_byte_by_byte_it_is_complete_with_its_last_byte_only():
    preamble, said = Preamble(), announce(b"certificate")
    assert [preamble.feed(said[i : i + 1]) for i in range(len(said) - 1)] == [None] * (
        len(said) - 1
    )
    assert preamble.feed(memoryview(said)[-1:]) == (b"certificate", b"")


@pytest.mark.parametrize(
    "said",
    [
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"OSTRAKA\x02",
        MAGIC + b"\0\0",
        MAGIC + (CERTIFICATE + 1).to_bytes(2, "little"),
    ],
)
@pytest.mark.parametrize("step", [1, 1000])
def test_other_bytes_are_refused_as_soon_as_they_can_be_told_apart(said, step):
    preamble = Preamble()
    with pytest.raises((PeerLost, PeerViolation)):
        for start in range(0, len(said), step):
            preamble.feed(said[start : start + step])
    assert len(MAGIC) + 2 == HEADER


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (b"HTTP/1.1 400 Bad Request", "an HTTP server, not ostraka, answers there"),
        (b"SSH-2.0-OpenSSH", "an SSH server, not ostraka, answers there"),
        (b"\x15\x03\x03\x00\x02", "a TLS server, not ostraka, answers there"),
        (b"OSTRAKA\x02", "another release of ostraka answers there"),
        (b"220 mail", "a program that is not ostraka answers there"),
    ],
)
def test_other_programs_are_named(said, words):
    with pytest.raises(PeerLost) as lost:
        Preamble().feed(said)
    assert str(lost.value) == words
    assert "address right" in lost.value.hint


def test_a_pin_admits_its_own_fingerprint_alone():
    admit = pinned("bob", b"p" * 32)
    assert admit(b"p" * 32) == "bob"
    for other in (b"q" * 32, b"p" * 31, b""):
        with pytest.raises(PinMismatch, match="bob"):
            admit(other)
