"""Table `[collection]`: what is refused, where messages point, and what the digest depends on."""

from __future__ import annotations

import json

import pytest
from polls import INVITED, OPEN, PARTIES, changed, key

from ostraka.errors import ManifestError
from ostraka.manifest import parse
from ostraka.manifest.comparing import differences


def test_contributors_are_places() -> None:
    m = parse(INVITED)
    assert len(m.contributors) == 50
    assert m.contributors[:2] == ("#1", "#2")
    assert m.input_of("#50") is m.input
    assert m.compute == m.recipients == m.parties == ("c1", "c2", "c3")
    assert m.may_be_absent == ()
    assert len(parse(OPEN).contributors) == 1000


def test_the_canonical_bytes_hold_the_table() -> None:
    found = json.loads(parse(INVITED).canonical)["collection"]
    assert found == {
        "closes": "2026-12-05T18:00:00Z",
        "early_close": False,
        "from": "invited",
        "mailbox": "https://poll.example.org",
        "max_reports": None,
        "max_unopenable": "1/100",
        "organiser": key(7).strip('"'),
        "recipients": "named",
        "replace": True,
        "roster": key(8).strip('"'),
        "size": 50,
    }
    assert parse(INVITED).digest.hex() == (
        "3097ec1b377e9d4a4dd91e34b6b876d233d4fbd92d74ac437f8fea1b15b6785c"
    )


SAME = [
    ("2026-12-05T18:00:00Z", "2026-12-05T19:00:00+01:00"),
    ("2026-12-05T18:00:00Z", '"2026-12-05T18:00:00+00:00"'),
    ('"https://poll.example.org"', '["https://poll.example.org/"]'),
    ("size = 50", "size = 50\nmax_unopenable = 0.01"),
    ("size = 50", 'size = 50\nmax_unopenable = "1%"\nreplace = true\nrecipients = "named"'),
]


@pytest.mark.parametrize(("before", "after"), SAME)
def test_the_same_collection_written_otherwise_has_the_same_digest(before: str, after: str) -> None:
    assert changed(INVITED, (before, after)).digest == parse(INVITED).digest


OTHER = [
    ("2026-12-05T18:00:00Z", "2026-12-05T18:00:01Z"),
    ("size = 50", "size = 51"),
    ("size = 50", "size = 50\nearly_close = true"),
    ("size = 50", "size = 50\nmax_unopenable = 0"),
    ("size = 50", 'size = 50\nrecipients = "public"'),
    ('"https://poll.example.org"', '["https://poll.example.org", "http://127.0.0.1:8080/poll"]'),
]


@pytest.mark.parametrize(("before", "after"), OTHER)
def test_another_collection_has_another_digest_and_words_for_it(before: str, after: str) -> None:
    other = changed(INVITED, (before, after))
    assert other.digest != parse(INVITED).digest
    (sentence,) = differences(parse(INVITED), other)
    assert sentence.startswith("collection.")


