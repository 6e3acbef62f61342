"""A SOCKS5 proxy in threads of this process, which knows names that no name server knows."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class SocksServer:
    """A proxy on localhost; used as a context.

    Args:
        names: addresses of names; "*" stands for any other.
        login: user and password that it wants; None: it lets all in.
    """

    def __init__(self, names=None, login=None):
        self.names, self.login = names or {}, login
        self.requests, self.logins = [], []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._open = [self._listener]

    def __enter__(self):
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(self, *_):
        for sock in self._open:
            with suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()

    def _serve(self):
        with suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                threading.Thread(target=self._attend, args=(client,), daemon=True).start()

    def _attend(self, client):
        with client, suppress(OSError, EOFError):
            if not self._greet(client):
                return
            host, port = self._request(client)
            self.requests.append((host, port))
            target = self.names.get(host) or self.names.get("*") or host
            if target is None or not target[0].isdigit():
                client.sendall(b"\x05\x04\x00\x01" + bytes(6))
                return
            server = socket.socket()
            self._open.append(server)
            try:
                server.connect((target, port))  # no name is looked up, so tests may forbid it
            except OSError:
                client.sendall(b"\x05\x05\x00\x01" + bytes(6))
                return
            client.sendall(b"\x05\x00\x00\x03\x05proxy" + bytes(2))
            back = threading.Thread(target=_pump, args=(server, client), daemon=True)
            back.start()
            _pump(client, server)
            back.join()
            server.close()

    def _greet(self, client):
        version, count = _exactly(client, 2)
        assert version == 5
        methods = _exactly(client, count)
        if self.login is None:
            client.sendall(b"\x05\x00")
            return True
        if 2 not in methods:
            client.sendall(b"\x05\xff")
            return False
        client.sendall(b"\x05\x02")
        assert _exactly(client, 1) == b"\x01"
        login = tuple(_exactly(client, _exactly(client, 1)[0]).decode() for _ in range(2))
        self.logins.append(login)
        client.sendall(b"\x01" + bytes([login != self.login]))
        return login == self.login

    def _request(self, client):
        assert _exactly(client, 3) == b"\x05\x01\x00"
        (kind,) = _exactly(client, 1)
        if kind == 3:
            host = _exactly(client, _exactly(client, 1)[0]).decode()
        else:
            family, size = (socket.AF_INET, 4) if kind == 1 else (socket.AF_INET6, 16)
            host = socket.inet_ntop(family, _exactly(client, size))
        return host, int.from_bytes(_exactly(client, 2), "big")


def _exactly(sock, size):
    data = b""
    while len(data) < size:
        more = sock.recv(size - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def _pump(source, sink):
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
