"""Addresses are split as they are written, and anything else is refused."""

import pytest

from ostraka import addresses
from ostraka.addresses import host_port


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("127.0.0.1:1", ("127.0.0.1", 1)),
        ("10.0.0.1:65535", ("10.0.0.1", 65535)),
        ("[::1]:9440", ("::1", 9440)),
        ("a:1", ("a", 1)),
        ("alice.example:9441", ("alice.example", 9441)),
    ],
)
def test_an_address_is_a_host_and_a_port(text, parts):
    assert host_port(text) == parts


@pytest.mark.parametrize(
    "text",
    ["", "a", "a:", ":1", "::1:1", "[::1]", "[::g]:1", "[1.2.3]:1", "a:0", "a:65536", "a b:1", 3],
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"host:port|Expected|At least"):
        host_port(text)


def test_a_listener_may_leave_the_port_to_the_system():
    assert host_port("127.0.0.1:0", lowest_port=0) == ("127.0.0.1", 0)


@pytest.mark.parametrize("text", ["a.example:1", "127.0.0.1:65535", "[::1]:9440"])
def test_joining_is_the_inverse_of_splitting(text):
    assert addresses.join_address(*addresses.host_port(text)) == text


@pytest.mark.parametrize(
    ("host", "block"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_the_block_of_one_host(host, block):
    assert addresses.host_block(host) == block
