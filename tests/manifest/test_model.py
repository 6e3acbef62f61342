"""Inputs of a manifest: one for all contributors, or several by name, and the digests of both."""

from __future__ import annotations

import json
import re

import pytest

from ostraka.errors import ManifestError, UsageError
from ostraka.manifest import Manifest, parse

HEAD = f"""\
[session]
title = "Digests"
protocol = "secure-sum"
deadline = "5m"
coordinator = {{ address = "127.0.0.1:9440", key = "sha256:{99:064x}" }}
"""


def party(i: int, name: str, *roles: str) -> str:
    listed = ", ".join(f'"{role}"' for role in roles or ("contributor", "compute", "recipient"))
    return f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\nroles = [{listed}]\n'


THREE = HEAD + "".join(party(i, name) for i, name in enumerate(("alice", "bob", "carlos"), 1))
SHAMIR = '[sharing]\nscheme = "shamir"\nthreshold = 1\n'

BEFORE = {
    'type = "int"\nmin = 0\nmax = 10': (
        "335693ce4c1f970c6cfade3ed65159b456ba35a5601d3ec7120a5ab8e9e0cd2c"
    ),
    'type = "bool"\nlength = 7': (
        "e1eb3a7b7ce198106fdb52ec35602b29be1f127df6e1ed03178a11bc09f54ef5"
    ),
    'type = "decimal(2)"\nmin = -1.50\nmax = 1e6\nunit = "EUR"\noutside = "clip"': (
        "dc35f245512053d9ec37a0f49b7f4dfb92b999000d5bc3d3e24238d5e0a3ce8f"
    ),
    'type = \'choice(["yes", "no"])\'': (
        "a66769bd82463f88ae95ac7469e182d52b6c33be626b4893ce5267e6193b9510"
    ),
    'type = "float(20)"\nlength = 1000000\nmin = 0\nmax = 0.1\noutside = "reject"': (
        "bc3c38786c5da1e56448019ef66454ce2e10ef0c49f96cfd33399936d302e585"
    ),
}
"""Digests of manifests with these lines in [input], as they were when a manifest had one input."""


@pytest.mark.parametrize(("lines", "digest"), BEFORE.items())
def test_one_input_has_the_digest_it_always_had(lines: str, digest: str) -> None:
    assert parse(f"{THREE}[input]\n{lines}\n{SHAMIR}").digest.hex() == digest


# --- several inputs -------------------------------------------------------------------------------

PRICES = '[[input]]\nname = "prices"\nof = ["alice"]\ntype = "decimal(2)"\nmin = 0\nmax = 5\n'
AMOUNTS = '[[input]]\nname = "amounts"\nof = ["bob", "carlos"]\ntype = "bool"\nlength = 3\n'
SEVERAL = THREE + PRICES + AMOUNTS + SHAMIR


def test_each_contributor_has_its_own_input() -> None:
    m = parse(SEVERAL)
    assert [schema.name for schema in m.inputs] == ["prices", "amounts"]
    assert m.input_of("alice") is m.inputs[0]
    assert m.input_of("bob") is m.input_of("carlos") is m.inputs[1]
    assert (m.input_of("bob").length, str(m.input_of("alice").max)) == (3, "5")
    with pytest.raises(UsageError, match="dora gives no input"):
        m.input_of("dora")


def test_one_input_is_everybodys() -> None:
    m = parse(THREE + '[input]\ntype = "bool"\n' + SHAMIR)
    assert m.inputs == (m.input,)
    assert {m.input_of(party) for party in m.parties} == {m.input}


def test_a_protocol_that_wants_one_kind_of_input_says_so() -> None:
    with pytest.raises(ManifestError) as caught:
        _ = parse(SEVERAL).input
    assert str(caught.value.message) == (
        "input: secure-sum asks all contributors for the same input: use one [input]"
    )


