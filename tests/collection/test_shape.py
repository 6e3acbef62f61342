"""Shapes: what a manifest says of all reports; no place differs from another."""

from dataclasses import replace

import pytest

from ostraka import config
from ostraka.collection.shape import Shape

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
length = 3

[sharing]
scheme = "shamir"
threshold = 1

[policy]
min_contributors = 2

{collection}"""
PARTY = """\
[[party]]
name = "c{0}"
key = "sha256:{0:064x}"
roles = ["compute", "recipient"]
address = "127.0.0.1:900{0}"

"""
COLLECTION = f"""\
[collection]
from = "invited"
organiser = "sha256:{7:064x}"
roster = "sha256:{8:064x}"
size = 5
closes = 2030-01-01T00:00:00Z
mailbox = "https://mailbox.example"
"""


def protocol(collection=COLLECTION, scheme='scheme = "shamir"\nthreshold = 1'):
    parties = "".join(PARTY.format(i) for i in (1, 2, 3))
    text = TOML.format(parties=parties, collection=collection)
    return config.bind(text.replace('scheme = "shamir"\nthreshold = 1', scheme))


def test_the_shape_of_a_manifest():
    found = Shape.of(protocol())
    assert found.manifest == protocol().manifest.digest
    assert found.compute == ("c1", "c2", "c3")
    assert found.pins == tuple(bytes(31) + bytes([i]) for i in (1, 2, 3))
    assert found.lengths == (32, 24, 24)
    assert (found.organiser[-1], found.roster[-1], found.size) == (7, 8, 5)
    assert Shape.of(protocol(scheme='scheme = "additive"')).lengths == (24, 32, 32)


def test_every_place_has_the_same_lengths():
    for scheme in ('scheme = "additive"', 'scheme = "shamir"\nthreshold = 1'):
        made = protocol(scheme=scheme)
        found = {
            tuple(made.expected(place, c).nbytes for c in made.scheme.compute)
            for place in made.contributors
        }
        assert len(found) == 1


def test_invited(made):
    assert made.shape().invited
    assert not replace(made.shape(), roster=None).invited


def test_a_session_with_parties_that_contribute_has_no_shape():
    parties = "".join(PARTY.format(i) for i in (1, 2, 3))
    text = TOML.format(parties=parties, collection="").replace(
        '["compute"', '["contributor", "compute"'
    )
    with pytest.raises(ValueError, match="no \\[collection\\]"):
        Shape.of(config.bind(text))
