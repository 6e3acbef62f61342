"""Results as HTML: whole, escaped, without scripts, and with every part that was given."""

from html.parser import HTMLParser

from ostraka.presentation.page import ReportContent, notebook_view, report

EVIL = "<script>alert(1)</script>"
RESULT = {
    "session": "5e",
    "protocol": "secure-sum",
    "manifest_sha256": "ab",
    "status": "noised",
    "outputs": [
        {"name": "sum", "value": "9296.5", "unit": "USD"},
        {"name": "histogram", "value": {"a": 3, "b": 5}, "error95": {"a": 2, "b": 2}},
        {"name": "mean", "value": {"w": {"x": 1}, "m": {"x": 2, "y": 3}}},
    ],
    "contributors": 3,
}
ABOUT = ReportContent(
    title="Average raise",
    lead="The result of alice",
    question=["What is it?"],
    rules=[("input", "int from 0 to 9")],
    sentences=["alice learns the sum."],
    proof=[("receipt sha256", "cd")],
)


class Tags(HTMLParser):
    """Collects tags, and checks that those that are opened are closed."""

    def __init__(self, page):
        super().__init__()
        self.seen, self.open = [], []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "line", "rect", "path"):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_report_has_every_part_and_asks_for_nothing_over_the_network():
    page = report(ABOUT, RESULT)
    for text in (
        "Average raise", "The result of alice", "What is it?", "9296.5", "int from 0 to 9",
        "alice learns the sum.", "receipt sha256", "Inputs of 3 contributors", "3 ± 2", "withheld",
        "default-src &#x27;none&#x27;", "@media print",
    ):  # fmt: skip
        assert text.replace("&#x27;", "'") in page
    tags = Tags(page).seen
    assert sum(tag == "svg" for tag, _ in tags) == 2
    assert not {"script", "link", "img", "iframe"} & {tag for tag, _ in tags}
    assert not [1 for _, attributes in tags if {"src", "href"} & set(attributes)]


def test_a_party_without_a_result_has_a_report_too():
    page = report(ABOUT, {"status": "no-output", "protocol": "p", "manifest_sha256": "ab"})
    assert "This party was given no result." in page
    assert "<svg" not in page


def test_all_texts_are_escaped():
    evil = ReportContent(EVIL, EVIL, [EVIL], [(EVIL, EVIL)], [EVIL], [(EVIL, EVIL)])
    outputs = [
        {"name": EVIL, "value": EVIL, "unit": EVIL},
        {"name": EVIL, "unit": EVIL, "value": {EVIL: {EVIL: 1}, "b": {EVIL: 2}}},
    ]
    result = RESULT | {"outputs": outputs, "why": EVIL, "liars": [EVIL]}
    assert "<script" not in report(evil, result)
    assert "<script" not in notebook_view(outputs, EVIL)
