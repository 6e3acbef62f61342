"""Client of a mailbox: what organiser, compute parties and contributors ask of it.

Every request may be sent again: the mailbox keeps one thing once. So a lost answer, a busy mailbox
and a database that is away are waited out, for a while. The mailbox is trusted with nothing: what
this returns is checked where it is used.
"""

from __future__ import annotations

import asyncio
import base64
import http.client
import json
import os
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from time import monotonic, sleep, time
from typing import Any, Final, NamedTuple
from urllib.parse import quote

from ostraka.collection import signed
from ostraka.collection.merkle import Proof
from ostraka.collection.promise import Promise
from ostraka.errors import (
    Disagreement,
    InvitationExpired,
    OstrakaError,
    PeerViolation,
    RefusedByPolicy,
    Temporary,
    Unreachable,
    UsageError,
)
from ostraka.identity import Identity
from ostraka.mailbox.bodies import Fetched, ascending, join_founding
from ostraka.mailbox.connection import Route

PATIENCE_SECONDS: Final = 60.0
"""Seconds that a request is tried again for."""

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 10.0

BLOCK: Final = 2000
"""Reports of one answer, at most."""

ANSWER_BYTES: Final = 1 << 30
"""Bytes of an answer, at most: a block holds 8 MiB of reports, or one report."""

_DIGEST: Final = 32

_AGAIN: Final = (408, 425, 429, 500, 502, 503, 504)

_ERRORS: Final[dict[str, type[OstrakaError]]] = {
    "closed": InvitationExpired,
    "full": RefusedByPolicy,
    "organiser": RefusedByPolicy,
    "no-early-close": RefusedByPolicy,
    "deleted": RefusedByPolicy,
    "revoked": InvitationExpired,
    "settled": InvitationExpired,
    "past": RefusedByPolicy,
    "another-key": InvitationExpired,
    "superseded": InvitationExpired,
    "replaced": InvitationExpired,
    "collection": Disagreement,
    "digest": Disagreement,
    "unknown": Temporary,
    "waiting": Temporary,
    "busy": Temporary,
    "gone": Temporary,
    "rate": Temporary,
    "disk-full": Temporary,
}
"""Error of each code of a refusal; any other is a UsageError."""


class CollectionStatus(NamedTuple):
    """Status of a collection, as its mailbox tells it.

    Attributes:
        manifest: its TOML, whose digest is to be checked.
        closes: seconds since 1970.
        state: "waiting" for sealing statements, "open", "closing" or "done".
        reports: number of reports, replaced ones among them.
        statements: sealing statements by compute party, to be checked.
    """

    manifest: bytes
    closes: int
    state: str
    reports: int
    statements: dict[str, bytes]


class _Answer(NamedTuple):
    status: int
    body: bytes
    retry_after: float


