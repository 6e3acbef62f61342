"""Answers of a mailbox that refuse: a status of HTTP, and JSON that tells what happened and what to
do next."""

from __future__ import annotations

from typing import Final

from starlette.responses import JSONResponse

from ostraka.errors import OstrakaError
from ostraka.mailbox.database import DatabaseFull, DatabaseGone
from ostraka.service import logs

RETRY_SECONDS: Final = 2
"""Seconds after which a client may try again, as it is told."""


class Refusal(Exception):
    """Request that is refused.

    Args:
        status: of HTTP.
        code: why, in one word: clients and metrics tell refusals apart by it.
        error: what happened; `hint`: what to do next.
    """

    def __init__(self, status: int, code: str, error: str, hint: str = "") -> None:
        super().__init__(error)
        self.status, self.code, self.error, self.hint = status, code, error, hint

    def answer(self) -> JSONResponse:
        """Return the answer; where it makes sense to try again, it says when."""
        body = {"error": self.error, "code": self.code, "hint": self.hint}
        again = self.status in (429, 503)
        headers = {"Retry-After": str(RETRY_SECONDS)} if again else None
        return JSONResponse(body, self.status, headers)


_AGAIN: Final = "try again in a few seconds; a report that was stored meanwhile is not stored twice"

REFUSALS: Final = {
    "unknown": (
        404,
        "there is no such collection here",
        "check the link; or the organiser opens it later",
    ),
    "waiting": (
        409,
        "the collection is not open yet: a compute party has not left its keys",
        "try again later",
    ),
    "closed": (409, "the collection is closed", "the report was not taken"),
    "past": (
        409,
        "reports have come since the time that the order to close names",
        "close it again; if that does not help, compare this machine's clock with the mailbox's",
    ),
    "settled": (
        409,
        "the collection is closed: no invitation can be taken back any more",
        "what was taken back before stays so",
    ),
    "full": (409, "the collection has as many reports as it may have", "tell the organiser"),
    "another-key": (
        409,
        "a report of this invitation is here that another key has signed",
        "tell the organiser if it is not yours: the code may have been stolen",
    ),
    "superseded": (
        409,
        "a later report of this invitation is here",
        "raise the report's counter, or leave it",
    ),
    "replaced": (409, "this invitation may not leave another report", "the last one stays"),
    "revoked": (422, "the organiser has taken this invitation back", "ask the organiser"),
    "disk-full": (507, "the mailbox has no room left", "try again later, and tell its operator"),
    "busy": (503, "the mailbox is busy", _AGAIN),
    "gone": (503, "the mailbox cannot reach its database", _AGAIN),
    "rate": (429, "too many requests from this address", "wait a little; then it goes on"),
    "deleted": (410, "the reports of this collection have been deleted", "it is over"),
    "internal": (500, "the mailbox has a bug", "tell its operator"),
}
"""Refusals by code: status of HTTP, what happened, what to do next."""


def refusal(code: str) -> Refusal:
    """Return the refusal of a code in `REFUSALS`."""
    status, error, hint = REFUSALS[code]
    return Refusal(status, code, error, hint)


def refusal_of(error: Exception) -> Refusal:
    """Return the refusal that answers an error; one that no rule foresees is logged."""
    if isinstance(error, Refusal):
        return error
    if isinstance(error, DatabaseFull):
        return refusal("disk-full")
    if isinstance(error, DatabaseGone):
        return refusal("gone")
    if isinstance(error, OstrakaError):
        return Refusal(422, error.code, error.message, error.hint)
    logs.LOGGER.error("a request ended by a bug", exc_info=error)
    return refusal("internal")
