"""The view of a run: a line for each step, warnings kept, nothing but text and escaped HTML."""

import io
import sys
from types import ModuleType, SimpleNamespace

from ostraka.outcome import Outcome
from ostraka.progress import Phase
from ostraka.progress_view import ProgressView


class Seen(list):
    def __call__(self, text, html, last):
        self.append((text, last))
        self.html = html


def run_of(view):
    view.gathering(1, 3)
    view.gathering(3, 3)
    view.phase(Phase.SHARING)
    view.moved(0, 1000)
    view.moved(500, 1000)
    view.moved(501, 1000)
    view.warn("<bob> is slow")
    view.result(Outcome())


def test_each_step_is_shown_once_and_the_last_says_so():
    seen = Seen()
    run_of(ProgressView(seen))
    texts = [text for text, _ in seen]
    assert texts[:4] == ["gathering 1/3", "gathering 3/3", "sharing", "sharing 50%"]
    assert texts[-1] == "no-output; warning: <bob> is slow"
    assert [last for _, last in seen] == [False] * (len(seen) - 1) + [True]
    assert "&lt;bob&gt; is slow" in seen.html
    assert '<progress max="1" value="1.00">' in seen.html


def test_a_stream_gets_plain_lines(monkeypatch):
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stderr", stream)
    run_of(ProgressView())
    assert stream.getvalue().splitlines()[:3] == ["gathering 1/3", "gathering 3/3", "sharing"]
    assert "\x1b" not in stream.getvalue()


def test_a_terminal_gets_one_line_that_moves(monkeypatch):
    stream = io.StringIO()
    stream.isatty = lambda: True
    monkeypatch.setattr(sys, "stderr", stream)
    run_of(ProgressView())
    assert stream.getvalue().count("\n") == 1
    assert "\r\x1b[Ksharing 50%" in stream.getvalue()


def test_a_notebook_gets_one_display_that_is_updated(monkeypatch):
    shown, updated = [], []
    display = ModuleType("IPython.display")
    display.HTML = str
    handle = SimpleNamespace(update=updated.append)
    display.display = lambda html, display_id: shown.append(html) or handle
    ipython = ModuleType("IPython")
    ipython.get_ipython = lambda: SimpleNamespace(kernel=1)
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    run_of(ProgressView())
    assert len(shown) == 1
    assert len(updated) >= 4
    assert "sharing" in updated[1]
