"""Receipts hold, and no longer hold when anything in them is changed: both verifiers agree."""

import asyncio
import copy
import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from ostraka.errors import OstrakaError, PeerViolation, UsageError
from ostraka.record import commitments
from ostraka.record import receipt as receipts
from ostraka.record.commitments import canonical
from ostraka.session import nonces

SCRIPT = Path(__file__).parents[2] / "scripts" / "verify_receipt.py"
REFUSALS = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError)


def module(path):
    spec = importlib.util.spec_from_file_location(path.stem, path)
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


@pytest.fixture(scope="module")
def script():
    return module(SCRIPT)


@pytest.fixture
def receipts_of_all(office, tmp_path):
    roles = {"alice": ("contributor", "compute"), "bob": ("contributor", "compute", "recipient"),
             "carlos": ("contributor",), "david": ("recipient",)}  # fmt: skip
    inputs = {"alice": 1, "bob": 2, "carlos": 3}
    asyncio.run(office.run(office.manifest(roles), inputs, receipts=tmp_path))
    read = map(receipts.read, tmp_path.glob("receipt-*.json"))
    return {receipt["written_by"]: receipt for receipt in read}


@pytest.fixture
def receipt(receipts_of_all):
    return receipts_of_all["bob"]


def holds(script, receipt):
    """Whether it does, in the opinion of both verifiers."""
    try:
        receipts.verify(receipt)
        ours = True
    except (PeerViolation, UsageError) as error:
        assert error.message
        ours = False
    try:
        _, missing = script.verify(receipt)
        assert missing == receipts.verify(receipt)["missing"]
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
        assert said["complete"]
        assert said["format"] == 2
        assert "weakness" not in said
        assert read["written_by"] == name


def test_what_a_receipt_says(receipt, script):
    said = receipts.verify(receipt)
    assert said["parties"] == ["alice", "bob", "carlos", "david"]
    assert said["counted"] == ["alice", "bob", "carlos"]
    assert said["manifest_sha256"] == receipt["manifest_sha256"]
    assert said["figures"] == [{"name": "sum", "readers": ["bob", "david"]}]
    assert said["complete"]