def test_the_canonical_bytes_name_inputs_only_where_there_are_several() -> None:
    one = json.loads(parse(THREE + '[input]\ntype = "bool"\n' + SHAMIR).canonical)["input"]
    assert one == {"type": "bool", "length": 1, "min": None, "max": None, "unit": ""}
    prices, amounts = json.loads(parse(SEVERAL).canonical)["input"]
    assert (prices["name"], prices["of"]) == ("prices", ["alice"])
    assert amounts == {"name": "amounts", "of": ["bob", "carlos"]} | {**one, "length": 3}


@pytest.mark.parametrize(
    ("old", "new"),
    [("prices", "costs"), ('["bob", "carlos"]', '["carlos", "bob"]'), ("max = 5", "max = 6")],
)
def test_every_value_of_an_input_is_in_the_digest(old: str, new: str) -> None:
    assert parse(SEVERAL.replace(old, new)).digest != parse(SEVERAL).digest


def test_a_manifest_survives_being_dumped() -> None:
    for text in (SEVERAL, THREE + '[input]\ntype = "bool"\n' + SHAMIR):
        m = parse(text)
        assert Manifest.model_validate(m.model_dump()).digest == m.digest


@pytest.mark.parametrize(
    ("old", "new", "at", "message"),
    [
        ('"amounts"', '"prices"', "name", "input[1].name: is also that of input[0]"),
        ('name = "amounts"\n', "", "[[input]]", "input[1].name: is missing"),
        ('name = "amounts"', 'name = "A b"', "name", "input[1].name: must be 1 to 32 lowercase"),
        ('"carlos"]\ntype', '"dora"]\ntype', "of", "input[1].of[1]: dora is not a party"),
        ('"carlos"]\ntype', '"carlo"]\ntype', "of", 'did you mean "carlos"?'),
        ('"carlos"]\ntype', '"alice"]\ntype', "of", "input[1].of[1]: alice gives input[0] alr"),
        ('"carlos"]\ntype', '"bob"]\ntype', "of", "input[1].of: names a party twice"),
        ('of = ["bob", "carlos"]', "of = []", "of", "input[1].of: must be a list of names"),
        ('of = ["bob", "carlos"]', 'of = "bob"', "of", "input[1].of: must be a list of names"),
        ('of = ["bob", "carlos"]\n', "", "[[input]]", "input[1].of: alice gives input[0] already"),
        (', "carlos"]\ntype', "]\ntype", PRICES, "input: asks carlos for none"),
        ("max = 5", "max = 0.001", "max", "input[0].max: is not a value of decimal(2)"),
        ("length = 3", "length = 3\nmin = 0", "min", "input[1].min: has no meaning for bool"),
        ("length = 3", "lenght = 3", "lenght", 'unknown key; did you mean "length"?'),
        ("length = 3", "length = 0", "length", "input[1].length: must be greater than"),
    ],
)
def test_a_mistake_in_one_of_several_inputs_is_named_with_its_line(
    old: str, new: str, at: str, message: str
) -> None:
    assert old in SEVERAL
    text = SEVERAL.replace(old, new)
    with pytest.raises(ManifestError) as caught:
        parse(text, "s.toml")
    assert message in caught.value.message
    line = text[: text.rindex("\n" + at)].count("\n") + 2
    assert f"s.toml:{line}: " in caught.value.message


def test_who_contributes_nothing_gives_no_input() -> None:
    text = SEVERAL.replace(party(3, "carlos"), party(3, "carlos", "compute"))
    with pytest.raises(ManifestError, match=r"input\[1\].of\[1\]: carlos is not a contributor"):
        parse(text)


@pytest.mark.parametrize("value", ["3", "[]", '"a"', "[3]"])
def test_an_input_is_a_table_or_several(value: str) -> None:
    with pytest.raises(ManifestError, match=r"input.*must be a table"):
        parse(f"input = {value}\n{THREE}{SHAMIR}")


