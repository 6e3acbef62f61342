"""The documentation is true where a program can tell: links, citation keys, tables, an example, no
registry hosts."""

import re
import subprocess
from pathlib import Path

import pytest

from ostraka import protocols
from ostraka.inputs.encoding import Codec
from ostraka.manifest import parse
from ostraka.outcome import Output
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.sentences import explain_linear
from ostraka.session import acquaintance, lifecycle
from ostraka.simulation import simulate_sync
from ostraka.transport import secure_state
from ostraka.wire import link_state, messages

top = Path(__file__).resolve().parent.parent
pages = sorted([*top.glob("*.md"), *top.glob("docs/**/*.md")])
sources = sorted([*top.glob("src/**/*.py"), *top.glob("docs/**/*.md")])
references = top / "docs" / "references.md"
architecture = top / "docs" / "architecture.md"

code = re.compile(r"^(```|~~~).*?^\1\s*$|`[^`\n]+`", re.DOTALL | re.MULTILINE)
link = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
citation = re.compile(r"(?<![\w`/])\[([A-Z][A-Za-z]*\d{2,4}[a-z]?)\](?!\()")
heading = re.compile(r"^#{1,6} +(.+?) *$", re.MULTILINE)


def anchors(page: Path) -> set[str]:
    """The fragments that a page's headings answer to, as GitHub spells them."""
    text = re.sub(r"^(```|~~~).*?^\1\s*$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    plain = (re.sub(r"[^\w\- ]", "", title.lower()) for title in heading.findall(text))
    return {title.replace(" ", "-") for title in plain}


def broken_links(page: Path) -> list[str]:
    """Relative links of a page that lead nowhere: no such file, or no such heading in it."""
    broken = []
    for target in link.findall(code.sub("", page.read_text())):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, fragment = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (fragment and fragment not in anchors(file)):
            broken.append(target)
    return broken


def defined_keys() -> set[str]:
    return set(re.findall(r"^- \*\*\[(\w+)\]\*\*", references.read_text(), re.MULTILINE))


@pytest.mark.parametrize("page", pages, ids=lambda page: str(page.relative_to(top)))
def test_relative_links_lead_somewhere(page):
    assert broken_links(page) == []


def test_a_broken_link_is_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# One two\n[a](other.md) [b](#one-two) [c](#three) `[d](e)` [f](https://g)\n")
    assert broken_links(page) == ["other.md", "#three"]


def test_citation_keys_resolve():
    used = {
        (key, str(source.relative_to(top)))
        for source in sources
        for key in citation.findall(source.read_text())
        if source != references
    }
    assert used, "the citation pattern finds nothing any more"
    assert {(key, where) for key, where in used if key not in defined_keys()} == set()


def test_every_page_is_reachable_from_the_index():
    seen: set[Path] = set()
    queue = [top / "README.md"]
    while queue:
        page = queue.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        targets = link.findall(code.sub("", page.read_text()))
        local = [t.partition("#")[0] for t in targets if not re.match(r"[a-z]+:", t)]
        queue += [(page.parent / target).resolve() for target in local if target]
    assert set(top.glob("docs/**/*.md")) - seen == set()


def test_the_index_lists_every_page():
    index = top / "docs" / "index.md"
    listed = {(index.parent / t).resolve() for t in link.findall(index.read_text())}
    decisions = set(top.glob("docs/decisions/0*.md"))  # these have an index of their own
    assert set(top.glob("docs/**/*.md")) - decisions - {index} == listed


def table(states, events, moves) -> str:
    """A state machine as a page shows it: a row for each state, a column for each event."""
    rows = [[s.value, *(getattr(moves.get((s, e)), "value", "") for e in events)] for s in states]
    heads = ["state", *(e.__name__ if isinstance(e, type) else e.value for e in events)]
    lines = [
        "|" + "|".join(f" {cell} " if cell else " " for cell in r) + "|" for r in (heads, *rows)
    ]
    return "\n".join([lines[0], "|" + "---|" * len(heads), *lines[1:]])


said = [kind for kind in messages._layout if any(kind is k for _, k in link_state.TABLE)]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("lifecycle", table(lifecycle.SessionState, lifecycle.SessionEvent, lifecycle.TABLE)),
        (
            "secure link",
            table(secure_state.State, secure_state.Event, secure_state.TABLE),
        ),
        ("acquaintance", table(acquaintance.PeerState, acquaintance.PeerEvent, acquaintance.TABLE)),
        ("link", table(link_state.LinkState, said, link_state.TABLE)),
    ],
)
def test_documented_tables_are_the_codes(name, wanted):
    _, _, rest = architecture.read_text().partition(f"<!-- table: {name} -->\n\n")
    assert rest.partition("\n\n")[0] == wanted


def test_the_example_protocol_runs(monkeypatch):
    (example,) = re.findall(r"^```python\n(.*?)^```", architecture.read_text(), re.S | re.M)
    names = {"Protocol": Protocol, "Codec": Codec, "Output": Output}
    names["explain_linear"] = explain_linear
    exec(compile(example, str(architecture), "exec"), names)
    monkeypatch.setitem(protocols.catalogue, "weighted-sum", names["WeightedSum"])
    people = {"ann": 5, "ben": 7, "cleo": 11}
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{9000 + i}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        for i, name in enumerate(people)
    )
    manifest = parse(
        '[session]\ntitle = "t"\nprotocol = "weighted-sum"\ndeadline = "1m"\n'
        f'{parties}[input]\ntype = "int"\nmin = 0\nmax = 100\n[sharing]\nscheme = "additive"\n'
    )
    assert protocols.protocol_for(manifest).explain()
    for outcome in simulate_sync(manifest, people).values():
        assert outcome.outputs[0].value == 5 + 2 * 7 + 3 * 11


def tracked_files() -> list[Path]:
    done = subprocess.run(
        ["git", "ls-files", "-z"], cwd=top, capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip("not a git work tree")
    return [top / name for name in done.stdout.split("\0") if name]


def test_no_file_names_a_registry():
    # Whoever installs chooses the index; a lock that names one would choose for them.
    hosts = re.compile(
        r"pypi\.org|pythonhosted\.org|--(extra-)?index-url|--find-links|trusted-host"
    )
    named = {
        str(path.relative_to(top))
        for path in tracked_files()
        if path.is_file()
        and path.name not in {Path(__file__).name, "lock"}
        and hosts.search(path.read_text(errors="replace"))
    }
    assert named == set()


def test_locks_pin_everything_by_hash():
    for lock in ("requirements.lock", "requirements-dev.lock"):
        text = (top / lock).read_text().replace("\\\n", " ")
        lines = [line for line in text.splitlines() if line and not line.lstrip().startswith("#")]
        assert lines
        unpinned = [line for line in lines if not re.match(r"[\w.-]+==\S+ .*--hash=sha256:", line)]
        assert unpinned == []
