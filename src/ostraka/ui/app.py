"""Application of a party's page: its files, and the addresses that its script asks.

    GET  /                         the page, its script and style; nothing of the party is in them
    GET  /api/sessions             sessions, invitations, drafts
    GET  /api/sessions/ID          one session: rules, keys, form, run;  /run: input and run alone
    PUT  /api/sessions/ID/file     the file that was chosen;  POST .../input: read it, or an answer
    POST /api/sessions/ID/VERB     confirm (the keys), run, stop, forget (the input)
    POST /api/join                 a code;  POST /api/invitations/DRAFT/VERB: accept, decline
    GET  /api/results, /api/receipts, /api/ledger

ID is the digest of a manifest, so that what a person saw is what is run. Errors are JSON with the
words and the exit code of the command line.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import cache
from importlib.resources import files
from typing import Any, Final

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ostraka import limits, strict_json
from ostraka.errors import InputError, UsageError
from ostraka.names import RELEASE
from ostraka.ui.desk import SessionDesk
from ostraka.ui.joining import InvitationDesk
from ostraka.ui.keeping import Keeping
from ostraka.ui.settings import PageSettings
from ostraka.ui.uploads import Uploads
from ostraka.ui.watching import failure, shortened

FILES: Final = {
    "/": ("ostraka.ui", "ui.html", "text/html"),
    "/page.css": ("ostraka.page", "page.css", "text/css"),
    "/ui.css": ("ostraka.ui", "ui.css", "text/css"),
    "/parts.js": ("ostraka.page", "parts.js", "text/javascript"),
    "/chart.js": ("ostraka.ui", "chart.js", "text/javascript"),
    "/ui.js": ("ostraka.ui", "ui.js", "text/javascript"),
}
"""Files of the page, by their address: the room, the name, the type."""

BODY: Final = limits.INPUT
"""Bytes of a request with JSON, at most."""

Endpoint = Callable[[Request], Awaitable[Any]]


class PartyPage:
    """Page of one party, as an ASGI application; `Guard` has to stand before it."""

    def __init__(self, settings: PageSettings, tasks: asyncio.TaskGroup, uploads: Uploads) -> None:
        self._settings, self._uploads = settings, uploads
        self._desk = SessionDesk(settings, tasks, uploads)
        self._joining, self._keeping = InvitationDesk(settings, tasks), Keeping(settings)
        self.app = Starlette(routes=[*map(_file_route, FILES), *self._routes()])

    def _routes(self) -> list[Route]:
        one = "/api/sessions/{digest}"
        table: list[tuple[str, str, Endpoint]] = [
            ("GET", "/api/sessions", self._sessions),
            ("GET", one, self._session),
            ("GET", f"{one}/run", self._run_of),
            ("GET", f"{one}/template", self._template),
            ("PUT", f"{one}/file", self._file),
            ("POST", f"{one}/input", self._input),
            ("POST", f"{one}/forget", self._forget),
            ("POST", f"{one}/confirm", lambda r: self._desk.confirm(_digest(r))),
            ("POST", f"{one}/run", lambda r: self._desk.begin(_digest(r))),
            ("POST", f"{one}/stop", lambda r: self._desk.stop(_digest(r))),
            ("POST", "/api/join", self._join),
            ("POST", "/api/invitations/{draft}/accept", self._accept),
            ("POST", "/api/invitations/{draft}/decline", self._decline),
            ("POST", "/api/drafts/{draft}/look", self._look),
            ("GET", "/api/results", self._results),
            ("GET", "/api/results/{session}/{party}", self._result),
            ("GET", "/api/receipts", self._receipts),
            ("GET", "/api/ledger", self._ledger),
        ]
        return [Route(path, self._answering(to), methods=[verb]) for verb, path, to in table]

    def _answering(self, endpoint: Endpoint) -> Endpoint:
        """Return an endpoint that answers with JSON, errors too; files lose their place in it."""

        async def answer(request: Request) -> Response:
            status = 200
            try:
                found = await endpoint(request)
            except Exception as error:
                found = failure(error)
                status = 500 if found["exit"] == 70 else 422
            return JSONResponse(self._named(found), status)

        return answer

    def _named(self, found: Any) -> Any:
        """Return JSON in which files that were chosen are called by their name alone."""
        if isinstance(found, str):
            return self._uploads.without_place(found)
        if isinstance(found, dict):
            return {key: self._named(value) for key, value in found.items()}
        if isinstance(found, list):
            return [self._named(value) for value in found]
        return found if isinstance(found, int | float | None) else str(found)

    # Sessions

    async def _sessions(self, _request: Request) -> dict[str, Any]:
        found = await self._desk.sessions()
        kept = await asyncio.to_thread(self._keeping.by_manifest)
        for one in found["sessions"]:
            one["result"] = kept.get((one["digest"], one["me"]), "")
        drafts = await asyncio.to_thread(self._joining.drafts)
        return found | {
            "release": RELEASE,
            "name": self._settings.name or "",
            "places": [str(path) for path in self._settings.sessions],
            "invitations": self._joining.invitations(),
            "drafts": drafts,
        }

    async def _session(self, request: Request) -> dict[str, Any]:
        found = await self._desk.session(_digest(request))
        kept = await asyncio.to_thread(self._keeping.by_manifest)
        return found | {"result": kept.get((found["digest"], found["me"]), "")}

    async def _run_of(self, request: Request) -> dict[str, Any]:
        return self._desk.run_of(_digest(request))

    async def _template(self, request: Request) -> dict[str, Any]:
        return {"csv": await self._desk.template(_digest(request))}

    async def _file(self, request: Request) -> dict[str, Any]:
        name = request.query_params.get("name", "")
        return await self._desk.take_file(_digest(request), name, _parts(request))

    async def _input(self, request: Request) -> dict[str, Any]:
        return await self._desk.give(_digest(request), await _json(request))

    async def _forget(self, request: Request) -> dict[str, Any]:
        return self._desk.take_back(_digest(request))

    # Invitations

    async def _join(self, request: Request) -> dict[str, Any]:
        return await self._joining.join(str((await _json(request)).get("code", "")))

    async def _accept(self, request: Request) -> dict[str, Any]:
        return await self._joining.accept(request.path_params["draft"])

    async def _decline(self, request: Request) -> dict[str, Any]:
        self._joining.decline(request.path_params["draft"])
        return {}

    async def _look(self, request: Request) -> dict[str, Any]:
        return await self._joining.look(request.path_params["draft"])

    # Papers

    async def _results(self, _request: Request) -> dict[str, Any]:
        return {"results": await asyncio.to_thread(self._keeping.results)}

    async def _result(self, request: Request) -> dict[str, Any]:
        its, whole = request.path_params, "whole" in request.query_params
        found = await asyncio.to_thread(self._keeping.result, its["session"], its["party"])
        return found if whole else found | {"result": shortened(found["result"])}

    async def _receipts(self, _request: Request) -> dict[str, Any]:
        return {"receipts": await asyncio.to_thread(self._keeping.receipts)}

    async def _ledger(self, _request: Request) -> dict[str, Any]:
        return {"ledgers": await asyncio.to_thread(self._keeping.ledger)}


def _file_route(path: str) -> Route:
    room, name, kind = FILES[path]

    async def answer(_request: Request) -> Response:
        return Response(_content(room, name), media_type=kind)

    return Route(path, answer, methods=["GET"])


@cache
def _content(room: str, name: str) -> str:
    return files(room).joinpath(name).read_text("utf-8")


def _digest(request: Request) -> str:
    return str(request.path_params["digest"])


async def _json(request: Request) -> dict[str, Any]:
    """Return the JSON object of a request.

    Raises:
        UsageError: it is none, or too long.
    """
    found = b""
    async for part in _parts(request):
        found += part
        if len(found) > BODY:
            message = f"this is longer than {BODY} bytes"
            raise UsageError(message, hint="give it as a file", data_left=False)
    try:
        value = strict_json.parse(found)
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        raise UsageError("the request is no JSON object", data_left=False)
    return value


async def _parts(request: Request) -> AsyncIterator[bytes]:
    """Yield the body of a request; InputError where the browser breaks off."""
    try:
        async for part in request.stream():
            yield part
    except ClientDisconnect:
        raise InputError("the file was not handed over whole", data_left=False) from None
