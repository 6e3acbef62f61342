"""Network addresses as people write them: "host:port", or "[ipv6]:port"."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import unquote

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


def broker_host_port(url: object) -> tuple[str, int]:
    """Split the URL of an MQTT broker into host and port; ValueError when it is not valid.

    It is "mqtts://host:port", or "mqtt://host:port" without TLS. It has no user and no password:
    manifests are shared.
    """
    scheme, separator, address = url.partition("://") if isinstance(url, str) else ("", "", "")
    if not separator or scheme not in ("mqtt", "mqtts"):
        raise ValueError('must be "mqtts://host:port", or "mqtt://host:port" without TLS')
    if "@" in address:
        raise ValueError("must not have a user or password: each party keeps its own, in NAME.toml")
    try:
        return host_port(address)
    except ValueError:
        raise ValueError('must be "mqtts://host:port", an IPv6 host in brackets') from None


@dataclass(frozen=True, slots=True)
class Proxy:
    """SOCKS5 proxy for every outbound connection.

    Attributes:
        address: "host:port".
        user: and `password`, up to 255 bytes each in UTF-8; "" for a proxy that asks for none.
    """

    address: str
    user: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    @classmethod
    def parse(cls, text: object) -> Proxy:
        """Read "socks5h://[user:password@]host:port", or "host:port".

        Raises:
            ValueError: the text is neither; the message does not repeat it.
        """
        scheme, _, rest = text.rpartition("://") if isinstance(text, str) else ("", "", "")
        if scheme == "socks5":
            raise ValueError('must be "socks5h://...": the proxy itself looks up names')
        if scheme not in ("", "socks5h"):
            raise ValueError('must be a SOCKS5 proxy: "socks5h://host:port"')
        credentials, _, address = rest.rpartition("@")
        host_port(address)
        user, colon, password = (unquote(part) for part in credentials.partition(":"))
        fits = max(len(user.encode()), len(password.encode())) <= 255
        if credentials and not (colon and user and fits):
            raise ValueError('has credentials that are not "user:password" of up to 255 bytes')
        return cls(address, user, password)
