"""One answer to which parties may be missing, for every kind of sharing."""

import pytest

from ostraka.delivery.attendance import Attendance, quorum
from ostraka.sharing.additive import Additive
from ostraka.sharing.shamir import Shamir

CONTRIBUTORS, COMPUTE = ("x", "y"), tuple("abcde")
ADDITIVE, SHAMIR = Additive(CONTRIBUTORS, COMPUTE), Shamir(CONTRIBUTORS, COMPUTE, 2)


def test_nobody_may_be_missing_from_an_additive_sum():
    attendance = Attendance.of(ADDITIVE)
    assert not any(map(attendance.may_be_missing, CONTRIBUTORS + COMPUTE))
    assert not attendance.must_agree
    assert attendance.announcements == 5


def test_contributors_may_be_missing_where_a_scheme_survives_it():
    attendance = Attendance.of(SHAMIR)
    assert all(map(attendance.may_be_missing, CONTRIBUTORS))
    assert attendance.must_agree
    assert attendance.announcements == 3
    assert attendance.votes(CONTRIBUTORS) == quorum(5, 2, everybody=True) == 3
    assert attendance.votes(("x",)) == quorum(5, 2, everybody=False) == 3


def test_a_compute_party_that_could_be_passed_over_has_a_vote():
    """Even where all contributors are counted: its ledger may refuse."""
    assert Attendance.of(SHAMIR, CONTRIBUTORS).must_agree
    assert not Attendance.of(SHAMIR, CONTRIBUTORS, unanimous=True).must_agree
    assert Attendance.of(SHAMIR, ("x",), unanimous=True).must_agree


@pytest.mark.parametrize(("proven", "announcements"), [(True, 5), (False, 5)])
def test_where_compute_parties_may_lie_all_vote_and_none_is_missing(proven, announcements):
    attendance = Attendance.among_liars(SHAMIR, proven=proven)
    assert not any(map(attendance.may_be_missing, COMPUTE))
    assert attendance.votes(CONTRIBUTORS) == attendance.votes(("x",)) == 5
    assert attendance.announcements == announcements


def test_proven_shares_may_be_missing_beyond_those_that_outvote_liars():
    scheme = Shamir(CONTRIBUTORS, COMPUTE, 1)
    assert Attendance.among_liars(scheme, proven=True).announcements == 3
    assert Attendance.among_liars(scheme, proven=False).announcements == 5
