"""Contribution to a collection: from the code of an invitation to a report that a mailbox has.

Nothing that the mailbox says is believed: the manifest has to have the digest in the code, the
sealing statements the pins in the manifest, the roster the digest in it. A report is on this
machine's disk before it is sent, and is sent again with the same bytes.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn

from ostraka import config
from ostraka.arithmetic.randomness import Draw
from ostraka.collection import orders
from ostraka.collection.codes import CollectionCode
from ostraka.collection.credentials import CredentialRoster, SigningKey
from ostraka.collection.promise import Promise
from ostraka.collection.report import LAST_COUNTER, OPEN, Report, read_own, write_report
from ostraka.collection.shape import Shape
from ostraka.collection.terms import Terms
from ostraka.errors import (
    Disagreement,
    InvitationExpired,
    ManifestError,
    OstrakaError,
    RefusedByPolicy,
    Temporary,
)
from ostraka.manifest import Manifest
from ostraka.manifest.collection import Collection
from ostraka.names import PartyId, place_name
from ostraka.protocols.protocol import Protocol
from ostraka.record import kept_report
from ostraka.record.kept_report import KeptReport

if TYPE_CHECKING:
    from ostraka.mailbox.client import CollectionStatus, MailboxClient


ROSTER_FETCHED: Final = 1000
"""Invitations up to which a contributor fetches the roster, 36 bytes each, to be told at once that
its code is none of them. Of a longer one, the mailbox and the compute parties refuse the report."""


def now() -> datetime:
    """Return the time by this machine's clock."""
    return datetime.now(UTC)


