"""Mailbox in memory, with the interface of the one over HTTP; it can be told to misbehave."""

import time
from types import SimpleNamespace

from ostraka import config
from ostraka.collection import orders
from ostraka.collection.promise import Promise
from ostraka.collection.report import read_report
from ostraka.collection.shape import Shape
from ostraka.collection.terms import Terms
from ostraka.errors import InvitationExpired, Unreachable


class MemoryMailbox:
    """Mailbox of one collection.

    Attributes:
        lost: how many answers to uploads are lost after the report was taken.
        state: what it says of the collection.
    """

    def __init__(self, own):
        self.own, self.lost, self.state = own, 0, "open"
        self.statements, self.reports, self.orders = {}, {}, {}
        self.toml = self.roster = None
        self.uploads = []

    async def publish(self, toml, publication):
        protocol = config.bind_text(toml.decode(), "manifest")
        self.manifest, self.shape = protocol.manifest.digest, Shape.of(protocol)
        self.roster = orders.read_publication(publication, self.shape)
        self.toml, self.published = toml, publication
        self.closes = int(protocol.manifest.collection.closes.timestamp())

    async def status(self):
        return SimpleNamespace(
            manifest=self.toml, closes=self.closes, state=self.state,
            reports=len(self.reports), statements=self.statements,
        )  # fmt: skip

    async def publication(self):
        return self.published

    async def revocations(self):
        return self.orders.get("revoke")

    async def put_revocations(self, statement):
        self.orders["revoke"] = statement

    async def put_close(self, statement):
        self.orders["close"], self.state = statement, "closing"

    @property
    def terms(self):
        statements = [self.statements[name] for name in self.shape.compute]
        return Terms.read(self.shape, statements, self.roster)

    async def put_report(self, digest, octets):
        self.uploads.append(octets)
        report = read_report(octets, self.terms)
        assert report.digest == digest
        if self.state != "open" and digest not in self.reports:
            raise InvitationExpired("the collection is closed", data_left=False)
        for other in self.reports.values():
            same = other.head.credential == report.head.credential
            if same and other.head.contributor != report.head.contributor:
                raise InvitationExpired("used", data_left=False)
        self.reports.setdefault(digest, report)
        if self.lost:
            self.lost -= 1
            raise Unreachable("the answer was lost")
        position = list(self.reports).index(digest) + 1
        return Promise.make(self.manifest, position, int(time.time()) // 60, digest, self.own)

    async def inclusion(self, _digest):
        return {}

    async def receipts(self):
        return {}
