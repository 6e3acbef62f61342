"""Manifests are written so that they read back as the same tables."""

import tomllib

from hypothesis import given
from hypothesis import strategies as st

from ostraka.manifest.writing import Bare, party_in_all_roles, write_manifest

HEAD = {"session": {"title": "T"}}


def test_a_manifest_is_its_session_its_parties_and_the_rest():
    parties = [party_in_all_roles("alice", "sha256:00", "h:1")]
    text = write_manifest({"policy": {}, "input": {"type": "int"}, **HEAD}, parties)
    assert [line for line in text.splitlines() if line.startswith("[")] == [
        "[session]", "[[party]]", "[input]",
    ]  # fmt: skip
    assert tomllib.loads(text)["party"] == [
        {
            "name": "alice",
            "key": "sha256:00",
            "roles": ["contributor", "compute", "recipient"],
            "address": "h:1",
        }
    ]


def test_values_that_are_none_are_left_out():
    (party,) = tomllib.loads(write_manifest(HEAD, [party_in_all_roles("a", "k")]))["party"]
    assert "address" not in party
    assert "privacy" not in write_manifest({**HEAD, "privacy": {"local": None}}, [])


def test_several_tables_of_one_name_and_tables_inline():
    tables = {**HEAD, "input": [{"of": ["a"]}, {"of": ["b"]}], "policy": {"dominance": {"n": 1}}}
    read = tomllib.loads(write_manifest(tables, []))
    assert (read["input"], read["policy"]) == (tables["input"], tables["policy"])


def test_exact_numbers_are_written_as_they_are():
    assert "max = 10.50\n" in write_manifest({**HEAD, "input": {"max": Bare("10.50")}}, [])


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\x7f"), max_size=20)
VALUES = TEXT | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.lists(TEXT, max_size=3)


@given(st.dictionaries(st.sampled_from("abcd"), VALUES, min_size=1))
def test_every_table_is_read_back(values):
    assert tomllib.loads(write_manifest({**HEAD, "outputs": values}, []))["outputs"] == values
