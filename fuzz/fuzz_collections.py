"""Targets of fuzzing: readers of what contributors, compute parties and organisers leave at a
mailbox, and of what a mailbox answers."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from fuzz_refusals import refused_by

from ostraka import strict_json
from ostraka.collection import orders
from ostraka.collection.codes import read_code
from ostraka.collection.credentials import CredentialRoster
from ostraka.collection.inclusion import read_own_digest
from ostraka.collection.merkle import Proof, check_proof
from ostraka.collection.promise import Promise
from ostraka.collection.report import BadReport, read_own, read_report, read_view
from ostraka.collection.sealing import SealingStatement
from ostraka.collection.shape import Shape
from ostraka.collection.terms import Terms
from ostraka.errors import Disagreement, PeerViolation, PinMismatch, UsageError

VECTORS = Path(__file__).resolve().parents[1] / "tests" / "vectors" / "collection.json"


@cache
def terms():
    """The collection with invitations of the vectors."""
    case = json.loads(VECTORS.read_text())[0]
    octets = {key: bytes.fromhex(case[key]) for key in ("manifest", "organiser", "roster digest")}
    shape = Shape(
        octets["manifest"],
        tuple(case["compute"]),
        tuple(map(bytes.fromhex, case["pins"])),
        tuple(case["lengths"]),
        octets["organiser"],
        octets["roster digest"],
        case["size"],
    )
    statements = list(map(bytes.fromhex, case["statements"]))
    return Terms.read(shape, statements, bytes.fromhex(case["roster"]))


def report(data):
    """A report: it is refused, or has one encoding; also before its signatures are looked at."""
    with refused_by(BadReport):
        assert read_own(data, terms()).write() == data
        assert read_report(data, terms()).write() == data


def view(data):
    """What compute party 1 gets of a report."""
    with refused_by(BadReport):
        assert read_view(data, terms(), 1).view(1) == data


def sealing(data):
    """The sealing statement of compute party 0."""
    with refused_by(PinMismatch, PeerViolation):
        SealingStatement.read(data, terms().shape, 0)


def organiser(data):
    """A statement of the organiser, read as each of its kinds."""
    shape = terms().shape
    kinds = {0: orders.read_publication, 1: orders.read_revocations, 2: orders.read_close}
    with refused_by(PinMismatch, PeerViolation):
        kinds[data[0] % 3 if data else 0](data[1:], shape)


def roster(data):
    """A roster, which has to be the manifest's."""
    with refused_by(Disagreement, PeerViolation):
        CredentialRoster.read(data, terms().shape)


def code(data):
    """A code, or a link, as a person pastes it."""
    with refused_by(UsageError):
        found = read_code(data.decode("utf-8", "replace"))
        assert read_code(found.write()) == found


def answers(data):
    """JSON of a mailbox or of a report receipt: a promise, a proof, a receipt."""
    with refused_by(PeerViolation, ValueError):
        value = strict_json.parse(data)
        kind = value.get("kind") if isinstance(value, dict) else None
        table = value.get("table") if isinstance(value, dict) else value
        if kind == "promise":
            found = Promise.of_table(table)
            found.check(terms().shape.manifest, found.digest)
        elif kind == "receipt":
            read_own_digest(table)
        else:
            check_proof(bytes(32), bytes(32), Proof.of_table(table))


TARGETS = (report, view, sealing, organiser, roster, code, answers)
