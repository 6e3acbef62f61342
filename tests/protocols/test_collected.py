"""Sentences on a collection, and what a protocol does otherwise in one."""

from __future__ import annotations

import pytest
from polls import INVITED, OPEN, changed

from ostraka.config import bind
from ostraka.errors import ManifestError, RefusedByPolicy
from ostraka.manifest import Manifest, parse
from ostraka.protocols import collected


def explained(manifest: Manifest) -> str:
    return " ".join(collected.explain(bind(manifest)))


def test_sessions_without_a_collection_have_no_such_sentences() -> None:
    session = INVITED.partition("[collection]")[0]
    session = session.replace('["compute"', '["contributor", "compute"').replace(
        "= 10\n\n", "= 3\n\n"
    )
    session = session.replace("min_contributors = 10", "min_contributors = 3")
    assert collected.explain(bind(parse(session))) == []


def test_who_may_report_and_until_when() -> None:
    text = explained(parse(INVITED))
    assert "one of 50 codes may report once, until 2026-12-05 18:00:00 UTC. A later report" in text
    assert "organiser makes the codes, and may be all contributors but one itself" in text
    assert "the answer tells that one's input" in text
    assert "keeps none" in text
    assert "WARNING" not in text
    assert "or until the organiser closes it" not in text


def test_open_to_all() -> None:
    text = explained(parse(OPEN))
    assert "as often as they like" in text
    assert "at most 1000 are taken" in text
    assert "the noise protects" in text


def test_what_a_manifest_may_add() -> None:
    more = 'early_close = true\nreplace = false\nmax_unopenable = 0.25\nrecipients = "public"'
    text = explained(
        changed(INVITED, ("size = 50", f"size = 50\n{more}"), ("https://poll.ex", "http://poll.ex"))
    )
    for words in (
        "or until the organiser closes it before",
        "It cannot be replaced",
        "refused more than 25%",
        "WARNING: http://poll.example.org has no TLS",
        "The result is public",
    ):
        assert words in text


def test_two_compute_parties_check_nothing() -> None:
    two = INVITED.replace('[[party]]\nname = "c3"', "[[party]]\n#").split("[[party]]\n#")
    text = two[0] + two[1].partition("\n\n")[2]
    text = text.replace('scheme = "shamir"\nthreshold = 1\n', 'scheme = "additive"\n')
    assert "WARNING: reports are not checked" in explained(parse(text))


# --- what protocols do otherwise --------------------------------------------------------------


def test_all_compute_parties_consent_and_no_report_is_waited_for() -> None:
    protocol = bind(changed(INVITED, ("secure-sum", "tally"), TALLIED))
    assert protocol.may_leave == protocol.contributors
    assert protocol.least_counted == 10
    agreed = protocol.without(protocol.contributors[:20])
    assert agreed.scheme.contributors == protocol.contributors[20:]
    assert not agreed.attendance.must_agree
    assert agreed.attendance.announcements == 2


TALLIED = ('type = "int"\nmin = 0\nmax = 10', 'type = \'choice(["a", "b"])\'')


def test_no_contributor_can_stop_a_collection() -> None:
    text = INVITED.replace("secure-sum", "tally").replace(*TALLIED)
    assert bind(parse(text)).options.invalid == "exclude"  # type: ignore[attr-defined]
    with pytest.raises(ManifestError, match="one contributor could stop"):
        bind(parse(text + '\n[outputs]\ninvalid = "abort"\n'))


def test_reports_are_no_part_of_what_parties_send() -> None:
    cost = bind(parse(INVITED)).cost()
    assert set(cost.sent) == {"c1", "c2", "c3"}


def test_too_few_are_refused_without_naming_places() -> None:
    with pytest.raises(RefusedByPolicy) as caught:
        bind(parse(INVITED)).check_policy(("#1",))
    assert "only 1 contributor would be counted and the policy asks for 10" in caught.value.message
    assert "missing" not in caught.value.message