WRONG = [
    ('from = "invited"', 'from = "all"', "collection.from: must be"),
    ("size = 50", "", "collection.size: is missing"),
    (f"roster = {key(8)}", "", "collection.roster: is missing"),
    (f"organiser = {key(7)}", "", "collection.organiser: is missing"),
    ("size = 50", "size = 50\nmax_reports = 49", "collection.max_reports: must be at least 50"),
    ("size = 50", "size = 1048577", "collection.size: "),
    ("18:00:00Z", "18:00:00", "collection.closes: needs an offset"),
    ("18:00:00Z", "18:00:00.5Z", "collection.closes: must be a whole second"),
    ("2026-12-05T18:00:00Z", '"7d"', "collection.closes: must be a date and time"),
    ("2026-12-05T18:00:00Z", "0001-01-01T00:00:00+23:00", "collection.closes: must be a date"),
    ('"https://poll.example.org"', '"poll.example.org"', "collection.mailbox: must be a URL"),
    ('"https://poll.example.org"', '"https://poll.example.org/?a=b"', "collection.mailbox: "),
    ('"https://poll.example.org"', '"https://poll.example.org/a b"', "collection.mailbox: "),
    ('"https://poll.example.org"', '"https://me@poll.example.org"', "collection.mailbox: "),
    *(
        ('"https://poll.example.org"', f'"{url}"', "collection.mailbox: must be a URL")
        # What urlsplit drops or passes over would stand in a page and in its policy as it is.
        for url in (
            r"https://poll\texample.org",
            " https://poll.example.org",
            r"https://poll.example.org\n",
            "https://[::1]x; script-src *",
            r"https://[::1]x\"><form action=x>",
            "https://poll.example.org:",
        )
    ),
    ('"https://poll.example.org"', "[]", "collection.mailbox: must be a URL, or a list"),
    ('"https://poll.example.org"', '["https://a.b", "https://a.b/"]', "is listed twice"),
    ("size = 50", "size = 50\nmax_unopenable = -0.1", "collection.max_unopenable: "),
    ("size = 50", "size = 50\nmax_reprots = 9", 'did you mean "max_reports"?'),
    ("min_contributors = 10", "", "policy.min_contributors: is missing"),
    ("min_contributors = 10", "min_contributors = 51", "must be between 1 and 50"),
    ("threshold = 1", "threshold = 2", "sharing.threshold: must be at most 1 of 3"),
    ('deadline = "5m"', 'deadline = "5m"\nstart = "enough"', "session.start: has no meaning"),
    ("max = 10", 'max = 10\nof = ["c1"]', "input.of: has no meaning in a collection"),
    (
        'roles = ["compute", "recipient"]',
        'roles = ["compute", "contributor"]',
        "party[0].roles: no",
    ),
    (
        'roles = ["compute", "recipient"]\n\n[input]',
        'roles = ["compute"]\n\n[input]\n',
        None,
    ),
]


@pytest.mark.parametrize(("before", "after", "message"), WRONG)
def test_what_contradicts_itself_is_refused(before: str, after: str, message: str | None) -> None:
    if message is None:
        changed(INVITED, (before, after))
        before, message = "size = 50", "party[2].roles: recipients"
        after = 'size = 50\nrecipients = "public"'
        text = INVITED.replace('roles = ["compute", "recipient"]\n\n', 'roles = ["compute"]\n\n')
    else:
        text = INVITED
    with pytest.raises(ManifestError) as caught:
        changed(text, (before, after))
    assert message in caught.value.message


def test_open_to_all_needs_noise_and_a_bound() -> None:
    with pytest.raises(ManifestError, match='"open" needs noise'):
        changed(OPEN, ('local = { mechanism = "laplace", epsilon = 1 }', ""))
    with pytest.raises(ManifestError, match="max_reports: is missing"):
        changed(OPEN, ("max_reports = 1000", ""))
    with pytest.raises(ManifestError, match="min_difference: needs a roster"):
        changed(OPEN, ("min_contributors = 10", "min_contributors = 10\nmin_difference = 3"))
    with pytest.raises(ManifestError, match="size: has no meaning"):
        changed(OPEN, ("max_reports = 1000", "max_reports = 1000\nsize = 7"))


def test_sums_among_two_compute_parties_are_additive() -> None:
    two = INVITED.replace(PARTIES, PARTIES.partition('[[party]]\nname = "c3"')[0])
    with pytest.raises(ManifestError, match="name three compute parties"):
        parse(two)
    additive = two.replace('scheme = "shamir"\nthreshold = 1\n', 'scheme = "additive"\n')
    assert parse(additive).sharing.threshold == 1


def test_mailboxes_that_others_on_the_way_can_change_are_known() -> None:
    several = '["http://127.0.0.1:8080", "http://[::1]", "http://localhost", "http://a.example"]'
    found = changed(INVITED, ('"https://poll.example.org"', several)).collection
    assert found is not None
    assert found.insecure_mailboxes == ("http://a.example",)