def test_one_coordinator_is_the_same_agreement_in_a_list_or_not(office):
    """And several are listed in the canonical bytes, in their order."""
    alone = office.manifest(("alice", "bob"), relay="a.example:1")
    listed = office.manifest(("alice", "bob"), relay=["a.example:1"])
    assert alone.canonical == listed.canonical
    assert b'"coordinator":{"address":"a.example:1","key":' in alone.canonical
    several = office.manifest(("alice", "bob"), relay=["b.example:1", "a.example:1"])
    assert b'"coordinator":[{"address":"b.example:1",' in several.canonical
    assert [place.address for place in several.session.coordinators] == [
        "b.example:1",
        "a.example:1",
    ]
    assert b'"coordinator":null' in office.manifest(("alice", "bob")).canonical


def test_mistakes_in_lists_of_coordinators(office):
    with pytest.raises(ManifestError, match=r"session\.coordinator: address: is listed twice"):
        office.manifest(("alice", "bob"), relay=["a.example:1", "a.example:1"])
    with pytest.raises(ManifestError, match=r"session.coordinator\[1\].address"):
        office.manifest(("alice", "bob"), relay=["a.example:1", "b.example"])
    with pytest.raises(ManifestError, match=r"session\.coordinator"):
        office.manifest(("alice", "bob"), relay=[f"a.example:{port}" for port in range(1, 10)])


BROKER = '{ mqtt = "mqtts://b.example:8883", topic = "company/ostraka" }'


def with_place(place: str) -> str:
    lone = re.sub(r"coordinator = .*", lambda _: f"coordinator = {place}", THREE)
    return lone + '[input]\ntype = "int"\nmin = 0\nmax = 10\n' + SHAMIR


def test_a_broker_stands_where_a_relay_does_and_beside_it():
    relay = f'{{ address = "h:1", key = "sha256:{9:064x}" }}'
    alone = parse(with_place(BROKER))
    assert [place.in_words for place in alone.session.brokers] == [
        "the broker at mqtts://b.example:8883"
    ]
    assert (
        b'"coordinator":{"mqtt":"mqtts://b.example:8883","topic":"company/ostraka"}'
        in alone.canonical
    )
    both = parse(with_place(f"[{relay}, {BROKER}]")).session
    assert [place.address for place in both.coordinators] == ["h:1", "mqtts://b.example:8883"]
    assert (len(both.relays), len(both.brokers)) == (1, 1)


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ('{ mqtt = "mqtts://b:1" }', r"session\.coordinator\.topic: is missing"),
        ('{ topic = "t" }', r"session\.coordinator\.mqtt: is missing"),
        ('{ mqtt = "b:1", topic = "t" }', r'session\.coordinator\.mqtt: must be "mqtts://'),
        ('{ mqtt = "mqtts://a:b@b:1", topic = "t" }', r"each party keeps its own"),
        ('{ mqtt = "mqtts://b", topic = "t" }', r'must be "mqtts://host:port"'),
        ('{ mqtt = "mqtts://b:1", topic = "a/#" }', r"coordinator\.topic: must be levels"),
        ('{ mqtt = "mqtts://b:1", topic = "/a" }', r"coordinator\.topic: must be levels"),
        ('{ mqtt = "mqtts://b:1", topic = "$SYS/a" }', r"coordinator\.topic: must be levels"),
        ('{ mqtt = "mqtts://b:1", topic = "t", key = "x" }', r"coordinator\.key: unknown key"),
        ('{ mqtt = "mqtts://b:1", topik = "t" }', r'topik: unknown key; did you mean "topic"'),
        (f"[{BROKER}, {BROKER}]", r"session\.coordinator: address: is listed twice"),
        ('[{ mqtt = "mqtts://b:1" }]', r"session\.coordinator\[0\]\.topic: is missing"),
    ],
)
def test_mistakes_in_brokers(place: str, why: str):
    with pytest.raises(ManifestError, match=why):
        parse(with_place(place))
