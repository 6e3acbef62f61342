"""Links, messages and gathering, from docs/spec/wire.md and gathering.md: direct links only."""

import hashlib
import hmac
import json
import os
import socket
import ssl
import struct
import time
from pathlib import Path

import msgpack
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

VERSION, INLINE, DATA_FRAME = 4, 8192, 1 << 20
HELLO, READY, VECTOR, STATEMENT, ABORT = range(1, 6)


class Violation(Exception):
    """A peer sent something that the specification does not allow."""


def H(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def promise(shown):
    return H(b"ostraka hello nonce\0", H(b"ostraka nonce hash\0", shown))


class Link:
    """TLS to one peer, blocking; `pins` are the fingerprints admitted, with their names."""

    def __init__(self, sock, me, pins, *, server):
        sock.settimeout(me.timeout)
        sock.sendall(b"OSTRAKA\x01" + struct.pack("<H", len(me.certificate)) + me.certificate)
        self.stream = sock
        head = self.read(10)
        self.certificate = self.read(struct.unpack("<H", head[8:])[0])
        self.peer = pins.get(H(self.certificate).hex())
        if head[:8] != b"OSTRAKA\x01" or self.peer is None:
            raise Violation("not a party of this manifest")
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if server else ssl.PROTOCOL_TLS_CLIENT)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.check_hostname, context.verify_mode = False, ssl.CERT_REQUIRED
        context.load_cert_chain(me.path / f"{me.name}.crt", me.path / f"{me.name}.key")
        context.load_verify_locations(cadata=self.certificate)
        self.stream = context.wrap_socket(sock, server_side=server)
        if self.stream.getpeercert(binary_form=True) != self.certificate:
            raise Violation("TLS saw another certificate")
        self.key = x509.load_der_x509_certificate(self.certificate).public_key()

    def read(self, size):
        found = b""
        while len(found) < size:
            found += (piece := self.stream.recv(size - len(found)))
            if not piece:
                raise Violation("the link ended")
        return found

    def frame(self, wanted):
        kind, length = struct.unpack("<BI", self.read(5))
        if kind != wanted or length > (DATA_FRAME if kind == 2 else 16384):
            raise Violation("a frame that is not due")
        return self.read(length)

    def say(self, *fields):
        body = msgpack.packb(fields)
        self.stream.sendall(struct.pack("<BI", 1, len(body)) + body)

    def hear(self, kind):
        found, *fields = msgpack.unpackb(body := self.frame(1))
        if msgpack.packb([kind, *fields]) != body:
            raise Violation(f"{self.peer} said {found} {fields if found == ABORT else ''}")
        return fields

    def send(self, phase, step, data, dtype):
        length = len(data) // 8 if dtype == "u8" else len(data)
        inline = data if len(data) <= INLINE else b""
        self.say(VECTOR, phase, step, dtype, length, inline)
        for start in range(0, len(data) if not inline else 0, DATA_FRAME):
            piece = data[start : start + DATA_FRAME]
            self.stream.sendall(struct.pack("<BI", 2, len(piece)) + piece)

    def receive(self, phase, step, length, dtype="u8"):
        *head, data = self.hear(VECTOR)
        size = length * (8 if dtype == "u8" else 1)
        if head != [phase, step, dtype, length] or len(data) != (size if size <= INLINE else 0):
            raise Violation(f"{self.peer} sent {head} where {[phase, step, dtype, length]} is due")
        while len(data) < size:
            data += self.frame(2)
        return data


