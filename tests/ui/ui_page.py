"""Requests to a party's page without a socket."""

import asyncio
import json
from urllib.parse import quote

HOST, TOKEN = "127.0.0.1:9450", "t0ken"


class AsgiClient:
    """Requests to an ASGI application, as the page's script sends them."""

    def __init__(self, app):
        self.app = app

    async def send(self, method, path, body=b"", headers=None):
        """The status, the headers and the body that are answered."""
        path, _, query = path.partition("?")
        own = {"host": HOST, "authorization": f"Bearer {TOKEN}"} | (headers or {})
        raw = [(k.encode(), v.encode()) for k, v in own.items() if v is not None]
        scope = {"type": "http", "method": method, "path": path, "raw_path": path.encode(),
                 "query_string": query.encode(), "headers": raw, "scheme": "http",
                 "server": ("127.0.0.1", 9450), "client": ("127.0.0.1", 1), "root_path": "",
                 "http_version": "1.1"}  # fmt: skip
        parts = [body[i : i + 65536] for i in range(0, len(body), 65536)] or [b""]
        given = [{"type": "http.request", "body": p, "more_body": i < len(parts) - 1}
                 for i, p in enumerate(parts)]  # fmt: skip
        sent = []

        async def receive():
            return given.pop(0) if given else {"type": "http.disconnect"}

        async def send(message):
            sent.append(message)

        await self.app(scope, receive, send)
        head = {k.decode().lower(): v.decode() for k, v in sent[0]["headers"]}
        return sent[0]["status"], head, b"".join(m.get("body", b"") for m in sent[1:])

    async def ask(self, path, body=None, method=None, status=200):
        """The JSON that an address answers with, which must have this status."""
        octets = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        method = method or ("GET" if body is None else "POST")
        found, _, answer = await self.send(method, f"/api/{path}", octets)
        assert found == status, answer
        return json.loads(answer)

    async def upload(self, digest, name, content):
        path = f"sessions/{digest}/file?name={quote(name)}"
        return await self.ask(path, content, "PUT")

    async def ended(self, digest):
        """Wait until a run has ended; its state."""
        async with asyncio.timeout(20):
            while (run := (await self.ask(f"sessions/{digest}/run"))["run"])["state"] == "running":
                await asyncio.sleep(0.01)
        return run
