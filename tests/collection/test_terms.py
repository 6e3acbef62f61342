"""Terms: a collection's id changes with everything that reports depend on."""

from dataclasses import replace

import pytest

from ostraka.collection.report import read_own, read_report
from ostraka.collection.sealing import SealingStatement, SealingSuite
from ostraka.collection.terms import Terms
from ostraka.errors import Disagreement


def test_the_id_depends_on_the_manifest_and_on_each_key_and_their_order(made, terms):
    ids = {terms.collection}
    ids.add(replace(terms, shape=replace(terms.shape, manifest=bytes(32))).collection)
    ids.add(replace(terms, keys=(terms.keys[1], terms.keys[0], terms.keys[2])).collection)
    for i in range(3):
        for field in ("classic", "hybrid"):
            other = replace(terms.keys[i], **{field: getattr(made.sealing_key(9).public, field)})
            keys = tuple(other if i == j else keys for j, keys in enumerate(terms.keys))
            ids.add(replace(terms, keys=keys).collection)
    assert len(ids) == 1 + 2 + 6


def test_the_hybrid_suite_where_all_have_it(made, terms):
    assert terms.best_suite is SealingSuite.HYBRID
    old = SealingStatement(terms.keys[0].classic, b"")
    assert replace(terms, keys=(old, *terms.keys[1:])).best_suite is SealingSuite.CLASSIC


def test_the_roster_is_the_manifests(made):
    with pytest.raises(Disagreement):
        Terms.read(made.shape(), made.statements(), None)
    with pytest.raises(ValueError, match="shorter"):
        Terms.read(made.shape(), made.statements()[:2], made.roster().write())
    assert Terms.read(made.shape(invited=False), made.statements(), None).roster is None


def test_a_contributor_needs_no_roster_and_checks_no_report(made, terms, report):
    own = Terms.of_contributor(made.shape(), made.statements())
    assert (own.roster, own.collection) == (None, terms.collection)
    assert read_own(report.write(), own) == report
    with pytest.raises(ValueError, match="without the roster"):
        read_report(report.write(), own)


def test_info_has_party_and_head(terms):
    infos = {terms.info(place, head) for place in range(3) for head in (b"a", b"b")}
    assert len(infos) == 6
