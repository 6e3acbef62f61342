"""Packets through a broker: they come back as they went, and no bytes are more than refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ostraka.errors import PeerViolation
from ostraka.wire.brokered import CLIENT, OVERHEAD, Packet, PacketKind, decode, encode

clients = st.binary(min_size=CLIENT, max_size=CLIENT)
counts = st.integers(0, (1 << 64) - 1)
presences = st.builds(
    lambda kind, client: Packet(kind, client),
    st.sampled_from([PacketKind.HERE, PacketKind.GONE, PacketKind.LEFT]),
    clients,
)
carried = st.builds(
    Packet,
    st.sampled_from([PacketKind.DATA, PacketKind.ECHO]),
    clients,
    st.integers(0, (1 << 32) - 1),
    counts,
    counts,
    counts,
    st.binary(min_size=1, max_size=64),
)


@given(presences | carried)
def test_a_packet_comes_back_as_it_went(packet):
    assert decode(encode(packet)) == packet
    if packet.data:
        assert len(encode(packet)) == OVERHEAD + len(packet.data)


@given(st.binary(max_size=OVERHEAD + 4))
def test_any_bytes_are_a_packet_or_a_violation(payload):
    try:
        packet = decode(payload)
    except PeerViolation:
        return
    assert encode(packet) == payload


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\x00" * 9,
        b"\x08" + bytes(8),
        b"\x01" + bytes(7),
        b"\x01" + bytes(9),
        encode(Packet(PacketKind.CREDIT, bytes(8))) + b"x",
        encode(Packet(PacketKind.DATA, bytes(8), data=b"x"))[:-1],
    ],
)
def test_bad_packets(payload):
    with pytest.raises(PeerViolation):
        decode(payload)
