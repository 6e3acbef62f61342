"""The registry of labels, docs/spec/labels.md, and the labels in the source are the same."""

import ast
import re
from collections import Counter
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

top = Path(__file__).resolve().parent.parent.parent
package = top / "src" / "ostraka"
page = top / "docs" / "spec" / "labels.md"
FORWARDED = {
    "engine/shamir/context.py: stream",
    "engine/shamir/context.py: uniform",
    "engine/shamir/context.py: random_words",
    "engine/shamir/backend.py: own",
}
"""Functions that pass on a label they are given."""

USES = {"stream": 1, "uniform": 1, "random_words": 1, "own": 0}
"""Methods of an engine that name a stream, and the place of the name among their arguments."""


class Found(NamedTuple):
    """Labels in one source text, and where hashes and signatures are made."""

    hashed: set[str]
    streams: set[str]
    without: set[str]
    signed: set[str]
    unclear: set[str]


def literal(node: ast.expr) -> str | None:
    """A text or bytes as the source writes it, `{}` standing for what is put in; else None."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.JoinedStr):
        return "".join(
            part.value if isinstance(part, ast.Constant) else "{}" for part in node.values
        )
    return None


def calls(tree: ast.AST) -> list[tuple[str, ast.Call]]:
    """Calls in a module, each with the name of the function around it."""
    found = []

    def visit(node: ast.AST, inside: str) -> None:
        for child in ast.iter_child_nodes(node):
            function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef)
            within = child.name if function else inside
            if isinstance(child, ast.Call):
                found.append((inside, child))
            visit(child, within)

    visit(tree, "")
    return found


def labelled(node: ast.AST) -> list[str]:
    """Labels of hashes and signatures within a piece of code, each as the text of its bytes."""
    found = []
    for inner in ast.walk(node):
        if isinstance(inner, ast.Constant) and isinstance(inner.value, bytes):
            text = inner.value.decode("latin-1")
        elif isinstance(inner, ast.JoinedStr):
            text = literal(inner) or ""
        else:
            continue
        if re.match(r"ostraka [a-z]", text) and (isinstance(inner, ast.Constant) or "draw" in text):
            found.append(text.replace("\0", "\\0").strip())
    return found


def named(node: ast.expr) -> str:
    """The name that a piece of code is; "" for any other piece."""
    return node.id if isinstance(node, ast.Name) else ""


def search(text: str, place: str) -> Found:
    """Find the labels of one module."""
    tree = ast.parse(text)
    found = Found(set(labelled(tree)), set(), set(), set(), set())
    for inside, call in calls(tree):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        owner = named(call.func.value) if isinstance(call.func, ast.Attribute) else ""
        if isinstance(call.func, ast.Name) and call.func.id == "Stream":
            note(found, place, inside, call.args[1], "")
        elif name in USES and len(call.args) > USES[name]:
            note(found, place, inside, call.args[USES[name]], "engine ")
        elif (name in ("sign", "_sign") and owner != "np") or named(call.func) == "sign":
            found.signed.add(f"{place}: {call.lineno}")
        elif owner in ("hashlib", "hmac") and not labelled(call) and name != "compare_digest":
            found.without.add(f"{place}: {call.lineno}")
    return found


def note(found: Found, place: str, inside: str, given: ast.expr, prefix: str) -> None:
    label = literal(given)
    if label is not None and label != "engine {}":
        found.streams.add(prefix + label)
    elif prefix == "" or ast.unparse(given) in ("use", "label"):
        found.unclear.update({f"{place}: {inside}"} - FORWARDED)


HINT = re.compile(
    r"ostraka [a-z]|Stream\(|\.(stream|uniform|random_words|own)\(|sign\(|hashlib\.|hmac\."
)
"""Words of modules that hash, sign or name a stream: the others need not be parsed."""


@cache
def in_source() -> Found:
    found = Found(set(), set(), set(), set(), set())
    paths = {path: path.relative_to(package).as_posix() for path in package.rglob("*.py")}
    for path, place in paths.items():
        if HINT.search(path.read_text()) is None:
            continue
        for into, more in zip(found, search(path.read_text(), place), strict=True):
            into |= more
    return found


def rows(heading: str) -> list[str]:
    """What the first column of a table of the registry says."""
    _, _, rest = page.read_text().partition(f"## {heading}\n")
    table = re.findall(r"^\| `(.+?)` \|", rest.partition("\n## ")[0], re.MULTILINE)
    assert table, f"no table under {heading!r}"
    return table


@pytest.mark.parametrize(
    ("heading", "kind"),
    [
        ("Hashes and signatures", "hashed"),
        ("Streams", "streams"),
    ],
)
def test_the_registry_is_what_the_source_says(heading, kind):
    listed, found = rows(heading), getattr(in_source(), kind)
    assert len(set(listed)) == len(listed), "listed twice"
    assert found - set(listed) == set(), "in the source and not in docs/spec/labels.md"
    assert set(listed) - found == set(), "in docs/spec/labels.md and not in the source"


@pytest.mark.parametrize(
    ("heading", "kind"), [("Hashes without a label", "without"), ("Places that sign", "signed")]
)
def test_modules_that_hash_or_sign_without_a_label_are_listed(heading, kind):
    """With the number of such calls in each module, so that functions may have other names."""
    found = Counter(place.partition(":")[0] for place in getattr(in_source(), kind))
    _, _, rest = page.read_text().partition(f"## {heading}\n")
    table = rest.partition("\n## ")[0]
    listed = dict(re.findall(r"^\| `(.+?)` \| (\d+) \|", table, re.MULTILINE))
    assert {place: int(count) for place, count in listed.items()} == found


def test_every_label_is_written_where_it_is_used():
    assert in_source().unclear == set()


def test_no_label_is_the_start_of_another():
    """So no two inputs of labelled hashes are equal: each label is followed by fixed lengths."""
    labels = sorted(rows("Hashes and signatures"))
    starts = [(a, b) for a in labels for b in labels if a != b and b.startswith(a)]
    assert starts == []


def test_labels_are_found():
    text = """
def f(engine, seed, me):
    Stream(seed, "one"); engine.uniform(me, f"two {me}", 3); engine.own("three")
    hashlib.sha256(b"ostraka four\\0" + seed); hashlib.sha256(seed)
    Stream(seed, use)
"""
    found = search(text, "x.py")
    assert found.streams == {"one", "engine two {}", "engine three"}
    assert found.hashed == {"ostraka four\\0"}
    assert found.without == {"x.py: 4"}
    assert found.unclear == {"x.py: f"}
    assert search("def g(key): key.sign(b'x')", "x.py").signed == {"x.py: 1"}