def test_it_holds_no_input_share_or_result(receipt):
    for entry in receipt["parties"].values():
        statement = json.loads(entry.get("statement", "{}"))
        assert set(statement) <= {
            "party",
            "session",
            "manifest_sha256",
            "sent",
            "consented",
            "counted",
            "figures",
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


def resigned(office, receipt, name, body=None, **changes):
    """What `name` would have signed, had it said something else; `body`: in just these bytes."""
    signed = body or canonical(json.loads(receipt["parties"][name]["statement"]) | changes)
    other = changed(receipt, ("parties", name, "statement"), lambda _: signed.decode())
    signature = receipts.text(office.identity(name).sign(signed))
    return changed(other, ("parties", name, "statement_signature"), lambda _: signature)


def group(readers, **commitments):
    return [{"readers": readers, "commitments": commitments}]


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
        {"counted": [0, 1, 2.0]},
        {"counted": [False, True, 2]},
        {"counted": [0, 2, 1]},
        {"counted": [0, 1, 2, 2]},
        {"counted": None},
        {"result": "00" * 32},
        {"more": "words"},
        {"consented": [0, 1]},
        {"consented": [0, 1, 2.0]},
        {"sent": 1},
        {"figures": []},
        {"figures": group([0, 1], sum="00" * 32)},
        {"figures": group([0], sum="00" * 32)},
        {"figures": group([1], sum="00" * 32)},
        {"figures": group([False, True], sum="00" * 32)},
        {"figures": group([0, 1], sum="00" * 31)},
        {"figures": group([0, 1])},
        {"figures": {"sum": "00" * 32}},
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


def test_the_receipt_of_a_report_is_told_from_a_collection_s(tmp_path):
    path = tmp_path / "report.json"
    path.write_text('{"report_receipt": 1}')
    with pytest.raises(UsageError, match="the receipt of one report") as caught:
        receipts.read(path)
    assert f"--report {path}" in caught.value.hint


@pytest.mark.parametrize("statement", ["[" * 16_000, "{}", "[]", "1", "x", ""])
def test_a_signed_statement_of_nonsense_is_refused(office, receipt, script, statement):
    other = changed(receipt, ("parties", "alice", "statement"), lambda _: statement)
    signature = receipts.text(office.identity("alice").sign(statement.encode()))
    path = ("parties", "alice", "statement_signature")
    assert not holds(script, changed(other, path, lambda _: signature))


# --- vectors: tests/vectors/receipts, made by make.py there from the text of decision 0017 --------

VECTORS = Path(__file__).parents[1] / "vectors" / "receipts"
EXPECTED = json.loads((VECTORS / "expected.json").read_text())


@pytest.mark.parametrize("name", EXPECTED)
def test_both_verifiers_say_of_each_vector_what_they_should(name, script, monkeypatch, capsys):
    code = 0
    try:
        found = receipts.verify(receipts.read(VECTORS / name))
        code = 0 if found["complete"] else receipts.incomplete(found).exit_code
    except OstrakaError as error:
        code = error.exit_code
    assert code == EXPECTED[name]
    monkeypatch.setattr(sys, "argv", ["verify_receipt.py", str(VECTORS / name)])
    assert script.main() == EXPECTED[name]
    said = capsys.readouterr()
    assert bool(said.out) is (code in (0, 51))
    assert bool(said.err) is (code != 0)


def test_the_vectors_are_those_that_their_maker_makes():
    made = module(VECTORS / "make.py").files()
    assert made == {p.name: p.read_text() for p in VECTORS.iterdir() if p.suffix == ".json"}
    assert {name for name, code in EXPECTED.items() if code in (2, 50)} == {
        path.name for path in VECTORS.glob("bad_*")
    }


def test_the_weakness_of_format_1_is_said_and_honest_auctions_of_that_time_hold(script):
    """Recipients who learned other figures signed other commitments."""
    old = receipts.read(VECTORS / "complete_1.json")
    found = receipts.verify(old)
    assert "by trying" in found["weakness"]
    assert any("weakness" in line for line in script.verify(old)[0])
    results = {json.loads(e["statement"]).get("result") for e in old["parties"].values()}
    assert len(results) == 3


def test_figures_are_committed_to_as_the_vectors_say(monkeypatch):
    said = json.loads((VECTORS / "figures.json").read_text())
    names, session = tuple(said["recipients"]), bytes.fromhex(said["session"])
    groups = [tuple(names[place] for place in g["readers"]) for g in said["groups"]]
    drawn = {name: list(entry["nonces"].values()) for name, entry in said["recipients"].items()}
    monkeypatch.setattr(nonces, "_drawn", lambda seed, i: bytes.fromhex(drawn[seed.decode()][i]))
    results = {name: nonces.ResultNonces(name, groups, name.encode()) for name in names}
    for name, own in results.items():
        assert own.hello.hex() == said["recipients"][name]["hello_nonce"]
        for peer in names:
            if peer != name:
                own.take(peer, results[peer].for_peer(name), results[peer].hello)
    for group, given in zip(groups, said["groups"], strict=True):
        for name in group:
            key = results[name].keys(session)[group]
            assert key.hex() == given["key"]
        for figure, secret in given["figures"].items():
            assert commitments.figure_nonce(key, figure).hex() == secret["nonce"]
            found = commitments.group_commitments(key, {figure: [np.array([secret["opened"]])]})
            assert found == {figure: secret["commitment"]}


def test_a_receipt_that_an_earlier_release_wrote_holds(script):
    """Of an honest auction with other rights, which that release called false."""
    old = receipts.read(VECTORS / "release_1" / "receipt-alice.json")
    found = receipts.verify(old)
    assert (found["format"], found["complete"], found["title"]) == (1, True, "Sale of a boat")
    assert script.verify(old)[1] == []


def test_why_statements_are_missing_is_said_of_a_party_that_only_contributed(receipts_of_all):
    early = receipts.verify(receipts_of_all["carlos"])
    assert (early["signed"], early["left_early"]) == (["carlos"], True)
    assert "as it should be: carlos only contributed" in receipts.incomplete(early).hint
    cut = receipts_of_all["bob"]
    for name in ("alice", "carlos", "david", "bob"):
        for key in ("statement", "statement_signature"):
            del cut["parties"][name][key]
        found = receipts.verify(cut)
        assert not found["left_early"]
        assert "something that was taken out" in receipts.incomplete(found).hint