class Session:
    """One compute party with its links, open once the constructor returns."""

    def __init__(self, canonical, name, keys):
        self.manifest, self.digest = json.loads(canonical), H(canonical)
        self.name, self.path, self.links = name, Path(keys), {}
        self.certificate = ssl.PEM_cert_to_DER_cert((self.path / f"{name}.crt").read_text())
        self.key = load_pem_private_key((self.path / f"{name}.key").read_bytes(), None)
        self.timeout = self.manifest["session"]["deadline"]
        self.protocol, listed = self.manifest["session"]["protocol"], self.manifest["party"]
        self.parties = [p["name"] for p in listed]
        self.contributors, self.compute, self.recipients = (
            [p["name"] for p in listed if role in p["roles"]]
            for role in ("contributor", "compute", "recipient")
        )
        self.sent = hmac.new(os.urandom(32), digestmod=hashlib.sha256)
        self.gather({p["name"]: p["address"] for p in listed})
        self.introduce()

    def gather(self, at):
        pins = {p["key"][7:]: p["name"] for p in self.manifest["party"] if p["name"] != self.name}
        mine, before = at[self.name], self.parties[: self.parties.index(self.name)]
        server = socket.create_server(split(mine)) if mine else None
        for key, peer in pins.items():
            if at[peer] and (mine is None or peer in before):
                sock = dial(at[peer], self.timeout)
                self.links[peer] = Link(sock, self, {key: peer}, server=False)
        while len(self.links) < len(pins):
            link = Link(server.accept()[0], self, pins, server=True)
            self.links[link.peer] = link

    def introduce(self):
        hello = b"ostraka hello\0" + struct.pack("<H", VERSION)
        nonce = promise(shown := os.urandom(32))
        nonces, shared = {self.name: nonce}, {self.name: shown}
        for link in self.links.values():
            link.say(HELLO, VERSION, self.digest, nonce, self.key.sign(hello + self.digest + nonce))
        for peer, link in self.links.items():
            version, digest, nonces[peer], signature = link.hear(HELLO)
            link.key.verify(signature, hello + digest + nonces[peer])
            if (version, digest) != (VERSION, self.digest):
                raise Violation(f"{peer} has another manifest")
        self.id = H(b"ostraka session\0", self.digest, *(nonces[p] for p in self.parties))
        ready = b"ostraka ready\0" + self.id
        for peer, link in self.links.items():
            both = {peer, self.name} <= set(self.recipients)
            link.say(READY, self.id, shown if both else b"", self.key.sign(ready))
        for peer, link in self.links.items():
            session, shared[peer], signature = link.hear(READY)
            link.key.verify(signature, ready)
            if session != self.id or (shared[peer] and promise(shared[peer]) != nonces[peer]):
                raise Violation(f"{peer} is in another session")
        self.readers = H(b"ostraka readers\0", self.id, *(shared[p] for p in self.recipients))

    def send(self, peers, phase, step, data, dtype="u8"):
        """Send a vector, as bytes, to some parties, and commit to it."""
        peers = [p for p in peers if p != self.name]
        element, size = ("<u8", 8) if dtype == "u8" else ("|u1", 1)
        head = f"{','.join(peers)}\0{phase}.{step}\0{element}\0{len(data) // size}\0"
        self.sent.update(head.encode() + H(data))
        for peer in peers:
            self.links[peer].send(phase, step, data, dtype)

    def close(self, name, vector):
        """Say a closing statement, hear those of others; return the commitments to results."""
        statement = {"party": self.name, "session": self.id.hex(), "sent": self.sent.hexdigest()}
        statement["manifest_sha256"] = self.digest.hex()
        statement["consented"] = [*range(len(self.contributors))]
        if vector is not None:
            nonce = hmac.digest(self.readers, f"ostraka figure\0{name}".encode(), "sha256")
            part = f"<i8\0{len(vector)}\0".encode() + struct.pack(f"<{len(vector)}q", *vector)
            found = {"commitments": {name: hmac.digest(nonce, part, "sha256").hex()}}
            statement["figures"] = [found | {"readers": [*range(len(self.recipients))]}]
            statement["counted"] = statement["consented"]
        body = json.dumps(statement, sort_keys=True, separators=(",", ":")).encode()
        heard = [statement]
        for link in self.links.values():
            link.say(STATEMENT, body, self.key.sign(body))
        for link in self.links.values():
            said, signature = link.hear(STATEMENT)
            link.key.verify(signature, said)
            heard.append(json.loads(said))
        return {str(said["figures"]) for said in heard if "figures" in said}


def split(address):
    return address.rpartition(":")[0], int(address.rpartition(":")[2])


def dial(address, seconds):
    for _ in range(int(20 * seconds)):
        try:
            return socket.create_connection(split(address))
        except OSError:
            time.sleep(0.05)
    raise Violation(f"no party answers at {address}")
