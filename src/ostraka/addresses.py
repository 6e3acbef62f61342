"""Network addresses as people write them: "host:port", or "[ipv6]:port"."""

from __future__ import annotations

import re

_ADDRESS = re.compile(
    r"(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?)):([0-9]{1,5})"
)


def host_port(address: object, *, lowest_port: int = 1) -> tuple[str, int]:
    """Split an address into host and port; ValueError when it is not valid.

    Args:
        lowest_port: 0 where the system may choose a port to listen on.
    """
    match = _ADDRESS.fullmatch(address if isinstance(address, str) else "")
    if not match or not lowest_port <= int(match[4]) <= 65535:
        raise ValueError('must be "host:port", an IPv6 host in brackets: "[::1]:9440"')
    if match[1]:
        from ipaddress import IPv6Address

        IPv6Address(match[1])
    return match[1] or match[2], int(match[4])


def join_address(host: str, port: int) -> str:
    """Return host and port as people write them; the inverse of `host_port`."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def host_block(host: str) -> str:
    """Return the block of addresses that one host may have: itself for IPv4, its /64 for IPv6.

    A host with IPv6 gives itself as many addresses as it likes within its /64. An IPv4 address in
    IPv6 form, as a dual-stack socket reports it, is that IPv4 address.
    """
    from ipaddress import IPv6Address, IPv6Network

    if ":" not in host:
        return host
    address = IPv6Address(host.partition("%")[0])
    if address.ipv4_mapped is not None:
        return str(address.ipv4_mapped)
    return str(IPv6Network((int(address) >> 64 << 64, 64)))
