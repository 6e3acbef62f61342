"""SOCKS5 byte by byte, and proxies that lie."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.addresses import Proxy
from ostraka.transport import socks

PLAIN = Proxy("127.0.0.1:9050")
LOGIN = Proxy("127.0.0.1:9050", "alice", "s3cret")


def talk(proxy: Proxy, replies: bytes, host: str = "bob.example", port: int = 9441) -> bytes:
    """What is sent to a proxy that replies so; all replies must be asked for."""
    steps = socks.request(proxy, host, port)
    sent = b""
    try:
        step = next(steps)
        while True:
            if isinstance(step, bytes):
                sent += step
                step = steps.send(b"")
            else:
                if len(replies) < step:
                    raise EOFError
                data, replies = replies[:step], replies[step:]
                step = steps.send(data)
    except StopIteration:
        assert not replies, "bytes of the peer stay in the socket"
        return sent


GRANTED = b"\x05\x00\x00\x01" + bytes(6)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("bob.example", b"\x03\x0bbob.example"),
        ("192.0.2.1", b"\x01\xc0\x00\x02\x01"),
        ("2001:db8::1", b"\x04\x20\x01\x0d\xb8" + bytes(11) + b"\x01"),
    ],
)
def test_a_request_without_a_login(host, address):
    asked = b"\x05\x01\x00" + b"\x05\x01\x00" + address + b"\x24\xe1"
    assert talk(PLAIN, b"\x05\x00" + GRANTED, host) == asked


@pytest.mark.parametrize(
    "granted",
    [
        GRANTED,
        b"\x05\x00\x00\x03\x05proxy" + bytes(2),
        b"\x05\x00\x00\x04" + bytes(18),
        b"\x05\x00\x00\x03\x00" + bytes(2),
    ],
)
def test_any_address_of_the_proxy_is_read_and_no_byte_more(granted):
    talk(PLAIN, b"\x05\x00" + granted)


def test_a_login():
    sent = talk(LOGIN, b"\x05\x02" + b"\x01\x00" + GRANTED)
    assert sent.startswith(b"\x05\x02\x00\x02" + b"\x01\x05alice\x06s3cret" + b"\x05\x01\x00\x03")
    assert b"s3cret" not in talk(LOGIN, b"\x05\x00" + GRANTED), "sent to who asks for it alone"


@pytest.mark.parametrize(
    ("proxy", "replies", "words"),
    [
        (PLAIN, b"HTTP/1.1 400", "it is no SOCKS5 proxy: an HTTP server answers there"),
        (PLAIN, b"\x00\x5b", "it is no SOCKS5 proxy"),
        (PLAIN, b"\x05\xff", "the proxy wants a user and a password"),
        (PLAIN, b"\x05\x02", "the proxy wants a user and a password"),
        (LOGIN, b"\x05\xff", "the proxy wants other credentials"),
        (LOGIN, b"\x05\x02\x01\x01", "the proxy does not accept the user and password"),
        (PLAIN, b"\x05\x00\x05\x05\x00\x01", "the proxy says: Connection refused"),
        (PLAIN, b"\x05\x00\x05\x63\x00\x01", r"the proxy refuses \(code 99\)"),
        (PLAIN, b"\x05\x00\x04\x00\x00\x01", "the proxy does not keep to SOCKS5"),
        (PLAIN, b"\x05\x00\x05\x00\x00\x02", "the proxy does not keep to SOCKS5"),
    ],
)
def test_refusals_in_words(proxy, replies, words):
    with pytest.raises(ConnectionError, match=words) as refused:
        talk(proxy, replies)
    assert refused.value.strerror
    assert "s3cret" not in str(refused.value)


@given(st.binary(max_size=40), st.sampled_from([PLAIN, LOGIN]))
def test_a_hostile_proxy_is_refused_or_obeyed_within_few_bytes(replies, proxy):
    steps, asked = socks.request(proxy, "bob.example", 7), 0
    try:
        step = next(steps)
        while True:
            if isinstance(step, bytes):
                assert len(step) <= 600
                step = steps.send(b"")
            else:
                asked += step
                assert 0 < step <= 257
                assert asked <= 600
                step = steps.send(replies[:step].ljust(step, b"\x00"))
                replies = replies[asked:]
    except (StopIteration, ConnectionError):
        pass
