"""What a browser shows, looked at by axe-core where that is installed, and by people.

npm install axe-core
OSTRAKA_AXE=node_modules/axe-core/axe.min.js pytest -m slow tests/integration/test_ui.py
"""

import os
from pathlib import Path

SHOTS = os.environ.get("OSTRAKA_SHOTS")
"""Directory that pictures of pages are put into; none by default."""

AXE = os.environ.get("OSTRAKA_AXE")
"""Path of axe.min.js; without it no page is checked."""


def faults(tab):
    """Rules of WCAG and of good practice that the page breaks, and where."""
    tab.evaluate(f"{Path(AXE).read_text()}; 0")
    found = tab.evaluate("axe.run()")["violations"]
    return [(v["id"], v["impact"], [n["html"][:160] for n in v["nodes"]]) for v in found]


def look_at(tab, name):
    """Check what is shown, and take a picture of it, as far as these are wanted."""
    if AXE:
        assert faults(tab) == [], name
    if SHOTS:
        tab.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)
