"""The reference pages are made from the code, or found stale."""

import pytest
from pydantic import BaseModel

from ostraka.cli import commands
from ostraka.manifest import Manifest


@pytest.fixture
def reference(load):
    return load("reference")


@pytest.mark.thorough  # scripts/check does the same
def test_the_pages_are_what_the_code_says(program):
    ran = program("reference", "--check")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", ""), "run scripts/reference"


def models(kind):
    """The models that a model's tables are made of, itself included."""
    found = {kind}
    for field in kind.model_fields.values():
        stack = [field.annotation]
        while stack:
            part = stack.pop()
            stack += getattr(part, "__args__", ())
            if isinstance(part, type) and issubclass(part, BaseModel):
                found |= models(part)
    return found


def test_every_table_of_a_manifest_is_on_its_page(reference):
    listed = {kind for _, kind, _ in reference.SECTIONS}
    assert models(Manifest) - listed - {Manifest} == {reference.privacy.Privacy}


def test_a_key_without_a_meaning_is_refused(reference):
    class Told(BaseModel):
        """Table.

        Attributes:
            a: the first.
        """

        a: int
        b: int = 1

    with pytest.raises(SystemExit, match=r"Told\.b has no line"):
        list(reference.key_table(Told))


def test_commands_and_codes(reference):
    text = "\n".join(reference.command_pages())
    assert all(f"\n## {name}\n" in text for name in commands.TABLE)
    assert "\n### ledger show\n" in text
    codes = "\n".join(reference.code_pages())
    assert "| 41 | `timed-out` |" in codes
    assert "| 0 |  | done |" in codes
