"""Second implementation of a session's beginning and end: manifest, TLS, Hello, Ready, statements.

Links are direct, and the party computes. So it has a link to each party and hears no relayed
message; it relays those of others.
"""

import asyncio
import contextlib
import hmac
import json
import secrets
import socket
import ssl
import struct
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from wire import ABORT, ACK, HELLO, READY, RELAYED, STATEMENT, WIRE, H, Link, Lost, Stop, encode


class Manifest:
    def __init__(self, document: bytes) -> None:
        text = json.loads(document)
        self.document, self.digest, self.text = document, H(document), text
        self.parties = [party["name"] for party in text["party"]]
        self.certificates = {p["key"].removeprefix("sha256:"): p["name"] for p in text["party"]}
        self.address = {p["name"]: p["address"] for p in text["party"]}
        self.contributors, self.compute, self.recipients = (
            [p["name"] for p in text["party"] if role in p["roles"]]
            for role in ("contributor", "compute", "recipient")
        )
        self.shamir = text["sharing"]["scheme"] == "shamir"
        self.n, self.t = len(self.compute), text["sharing"]["threshold"]
        self.vote = text["session"]["protocol"] == "threshold-vote"
        self.outputs, self.modulus = text["outputs"], 2**61 - 1 if self.shamir else 2**64
        self.length = text["input"]["length"]
        self.minimum = text["policy"]["min_contributors"]
        fewer = self.minimum < len(self.contributors)
        absent = any(c not in self.compute for c in self.contributors)
        self.agreed = self.shamir and (fewer and absent if self.vote else True)
        names = [
            "sharing",
            *["first", "later"] * self.agreed,
            "consent",
            "computing",
            "opening",
            "slices",
        ]
        self.phase = {name: i for i, name in enumerate(names)}

    def linked(self, a: str, b: str) -> bool:
        both = a in self.recipients and b in self.recipients
        return a != b and (a in self.compute or b in self.compute or both)

    def mask(self, names: set[str]) -> bytes:
        bits = sum(1 << i for i, name in enumerate(self.contributors) if name in names)
        return bits.to_bytes((len(self.contributors) + 7) // 8, "little")

    def unmask(self, mask: bytes) -> set[str]:
        bits = int.from_bytes(mask, "little")
        if bits >> len(self.contributors):
            raise Stop("violation", why="bits beyond the last contributor")
        return {name for i, name in enumerate(self.contributors) if bits >> i & 1}


class Network:
    """Links of one party of one session."""

    def __init__(self, document: bytes, me: str, keys: Path) -> None:
        self.m, self.me = Manifest(document), me
        self.files = keys / f"{me}.crt", keys / f"{me}.key"
        self.certificate = ssl.PEM_cert_to_DER_cert(self.files[0].read_text())
        self.key: Any = load_pem_private_key(self.files[1].read_bytes(), None)
        self.links: dict[str, Link] = {}
        self.nonces: dict[str, bytes] = {}
        self.pairs: dict[str, bytes] = {}
        self.sent = hmac.new(secrets.token_bytes(32), digestmod="sha256")

    def is_lost(self, peer: str) -> bool:
        return self.links[peer].lost

    def say(self, to: str, phase: int, step: int, dtype: str, data: bytes) -> None:
        head = (
            to,
            f"{phase}.{step}",
            {"u8": "<u8", "u1": "|u1"}[dtype],
            len(data) // int(dtype[1]),
        )
        self.sent.update("".join(f"{part}\0" for part in head).encode() + H(data))
        if not self.links[to].lost:
            self.links[to].send_vector(phase, step, dtype, data)

    async def hear(self, of: str, phase: int, step: int, dtype: str, length: int) -> bytes:
        """Return the next vector of a peer; Lost if the peer is."""
        link = self.links[of]
        try:
            if not link.lost:
                limit = (phase + 1) * self.m.text["session"]["timeout"]
                return await asyncio.wait_for(link.vector(phase, step, dtype, length), limit)
        except (OSError, EOFError, TimeoutError, Lost):
            link.lost = True
        raise Lost(of)

    # Gathering

    async def meet(self, conn: socket.socket, peer: str | None) -> None:
        """Make a link of a connection, to the peer that was dialled, or to one that came."""
        loop = asyncio.get_running_loop()
        conn.setblocking(False)
        size = struct.pack("<H", len(self.certificate))
        await loop.sock_sendall(conn, b"OSTRAKA\x01" + size + self.certificate)
        head = await exactly(conn, 10)
        if head[:8] != b"OSTRAKA\x01" or not 1 <= int.from_bytes(head[8:], "little") <= 4096:
            conn.close()
            return
        certificate = await exactly(conn, int.from_bytes(head[8:], "little"))
        name = self.m.certificates.get(H(certificate).hex())
        if name is None or name == self.me or peer not in (None, name):
            conn.close()
            return
        context = ssl.SSLContext(
            ssl.PROTOCOL_TLS_SERVER if peer is None else ssl.PROTOCOL_TLS_CLIENT
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_REQUIRED
        context.load_verify_locations(cadata=certificate)
        context.verify_flags |= 0x200000  # X509_V_FLAG_NO_CHECK_TIME: dates decide nothing
        context.load_cert_chain(*self.files)
        reader = asyncio.StreamReader(2**22)
        protocol = asyncio.StreamReaderProtocol(reader)
        if peer is None:
            context.num_tickets = 0
            made = loop.connect_accepted_socket(lambda: protocol, conn, ssl=context)
        else:
            made = loop.create_connection(
                lambda: protocol, sock=conn, ssl=context, server_hostname=""
            )
        transport, _ = await made
        if transport.get_extra_info("ssl_object").getpeercert(True) != certificate:
            transport.close()
            return
        writer = asyncio.StreamWriter(transport, protocol, reader, loop)
        self.links[name] = Link(name, certificate, reader, writer)

    async def dial(self, peer: str) -> None:
        host, port = self.m.address[peer].rsplit(":", 1)
        while peer not in self.links:
            with contextlib.suppress(OSError, EOFError):
                conn = await asyncio.to_thread(socket.create_connection, (host, int(port)), 5)
                await self.meet(conn, peer)
            await asyncio.sleep(0.1)

    async def accept(self, listener: socket.socket) -> None:
        tasks = set()
        while True:
            conn, _ = await asyncio.get_running_loop().sock_accept(listener)
            tasks.add(asyncio.create_task(self.welcome(conn)))

    async def welcome(self, conn: socket.socket) -> None:
        with contextlib.suppress(OSError, EOFError):
            await self.meet(conn, None)

    async def gather(self) -> None:
        """Open the session: links, Hellos and Readys, and those that are relayed for others."""
        m = self.m
        peers = [p for p in m.parties if m.linked(p, self.me)]
        nonce = secrets.token_bytes(32)
        promise = H(b"ostraka hello nonce\0", H(b"ostraka nonce hash\0", nonce))
        promise = promise if self.me in m.recipients else nonce
        signature = self.key.sign(b"ostraka hello\0" + struct.pack("<H", WIRE) + m.digest + promise)
        host, port = m.address[self.me].rsplit(":", 1)
        listener = socket.create_server((host, int(port)))
        listener.setblocking(False)
        later = [p for p in peers if m.address[p] and m.parties.index(p) < m.parties.index(self.me)]
        accepting = asyncio.create_task(self.accept(listener))
        async with asyncio.timeout(m.text["session"]["deadline"]):
            await asyncio.gather(*map(self.dial, later))
            while len(self.links) < len(peers):
                await asyncio.sleep(0.01)
        accepting.cancel()
        listener.close()
        nonces, self.nonces = {self.me: promise}, {self.me: nonce}
        for link in self.links.values():
            link.send(HELLO, WIRE, m.digest, promise, signature)
        self.beating = asyncio.create_task(self.beat())
        for name, link in self.links.items():
            version, digest, nonces[name], proof = await link.receive(HELLO)
            signed_part = struct.pack("<H", version) + digest + nonces[name]
            link.key.verify(proof, b"ostraka hello\0" + signed_part)
            if (version, digest) != (WIRE, m.digest):
                raise Stop("disagreement", name, "another version or manifest")
        for name, link in self.links.items():
            self.relay(name, link.certificate, HELLO, m.parties)
        self.session = H(b"ostraka session\0", m.digest, *(nonces[p] for p in m.parties))
        signature = self.key.sign(b"ostraka ready\0" + self.session)
        computes = self.me in m.compute
        halves = {c: secrets.token_bytes(32) for c in m.compute if computes and c != self.me}
        for name, link in self.links.items():
            both = {name, self.me} <= set(m.recipients)
            half = halves.get(name, b"")
            link.send(READY, self.session, nonce if both else b"", signature, half)
        for name in sorted(self.links, key=m.compute.__contains__, reverse=True):
            link = self.links[name]
            session, shown, proof, half = await link.receive(READY)
            link.key.verify(proof, b"ostraka ready\0" + session)
            if session != self.session:
                raise Stop("disagreement", name, "another session")
            if {name, self.me} <= set(m.recipients):
                self.nonces[name] = shown
                if H(b"ostraka hello nonce\0", H(b"ostraka nonce hash\0", shown)) != nonces[name]:
                    raise Stop("violation", name, "another nonce than it promised")
            if len(half) != 32 * (name in halves):
                raise Stop("violation", name, "another half of a key")
            if half:
                first = m.compute.index(self.me) < m.compute.index(name)
                both = [halves[name], half][:: 1 if first else -1]
                self.pairs[name] = H(b"ostraka pair key\0", self.session, *both)
            link.kept[READY] = encode(READY, session, b"", proof, b"")
            self.relay(name, b"", READY, m.parties)

    async def beat(self) -> None:
        while await asyncio.sleep(0.25, True):
            for link in self.links.values():
                link.writer.write(struct.pack("<BI", ACK, link.taken % 2**32))

    def relay(self, of: str, certificate: bytes, number: int, to: list[str]) -> None:
        """Relay a message that this party keeps, if it is the sender's relayer."""
        m, place = self.m, self.m.parties.index(of)
        if m.compute[place % m.n] == self.me:
            for name in set(to) - {of, self.me} - {p for p in to if m.linked(of, p)}:
                self.links[name].send(RELAYED, place, certificate, self.links[of].kept[number])

    # Closing

    async def close(self, counted: set[str], figures: dict[str, Any] | None) -> dict[str, Any]:
        """Say the closing statement; return the statements of all parties that sent one."""
        m = self.m
        places = [i for i, c in enumerate(m.contributors) if c in counted]
        body = {"party": self.me, "session": self.session.hex(), "manifest_sha256": m.digest.hex()}
        body |= {"sent": self.sent.hexdigest(), "consented": places}
        if figures is not None:
            key = H(b"ostraka readers\0", self.session, *(self.nonces[r] for r in m.recipients))
            made = {name: commitment(key, name, values) for name, values in figures.items()}
            readers = list(range(len(m.recipients)))
            body |= {"counted": places, "figures": [{"commitments": made, "readers": readers}]}
        text = json.dumps(body, sort_keys=True, separators=(",", ":")).encode()
        statements: dict[str, Any] = {self.me: body}
        for link in self.links.values():
            link.send(STATEMENT, text, self.key.sign(text))
        for name, link in self.links.items():
            with contextlib.suppress(OSError, EOFError, TimeoutError, Lost):
                text, proof = await asyncio.wait_for(link.receive(STATEMENT), 10)
                link.key.verify(proof, text)
                statements[name] = json.loads(text)
                self.relay(name, b"", STATEMENT, m.recipients)
        self.beating.cancel()
        for link in self.links.values():
            link.writer.close()
            with contextlib.suppress(OSError, EOFError, TimeoutError):
                await asyncio.wait_for(link.writer.wait_closed(), 5)
        return statements

    def abort(self, stop: Stop) -> None:
        for link in self.links.values():
            link.send(ABORT, stop.code, stop.blame)
            link.writer.close()


def commitment(key: bytes, name: str, values: list[int]) -> str:
    nonce = hmac.digest(key, b"ostraka figure\0" + name.encode(), "sha256")
    parts = f"<i8\0{len(values)}\0".encode() + struct.pack(f"<{len(values)}q", *values)
    return hmac.digest(nonce, parts, "sha256").hex()


async def exactly(conn: socket.socket, count: int) -> bytes:
    """Read exactly so many bytes, and leave those of TLS in the socket."""
    data = b""
    while len(data) < count:
        more = await asyncio.get_running_loop().sock_recv(conn, count - len(data))
        if not more:
            raise EOFError
        data += more
    return data
