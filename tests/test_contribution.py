"""Contributions: nothing is sent to a collection other than the code's; replaced, sent again."""

import asyncio
import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from memory_mailbox import MemoryMailbox

from ostraka import config, contribution, identity
from ostraka.arithmetic.randomness import SeededDraw
from ostraka.collection import orders, signed
from ostraka.collection.codes import CollectionCode
from ostraka.collection.credentials import Credential, CredentialRoster, SigningKey
from ostraka.collection.inclusion import read_own_digest
from ostraka.collection.opening import Opener
from ostraka.collection.report import OPEN, BadReport
from ostraka.collection.sealing import SealingKey
from ostraka.collection.shape import Shape
from ostraka.contribution import Contribution
from ostraka.errors import (
    Disagreement,
    InputError,
    InvitationExpired,
    PeerViolation,
    PinMismatch,
    RefusedByPolicy,
    Temporary,
    Unreachable,
    UsageError,
)
from ostraka.record import kept_report

TOML = """\
[session]
title = "Poll"
protocol = "secure-sum"
deadline = "5m"

{parties}
[input]
type = "int"
min = 0
max = 10

[sharing]
scheme = "shamir"
threshold = 1

[privacy]
{privacy}

[policy]
min_contributors = 2

[collection]
from = "{source}"
organiser = "{organiser}"
{places}
closes = {closes}
replace = {replace}
mailbox = "https://mailbox.example"
"""
LAPLACE = 'local = { mechanism = "laplace", epsilon = 1.0 }'
SECRETS = [bytes([i]) * 16 for i in range(3)]
FUTURE = datetime.now(UTC).replace(microsecond=0) + timedelta(days=7)


def look_up(*given):
    return asyncio.run(Contribution.look_up(*given))


class Poll:
    """A collection that is open, and all that its parties hold."""

    def __init__(self, directory, *, source="invited", replace="true", closes=FUTURE, privacy=""):
        names = ("c1", "c2", "c3")
        self.parties = [identity.create(name, directory) for name in names]
        self.olga = identity.create("olga", directory)
        keys = [SigningKey.of_credential(secret) for secret in SECRETS]
        self.roster = CredentialRoster(tuple(Credential(key.public) for key in keys))
        blocks = "".join(
            f'[[party]]\nname = "{p.name}"\nkey = "{p.pin}"\nroles = ["compute", "recipient"]\n'
            f'address = "127.0.0.1:900{i}"\n\n'
            for i, p in enumerate(self.parties)
        )
        invited = f'roster = "sha256:{self.roster.digest.hex()}"\nsize = {len(SECRETS)}'
        self.toml = TOML.format(
            parties=blocks, organiser=self.olga.pin, source=source, replace=replace,
            privacy=privacy, closes=f"{closes:%FT%TZ}",
            places=invited if source == "invited" else "max_reports = 5",
        )  # fmt: skip
        self.protocol = config.bind_text(self.toml, "manifest")
        self.digest = self.protocol.manifest.digest
        self.mailbox = MemoryMailbox(identity.create("mailbox", directory))
        roster = self.roster.write() if source == "invited" else b""
        publication = orders.write_publication(roster, self.digest, self.olga)
        asyncio.run(self.mailbox.publish(self.toml.encode(), publication))
        self.sealing = [SealingKey.new() for _ in names]
        for key, own in zip(self.sealing, self.parties, strict=True):
            self.mailbox.statements[own.name] = key.public.write(self.digest, own)
        self.home = directory / "reports"
        self.home.mkdir()

    def code(self, number=0):
        secret = bytes(16) if number == OPEN else SECRETS[number]
        return CollectionCode(self.digest, number, secret, "https://mailbox.example")

    def look_up(self, number=0):
        return look_up(self.code(number), self.mailbox)

    def contribute(self, raw, number=0, seed=1):
        found = self.look_up(number)
        report = found.write(raw, self.home, SeededDraw(seed))
        return asyncio.run(found.send(report, self.mailbox, self.home))

    def opened(self, report):
        """The value in a report, from all compute parties' parcels."""
        scheme, shares = self.protocol.scheme, {}
        for place, name in enumerate(scheme.compute):
            parcel = Opener(self.mailbox.terms, place, self.sealing[place]).open(report)
            form = self.protocol.expected("#1", name)
            message = np.frombuffer(parcel, "<u8" if form.dtype == "u8" else "u1")
            shares[name] = scheme.expand(scheme.parcel(message), 1)
        return int(scheme.to_signed(scheme.combine(shares))[0])


@pytest.fixture
def poll(tmp_path):
    return Poll(tmp_path)


def test_what_is_sent_is_the_input_in_shares(poll):
    path = poll.contribute("7")
    (report,) = poll.mailbox.reports.values()
    assert poll.opened(report) == 7
    receipt = json.loads(path.read_text())
    assert receipt["report"] == report.digest.hex()
    assert (receipt["place"], receipt["counter"]) == (1, 1)
    assert read_own_digest(receipt) == report.digest


