"""Part of `doctor`: which peers can reach this party, which it can reach, and by which way."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from ipaddress import ip_address, ip_network

from ostraka.addresses import host_port
from ostraka.cli.findings import Findings
from ostraka.errors import OstrakaError, PinMismatch, Unreachable, UsageError
from ostraka.identity import NO_CERTIFICATE, Identity
from ostraka.manifest import BrokerSpec, Manifest, PartySpec
from ostraka.record.own_network import OwnNetwork
from ostraka.transport import brokered
from ostraka.transport.contexts import Contexts
from ostraka.transport.link import Carrier
from ostraka.transport.network import Network
from ostraka.transport.preamble import pinned
from ostraka.transport.rendezvous import RoomCarrier
from ostraka.transport.resolver import Resolver, numeric
from ostraka.transport.tcp import SystemNetwork
from ostraka.transport.tls import SecureLink

PATIENCE = 5.0
"""Seconds for a handshake with one party."""

SHARED = ip_network("100.64.0.0/10")
"""Addresses behind a provider's NAT (RFC 6598), which Python does not call private."""


async def look(
    findings: Findings, manifest: Manifest, me: PartySpec, identity: Identity, own: OwnNetwork
) -> None:
    """Listen as a run would; connect to each relay and broker, and to each peer with an address.

    With a proxy every connection goes through it, and no name is looked up on this machine.
    """
    warnings: list[str] = []
    network = SystemNetwork(
        proxy=own.proxy, listen=own.listen, brokers=own.brokers, warn=warnings.append
    )
    try:
        if me.address is not None:
            await _look_at_listening(findings, network, me.address, own, warnings)
        for name, address, pin in _targets(manifest, me):
            await _look_at_link(findings, network, identity, own, (name, address, pin))
        for place in manifest.session.brokers:
            await _look_at_broker(findings, network, me, place)
    finally:
        network.close()


def _targets(manifest: Manifest, me: PartySpec) -> Iterable[tuple[str, str, bytes]]:
    for place in manifest.session.relays:
        yield "coordinator", place.address, place.pin
    for party in manifest.party:
        if party.address and party != me:
            yield party.name, party.address, party.pin


# --- who can reach this party --------------------------------------------------------------------


async def _look_at_listening(
    findings: Findings, network: Network, advertised: str, own: OwnNetwork, warnings: list[str]
) -> None:
    try:
        listener = await network.listen(advertised, _hang_up)
    except UsageError as error:
        findings.add("listen", f"{error.message}; {error.hint}" if error.hint else error.message)
        return
    bound = listener.addresses
    listener.close()
    findings.add("listen", None, f"on {', '.join(bound)}; others dial {advertised}")
    host, port = host_port(advertised)
    hosts = [host] if numeric(host, port) else []
    if not hosts and own.proxy is None:
        try:
            hosts = [place.host for place in await Resolver().resolve(host, port)]
        except OSError:
            warnings.append(f"{host}: no address is known for it here; is it for your peers?")
    for text in [*warnings, *seen_by_peers(advertised, hosts, bound)]:
        findings.note("listen", text)


def _hang_up(carrier: Carrier, _source: str) -> None:
    carrier.close()


def seen_by_peers(advertised: str, hosts: list[str], bound: Iterable[str]) -> list[str]:
    """Return, in words, what may keep peers from the address that the manifest gives this party.

    Args:
        advertised: that address.
        hosts: the numeric hosts that it means here; empty if that is not known.
        bound: the addresses that this party listens on.
    """
    found = [remark for host in hosts if (remark := _remark(host))]
    name, port = host_port(advertised)
    if hosts and all(":" in host for host in hosts):
        found.append(f"{name} is IPv6 only: peers without IPv6 cannot reach it")
    heard = [host_port(address) for address in bound]
    if all(other != port for _, other in heard):
        found.append(f"others dial port {port}, you listen on {heard[0][1]}: it must be forwarded")
    inward = all(ip_address(host).is_loopback for host, _ in heard)
    if inward and not (hosts and all(ip_address(host).is_loopback for host in hosts)):
        found.append("you listen on loopback alone: another program must pass connections on")
    return found


