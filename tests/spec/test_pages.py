"""Numbers and tables of docs/spec/wire.md are those of the source."""

import re
from pathlib import Path

import pytest

from ostraka import limits
from ostraka.engine.shamir import audit, gates
from ostraka.session.acquaintance import DUPLICATE
from ostraka.wire import frames, link_state, messages

top = Path(__file__).resolve().parents[2]
spec = top / "docs" / "spec"
wire = (spec / "wire.md").read_text()


def table(heading, page=wire):
    """Rows of the first table under a heading, each a list of cells."""
    _, _, rest = page.partition(f"## {heading}\n")
    lines = re.findall(r"^\|(.+)\|$", rest.partition("\n## ")[0], re.MULTILINE)
    rows = [[cell.strip() for cell in line.split("|")] for line in lines]
    return [row for row in rows if not set("".join(row)) <= {"-", ":"}]


def test_the_version():
    text = (spec / "index.md").read_text()
    assert re.search(r"\*\*wire version\*\* is (\d+)", text)[1] == str(messages.VERSION)
    assert f"version: {messages.VERSION};" in (spec / "gathering.md").read_text()


def test_messages():
    _, *rows = table("5. Messages")
    listed = {(name, int(number)) for number, name, _ in rows}
    assert listed == {(kind.__name__, number) for kind, (number, _) in messages._layout.items()}
    for number, name, fields in rows:
        kind = next(k for k in messages._layout if k.__name__ == name)
        shown = [f for f in re.split(r", (?![^(]*\))", fields) if f]
        assert len(shown) == len(kind._fields), (number, name)


@pytest.mark.parametrize("place", range(5))
def test_frames(place):
    row = table("4. Frames")[1 + place]
    kind = frames.Kind(place + 1)
    assert row[0] == f"{kind.value} {kind.name.lower()}"
    if kind.value in frames._signals:
        assert row[1:] == ["none", "0 bytes"]
        return
    assert int(row[2].removesuffix(" bytes").replace(",", "")) == frames._kinds[kind.value][1]


def test_states_of_a_link():
    (_, *heads), *rows = table("6. What may follow what")
    shown = {
        (row[0], head): cell
        for row in rows
        for head, cell in zip(heads, row[1:], strict=True)
        if cell
    }
    assert shown == {(s.value, m.__name__): to.value for (s, m), to in link_state.TABLE.items()}


def test_limits():
    for number in (limits.INLINE_VECTOR, limits.DATA_FRAME, limits.RELAY_WINDOW, limits.TEXT):
        assert f"{number:,}" in wire
    for number in (limits.CERTIFICATE, limits.PARTIES):
        assert f"{number:,}" in wire
    assert "`duplicate`" in wire
    assert DUPLICATE == "duplicate"


def test_codes_of_an_abort():
    source = (top / "src" / "ostraka" / "errors.py").read_text()
    codes = set(
        re.findall(r'\bcode(?:: [\w\[\]]+)? = (?:\d+, )?(?:Fault\.\w+, )?"([a-z-]+)"', source)
    )
    codes |= set(re.findall(r'code = .*"([a-z-]+)"$', source, re.MULTILINE))
    assert len(codes) > 10
    codes -= {"incomplete"}  # of a receipt: no party ends a session with it
    assert {code for code in codes if f"`{code}`" not in wire} == set()


def roots(terms):
    """The soundness error of one audit, times p, as section 7 adds it up."""
    total = 2 + 2  # coefficients, degrees
    while terms > audit.FAN:
        k = audit.FEW if terms > audit.LONG else min(audit.FAN, -(-terms // audit.FAN))
        total, terms = total + 2 * k - 2, -(-terms // k)
    return total + 2 * (terms + 1) - 2


def test_the_soundness_of_an_audit():
    """The page's sums hold for every length, with the source's constants."""
    assert max(map(roots, range(1, 65))) == 2 + 2 + 128
    assert max(map(roots, range(1, audit.LONG + 1))) == 2 + 2 + 126 + 6 + 128
    assert roots(audit.LIMIT) == 2 + 2 + 126 + 6 + 128 + 24
    assert roots(limits.VECTOR) == 312
    assert max(roots(2**k - d) for k in range(14, 31) for d in range(100)) == 312
    assert 2**52.7 < ((1 << 61) - 1) / 312


def test_the_soundness_of_a_proof_of_gates():
    folds, length = 1, 4 * 64 * gates.MANY // gates.ROWS
    while length > gates.SHORT:
        folds, length = folds + 1, -(-length // gates.FAN)
    assert 2 * folds == 8
    assert "(312 A + 8 B + C) / p" in (spec / "active.md").read_text()