def test_what_is_kept_is_for_its_owner_alone_and_the_receipt_holds_no_secret(poll):
    path = poll.contribute("7")
    secret = path.with_name(path.name.replace("receipt", "secret"))
    assert {each.stat().st_mode & 0o777 for each in (path, secret)} == {0o600}
    seed = json.loads(secret.read_text())["seed"]
    assert seed not in path.read_text()


def test_the_same_input_again_is_the_same_bytes(poll):
    poll.contribute("7")
    poll.contribute("7", seed=2)
    assert len(set(poll.mailbox.uploads)) == 1
    assert len(poll.mailbox.reports) == 1


def test_after_a_lost_answer_the_same_bytes_are_sent(poll):
    poll.mailbox.lost = 1
    with pytest.raises(Unreachable) as lost:
        poll.contribute("7")
    assert lost.value.data_left is True
    poll.contribute("7", seed=2)
    assert len(poll.mailbox.uploads) == 2
    assert len(set(poll.mailbox.uploads)) == 1


def test_two_processes_do_not_write_one_report(poll):
    path = poll.home / f"{poll.look_up().name}.secret.json"
    with kept_report.alone(path), pytest.raises(Temporary, match="another process"):
        poll.contribute("7")
    poll.contribute("7")


def test_another_input_replaces_with_the_next_counter_and_the_same_key(poll):
    poll.contribute("7")
    poll.contribute("3", seed=2)
    one, two = poll.mailbox.reports.values()
    assert (one.head.counter, two.head.counter) == (1, 2)
    assert one.head.contributor == two.head.contributor
    assert one.head.report != two.head.report
    assert poll.opened(two) == 3


def test_a_replacement_whose_answer_was_lost_counts_on(poll):
    poll.mailbox.lost = 1
    with pytest.raises(Unreachable):
        poll.contribute("7")
    poll.contribute("3", seed=2)
    assert [r.head.counter for r in poll.mailbox.reports.values()] == [1, 2]


def test_none_is_replaced_where_the_manifest_says_so(tmp_path):
    poll = Poll(tmp_path, replace="false")
    poll.contribute("7")
    with pytest.raises(RefusedByPolicy, match="none be replaced"):
        poll.contribute("3")
    poll.contribute("7")
    assert len(set(poll.mailbox.uploads)) == 1


def test_without_an_invitation(tmp_path):
    poll = Poll(tmp_path, source="open", privacy=LAPLACE)
    receipt = json.loads(poll.contribute("7", OPEN).read_text())
    assert receipt["place"] is None
    with pytest.raises(RefusedByPolicy, match="none be replaced"):
        poll.contribute("3", OPEN)
    with pytest.raises(InvitationExpired, match="not one of"):
        poll.look_up(0)


def test_an_invalid_input_is_kept_and_sent_nowhere(poll):
    with pytest.raises(InputError) as refused:
        poll.contribute("11")
    assert refused.value.data_left is False
    assert not poll.mailbox.uploads
    assert not list(poll.home.iterdir())


def test_another_manifest_than_the_codes_is_refused(poll):
    for changed in (poll.toml.replace("max = 10", "max = 11"), "nonsense", ""):
        poll.mailbox.toml = changed.encode()
        with pytest.raises(Disagreement, match="another manifest"):
            poll.look_up()


def test_another_roster_than_the_manifests_is_refused(poll):
    roster = CredentialRoster(poll.roster.credentials[:2]).write()
    poll.mailbox.published = orders.write_publication(roster, poll.digest, poll.olga)
    with pytest.raises(Disagreement, match="list of invitations"):
        poll.look_up()
    poll.mailbox.published = orders.write_publication(
        poll.roster.write(), poll.digest, poll.parties[0]
    )
    with pytest.raises(PinMismatch):
        poll.look_up()


def test_a_long_roster_is_not_fetched(poll, monkeypatch):
    """The mailbox refuses a code that is not in it, and so do the compute parties."""
    monkeypatch.setattr(contribution, "ROSTER_FETCHED", 2)
    poll.mailbox.published = b""
    poll.contribute("7")
    code = CollectionCode(poll.digest, 2, SECRETS[0], "https://mailbox.example")
    foreign = look_up(code, poll.mailbox)
    (poll.home / "foreign").mkdir()
    report = foreign.write("7", poll.home / "foreign", SeededDraw(1))
    with pytest.raises(BadReport, match="invitation's signature"):
        asyncio.run(foreign.send(report, poll.mailbox, poll.home))


def test_a_sealing_statement_of_another_key_is_refused(poll):
    forged = SealingKey.new().public.write(poll.digest, poll.olga)
    poll.mailbox.statements["c2"] = forged
    with pytest.raises(PinMismatch) as refused:
        poll.look_up()
    assert refused.value.exit_code == 11
    poll.mailbox.statements["c2"] = poll.mailbox.statements["c1"]
    with pytest.raises(PinMismatch):
        poll.look_up()


