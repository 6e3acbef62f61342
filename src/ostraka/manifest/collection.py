"""Table `[collection]`: contributors are places, which reports fill while the collection is open.

A place is "#1", "#2" and so on, a name that no party can have. An invited contributor's place is
that of its credential in the roster; in an open collection it is a report's rank among those that
are counted. Until the collection closes no contributor has to be there at once with any party.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction
from functools import cached_property
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from pydantic import (
    Field,
    PlainSerializer,
    PlainValidator,
    SerializerFunctionWrapHandler,
    StrictBool,
    StrictInt,
    model_serializer,
)

from ostraka import limits
from ostraka.manifest.fields import Fingerprint, Problem, Section, exact_fraction
from ostraka.manifest.privacy import Policy, Privacy
from ostraka.names import PartyId, place_name

MAILBOXES: Final = 8
"""Number of mailboxes that one collection may have."""


def _moment(value: object) -> datetime:
    """Read a date and time with an offset as a time in UTC, of whole seconds."""
    found = value
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            found = None
    if not isinstance(found, datetime):
        raise ValueError("must be a date and time such as 2026-12-05T18:00:00Z")
    if found.tzinfo is None:
        raise ValueError("needs an offset: 2026-12-05T18:00:00Z, or +01:00 in place of Z")
    if found.microsecond:
        raise ValueError("must be a whole second")
    try:
        return found.astimezone(UTC)
    except OverflowError:
        raise ValueError("must be a date and time such as 2026-12-05T18:00:00Z") from None


def moment_text(moment: datetime) -> str:
    """Write a time in UTC as manifests have it: "2026-12-05T18:00:00Z"."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _part(value: object) -> Fraction:
    """Read a fraction that may be 0."""
    zero = isinstance(value, int | Decimal | Fraction) and not isinstance(value, bool)
    return Fraction(0) if zero and value == 0 else exact_fraction(value)


_HOST = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,251}[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\]"
_ORIGIN = re.compile(rf"(?i:https?)://({_HOST})(:[0-9]{{1,5}})?")
"""Beginning of a mailbox's URL. `urlsplit` alone drops tabs, and passes over what follows `]`."""


def mailbox_url(value: object) -> str:
    """Check the URL of a mailbox; a slash at its end is dropped."""
    text = value if isinstance(value, str) and len(value) <= limits.TEXT else ""
    form = 'must be a URL such as "https://poll.example.org"'
    try:
        found = urlsplit(text)
        port = found.port
    except ValueError:
        raise ValueError(form) from None
    if port == 0 or found.username is not None or found.query or found.fragment:
        raise ValueError(f"{form}, without a name, a query or a fragment")
    if not _ORIGIN.fullmatch("/".join(text.split("/")[:3])):
        raise ValueError(form)
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", found.path) or text.endswith(("?", "#")):
        raise ValueError(f"{form}; its path holds letters, digits and -._~ only")
    return text.rstrip("/")


def _mailboxes(value: object) -> tuple[str, ...]:
    """Read one URL, or a list of several different ones."""
    urls = value if isinstance(value, list | tuple) else (value,)
    if not 1 <= len(urls) <= MAILBOXES:
        raise ValueError(f"must be a URL, or a list of 1 to {MAILBOXES}")
    found = tuple(map(mailbox_url, urls))
    if len(set(found)) < len(found):
        raise ValueError("is listed twice")
    return found


def _as_written(places: tuple[str, ...]) -> Any:
    return list(places) if len(places) > 1 else places[0]


Moment = Annotated[datetime, PlainValidator(_moment), PlainSerializer(moment_text)]
Part = Annotated[Fraction, PlainValidator(_part), PlainSerializer(str)]
Mailboxes = Annotated[tuple[str, ...], PlainValidator(_mailboxes), PlainSerializer(_as_written)]
Places = Annotated[StrictInt, Field(ge=1, le=limits.PLACES)]


