"""Connection of a client to a mailbox: direct, or through a proxy that the environment names.

OSTRAKA_PROXY (SOCKS5) comes first, so that what hides an address in a session hides it here, too;
then HTTPS_PROXY, HTTP_PROXY and NO_PROXY as other programs read them. HTTPS is checked against the
system's authorities, or those of the file in SSL_CERT_FILE.
"""

from __future__ import annotations

import http.client
import socket
import ssl
from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ostraka.addresses import Proxy, host_port
from ostraka.errors import UsageError
from ostraka.transport import socks

TIMEOUT_SECONDS: Final = 30.0
"""Seconds that a connection, and each piece of an answer, may take."""


class Route:
    """Way to one server.

    Args:
        url: of the mailbox: "https://host[:port][/path]", or "http://...".
        environ: the environment.

    Raises:
        UsageError: OSTRAKA_PROXY is not valid.
    """

    def __init__(self, url: str, environ: Mapping[str, str]) -> None:
        self.url = urlsplit(url)
        self.host = self.url.hostname or ""
        self.port = self.url.port or (443 if self.secure else 80)
        self._socks = _socks(environ)
        self._proxy = None if self._socks else _http_proxy(self.url, environ)
        self._cafile = environ.get("SSL_CERT_FILE")

    @property
    def secure(self) -> bool:
        """Whether it is HTTPS."""
        return self.url.scheme == "https"

    def target(self, path: str) -> str:
        """Return what a request's first line names: a path, or all of the URL for a proxy."""
        whole = f"{self.url.path.rstrip('/')}{path}"
        if self._proxy is not None and not self.secure:
            return f"http://{self.url.netloc}{whole}"
        return whole

    def connect(self) -> http.client.HTTPConnection:
        """Return a connection; it is made with the first request.

        Raises:
            OSError: when it is made: there is no answer, or no valid certificate.
        """
        if self._proxy is None:
            return _Direct(self.host, self.port, self._context(), self._socks)
        found = _Direct(self._proxy.hostname or "", self._proxy.port or 3128, self._context(), None)
        if self.secure:
            found.set_tunnel(self.host, self.port)
        return found

    def _context(self) -> ssl.SSLContext | None:
        if not self.secure:
            return None
        context = ssl.create_default_context(cafile=self._cafile)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


class _Direct(http.client.HTTPConnection):
    """Connection of HTTP or HTTPS, perhaps through SOCKS5, or through CONNECT to another host."""

    def __init__(
        self, host: str, port: int, context: ssl.SSLContext | None, proxy: Proxy | None
    ) -> None:
        super().__init__(host, port, timeout=TIMEOUT_SECONDS)
        self._context, self._proxy, self._peer = context, proxy, host

    def set_tunnel(
        self, host: str, port: int | None = None, headers: Mapping[str, str] | None = None
    ) -> None:
        super().set_tunnel(host, port, headers)
        self._peer = host

    def connect(self) -> None:
        if self._proxy is None:
            super().connect()
        else:
            self.sock = _through(self._proxy, self.host, self.port)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self._peer)


def _through(proxy: Proxy, host: str, port: int) -> socket.socket:
    """Connect to a host through a SOCKS5 proxy, which looks its name up."""
    found = socket.create_connection(host_port(proxy.address), TIMEOUT_SECONDS)
    try:
        steps = socks.request(proxy, host, port)
        answer = b""
        while (step := _step(steps, answer)) is not None:
            answer = b""
            if isinstance(step, bytes):
                found.sendall(step)
            else:
                answer = _receive(found, step)
    except BaseException:
        found.close()
        raise
    return found


def _step(steps: socks.Steps, answer: bytes) -> bytes | int | None:
    try:
        return steps.send(answer) if answer else next(steps)
    except StopIteration:
        return None


def _receive(sock: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = sock.recv(length - len(found))
        if not more:
            raise ConnectionError(0, "the proxy closed the connection")
        found += more
    return found


def _socks(environ: Mapping[str, str]) -> Proxy | None:
    text = environ.get("OSTRAKA_PROXY")
    if not text:
        return None
    try:
        return Proxy.parse(text)
    except ValueError as error:
        raise UsageError(f"OSTRAKA_PROXY {error}", data_left=False) from None


def _http_proxy(url: SplitResult, environ: Mapping[str, str]) -> SplitResult | None:
    proxies = {
        name.lower().removesuffix("_proxy"): value
        for name, value in environ.items()
        if name.lower().endswith("_proxy") and value
    }
    if "REQUEST_METHOD" in environ:  # a program of a web server: HTTP_PROXY is a visitor's header
        proxies.pop("http", None)
    if _bypasses(url.hostname or "", proxies.get("no", "")):
        return None
    found = proxies.get(url.scheme) or proxies.get("all")
    return urlsplit(found if "//" in found else f"http://{found}") if found else None


def _bypasses(host: str, listed: str) -> bool:
    """Whether NO_PROXY lists a host: itself, a domain that it is in, or "*"."""
    names = [name.strip().lstrip(".").lower() for name in listed.split(",")]
    return any(name and (name in ("*", host) or host.endswith(f".{name}")) for name in names)