def test_other_sealing_keys_than_last_time_are_refused(poll):
    poll.contribute("7")
    other = SealingKey.new().public.write(poll.digest, poll.parties[1])
    poll.mailbox.statements["c2"] = other
    with pytest.raises(Disagreement, match="sealing keys"):
        poll.contribute("7")


def test_a_collection_that_a_compute_party_has_not_accepted(poll):
    del poll.mailbox.statements["c2"]
    with pytest.raises(Temporary, match="c2 has not accepted"):
        poll.look_up()


@pytest.mark.parametrize("state", ["closing", "done", "failed"])
def test_a_closed_collection(poll, state):
    poll.mailbox.state = state
    with pytest.raises(InvitationExpired, match="closed") as refused:
        poll.look_up().require_open(poll.home)
    with pytest.raises(InvitationExpired, match="closed"):
        poll.contribute("7")
    assert (refused.value.exit_code, refused.value.data_left) == (12, False)


def test_a_collection_that_is_over_by_our_clock(poll):
    def late():
        return FUTURE + timedelta(seconds=1)

    found = look_up(poll.code(), poll.mailbox, late)
    with pytest.raises(InvitationExpired, match="closed"):
        found.require_open(poll.home)


def test_what_was_sent_before_the_end_is_sent_again_after_it(poll):
    """Its answer may have been lost; the mailbox repeats it. Another input comes too late."""
    poll.contribute("7")
    poll.mailbox.state = "closing"
    poll.look_up().require_open(poll.home)
    poll.contribute("7")
    assert len(set(poll.mailbox.uploads)) == 1
    with pytest.raises(InvitationExpired, match="closed"):
        poll.contribute("8")


def test_revoked_unknown_and_foreign_codes(poll):
    poll.mailbox.orders["revoke"] = orders.write_revocations([1], poll.digest, poll.olga)
    poll.look_up(0)
    with pytest.raises(InvitationExpired, match="taken this invitation back"):
        poll.look_up(1)
    for number, secret in ((2, SECRETS[0]), (3, SECRETS[0])):
        code = CollectionCode(poll.digest, number, secret, "https://mailbox.example")
        with pytest.raises(InvitationExpired, match="not one of"):
            look_up(code, poll.mailbox)


def test_revocations_of_another_signer_are_noticed(poll):
    forged = orders.write_revocations([0], poll.digest, poll.parties[0])
    poll.mailbox.orders["revoke"] = forged
    with pytest.raises(PinMismatch):
        poll.look_up()
    body = signed.write_statement(signed.REVOKE, poll.digest, b"no", poll.olga)
    poll.mailbox.orders["revoke"] = body
    with pytest.raises(PeerViolation, match="revocations"):
        poll.look_up()


def test_a_code_that_another_device_has_used(poll, tmp_path):
    poll.contribute("7")
    poll.home = tmp_path / "other"
    poll.home.mkdir()
    with pytest.raises(InvitationExpired, match="used"):
        poll.contribute("7", seed=3)


def test_a_promise_about_another_report_is_noticed(poll, monkeypatch):
    poll.contribute("7", 1)
    put = poll.mailbox.put_report

    async def other(digest, octets):
        await put(digest, octets)
        return await put(*next((d, r.write()) for d, r in poll.mailbox.reports.items()))

    monkeypatch.setattr(poll.mailbox, "put_report", other)
    with pytest.raises(PeerViolation, match="another report"):
        poll.contribute("7", 0)


def test_local_noise_is_in_the_report(tmp_path):
    poll = Poll(tmp_path, privacy=LAPLACE)
    for number in range(3):
        poll.contribute("5", number, seed=number)
    values = {poll.opened(report) for report in poll.mailbox.reports.values()}
    assert len(values) == 3


def test_the_shape_is_that_of_the_report(poll):
    poll.contribute("7")
    (octets,) = set(poll.mailbox.uploads)
    shape = Shape.of(poll.protocol)
    assert shape.lengths == (32, 8, 8)
    assert len(octets) == 90 + 128 + sum(length + 1136 for length in shape.lengths)


def test_what_is_kept_and_is_none_of_ours(poll):
    path = poll.contribute("7")
    secret = path.with_name(path.name.replace("receipt", "secret"))
    secret.write_text("{}")
    with pytest.raises(UsageError, match="not a report"):
        poll.contribute("7")
    path.write_text("[]")
    with pytest.raises(UsageError, match="not a report receipt"):
        kept_report.load_receipt(path)


def test_a_receipt_that_was_changed_is_noticed(poll):
    receipt = kept_report.load_receipt(poll.contribute("7"))
    for change in ({"report": "00"}, {"head": "00"}, {"parcels": []}, {"parcels": None}):
        with pytest.raises(PeerViolation, match="agree with itself"):
            read_own_digest({**receipt, **change})
