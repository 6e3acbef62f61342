"""Makes a site of the pages: its sections, and words in place of links that leave docs/."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

FENCE = re.compile(r"^(```|~~~).*?^\1\s*$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s]+)\)")
FOREIGN = "https://unpkg.com/iframe-worker/shim"
"""Script that the theme would load from another server to search from the disk."""

TOP = Path(__file__).resolve().parents[1]


def on_config(config: Any) -> Any:
    """Take the site's sections from docs/index.md, so that pages are listed in one place."""
    config.nav = sections((TOP / "docs" / "index.md").read_text())
    return config


def sections(index: str) -> list[dict[str, Any]]:
    """Return what mkdocs wants as nav: the pages below each heading of the index."""
    found: list[dict[str, Any]] = [{"Home": "index.md"}]
    for section in index.split("\n## ")[1:]:
        pages = re.findall(r"^\| \[(.+?)\]\((.+?)\)", section, re.MULTILINE)
        found.append({section.partition("\n")[0]: [{title: path} for title, path in pages]})
    return found


def on_page_markdown(markdown: str, *, page: Any, **_: Any) -> str:
    """Return a page's text, in which a file of the repository is named and not linked to."""
    here = Path(page.file.abs_src_path).parent
    pieces, end = [], 0
    for fence in FENCE.finditer(markdown):
        pieces += [fitted(markdown[end : fence.start()], here), fence.group()]
        end = fence.end()
    return "".join([*pieces, fitted(markdown[end:], here)])


def fitted(text: str, here: Path) -> str:
    """Return text in which links from a directory to files outside docs/ are words alone."""
    return LINK.sub(lambda link: _fitted(link, here), text)


def _fitted(link: re.Match[str], here: Path) -> str:
    words, target = link.groups()
    if re.match(r"[a-z]+:|#", target):
        return link.group()
    path = (here / target.partition("#")[0]).resolve()
    if path.is_relative_to(TOP / "docs"):
        return link.group()
    name = f"`{path.relative_to(TOP)}`"
    return name if words.strip("`") in (path.name, name.strip("`")) else f"{words} ({name})"


def on_post_page(output: str, *, page: Any, **_: Any) -> str:
    """Return a page's HTML with our own helper of the search in place of a script of others."""
    up = "../" * page.url.count("/")
    return output.replace(FOREIGN, f"{up}assets/worker.js")


def on_post_template(output_content: str, **_: Any) -> str:
    """Return a page that the theme makes itself, such as that of a missing page, likewise."""
    return output_content.replace(FOREIGN, "/assets/worker.js")
