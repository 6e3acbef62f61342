"""The agreement: what is refused, where the message points, and what the digest depends on."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import tomllib
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import examples
from pydantic import ValidationError

from ostraka import limits
from ostraka.errors import ManifestError, UsageError
from ostraka.manifest import (
    ChoiceType,
    DecimalType,
    FloatType,
    Manifest,
    canonical_json,
    parse,
    parse_type,
)


def key(i: int) -> str:
    return f"sha256:{i:064x}"


TEXT = f"""\
# four engineers
[session]
title = "Average raise"
protocol = "secure-sum"
deadline = "5m"
coordinator = {{ address = "127.0.0.1:9440", key = "{key(99)}" }}

[[party]]
name = "alice"
key = "{key(1)}"
roles = ["contributor", "compute", "recipient"]

[[party]]
name = "bob"
key = "{key(2)}"
roles = [
  "contributor",  # a list over several lines
  "compute",
]
address = "bob.example:9441"

[[party]]
name = "carlos"
key = "{key(3)}"
roles = ["contributor", "compute"]

[input]
type = "decimal(2)"
min = 0
max = 1000000
unit = "USD"

[outputs]
statistics = ["sum", "mean"]

[sharing]
scheme = "shamir"
threshold = 1

[policy]
min_contributors = 3
"""


def noise(**local: object) -> str:
    """A [privacy] table, and the line it is put before."""
    table = ", ".join(f"{k} = {json.dumps(v)}" for k, v in local.items())
    return f"[privacy]\nlocal = {{ {table} }}\n[policy]"


def line_of(needle: str, text: str = TEXT) -> int:
    return text[: text.index(needle)].count("\n") + 1


def refused(old: str, new: str, text: str = TEXT) -> str:
    assert old in text
    with pytest.raises(ManifestError) as caught:
        parse(text.replace(old, new, 1), "s.toml")
    assert caught.value.data_left is False
    assert caught.value.exit_code == 2
    return caught.value.message


def test_parsed_form() -> None:
    m = parse(TEXT)
    assert m.parties == ("alice", "bob", "carlos")
    assert m.contributors == m.compute == m.parties
    assert m.recipients == ("alice",)
    assert m.pin("bob") == bytes.fromhex(f"{2:064x}")
    (place,) = m.session.coordinators
    assert place.pin == bytes.fromhex(f"{99:064x}")
    assert (m.session.deadline, m.session.timeout) == (300.0, 60.0)
    assert m.input.type == DecimalType(2)
    assert (m.input.min, m.input.max, m.input.length) == (Decimal(0), Decimal(1000000), 1)
    assert m.party_named("bob").address == "bob.example:9441"
    assert m.digest == hashlib.sha256(m.canonical).digest()
    assert json.loads(m.canonical)["sharing"] == {
        "scheme": "shamir", "security": "passive", "threshold": 1
    }  # fmt: skip


def test_golden_digest() -> None:
    """Changing what is signed breaks old receipts: it must never happen by accident."""
    assert parse(TEXT).digest.hex() == GOLDEN


GOLDEN = "be7940f55b04cfe7f37d4a1a7653f0f16fd6dcdcd24fafdea8950fba74291261"


def test_noise_has_one_canonical_form() -> None:
    """Two words for the same noise are the same agreement, and noise is another than none."""
    mechanisms = ("laplace", "discrete-laplace", "gaussian")
    texts = [noise(mechanism=m, epsilon=1, **{"delta": 0.1} if m == "gaussian" else {})
             for m in mechanisms]  # fmt: skip
    laplace, same, gaussian = (parse(TEXT.replace("[policy]", text)).digest for text in texts)
    assert laplace == same
    assert len({laplace, gaussian, parse(TEXT).digest}) == 3


def test_policy_fractions_are_exact() -> None:
    rule = '[policy]\ndominance = { largest = "33.3%", n = 2, k = "2/3" }\nmin_cell = 5'
    policy = parse(TEXT.replace("[policy]", rule)).policy
    assert policy.dominance is not None
    assert policy.dominance.largest == Fraction(333, 1000)
    assert (policy.dominance.n, policy.dominance.k) == (2, Fraction(2, 3))
    assert policy.inside == ("dominance", "min_cell")


def test_titles_options_and_units_are_what_people_write_and_signed_as_written() -> None:
    named = 'title = "d\u2019accord\u00a0?"\nseries = "\u0645\u06cc\u200c\u062e\u0648\u0627"'
    text = TEXT.replace('title = "Average raise"', named)
    assert parse(text).session.title == "d\u2019accord\u00a0?"
    kind = parse_type('choice(["\U0001f468\u200d\U0001f469", "d\u2019accord\u00a0!"])')
    assert kind.options == ("\U0001f468\u200d\U0001f469", "d\u2019accord\u00a0!")


def test_rules_for_text_change_no_digest() -> None:
    named = 'title = "E\u0301te\u0301 "\nseries = " Raises-Mai"'
    found = parse(TEXT.replace('title = "Average raise"', named)).digest.hex()
    assert (
        found == "529df5f528fe86a6b94c0ee65ebbfa898fffd15498c5933e8491404b263bbd99"
    )  # as before there were such rules


def test_unknown_party_is_a_usage_error_with_a_suggestion() -> None:
    with pytest.raises(UsageError, match='did you mean "carlos"'):
        parse(TEXT).pin("carols")


@pytest.mark.parametrize(
    ("old", "new", "path", "words"),
    [
        ('title = "Average raise"', "title = 3", "session.title", "must be a string"),
        ('title = "Average raise"', r'title = "a\u001b[2J"', "session.title", "printable"),
        ('title = "Average raise"', r'title = "a\nb"', "session.title", "one line"),
        ('title = "Average raise"', 'title = "' + "x" * 201 + '"', "session.title", "1 to 200"),
        ('title = "Average raise"', r'title = "a\u202eb"', "session.title", "U+202E (right-to"),
        ('title = "Average raise"', r'title = "r\u0430ises"', "session.title", "name a series"),
        (
            'title = "Average raise"',
            'title = "a"\nseries = "r\\u0430ises"',
            "session.series",
            "mixes Cyrillic and Latin",
        ),
        ('"secure-sum"', '"Secure Sum"', "session.protocol", "name of a protocol"),
        ('"5m"', '"5 minutes"', "session.deadline", "duration"),
        ('"5m"', '"0s"', "session.deadline", "longer than nothing"),
        ('"5m"', "5", "session.deadline", "duration"),
        ('"5m"', '"721h"', "session.deadline", "720h"),
        ('"127.0.0.1:9440"', '"127.0.0.1"', "session.coordinator.address", "host:port"),
        ('"127.0.0.1:9440"', '"::1:9440"', "session.coordinator.address", "brackets"),
        ('"127.0.0.1:9440"', '"[::z]:9440"', "session.coordinator.address", "brackets"),
        ('"127.0.0.1:9440"', '"host:0"', "session.coordinator.address", "host:port"),
        ('"127.0.0.1:9440"', '"host:65536"', "session.coordinator.address", "host:port"),
        (key(2), key(2)[:-1], "party[1].key", 'must be "sha256:" and 64 hex digits'),
        (key(2), key(1), "party[1].key", "also that of party[0]"),
        ('"bob"', '"alice"', "party[1].name", "also that of party[0]"),
        ('"bob"', '"Bob"', "party[1].name", "lowercase"),
        ('"bob"', '"b/../ob"', "party[1].name", "lowercase"),
        ('"bob"', '"' + "b" * 33 + '"', "party[1].name", "1 to 32"),
        ('"recipient"]', '"boss"]', "party[0].roles", "must be a list of"),
        ('"recipient"]', '"compute"]', "party[0].roles", "twice"),
        (
            'address = "bob',
            'adress = "bob',
            "party[1].adress",
            'unknown key; did you mean "address"?',
        ),
        ('"decimal(2)"', '"decimal(2"', "input.type", "must be bool, int"),
        ('"decimal(2)"', '"decimal(99)"', "input.type", "between 0 and 18"),
        ('"decimal(2)"', '"decimal(-1)"', "input.type", "whole number"),
        ('"decimal(2)"', '"float(0)"', "input.type", "between 1 and 52"),
        ('"decimal(2)"', "'choice([\"a\"])'", "input.type", "options"),
        ('"decimal(2)"', '\'choice(["a", "a"])\'', "input.type", "different"),
        ('"decimal(2)"', '\'choice(["\u00e9", "e\u0301", "b"])\'', "input.type", '"e\\u0301"'),
        ('"decimal(2)"', '\'choice([" a", "a"])\'', "input.type", '" a" is as "a"'),
        ('"decimal(2)"', '\'choice(["HR", "hr"])\'', "input.type", "different"),
        ('"decimal(2)"', '\'choice(["a\u00a0b", "a b"])\'', "input.type", "different"),
        ('"decimal(2)"', "'choice(a, b)'", "input.type", "double quotes"),
        ("min = 0", "min = nan", "input.min", "finite"),
        ("min = 0", "min = -inf", "input.min", "finite"),
        ("min = 0", 'min = "0"', "input.min", "must be a number"),
        ("min = 0", "min = true", "input.min", "must be a number"),
        ("min = 0", "min = 0.001", "input.min", "not a value of decimal(2)"),
        ("min = 0", "min = 1e31", "input.min", "too large"),
        ("min = 0", "min = 1000001", "input.min", "above max"),
        ("min = 0\n", "\n", "input.min", "is missing"),
        ("max = 1000000\n", "\n", "input.max", "is missing"),
        ("min = 0", "length = 0\nmin = 0", "input.length", "greater than or equal to 1"),
        ("min = 0", "length = true\nmin = 0", "input.length", "integer"),
        ("min = 0", "length = 9999999999\nmin = 0", "input.length", "less than or equal"),
        ('["sum", "mean"]', "2020-01-01", "outputs", "strings, numbers"),
        ('"shamir"', '"shamire"', "sharing.scheme", 'must be "additive" or "shamir"'),
        ("threshold = 1", "threshold = 0", "sharing.threshold", "between 1 and 2"),
        ("threshold = 1", "threshold = 3", "sharing.threshold", "between 1 and 2"),
        ("threshold = 1", "threshold = -1", "sharing.threshold", "between 1 and 2"),
        ("threshold = 1", 'threshold = "1"', "sharing.threshold", "integer"),
        ("threshold = 1\n", "\n", "sharing.threshold", "is missing"),
        ("min_contributors = 3", "min_contributors = 4", "policy.min_contributors", "and 3"),
        ("min_contributors = 3", "min_contributors = 0", "policy.min_contributors", "between 1"),
        ("[policy]", "[privacy]\nx = 1\n[policy]", "privacy.x", "unknown key"),
        ("[policy]", "[privacy]\nlocale = 1\n[policy]", "privacy.locale", 'mean "local"'),
        ("[policy]", noise(mechanism="laplace"), "privacy.local", "epsilon is missing"),
        ("[policy]", noise(mechanism="laplac", epsilon=1), "privacy.local.mechanism", "must be"),
        ("[policy]", noise(mechanism="laplace", epsilon=0), "privacy.local.epsilon", "above 0"),
        ("[policy]", noise(mechanism="laplace", epsilon=1, delta=0.1), "privacy.local", "no delta"),
        ("[policy]", noise(mechanism="gaussian", epsilon=1), "privacy.local", "delta is missing"),
        ("[policy]", noise(mechanism="gaussian", epsilon=1, delta=1), "privacy.local", "below 1"),
        ("[policy]", noise(mechanism="laplace", truth="1/2"), "privacy.local", "say epsilon"),
        ("[policy]", noise(mechanism="randomized-response", truth=1), "privacy.local", "below 1"),
        ("[policy]", '[privacy]\nclip = {norm = "l2", at = 1}\n[policy]', "privacy.clip", "noise"),
        ("[policy]", "[policy]\nmin_difference = 0", "policy.min_difference", "greater than"),
        ("[policy]", "[policy]\ndominance = {n = 2}", "policy.dominance", "n and k go together"),
        ("[policy]", "[policy]\ndominance = {}", "policy.dominance", "says nothing"),
        ("[policy]", "[policy]\nplausible = {min = 2, max = 1}", "policy.plausible", "above max"),
        ("[policy]", "[polici]", "polici", 'did you mean "policy"'),
    ],
)
def test_one_mistake_is_named_with_its_line(old: str, new: str, path: str, words: str) -> None:
    message = refused(old, new)
    assert "\n" not in message
    found = re.fullmatch(r"s\.toml:(\d+): ([^ ]+): (.*)", message)
    assert found, message
    assert found[2] == path
    assert words in found[3]
    if "missing" not in words:
        assert abs(int(found[1]) - line_of(old)) <= 1


def test_bounds_have_no_meaning_for_a_bool() -> None:
    assert "input.min: has no meaning for bool" in refused('"decimal(2)"', '"bool"')


def test_additive_threshold_is_implied_and_no_other_is_taken() -> None:
    additive = TEXT.replace('"shamir"', '"additive"')
    assert "leave it out" in refused("threshold = 1", "threshold = 1 # ", additive)
    implied = parse(additive.replace("threshold = 1", ""))
    written = parse(additive.replace("threshold = 1", "threshold = 2"))
    assert implied.sharing.threshold == 2
    assert implied.digest == written.digest


@pytest.mark.parametrize("role", ["contributor", "compute", "recipient"])
def test_every_role_is_held_by_somebody(role: str) -> None:
    text = re.sub(rf'"{role}",?', "", TEXT)
    text = text.replace("roles = [ ]", 'roles = ["contributor"]')
    with pytest.raises(
        ManifestError, match=rf'no party has the role "{role}"|must be a list|at least 2'
    ):
        parse(text)


def test_one_compute_party_is_refused() -> None:
    text = TEXT.replace('  "compute",\n', "").replace(
        '["contributor", "compute"]', '["contributor"]'
    )
    with pytest.raises(ManifestError, match="one alone would see all"):
        parse(text)


def test_every_pair_can_reach_each_other() -> None:
    assert "alice and carlos cannot reach each other" in refused(
        "coordinator =", 'timeout = "1s" #'
    )
    two = TEXT.replace("coordinator =", "#").replace('"alice"', '"alice"\naddress = "[::1]:1"')
    assert parse(two).session.coordinators == ()


def test_the_coordinators_key_is_nobody_elses() -> None:
    assert "needs its own" in refused(key(99), key(3))


def test_all_problems_are_listed_in_the_order_of_their_lines() -> None:
    text = TEXT.replace('"5m"', "5").replace("min = 0", "min = nan").replace(key(2), "sha256:")
    with pytest.raises(ManifestError) as caught:
        parse(text)
    lines = [int(line.split(":")[1]) for line in caught.value.message.splitlines()]
    assert lines == sorted(lines)
    assert lines == [line_of('"5m"'), line_of(key(2)), line_of("min = 0")]


def test_very_many_problems_are_cut_short() -> None:
    text = TEXT + "".join(f"x{i} = 1\n" for i in range(50))
    with pytest.raises(ManifestError) as caught:
        parse(text)
    assert caught.value.message.endswith("... and 30 more")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "session: is missing"),
        ("x = " + "[" * 5000, "nested too deeply"),
        ("x = " + "1" * 5000, "s.toml:1: not TOML"),
        ("[session\n", "s.toml:1: not TOML"),
        ('a = 1\nb = "', "s.toml:2: not TOML"),
        ("a = 1\na = 2", "s.toml:2: not TOML"),
        ("a = 1e999999999999999999999", "s.toml:1: "),
        ("#" * (limits.MANIFEST + 1), "larger than"),
        ("[outputs]\nx = " + "[" * 20 + "]" * 20, "nested too deeply"),
        ("[[party]]\n" * (limits.PARTIES + 1), "more than 16384 parties"),
        ("party = 3", "party: must be"),
        ("\x00", "not TOML"),
    ],
)
def test_hostile_text(text: str, words: str) -> None:
    with pytest.raises(ManifestError) as caught:
        parse(text, "s.toml")
    assert words in caught.value.message


def test_keys_of_inline_tables_and_subtables_are_located() -> None:
    text = TEXT.replace("coordinator = {", 'coordinator = { adress = "x",')
    with pytest.raises(
        ManifestError, match=rf":{line_of('coordinator =')}: session.coordinator.adress"
    ):
        parse(text)
    own = f'\n[session.coordinator]\naddress = "x"\nkey = "{key(99)}"\n'
    text = re.sub("coordinator = .*\n", "", TEXT) + own
    line = line_of('address = "x"', text)
    with pytest.raises(ManifestError, match=rf":{line}: session.coordinator.address"):
        parse(text)


# --- the digest ----------------------------------------------------------------------------------


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    if isinstance(value, dict):
        return [p for k, v in value.items() for p in leaves(v, (*path, k))]
    if isinstance(value, list) and value and not isinstance(value[0], str):
        return [p for i, v in enumerate(value) for p in leaves(v, (*path, i))]
    return [path]


FULL = tomllib.loads(TEXT, parse_float=Decimal)
FULL["session"]["timeout"] = "1m"
FULL["input"]["length"] = 1
FULL["sharing"]["security"] = "passive"
FULL["party"].append(
    {"name": "dora", "key": key(4), "roles": ["contributor", "compute"], "address": "dora:1"}
)
CHANGED: dict[Any, Any] = {
    "title": "Another", "protocol": "vote", "deadline": "6m", "timeout": "61s",
    "address": "elsewhere:9", "key": key(1000), "name": "zoe", "roles": ["compute"],
    "type": "decimal(3)", "length": 2, "min": 1, "max": 2, "unit": "EUR", "statistics": ["sum"],
    "scheme": "additive", "threshold": 2, "security": "active", "min_contributors": 2,
}  # fmt: skip


@pytest.mark.parametrize("path", leaves(FULL), ids=str)
def test_the_digest_changes_with_every_field(path: tuple[Any, ...]) -> None:
    changed = copy.deepcopy(FULL)
    table = changed
    for step in path[:-1]:
        table = table[step]
    table[path[-1]] = CHANGED[path[-1]]
    if path == ("party", 0, "roles"):
        table[path[-1]] = ["contributor", "recipient"]
    if path == ("sharing", "scheme"):
        changed["sharing"]["threshold"] = 3
        before = copy.deepcopy(FULL)
        before["sharing"]["threshold"] = 3
        assert (
            Manifest.model_validate(before).canonical != Manifest.model_validate(changed).canonical
        )
        return
    assert Manifest.model_validate(changed).digest != Manifest.model_validate(FULL).digest


def test_a_room_is_part_of_the_digest_only_where_there_is_one() -> None:
    def with_room(room: str) -> Manifest:
        return parse(TEXT.replace("[session]", f'[session]\nroom = "{room}"'))

    one, other = with_room("0" * 32), with_room("0" * 31 + "1")
    assert len({parse(TEXT).digest, one.digest, other.digest}) == 3
    assert b'"room":"' in one.canonical
    for bad in ("0" * 31, "0" * 33, "A" * 32, ""):
        with pytest.raises(ManifestError, match=r"session.room: .*32 digits"):
            with_room(bad)


def test_the_order_of_parties_counts() -> None:
    changed = copy.deepcopy(FULL)
    changed["party"].reverse()
    assert Manifest.model_validate(changed).digest != Manifest.model_validate(FULL).digest


def test_the_digest_ignores_how_it_was_written() -> None:
    rewritten = TEXT.replace('"5m"', '"300s"').replace("min = 0", "min = 0.00 # zero")
    rewritten = rewritten.replace('["contributor", "compute"]', '[ "compute", "contributor" ]')
    rewritten = rewritten.replace(key(3), key(3).replace("sha256:0", "sha256:0"))
    blocks = re.split(r"\n(?=\[(?!\[))", rewritten)
    assert parse("\n".join([*reversed(blocks[1:]), ""])).digest == parse(TEXT).digest


def test_manifests_built_in_python_pass_the_same_checks() -> None:
    m = parse(TEXT)
    again = Manifest.model_validate({**m.model_dump(), "policy": {"min_contributors": 2}})
    assert again.digest != m.digest
    with pytest.raises(ValidationError, match="between 1 and 3"):
        Manifest.model_validate({**m.model_dump(), "policy": {"min_contributors": 0}})
    with pytest.raises(ValidationError, match="frozen"):
        m.session.title = "x"


plain = st.recursive(
    st.booleans() | st.integers(-(10**20), 10**20) | st.text() | st.decimals(-1000, 1000, places=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(plain)
def test_canonical_json_is_json_of_the_same_value(value: Any) -> None:
    def equal(a: Any, b: Any) -> bool:
        if isinstance(a, dict):
            return a.keys() == b.keys() and all(equal(a[k], b[k]) for k in a)
        if isinstance(a, list):
            return len(a) == len(b) and all(map(equal, a, b))
        return type(a) is type(b) and a == b if isinstance(a, bool | str) else Decimal(b) == a

    text = canonical_json(value).decode()
    assert equal(value, json.loads(text, parse_float=Decimal))


@given(plain, plain)
def test_canonical_json_is_injective(a: Any, b: Any) -> None:
    same = json.loads(canonical_json(a), parse_float=Decimal) == json.loads(
        canonical_json(b), parse_float=Decimal
    )
    assert (canonical_json(a) == canonical_json(b)) <= same


@examples(300)
@given(st.integers(0, len(TEXT) - 1), st.text(max_size=3), st.integers(0, 3))
def test_a_mutated_manifest_is_valid_or_a_manifest_error(at: int, insert: str, cut: int) -> None:
    try:
        parse(TEXT[:at] + insert + TEXT[at + cut :])
    except ManifestError as error:
        assert re.match(r"session\.toml(:\d+)?: ", error.message)


def test_types_print_as_they_are_written() -> None:
    m = parse(TEXT.replace('"decimal(2)"', '"float(20)"'))
    assert (m.input.type, str(m.input.type)) == (FloatType(20), "float(20)")
    text = re.sub("(min|max) = .*\n", "", TEXT).replace('"decimal(2)"', '\'choice(["é", "b"])\'')
    assert parse(text).input.type == ChoiceType(("é", "b"))
    assert str(parse(text).input.type) == 'choice(["é", "b"])'


@pytest.mark.parametrize(
    ("people", "threshold", "least"), [(2, 1, 2), (3, 1, 3), (4, 1, 3), (7, 3, 4)]
)
def test_shamir_lets_as_many_go_missing_as_its_threshold_but_never_below_three(
    people: int, threshold: int, least: int
) -> None:
    text = '[session]\ntitle = "t"\nprotocol = "secure-sum"\ndeadline = "5s"\n'
    text += 'coordinator = { address = "h:1", key = "sha256:%s" }\n' % ("f" * 64)
    for i in range(people):
        text += f'[[party]]\nname = "p{i}"\nkey = "sha256:{i:064x}"\n'
        text += 'roles = ["contributor", "compute", "recipient"]\n'
    text += '[input]\ntype = "int"\nmin = 0\nmax = 9\n[sharing]\nscheme = "shamir"\n'
    assert parse(text + f"threshold = {threshold}\n").policy.min_contributors == least
