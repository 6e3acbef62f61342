"""`protocols` lists what can be computed; the help of `new` and `bench` names it."""

from __future__ import annotations

import json

import pytest

from ostraka.protocols import catalogue


def test_every_protocol_has_a_line(cli) -> None:
    ended = cli("protocols")
    assert (ended.code, ended.err) == (0, "")
    lines = ended.out.splitlines()
    assert [line.split()[0] for line in lines] == list(catalogue)
    summaries = [kind.summary() for kind in catalogue.values()]
    assert [line.split(maxsplit=1)[1] for line in lines] == summaries


def test_the_list_as_json(cli) -> None:
    found = json.loads(cli("protocols", "--output", "json").out)
    assert [each["name"] for each in found] == list(catalogue)
    assert {each["package"] for each in found} == {"ostraka"}
    assert all(each["summary"] for each in found)


@pytest.mark.parametrize("name", list(catalogue))
def test_the_help_of_new_tells_the_options_of_the_protocol_named(cli, name: str) -> None:
    ended = cli("new", name, "--help")
    assert ended.code == 0
    model = catalogue[name].options_model
    for key in model.model_fields if model else ():
        assert key in ended.out


def test_the_help_of_new_and_of_bench_names_what_there_is(cli) -> None:
    assert set(cli("new", "--help").out.split()) > set(catalogue)
    assert "sum" in cli("bench", "--help").out