def _remark(host: str) -> str:
    """Return who cannot reach a numeric host, in words; empty if all can."""
    address = ip_address(host)
    if address.is_loopback:
        return f"{host} is loopback: only programs on one machine reach each other so"
    if address.is_link_local:
        return f"{host} is a link-local address: only machines on the same wire can reach it"
    if address.is_private or address in SHARED:
        return f"{host} is a private address: only machines of the same network can reach it"
    return ""


# --- whom this party can reach -------------------------------------------------------------------


async def _look_at_link(
    findings: Findings,
    network: Network,
    identity: Identity,
    own: OwnNetwork,
    target: tuple[str, str, bytes],
) -> None:
    name, address, pin = target
    by = f", through the proxy at {own.proxy.address}" if own.proxy else ""
    where = f"{name} at {address}{by}"
    try:
        carrier = await network.dial(address)
    except Unreachable as error:
        reason = error.message.removeprefix(address).removeprefix(by).removeprefix(": ")
        away = "" if name == "coordinator" else " (perhaps not started yet)"
        findings.add("reach", f"{where}: {reason}{away}", code=10)
        return
    link = SecureLink(carrier, Contexts(identity), server=False, admit=pinned(name, pin))
    try:
        await link.open(PATIENCE)
        findings.add("reach", None, f"{where} answers with the key of the manifest, over TLS 1.3")
        compare_clocks(findings.note, name, link.peer_certificate)
    except OstrakaError as error:
        code = 11 if isinstance(error, PinMismatch) else 10
        findings.add("reach", f"{where}: {error.message}", code=code)
    finally:
        await link.close()


async def _look_at_broker(
    findings: Findings, network: Network, me: PartySpec, place: BrokerSpec
) -> None:
    """Enter a room that no other party is in, with topics of the same form as a session's."""
    room = f"{place.topic}/{secrets.token_hex(16)}"
    seat = brokered.BrokerSeat(place.mqtt, room, me.name, {}, {}, members=2)
    try:
        met = await brokered.enter(seat, network, _Alone())
    except OstrakaError as error:
        reason = error.message.removeprefix(f"{place.mqtt}: ")
        hint = f"; {error.hint}" if error.hint else ""
        code = 2 if isinstance(error, UsageError) else 10
        findings.add("reach", f"{place.in_words}: {reason}{hint}", code=code)
        return
    words = f"messages of {met.piece // 1024} KiB" if met.piece >= 1024 else "small messages"
    findings.add(
        "reach",
        None,
        f"{place.in_words} lets {me.name} write as itself below {place.topic}, and read what is "
        f"sent to it, in {words}",
    )
    if not place.secured:
        findings.note("reach", f"{place.in_words} is spoken to without TLS; so is your password")
    await met.close()


class _Alone:
    """Owner of a room that no other party enters."""

    def joined(self, _fingerprint: bytes, carrier: RoomCarrier) -> None:
        carrier.close()


def compare_clocks(
    note: Callable[[str, str], None], name: str, certificate: bytes, now: datetime | None = None
) -> None:
    """Note it if a peer's certificate was made in this machine's future: one clock is wrong.

    That ends no session: keys identify, and dates of certificates are not checked.
    """
    from cryptography import x509

    now = now or datetime.now(UTC)
    try:
        start = x509.load_der_x509_certificate(certificate).not_valid_before_utc
    except NO_CERTIFICATE:
        return
    if start > now:
        note(
            "clock",
            f"{name}'s certificate begins {start:%Y-%m-%d %H:%M} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M} UTC here: one of the clocks is wrong",
        )


def run(
    findings: Findings, manifest: Manifest, me: PartySpec, identity: Identity, own: OwnNetwork
) -> None:
    """Do as `look` from code without `await`."""
    asyncio.run(look(findings, manifest, me, identity, own))
