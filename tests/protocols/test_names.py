"""A protocol's knowledge stays in its file: no other file of the package names one."""

import re
from pathlib import Path

import ostraka
from ostraka.protocols import catalogue

SRC = Path(ostraka.__file__).parent

MAY_NAME = {
    "protocols/__init__.py": "the catalogue",
    "cli/demo.py": "a demo is of one protocol",
    "cli/demo_choices.py": "a demo is of one protocol",
    "learning/study.py": "a round of a study is a checked sum",
    "cli/demo_lists.py": "a demo is of one protocol",
    "cli/model.py": "it writes what one protocol reads",
    "manifest/fields.py": "an example in a message",
    "protocols/checked_sum.py": "the same sum, over inputs that are checked",
    "protocols/hidden_join.py": "the same join, of which no party learns a match",
    "protocols/forms/sum_forms.py": "the forms of inputs to that sum",
    "protocols/forms/central.py": "a hint that names where exponential noise goes",
}

ALSO_WORDS = {"table", "statistics", "audit"}
"""Names that are also words of manifests, and of the engine, whose proofs are audits."""


def own_files():
    return {Path(kind.__module__.replace(".", "/")).name + ".py" for kind in catalogue.values()}


def named_in(text):
    """Names of protocols and of their classes in a file's text."""
    classes = "|".join(kind.__name__ for kind in catalogue.values())
    names = "|".join(set(catalogue) - ALSO_WORDS)
    quoted = re.findall(rf"[\"'`]({names})[\"'`]", text)
    return set(quoted + re.findall(rf"\b({classes})\b", text.replace("manifest.fields.Table", "")))


def test_no_file_but_its_own_names_a_protocol():
    found = {}
    for path in sorted(SRC.rglob("*.py")):
        where = path.relative_to(SRC).as_posix()
        if where in MAY_NAME or path.name in own_files():
            continue
        if names := named_in(path.read_text()) - {"Table"}:  # `[outputs]`'s own type in manifest/
            found[where] = names
    assert found == {}


def test_a_name_would_be_found():
    assert named_in('if protocol == "secure-sum"') == {"secure-sum"}
    assert named_in("isinstance(protocol, ThresholdVote)") == {"ThresholdVote"}


def test_protocols_have_a_summary_of_one_line():
    for kind in catalogue.values():
        assert 10 < len(kind.summary()) < 100
        assert kind.summary()[0].isupper()


GUESS = re.compile(r"\b(?:getattr|hasattr|isinstance)\((?:self\.)?protocol\b")


def test_no_file_guesses_what_a_protocol_has():
    """It asks a method of `Protocol` that has a default: a protocol from outside answers, too."""
    texts = {path.relative_to(SRC).as_posix(): path.read_text() for path in SRC.rglob("*.py")}
    assert {where for where, text in texts.items() if GUESS.search(text)} == set()
    assert GUESS.search('noise = getattr(protocol, "noise", None)')
