"""Reports: written and read back; each bit of one is noticed; each refusal has its reason."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from ostraka.arithmetic.randomness import SeededDraw
from ostraka.collection import report as reports
from ostraka.collection.credentials import SigningKey
from ostraka.collection.opening import Opener
from ostraka.collection.report import BadReport, Reason, read_report, read_view, write_report
from ostraka.collection.sealing import SealingSuite

VECTORS = Path(__file__).resolve().parents[1] / "vectors"


def open_all(made, terms, report):
    return [
        Opener(terms, place, made.sealing_key(place)).open(report)
        for place in range(len(made.NAMES))
    ]


@pytest.mark.parametrize("suite", list(SealingSuite))
def test_written_sealed_read_and_opened(made, terms, suite):
    own, credential = SigningKey(bytes(32)), (1, SigningKey.of_credential(made.SECRETS[1]))
    draw = SeededDraw(1)
    octets = write_report(terms, made.PARCELS, own, draw, credential=credential, suite=suite)
    found = read_report(octets, terms)
    assert found.write() == octets
    assert (found.head.credential, found.head.counter) == (1, 1)
    assert open_all(made, terms, found) == list(made.PARCELS)
    assert len(octets) == reports.lengths(terms)[suite - 1]


def test_without_an_invitation(made):
    terms = made.terms(invited=False)
    octets = write_report(terms, made.PARCELS, SigningKey(bytes(32)), SeededDraw(1))
    assert open_all(made, terms, read_report(octets, terms)) == list(made.PARCELS)
    with pytest.raises(BadReport, match="credential"):
        read_report(made.fixed_report(terms, 2).write(), terms)


def test_the_length_says_nothing_of_the_value(made, terms):
    credential = (0, SigningKey.of_credential(made.SECRETS[0]))
    sizes = {
        len(write_report(terms, parcels, made.CONTRIBUTOR, SeededDraw(1), credential=credential))
        for parcels in (made.PARCELS, tuple(bytes(len(parcel)) for parcel in made.PARCELS))
    }
    assert len(sizes) == 1
    with pytest.raises(ValueError, match="lengths"):
        write_report(terms, (b"", b"", b""), made.CONTRIBUTOR, SeededDraw(1))


def test_a_view_has_the_same_digest_and_one_parcel(made, terms, report):
    for place in range(3):
        view = read_view(report.view(place), terms, place)
        assert view.digest == report.digest
        assert set(view.sealed) == {place}
        opener = Opener(terms, place, made.sealing_key(place))
        assert opener.open(view) == made.PARCELS[place]


def test_every_bit_of_a_report_is_noticed(terms, report):
    """One bit of each byte, the bit chosen by the byte's place; no other report is read."""
    good = report.write()
    for i in range(len(good)):
        bad = bytearray(good)
        bad[i] ^= 1 << i % 8
        with pytest.raises(BadReport):
            read_report(bytes(bad), terms)


@pytest.mark.parametrize("place", range(3))
def test_every_bit_of_a_view_is_noticed(terms, report, place):
    good = report.view(place)
    for i in range(len(good)):
        bad = bytearray(good)
        bad[i] ^= 1 << i % 8
        with pytest.raises(BadReport):
            read_view(bytes(bad), terms, place)


def test_the_view_of_another_compute_party_is_refused(terms, report):
    with pytest.raises(BadReport):
        read_view(report.view(1), terms, 2)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("suite", SealingSuite.HYBRID),
        ("collection", bytes(32)),
        ("credential", 1),
        ("counter", 2),
        ("report", bytes(16)),
        ("contributor", bytes(32)),
    ],
)
def test_every_field_of_the_head_is_bound_into_each_parcel(made, terms, report, field, value):
    """Nothing of it could be changed even by a holder of both signing keys."""
    changed = replace(report, head=replace(report.head, **{field: value}))
    assert open_all(made, terms, report) == list(made.PARCELS)
    assert open_all(made, terms, changed) == [None] * 3


def test_manifest_party_and_pin_are_bound_into_each_parcel(made, terms, report):
    for changed in (
        {"manifest": bytes(32)},
        {"pins": tuple(bytes(32) for _ in terms.shape.pins)},
    ):
        other = replace(terms, shape=replace(terms.shape, **changed))
        assert open_all(made, other, report) == [None] * 3
    moved = replace(report, sealed={0: report.sealed[1], 1: report.sealed[0], 2: b""})
    assert open_all(made, terms, moved) == [None] * 3


def test_a_parcel_of_another_length_is_not_opened(made, terms, report):
    shape = replace(terms.shape, lengths=(32, 16, 17))
    assert open_all(made, replace(terms, shape=shape), report)[2] is None


def test_the_bad_vectors_are_refused(made, terms):
    for case in json.loads((VECTORS / "bad_collection.json").read_text()):
        octets = bytes.fromhex(case["report"])
        if case["error"] == "opening":
            assert None in open_all(made, terms, read_report(octets, terms)), case["what"]
            continue
        with pytest.raises(BadReport) as refused:
            read_report(octets, terms)
        assert refused.value.reason == case["error"], case["what"]


def test_every_reason_has_a_bad_vector():
    found = {case["error"] for case in json.loads((VECTORS / "bad_collection.json").read_text())}
    assert found == {*Reason, "opening"}


def test_a_report_does_not_print_its_parcels(report):
    assert repr(report) == f"Report({report.digest.hex()})"
