"""Receipts hold, and no longer hold when anything in them is changed: both verifiers agree."""

import asyncio
import copy
import hashlib
import hmac
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

from ostraka.errors import OstrakaError, PeerViolation, UsageError
from ostraka.names import Step
from ostraka.record import receipt as receipts

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_receipt.py"
REFUSALS = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("verify_receipt", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def receipt(office, tmp_path):
    roles = {"alice": ("contributor", "compute"), "bob": ("contributor", "compute", "recipient"),
             "carlos": ("contributor",), "david": ("recipient",)}  # fmt: skip
    inputs = {"alice": 1, "bob": 2, "carlos": 3}
    found = asyncio.run(office.run(office.manifest(roles), inputs, receipts=tmp_path))
    return receipts.read(Path(found["bob"]["receipt"]))


def holds(script, receipt):
    """Whether it does, in the opinion of both verifiers."""
    try:
        receipts.verify(receipt)
        ours = True
    except (PeerViolation, UsageError) as error:
        assert error.message
        ours = False
    try:
        lines = list(script.verify(receipt))
        assert len(lines) == 6
        theirs = True
    except (script.DoesNotHoldError, *REFUSALS):
        theirs = False
    assert ours == theirs, receipt
    return ours


def test_every_receipt_holds(office, tmp_path, script):
    manifest = office.manifest(sharing='scheme = "shamir"\nthreshold = 1')
    inputs = {"alice": 1, "bob": 2, "carlos": 3}
    found = asyncio.run(office.run(manifest, inputs, receipts=tmp_path))
    for name, result in found.items():
        read = receipts.read(Path(result["receipt"]))
        said = receipts.verify(read)
        assert holds(script, read)
        assert said["session"] == result["session"]
        assert said["signed"] == said["counted"] == list(inputs)
        assert read["written_by"] == name


def test_what_a_receipt_says(receipt, script):
    said = receipts.verify(receipt)
    assert said["parties"] == ["alice", "bob", "carlos", "david"]
    assert said["counted"] == ["alice", "bob", "carlos"]
    assert said["manifest_sha256"] == receipt["manifest_sha256"]


def test_it_holds_no_input_share_or_result(receipt):
    for entry in receipt["parties"].values():
        statement = json.loads(entry.get("statement", "{}"))
        assert set(statement) <= {
            "party",
            "session",
            "manifest_sha256",
            "sent",
            "counted",
            "result",
        }
        assert len(statement.get("sent", "")) in (0, 64)


def leaves(value, path=()):
    """Paths of all texts and numbers."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    else:
        yield path


def changed(receipt, path, change):
    other = copy.deepcopy(receipt)
    place = other
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = change(place[path[-1]])
    return other


def another(character):
    return "b" if character == "a" else "a"


def test_one_character_changed_anywhere_is_refused(receipt, script):
    for path in leaves(receipt):
        value = receipt
        for key in path:
            value = value[key]
        if isinstance(value, int):
            assert not holds(script, changed(receipt, path, lambda v: v + 1)), path
            continue
        for i in {0, 1, len(value) // 2, len(value) - 3, len(value) - 2, len(value) - 1}:
            other = changed(receipt, path, lambda v, i=i: v[:i] + another(v[i]) + v[i + 1 :])
            assert not holds(script, other), (path, i)
        assert not holds(script, changed(receipt, path, lambda v: v[:-1])), path
        assert not holds(script, changed(receipt, path, lambda v: v + " ")), path
        assert not holds(script, changed(receipt, path, lambda v: None)), path


def test_a_field_missing_renamed_or_added_is_refused(receipt, script):
    def tables(value, path=()):
        if isinstance(value, dict):
            yield path
            for key, inner in value.items():
                yield from tables(inner, (*path, key))

    for path in tables(receipt):
        table = receipt
        for key in path:
            table = table[key]
        for key in table:
            for new in (None, key + "x"):
                other = copy.deepcopy(receipt)
                place = other
                for step in path:
                    place = place[step]
                value = place.pop(key)
                if new is not None:
                    place[new] = value
                assert not holds(script, other), (path, key)
        other = copy.deepcopy(receipt)
        place = other
        for step in path:
            place = place[step]
        place["more"] = "words"
        assert not holds(script, other), path


def test_entries_of_two_parties_exchanged_are_refused(receipt, script):
    other = copy.deepcopy(receipt)
    parties = other["parties"]
    parties["alice"], parties["bob"] = parties["bob"], parties["alice"]
    assert not holds(script, other)


def test_words_of_another_session_are_refused(office, tmp_path, script):
    manifest = office.manifest()
    two = []
    for run in ("one", "two"):
        directory = tmp_path / run
        directory.mkdir()
        found = asyncio.run(office.run(manifest, dict.fromkeys(manifest.parties, 1),
                                       receipts=directory))  # fmt: skip
        two.append(receipts.read(Path(found["alice"]["receipt"])))
    for field in two[0]["parties"]["bob"]:
        if field in ("certificate", "version"):
            continue
        value = two[1]["parties"]["bob"][field]
        assert not holds(script, changed(two[0], ("parties", "bob", field), lambda _, v=value: v))
    whole = two[1]["parties"]["bob"]
    assert not holds(script, changed(two[0], ("parties", "bob"), lambda _: whole))


def resigned(office, receipt, name, **changes):
    """What `name` would have signed, had it said something else."""
    body = json.loads(receipt["parties"][name]["statement"])
    body.update(changes)
    signed = receipts.canonical(body)
    other = changed(receipt, ("parties", name, "statement"), lambda _: signed.decode())
    signature = receipts.text(office.identity(name).sign(signed))
    return changed(other, ("parties", name, "statement_signature"), lambda _: signature)


@pytest.mark.parametrize(
    "changes",
    [
        {"party": "alice"},
        {"session": "00" * 32},
        {"manifest_sha256": "00" * 32},
        {"counted": [0, 1]},
        {"counted": [0, 1, 7]},
        {"counted": [0, 1, -1]},
        {"counted": "012"},
        {"result": "00" * 32},
    ],
)
def test_statements_that_contradict_each_other_are_refused(office, receipt, script, changes):
    assert holds(script, resigned(office, receipt, "bob"))
    assert not holds(script, resigned(office, receipt, "bob", **changes))


@pytest.mark.parametrize(
    "content", ["", "[]", "{", "null", "{}", '{"ostraka_receipt": 1}', "[" * 100_000]
)
def test_files_that_are_no_receipts(tmp_path, content):
    path = tmp_path / "receipt.json"
    path.write_text(content)
    with pytest.raises(OstrakaError) as error:
        receipts.verify(receipts.read(path))
    assert error.value.exit_code in (2, 50)


def test_a_commitment_binds_receivers_step_type_length_and_content(monkeypatch):
    monkeypatch.setattr(receipts.os, "urandom", bytes)
    sent = np.array([1, 2], np.uint64)
    variants = [
        (["bob"], Step(0, 1), sent),
        (["bobb"], Step(0, 1), sent),
        (["bob", "carlos"], Step(0, 1), sent),
        (["bob"], Step(0, 2), sent),
        (["bob"], Step(1, 0), sent),
        (["bob"], Step(2, 0), sent),
        (["bob"], Step(0, 1), np.array([1, 3], np.uint64)),
        (["bob"], Step(0, 1), np.array([1, 2, 0], np.uint64)),
        (["bob"], Step(0, 1), sent.view(np.uint8)),
    ]
    values = set()
    for variant in variants:
        commitment = receipts.Commitment()
        commitment.add(*variant)
        values.add(commitment.value())
    assert len(values) == len(variants)


def test_a_commitment_is_over_the_bytes_its_docstring_says():
    commitment = receipts.Commitment()
    commitment.add(["bob", "carlos"], Step(3, 14), np.array([1, 2], np.uint64))
    commitment.add(["bob"], Step(4, 0), np.frombuffer(b"xyz", np.uint8))
    elements = bytes([1, *[0] * 7, 2, *[0] * 7])
    said = b"bob,carlos\x003.14\0<u8\x002\0" + hashlib.sha256(elements).digest()
    said += b"bob\x004.0\0|u1\x003\0" + hashlib.sha256(b"xyz").digest()
    assert commitment.value() == hmac.new(commitment.key, said, "sha256").hexdigest()


@pytest.mark.parametrize("long", [0, 1, 3])
def test_a_commitment_is_the_same_whichever_thread_hashes(monkeypatch, long):
    def messages():
        for i in range(6):
            yield ("bob",), Step(0, i), np.full(8 if i == long else 2, i, np.uint64)

    monkeypatch.setattr(receipts.os, "urandom", bytes)

    def committed(aside):
        monkeypatch.setattr(receipts.limits, "ASIDE", aside)
        commitment = receipts.Commitment()
        for message in messages():
            commitment.add(*message)
        return commitment.value()

    assert committed(8) == committed(10**6) == committed(0)


def test_a_commitment_hides_under_its_key():
    values = set()
    for _ in range(2):
        commitment = receipts.Commitment()
        commitment.add(["bob"], Step(0, 1), np.zeros(1, np.uint64))
        values.add(commitment.value())
    assert len(values) == 2


@pytest.mark.parametrize("statement", ["[" * 16_000, "{}", "[]", "1", "x", ""])
def test_a_signed_statement_of_nonsense_is_refused(office, receipt, script, statement):
    other = changed(receipt, ("parties", "alice", "statement"), lambda _: statement)
    signature = receipts.text(office.identity("alice").sign(statement.encode()))
    path = ("parties", "alice", "statement_signature")
    assert not holds(script, changed(other, path, lambda _: signature))
