"""Examples: each command has some, and each is one that the command takes."""

import shlex

import pytest
import typer.main

from ostraka.cli import commands, examples

whole = typer.main.get_command(commands.app)


def every_command():
    for name in commands.TABLE:
        command = whole.commands[name]._command
        below = getattr(command, "commands", None)
        if below is None:
            yield name, command
        else:
            yield from ((f"{name} {inner}", each) for inner, each in below.items())


COMMANDS = dict(every_command())
LINES = [(name, line) for name in COMMANDS for line, _ in examples.EXAMPLES.get(name, ())]


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_has_examples_in_its_help(name, cli):
    said = cli(*name.split(), "--help").out
    assert "Examples:" in said
    assert f"ostraka {name}" in said.partition("Examples:")[2]


@pytest.mark.parametrize(("name", "line"), LINES)
def test_an_example_is_parsed_by_its_command(name, line):
    words = shlex.split(line.partition(" > ")[0])[len(name.split()) :]
    context = COMMANDS[name].make_context(name, words, resilient_parsing=True)
    assert context.args == []
    assert line.startswith(name)


@pytest.mark.parametrize("columns", [60, 80, 120])
def test_help_fits_the_terminal_and_uses_it(cli, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    for name in COMMANDS:
        lines = cli(*name.split(), "--help").out.splitlines()
        assert max(map(len, lines)) <= columns
    longest = max(map(len, cli("new", "--help").out.splitlines()))
    assert longest > columns - 12


def test_a_line_is_broken_as_a_shell_takes_it():
    assert examples.broken("ostraka new x --a 1 --b 2 > out", 20) == [
        "ostraka new x \\",
        "  --a 1 --b 2 \\",
        "  > out",
    ]
