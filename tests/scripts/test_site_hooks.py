"""The site: sections of the index, words for links that leave docs/, and no server is asked."""

import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

top = Path(__file__).resolve().parents[2]


@pytest.fixture
def hooks(load):
    return load("site_hooks.py")


def page(path, url=""):
    return SimpleNamespace(file=SimpleNamespace(abs_src_path=str(top / path)), url=url)


def test_sections_are_those_of_the_index(hooks):
    start = (
        "## Start\n\n| page | for |\n|---|---|\n| [A](a.md) | x |\n| [B](b/c.md) | [z](z.md) |\n"
    )
    assert hooks.sections(f"# D\n\n{start}\n## More\n\n| [C](c.md) | |\n") == [
        {"Home": "index.md"},
        {"Start": [{"A": "a.md"}, {"B": "b/c.md"}]},
        {"More": [{"C": "c.md"}]},
    ]


def test_links_that_leave_the_pages_are_words(hooks):
    text = (
        "[t](threats.md#x) [`limits.py`](../src/ostraka/limits.py) [log](../CHANGELOG.md)\n"
        "```sh\n[a](../README.md)\n```\n[w](https://a.example/) [h](#here)\n"
    )
    assert hooks.on_page_markdown(text, page=page("docs/threats.md")) == (
        "[t](threats.md#x) `src/ostraka/limits.py` log (`CHANGELOG.md`)\n"
        "```sh\n[a](../README.md)\n```\n[w](https://a.example/) [h](#here)\n"
    )


def test_the_script_of_another_server_is_replaced(hooks):
    html = f'<script src="{hooks.FOREIGN}"></script>'
    found = hooks.on_post_page(html, page=page("docs/spec/wire.md", "spec/wire.html"))
    assert found == '<script src="../assets/worker.js"></script>'
    assert hooks.on_post_template(html) == '<script src="/assets/worker.js"></script>'


@pytest.mark.slow
def test_the_site_searches_from_the_disk_and_asks_no_server(tmp_path):
    sync_api = pytest.importorskip("playwright.sync_api")
    chromium = shutil.which("chromium") or pytest.skip("no chromium here")
    subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict", "--site-dir", tmp_path],
        cwd=top, check=True, timeout=120,
    )  # fmt: skip
    asked = []
    with sync_api.sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        shown = browser.new_page(viewport={"width": 1400, "height": 800})
        shown.on("request", lambda request: asked.append(request.url))
        shown.goto((tmp_path / "reference" / "manifest.html").as_uri())
        shown.click("input.md-search__input")
        shown.keyboard.type("min_cell", delay=30)
        shown.wait_for_selector("text=matching documents")
        shown.wait_for_selector(".md-search-result__item >> text=Table")
        browser.close()
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