class Collection(Section):
    """Table `[collection]`.

    Attributes:
        source: "invited", one report for each credential of the roster; or "open", reports of all
            who send one. `from` in TOML.
        organiser: SHA-256 of the certificate that signs the roster, revocations and an early close.
        roster: SHA-256 of the roster; only if invited.
        size: how many credentials the roster has; only if invited.
        closes: the moment from which a report is too late.
        early_close: whether the organiser may close the collection before.
        replace: whether a later report of a credential, by its own counter, replaces an earlier
            one.
        max_reports: how many contributors may report; needed where the collection is open.
        max_unopenable: the part of the reports up to which compute parties may refuse some as not
            openable; above it nothing is opened.
        mailbox: URL of the mailbox, or a list of several.
        recipients: "named": the parties with that role; "public": all compute parties, and each
            publishes the result at the mailbox, signed.
    """

    source: Literal["invited", "open"] = Field(alias="from")
    organiser: Fingerprint
    roster: Fingerprint | None = None
    size: Places | None = None
    closes: Moment
    early_close: StrictBool = False
    replace: StrictBool = True
    max_reports: Places | None = None
    max_unopenable: Part = Fraction(1, 100)
    mailbox: Mailboxes
    recipients: Literal["named", "public"] = "named"

    @model_serializer(mode="wrap")
    def _dumped(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        table = dump(self)
        return {"from": table.pop("source"), **table}

    @property
    def invited(self) -> bool:
        """Whether every report needs a credential of the roster."""
        return self.source == "invited"

    @property
    def replaceable(self) -> bool:
        """Whether a contributor may replace its report; in an open collection none can."""
        return self.invited and self.replace

    @property
    def places_count(self) -> int:
        """Number of places: how many contributors may report at most."""
        return (self.size if self.invited else self.max_reports) or 0

    @cached_property
    def places(self) -> tuple[PartyId, ...]:
        """Names of all places, in order: "#1", "#2", ..."""
        return tuple(map(place_name, range(1, self.places_count + 1)))

    @property
    def insecure_mailboxes(self) -> tuple[str, ...]:
        """Mailboxes by plain HTTP at another machine: a page of theirs could be changed on its
        way."""
        return tuple(url for url in self.mailbox if _is_plain(url))


def _is_plain(url: str) -> bool:
    found = urlsplit(url)
    if found.scheme == "https" or found.hostname == "localhost":
        return False
    try:
        return not ip_address(found.hostname or "").is_loopback
    except ValueError:
        return True


# --- rules that span several fields ------------------------------------------------------------


def problems(collection: Collection, privacy: Privacy, policy: Policy) -> Iterator[Problem]:
    """Yield contradictions within a collection, and with `[privacy]` and `[policy]`."""
    if collection.invited:
        yield from _invited(collection)
        return
    yield from _open(collection, privacy)
    for key, there in (
        ("same_roster_only", policy.same_roster_only),
        ("min_difference", policy.min_difference > 1),
    ):
        if there:
            text = 'needs a roster: in a collection from "open" no party knows who reports'
            yield ("policy", key), text


def _invited(collection: Collection) -> Iterator[Problem]:
    for key in ("roster", "size"):
        if getattr(collection, key) is None:
            yield ("collection", key), 'is missing: `ostraka seal` writes it for from = "invited"'
    if collection.max_reports is not None and collection.max_reports < collection.places_count:
        text = f"must be at least {collection.places_count}, the size of the roster: leave it out"
        yield ("collection", "max_reports"), text


def _open(collection: Collection, privacy: Privacy) -> Iterator[Problem]:
    for key in ("roster", "size"):
        if getattr(collection, key) is not None:
            yield ("collection", key), 'has no meaning for from = "open": leave it out'
    if collection.max_reports is None:
        yield ("collection", "max_reports"), 'is missing: from = "open" needs a bound'
    if privacy.local is None and privacy.central is None:
        yield (
            ("collection", "from"),
            '"open" needs noise in [privacy]: all reports but one could be of one sender, who '
            "would learn the last one by subtracting its own",
        )
