"""The table of commands."""

from __future__ import annotations

import pytest
import typer

from ostraka.cli import commands


def test_usage_errors_of_the_parser_have_one_base() -> None:
    assert issubclass(typer.BadParameter, commands._UsageError)


@pytest.mark.parametrize("name", list(commands.TABLE))
def test_a_command_has_the_name_of_its_place(name: str) -> None:
    group = typer.main.get_command(commands.app)
    with group.make_context("ostraka", [name], resilient_parsing=True) as context:
        found = group.get_command(context, name)
        assert found is not None
        loaded = found.make_context(name, [], parent=context, resilient_parsing=True).command
    assert found.name == loaded.name == name
    assert type(loaded) is not type(found)
