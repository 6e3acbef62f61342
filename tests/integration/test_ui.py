"""A party's own page in headless Chromium: whole sessions with parties of the command line.

Also of ui/operation.py and cli/ui.py.
"""

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

SHOTS = os.environ.get("OSTRAKA_SHOTS")
"""Directory that pictures of the page are put into, to be looked at; none by default."""

SECONDS = 20_000
"""Milliseconds until something has to be on the page."""


def address_of(process):
    """Wait for the address that `ostraka ui` prints."""
    until = time.monotonic() + 30
    while not process.out.endswith("\n"):
        assert process.alive and time.monotonic() < until, process.err
        time.sleep(0.02)
    return json.loads(process.out)["address"]


class Window:
    """A tab of the browser at a party's page."""

    def __init__(self, browser, address, **options):
        self.context = browser.new_context(accept_downloads=True, **options)
        self.tab = self.context.new_page()
        self.logs = []
        self.tab.on("console", lambda message: self.logs.append(message.text))
        self.tab.on("pageerror", lambda error: self.logs.append(str(error)))
        self.tab.goto(address)

    def sees(self, words, where="body"):
        from playwright.sync_api import expect

        expect(self.tab.locator(where)).to_contain_text(re.compile(words), timeout=SECONDS)

    def press(self, words):
        self.tab.get_by_role("button", name=words).first.click()

    def goes(self, tab):
        self.tab.get_by_role("navigation").get_by_text(tab).click()

    def shot(self, name):
        if SHOTS:
            self.tab.screenshot(path=Path(SHOTS) / f"{name}.png", full_page=True)


@pytest.fixture
def opened(fleet, browser, monkeypatch):
    """Start `ostraka ui`, and open its page; it knows no keys and trusts none."""
    monkeypatch.delenv("OSTRAKA_TRUST_NEW")
    windows = []

    def open_page(*arguments, **options):
        process = fleet.start(
            "ui", ["-m", "ostraka.cli.main", "ui", *arguments, "--keys", fleet.keys,
                   "--receipts", fleet.directory, "--output", "json"],
        )  # fmt: skip
        window = Window(browser, address_of(process), **options)
        window.process = process
        windows.append(window)
        monkeypatch.setenv("OSTRAKA_TRUST_NEW", "1")
        return window

    yield open_page
    for window in windows:
        window.context.close()


def test_a_whole_session_from_the_rules_to_the_receipt(fleet, opened):
    session = fleet.manifest(direct=("alice", "bob", "carlos"), deadline="60s")
    window = opened(session.path, "--as", "alice")
    tab = window.tab
    assert "#/sessions" in tab.url, "the token does not stay in the address"
    window.shot("sessions")
    tab.get_by_role("link", name="Average raise").click()
    window.sees("What becomes known, and to whom")
    window.sees("Confirm the keys first")
    window.sees("for the first time")
    window.press("They are the same")
    window.sees("All keys are known")
    tab.get_by_label("From 0 to 1000000").fill("38OO")
    window.press("Look at what would be sent")
    window.sees("exit code 20")
    tab.get_by_label("From 0 to 1000000").fill("3800.50")
    tab.keyboard.press("Enter")
    window.sees("3800.50", ".preview:not(.errors)")
    window.shot("preview")
    window.press("Send and take part")
    window.sees("○ not here")
    window.shot("gathering")
    others = [fleet.run(session, "bob", "2514"), fleet.run(session, "carlos", "2982")]
    window.sees("The session is done", "#status")
    window.sees("9,296.5")
    window.sees("From 3 contributors. The figures are exact")
    window.shot("result")
    assert [process.values["sum"] for process in others] == ["9296.5"] * 2
    window.goes("Results")
    window.sees("Average raise")
    window.goes("Budget")
    window.sees("no bound: an exact answer was given")
    window.shot("budget")
    window.goes("Receipts")
    window.sees("holds, complete")
    window.shot("receipts")
    assert [line for line in window.logs if "status of 422" not in line] == []
    window.process.signal(signal.SIGINT)
    assert window.process.code == 130