@dataclass(frozen=True)
class Contribution:
    """Invitation that was looked up at a mailbox, and all of which fits the code.

    Attributes:
        code: the invitation's.
        toml: the manifest, as the mailbox has it; its digest is the code's.
        protocol: the manifest's.
        terms: what the report is written under.
        closed: whether the mailbox, or this machine's clock, says that it is too late.
    """

    code: CollectionCode
    toml: bytes
    protocol: Protocol
    terms: Terms
    closed: bool

    @classmethod
    async def look_up(
        cls, code: CollectionCode, mailbox: MailboxClient, clock: Callable[[], datetime] = now
    ) -> Contribution:
        """Fetch and check all that a report needs. Sends nothing of the contributor's.

        Raises:
            Disagreement: the manifest, or a short roster, is not the one that the code was made
                for.
            PinMismatch, PeerViolation: a sealing statement is not its compute party's.
            InvitationExpired: the code is not, or no longer, valid.
            Temporary: a compute party has not accepted the collection yet.
            Unreachable: no answer from the mailbox.
        """
        status = await mailbox.status()
        protocol = bind(status.manifest, code.manifest)
        found = protocol.manifest.collection
        assert found is not None
        shape = Shape.of(protocol)
        statements = [status.statements[name] for name in _accepted(shape, status)]
        terms = Terms.of_contributor(shape, statements)
        closed = status.state not in ("waiting", "open") or clock() >= found.closes
        made = cls(code, status.manifest, protocol, terms, closed)
        if shape.invited and shape.size <= ROSTER_FETCHED:
            made._require_listed(await mailbox.publication())
        made._require_not_revoked(await mailbox.revocations())
        return made

    @property
    def manifest(self) -> Manifest:
        """The collection's manifest."""
        return self.protocol.manifest

    @property
    def collection(self) -> Collection:
        """Table `[collection]` of the manifest."""
        found = self.manifest.collection
        assert found is not None
        return found

    @property
    def place(self) -> PartyId:
        """The place whose input this contributor gives; any place stands for an open one."""
        return place_name(1 if self.code.credential == OPEN else self.code.credential + 1)

    @property
    def name(self) -> str:
        """Name of the invitation's files in the home."""
        number = "open" if self.code.credential == OPEN else f"{self.code.credential + 1}"
        return f"{self.code.manifest.hex()[:32]}-{number}"

    def _require_listed(self, publication: bytes) -> None:
        """Check that the code's key is in the roster that the organiser signed."""
        shape, key = self.terms.shape, self.code.key
        roster = CredentialRoster.read(orders.read_publication(publication, shape), shape)
        listed = roster.credentials[self.code.credential :][:1]
        if key is None or [credential.public for credential in listed] != [key.public]:
            _refuse_code("the code is not one of this collection's invitations")

    def _require_not_revoked(self, revocations: bytes | None) -> None:
        """Check that the code is one of the collection's kind, and was not taken back."""
        number, shape = self.code.credential, self.terms.shape
        if (number == OPEN) == shape.invited:
            _refuse_code("the code is not one of this collection's invitations")
        if revocations and number in orders.read_revocations(revocations, shape):
            _refuse_code("the organiser has taken this invitation back")

    def require_open(self, directory: Path) -> None:
        """Check that a report can be sent; one that was written before can be sent again, as the
        answer to it may have been lost.

        Raises:
            InvitationExpired: the collection is closed.
        """
        if not (directory / f"{self.name}.secret.json").exists():
            self._require_open()

    def _require_open(self) -> None:
        if self.closed:
            closes = f"{self.collection.closes:%Y-%m-%d %H:%M} UTC"
            raise InvitationExpired(
                f"the collection is closed: it took reports until {closes} at the latest",
                hint="no report was sent",
                data_left=False,
            )

    def write(self, raw: object, directory: Path, draw: Draw) -> Report:
        """Write the report of an input, and keep it on disk; return the one to be sent.

        The same input again gives the same bytes. Another input replaces the report, with the next
        counter.

        Args:
            raw: the input, as `inputs.reading` returns it.
            directory: of reports in the home.
            draw: source of the contributor's randomness.

        Raises:
            InputError: the input is not what the manifest asks for.
            InvitationExpired: the collection is closed, and this input was not sent before.
            RefusedByPolicy: a report was sent, and the manifest lets none be replaced.
            Disagreement: the collection's sealing keys are not those of the last report.
            Temporary: another process is writing it.
        """
        encoded = self.protocol.encode(self.place, raw).astype("<u8").tobytes()
        path = directory / f"{self.name}.secret.json"
        with kept_report.alone(path):
            return self._write(raw, encoded, path, draw)

    def _write(self, raw: object, encoded: bytes, path: Path, draw: Draw) -> Report:
        old = KeptReport.load(path)
        if old is None:
            self._require_open()
            seed = draw.seed()
            mark = kept_report.mark_of(seed, encoded)
            return self._write_new(raw, path, draw, seed, mark, 1)
        if old.collection != self.terms.collection.hex():
            raise Disagreement(
                "the compute parties' sealing keys are others than when the last report was sent",
                hint="tell the organiser: one of them shows different keys to different people",
                data_left=False,
            )
        seed = bytes.fromhex(old.seed)
        mark = kept_report.mark_of(seed, encoded)
        if mark == old.same:
            return read_own(old.report, self.terms)
        self._require_open()
        self._require_replaceable(old)
        return self._write_new(raw, path, draw, seed, mark, old.counter + 1)

    def _require_replaceable(self, old: KeptReport) -> None:
        if self.collection.replaceable and old.counter < LAST_COUNTER:
            return
        raise RefusedByPolicy(
            "a report with another input was written here, and this collection lets none be "
            "replaced",
            hint="with the same input, it is sent again",
            data_left=False,
        )

    def _write_new(
        self, raw: object, path: Path, draw: Draw, seed: bytes, mark: str, counter: int
    ) -> Report:
        parcels = self._parcels(raw, draw)
        key, credential = SigningKey(seed), self.code.key
        pair = None if credential is None else (self.code.credential, credential)
        octets = write_report(self.terms, parcels, key, draw, credential=pair, counter=counter)
        kept = base64.b64encode(octets).decode()
        KeptReport(self.terms.collection.hex(), counter, seed.hex(), mark, kept).save(path)
        return read_own(octets, self.terms)

    def _parcels(self, raw: object, draw: Draw) -> list[bytes]:
        """Encode an input, with the contributor's own noise, and split it into parcels."""
        x = self.protocol.input_of(self.place, raw, draw)
        assert x is not None
        found = self.protocol.share(x, self.place, draw)
        scheme = self.protocol.scheme
        messages = (scheme.message(found[party]) for party in scheme.compute)
        return [m.astype(m.dtype.newbyteorder("<")).tobytes() for m in messages]

    async def send(self, report: Report, mailbox: MailboxClient, directory: Path) -> Path:
        """Leave a report at the mailbox; return the path of the report receipt.

        Raises:
            InvitationExpired: the collection is closed, or another device has used the code.
            Unreachable, Temporary: it is not known whether the report came; send it again.
        """
        try:
            promise = await mailbox.put_report(report.digest, report.write())
        except OstrakaError as error:
            error.data_left = True if error.data_left is None else error.data_left
            raise
        promise.check(self.code.manifest, report.digest)
        path = directory / f"{self.name}.receipt.json"
        kept_report.save_receipt(path, self._receipt(report, promise))
        return path

    def _receipt(self, report: Report, promise: Promise) -> dict[str, Any]:
        head = report.head
        invited = head.credential != OPEN
        return {
            "report_receipt": 1,
            "title": self.manifest.session.title,
            "manifest_sha256": self.code.manifest.hex(),
            "collection": self.terms.collection.hex(),
            "mailbox": self.code.mailbox,
            "place": head.credential + 1 if invited else None,
            "counter": head.counter,
            "report": report.digest.hex(),
            "head": head.write().hex(),
            "parcels": [digest.hex() for digest in report.digests],
            "signatures": report.signatures.hex(),
            "promise": promise.table(),
        }


def bind(toml: bytes, manifest: bytes) -> Protocol:
    """Return the protocol of the manifest that a mailbox shows, if it is the one that is wanted.

    Args:
        manifest: the digest that it has to have, 32 bytes.

    Raises:
        Disagreement: it is another manifest, or none of a collection.
    """
    try:
        protocol = config.bind_text(toml.decode(), "manifest")
    except UnicodeDecodeError:
        raise _another() from None
    except ManifestError as error:
        raise _another(f": {error.message}") from None
    if protocol.manifest.digest != manifest or protocol.manifest.collection is None:
        raise _another()
    return protocol


def _refuse_code(why: str) -> NoReturn:
    raise InvitationExpired(why, hint="ask the organiser for a new code", data_left=False)


def _another(why: str = "") -> Disagreement:
    return Disagreement(
        f"the mailbox shows another manifest than the one the code was made for{why}",
        hint="do not send anything: ask the organiser",
        data_left=False,
    )


def _accepted(shape: Shape, status: CollectionStatus) -> tuple[PartyId, ...]:
    """Return the compute parties, all of which have accepted the collection."""
    missing = [name for name in shape.compute if name not in status.statements]
    if missing:
        verb = "have" if len(missing) > 1 else "has"
        raise Temporary(
            f"the collection is not open yet: {', '.join(missing)} {verb} not accepted it",
            hint="try again later; nothing was sent",
            data_left=False,
        )
    return shape.compute