class MailboxClient:
    """Client of one collection at one mailbox, for one task at a time.

    Args:
        urls: of the mailbox: "https://host[:port][/path]"; "http://..." on loopback. Several are of
            processes over one database: where one does not answer, or is busy, the next is asked.
        manifest: the manifest's digest, 32 bytes; empty for `collections`, which is about none.
        own: identity of a compute party: it fetches reports.
        patience: seconds that a request is tried again for.
        environ: names proxies, and a file of authorities.

    Every method raises Unreachable (10) where there is no answer, Temporary (75) where the mailbox
    is busy, RefusedByPolicy (31), InvitationExpired (12) or Disagreement (30) as it refuses, and
    PeerViolation (50) where its answer is none.
    """

    def __init__(
        self,
        urls: str | Sequence[str],
        manifest: bytes,
        *,
        own: Identity | None = None,
        patience: float = PATIENCE_SECONDS,
        environ: Mapping[str, str] = os.environ,
        wait: Callable[[float], None] = sleep,
    ) -> None:
        self._urls, self.manifest = [urls] if isinstance(urls, str) else list(urls), manifest
        self._own, self._patience, self._wait = own, patience, wait
        self._environ = environ
        self._route = Route(self.url, environ)
        self._connection: http.client.HTTPConnection | None = None
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The URL that is asked now."""
        return self._urls[0]

    def close(self) -> None:
        """Close the connection. Idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # Organiser

    async def publish(self, manifest: bytes, publication: bytes) -> None:
        """Open the collection.

        Args:
            manifest: its TOML.
            publication: the organiser's statement with the roster in it.
        """
        await self._put("", join_founding(manifest, publication))

    async def put_revocations(self, octets: bytes) -> None:
        """Leave the organiser's statement of all credentials that are taken back."""
        await self._put("/revocations", octets)

    async def put_close(self, octets: bytes) -> None:
        """Leave the organiser's order to close early."""
        await self._put("/close", octets)

    # All roles

    async def status(self) -> CollectionStatus:
        """Return the status of the collection."""
        return _status(_json(await self._get("")))

    async def publication(self) -> bytes:
        """Return the organiser's statement with the roster in it."""
        return await self._get("/roster")

    async def revocations(self) -> bytes | None:
        """Return the organiser's statement of revocations, or None."""
        return await self._get_or_none("/revocations")

    async def close_order(self) -> bytes | None:
        """Return the organiser's order to close early, or None."""
        return await self._get_or_none("/close")

    async def receipts(self) -> dict[str, bytes]:
        """Return the compute parties' receipts that are there: statements, by party."""
        return _of_base64(_json(await self._get("/receipt")))

    async def inclusion(self, digest: bytes) -> dict[str, Proof]:
        """Return, by compute party, the proof that a report was counted; {} before it was."""
        found = await self._get_or_none(f"/inclusion/{digest.hex()}")
        if found is None:
            return {}
        return {party: Proof.of_table(table) for party, table in _table(_json(found)).items()}

    # Contributors

    async def put_report(self, digest: bytes, octets: bytes) -> Promise:
        """Leave a report; return the mailbox's promise, which is checked."""
        answer = await self._put(f"/reports/{digest.hex()}", octets)
        promise = Promise.of_table(_json(answer))
        promise.check(self.manifest, digest)
        return promise

    # Compute parties

    async def put_statement(self, party: str, octets: bytes) -> None:
        """Leave a compute party's sealing statement; the first one stays."""
        await self._put(f"/statements/{quote(party, safe='')}", octets)

    async def put_agreed(self, party: str, octets: bytes) -> None:
        """Leave a compute party's signed list of counted reports."""
        await self._put(f"/agreed/{quote(party, safe='')}", octets)

    async def put_receipt(self, party: str, octets: bytes) -> None:
        """Leave a compute party's signed receipt."""
        await self._put(f"/receipt/{quote(party, safe='')}", octets)

    async def collections(self) -> list[bytes]:
        """Return the digests of the manifests of open collections that this party computes for."""
        found = _table(_json(await self._get("", signed_by=self._own))).get("collections")
        try:
            digests = [bytes.fromhex(text) for text in found or ()]
        except (TypeError, ValueError):
            digests = [b""]
        if any(len(digest) != _DIGEST for digest in digests):
            raise PeerViolation("the mailbox's list of collections is none", data_left=False)
        return digests

    async def fetch(self, party: str, after: int = 0) -> AsyncIterator[list[Fetched]]:
        """Yield a compute party's views of the reports at positions above `after`, in order and in
        blocks, up to the last one that is there. A later call goes on where an earlier one ended.
        """
        path = f"/reports?party={quote(party, safe='')}&limit={BLOCK}&after="
        while True:
            answer = await self._get(f"{path}{after}", signed_by=self._own)
            block = ascending(answer, after)
            if not block:
                return
            after = block[-1].position
            yield block

    # Requests

    async def _put(self, path: str, body: bytes) -> bytes:
        return await asyncio.to_thread(self._succeed, "PUT", path, body, None)

    async def _get(self, path: str, *, signed_by: Identity | None = None) -> bytes:
        return await asyncio.to_thread(self._succeed, "GET", path, b"", signed_by)

    async def _get_or_none(self, path: str) -> bytes | None:
        answer = await asyncio.to_thread(self._ask, "GET", path, b"", None)
        if answer.status == 404 and _code(answer) == "none":
            return None
        return self._checked(answer)

    def _succeed(self, verb: str, path: str, body: bytes, own: Identity | None) -> bytes:
        return self._checked(self._ask(verb, path, body, own))

    def _checked(self, answer: _Answer) -> bytes:
        if answer.status == 200:
            return answer.body
        code, table = _code(answer), _refusal(answer)
        kind = _ERRORS.get(code, Temporary if answer.status in _AGAIN else UsageError)
        raise kind(
            f"the mailbox {self.url} refuses: {table.get('error', f'HTTP {answer.status}')}"[:400],
            hint=str(table.get("hint", "check its address"))[:400],
        )

    def _ask(self, verb: str, path: str, body: bytes, own: Identity | None) -> _Answer:
        """Send a request until it is answered, or patience ends; the last answer counts."""
        until, pause, asked_in_turn = monotonic() + self._patience, FIRST_PAUSE_SECONDS, 1
        while True:
            answer: _Answer | OstrakaError
            try:
                answer = self._once(verb, path, body, own)
            except ssl.SSLCertVerificationError as error:
                raise self._no_certificate(error) from None
            except (OSError, http.client.HTTPException, EOFError) as error:
                answer = self._unreachable(error)
            if isinstance(answer, _Answer) and answer.status not in _AGAIN:
                return answer
            self._turn()
            if asked_in_turn % len(self._urls):
                asked_in_turn += 1
                continue
            asked_in_turn = 1
            asked = answer.retry_after if isinstance(answer, _Answer) else 0.0
            wait = min(max(pause, asked), LONGEST_PAUSE_SECONDS)
            if monotonic() + wait > until:
                if isinstance(answer, OstrakaError):
                    raise answer
                return answer
            self._wait(wait)
            pause *= 2

    def _turn(self) -> None:
        """Ask the next URL from now on."""
        if len(self._urls) > 1:
            self.close()
            self._urls.append(self._urls.pop(0))
            self._route = Route(self.url, self._environ)

    def _once(self, verb: str, path: str, body: bytes, own: Identity | None) -> _Answer:
        with self._lock:
            kept, self._connection = self._connection, None
            connection = kept or self._route.connect()
            try:
                of = f"/{self.manifest.hex()}" if self.manifest else ""
                target = self._route.target(f"/v1/collections{of}{path}")
                connection.request(verb, target, body or None, self._headers(own))
                response = connection.getresponse()
                content = response.read(ANSWER_BYTES)
                after = response.headers.get("Retry-After", "")
                answer = _Answer(response.status, content, float(after) if after.isdigit() else 0.0)
            except BaseException:
                connection.close()
                raise
            if response.will_close or not response.isclosed():
                connection.close()
            else:
                self._connection = connection
            return answer

    def _headers(self, own: Identity | None) -> dict[str, str]:
        if own is None:
            return {}
        now = int(time()).to_bytes(8, "little")
        label, of = (signed.FETCH, self.manifest) if self.manifest else (signed.LIST, bytes(32))
        said = signed.write_statement(label, of, now, own)
        return {"Authorization": f"Ostraka {base64.b64encode(said).decode()}"}

    def _unreachable(self, error: Exception) -> Unreachable:
        why = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Unreachable(
            f"the mailbox {self.url} does not answer: {why}",
            hint="try again; what the mailbox has already is not stored twice",
        )

    def _no_certificate(self, error: ssl.SSLCertVerificationError) -> Unreachable:
        return Unreachable(
            f"the certificate of {self.url} is not valid: {error.verify_message}",
            hint="do not send anything there; for an authority of your own, set SSL_CERT_FILE=FILE",
            data_left=False,
        )


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise PeerViolation("the mailbox's answer is not JSON") from None


def _table(found: Any) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise PeerViolation("the mailbox's answer is no object of JSON")
    return found


def _refusal(answer: _Answer) -> dict[str, Any]:
    with suppress(ValueError, RecursionError):
        found = json.loads(answer.body)
        if isinstance(found, dict):
            return found
    return {}


def _code(answer: _Answer) -> str:
    return str(_refusal(answer).get("code", ""))


def _of_base64(found: Any) -> dict[str, bytes]:
    try:
        return {
            party: base64.b64decode(text, validate=True) for party, text in _table(found).items()
        }
    except (TypeError, ValueError):
        raise PeerViolation("the mailbox's answer is not base64") from None


def _status(found: Any) -> CollectionStatus:
    try:
        closes = datetime.strptime(found["closes"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
        return CollectionStatus(
            found["manifest"].encode(),
            int(closes.timestamp()),
            str(found["state"]),
            int(found["reports"]),
            _of_base64(found["statements"]),
        )
    except (AttributeError, KeyError, TypeError, ValueError):
        raise PeerViolation("the mailbox's answer is no status of a collection") from None
