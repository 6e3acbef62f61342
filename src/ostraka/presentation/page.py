"""Results as HTML: a view for notebooks, and a report, one page that needs no other file.

All texts are escaped. The report has no script, asks for nothing over the network, and prints well.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any, Final

from ostraka.presentation.figures import Figure, figures
from ostraka.presentation.svg import chart
from ostraka.values import in_words

STATUS: Final[Mapping[str, str]] = {
    "released": "The answer is exact: no noise was added.",
    "noised": "Noise was added to the answer. 95 times in 100 the exact one is within the error "
    "that stands behind ±.",
    "suppressed": "Parts of the answer are withheld.",
    "no-output": "This party was given no result.",
}
"""Sentences about the statuses of a result."""


@dataclass(frozen=True)
class ReportContent:
    """Content of a report, but for the figures themselves.

    Attributes:
        title: of the session.
        lead: a line below the title: whose result it is, and since when it is known.
        question: sentences that say what was asked of whom.
        rules: names and texts of what was agreed: input, policy, noise.
        sentences: say who learns what, and against whom it is safe.
        proof: names and texts of session, manifest and receipt.
    """

    title: str
    lead: str
    question: Sequence[str]
    rules: Sequence[tuple[str, str]]
    sentences: Sequence[str]
    proof: Sequence[tuple[str, str]]


def notebook_view(outputs: Sequence[Mapping[str, Any]], line: str) -> str:
    """Return a table of the lone values, a chart of each other figure, and a line below."""
    return f"{_figures(outputs)}<p>{escape(line)}</p>"


def report(about: ReportContent, result: Mapping[str, Any]) -> str:
    """Return a page about a result.

    Args:
        result: as `Outcome.as_dict` returns it.
    """
    body = "".join(
        [
            f"<h1>{escape(about.title)}</h1><p>{escape(about.lead)}</p>",
            _section("The question", _paragraphs(about.question)),
            _section("The answer", _answer(result)),
            _section("What was agreed", _definitions(about.rules)),
            _section("Who learns what", _list(about.sentences)),
            _section("Proof", _definitions(about.proof)),
        ]
    )
    return _PAGE.format(title=escape(about.title), style=_STYLE, body=body)


def _section(title: str, content: str) -> str:
    return f"<section><h2>{title}</h2>{content}</section>" if content else ""


def _answer(result: Mapping[str, Any]) -> str:
    told = [STATUS.get(result["status"], "")]
    if result.get("why"):
        told.append(result["why"])
    if (count := result.get("contributors")) is not None:
        told.append(f"Inputs of {count} contributors are in it.")
    if result.get("liars"):
        told.append(f"Wrong shares of it were corrected: {', '.join(result['liars'])}.")
    return _figures(result.get("outputs", ())) + _paragraphs(told)


def _figures(outputs: Sequence[Mapping[str, Any]]) -> str:
    found = figures(outputs)
    drawn = "".join(_drawn(figure) for figure in found if figure.drawable)
    return _values([figure for figure in found if not figure.drawable]) + drawn


def _values(found: Iterable[Figure]) -> str:
    rows = "".join(_row(figure) for figure in found)
    head = "".join(f"<th>{cell}</th>" for cell in ("output", "value", "unit", "&plusmn;"))
    return f"<table><tr>{head}</tr>{rows}</table>" if rows else ""


def _row(figure: Figure) -> str:
    if figure.alone:
        (cell,) = figure.cells
        shown, within = cell.text, cell.within
    else:
        shown, within = in_words(figure.value, figure.error95), ""
    cells = figure.name, shown, figure.unit, within
    return "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in cells) + "</tr>"


def _drawn(figure: Figure) -> str:
    unit = f" ({figure.unit})" if figure.unit else ""
    caption = f"<figcaption>{escape(figure.name + unit)}</figcaption>"
    return f"<figure>{caption}{chart(figure)}{_grid(figure)}</figure>"


def _grid(figure: Figure) -> str:
    """Return the cells of a table as one; "" for other figures, whose chart says all."""
    if (named := figure.grid) is None:
        return ""
    rows, columns = named
    cells = {cell.labels: cell.words.replace("+-", "±") for cell in figure.cells}
    head = "".join(f"<th>{escape(column)}</th>" for column in columns)
    body = "".join(
        f"<tr><th>{escape(row)}</th>"
        + "".join(f"<td>{escape(cells.get((row, column), 'withheld'))}</td>" for column in columns)
        + "</tr>"
        for row in rows
    )
    return f"<table><tr><th></th>{head}</tr>{body}</table>"


def _paragraphs(sentences: Iterable[str]) -> str:
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in sentences if sentence)


def _list(sentences: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(sentence)}</li>" for sentence in sentences)
    return f"<ul>{items}</ul>" if items else ""


def _definitions(pairs: Sequence[tuple[str, str]]) -> str:
    rows = "".join(f"<dt>{escape(name)}</dt><dd>{escape(text)}</dd>" for name, text in pairs)
    return f"<dl>{rows}</dl>" if rows else ""


_STYLE: Final = """
:root { color-scheme: light dark; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: break-word; }
h1 { line-height: 1.2; margin-bottom: 0; }
h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; border-bottom: 1px solid #8886; }
figure { margin: 1rem 0; overflow-x: auto; }
figcaption { font-weight: 600; }
figure td, figure th + th { text-align: right; }
dd { overflow-wrap: anywhere; }
svg { max-width: 100%; height: auto; }
dt { font-weight: 600; }
dd { margin: 0 0 .5rem; }
li { margin: .3rem 0; }
@media print {
  body { margin: 0; max-width: none; font-size: 11pt; color: #000; background: #fff; }
  section, figure, tr, li { break-inside: avoid; }
  section:has(li) { break-inside: auto; }
  h2 { break-after: avoid; }
  rect { print-color-adjust: exact; }
}
@page { margin: 18mm; }
"""

_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<main>{body}</main>
</body>
</html>
"""
