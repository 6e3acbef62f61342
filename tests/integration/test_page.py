"""A poll answered in a browser: headless Chromium, a mailbox over HTTP, three compute parties.

Also of cli/page.py.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from beside import MailboxThread
from browsing import look_at
from people import SECONDS, Machine, compute_machines


class Poll:
    """A poll that is open, and its codes."""

    def __init__(self, nursery, directory: Path, url: str, *options: str) -> None:
        self.olga = Machine(directory, "olga", nursery)
        self.servers, parties = compute_machines(directory, nursery)
        made = self.olga.call(
            "new", *options, *parties, "--scheme", "shamir", "--collection", "invited", "--as",
            "olga", "--closes", "1h", "--early-close", "--mailbox", url, "--min-contributors", "2",
            "--output", "json",
        )  # fmt: skip
        draft = made["draft"]
        self.olga.call("invite", draft, "--count", "3")
        self.olga.call("seal", draft, "--out", "poll.toml")
        self.codes = self.olga.call("invite", "poll.toml", "--output", "json")["codes"]
        self.manifest = self.olga.directory / "poll.toml"
        for name, machine in self.servers.items():
            machine.call("run", self.manifest, "--as", name, code=75)

    def close(self) -> list[dict]:
        """Close it; the compute parties' results."""
        self.olga.call("close", "poll.toml")
        runs = [
            (machine, machine.start("run", self.manifest, "--as", name, "--output", "json"))
            for name, machine in self.servers.items()
        ]
        found = [(machine, run, *run.communicate(timeout=SECONDS)) for machine, run in runs]
        for _, run, _, err in found:
            assert run.returncode == 0, err
        return [json.loads(out) for _, _, out, _ in found]


@pytest.fixture
def box(tmp_path):
    with MailboxThread(tmp_path) as found:
        yield found


def said(tab, words):
    """Wait until the status, or an error, says something."""
    from playwright.sync_api import expect

    text = re.compile(words)
    shown = tab.locator("#status, .error").filter(has_text=text)
    expect(shown.first).to_be_visible(timeout=20_000)


@pytest.mark.slow
def test_a_poll_in_a_browser_from_the_link_to_the_proof(browser, box, tmp_path, nursery):
    poll = Poll(
        nursery,
        tmp_path,
        box.url,
        "tally",
        "--title",
        "Lunch </b>",
        "--type",
        'choice(["soup", "salad"])',
    )
    people = [browser.new_context(accept_downloads=True) for _ in range(3)]
    logs = []
    for person, code, answer in zip(people, poll.codes, ("soup", "salad", "soup"), strict=True):
        tab = person.new_page()
        tab.on("console", lambda message: logs.append(message.text))
        tab.on("pageerror", lambda error: logs.append(str(error)))
        tab.goto(code["link"])
        assert tab.title() == "Lunch </b>"
        look_at(tab, "report-choice")
        tab.click("#send")
        said(tab, "Choose one of the answers")
        tab.get_by_label(answer).check()
        tab.click("#send")
        said(tab, "has signed that it has it")
    first = people[0].pages[0]
    first.reload()
    said_before = first.locator("#earlier")
    assert "Another one replaces it" in said_before.text_content()
    first.get_by_label("salad").check()
    first.click("#send")
    said(first, "has signed that it has it")
    results = poll.close()
    assert [r["outputs"][0]["value"] for r in results] == [{"soup": 1, "salad": 2}] * 3
    first.click("#check")
    said(first, "in the list of counted reports that all computing parties")
    with first.expect_download() as download:
        first.click("#keep")
    own = tmp_path / "report.json"
    download.value.save_as(own)
    last = people[2].pages[0]
    last.get_by_label("salad").check()
    last.click("#send")
    said(last, "closed. Nothing was sent")
    look_at(last, "report-closed")
    c1 = poll.servers["c1"]
    checked = c1.call("verify", results[0]["receipt"], "--report", own, "--output", "json")
    assert checked["report"]["counted"] is True
    first.click("#forget")
    said(first, "Forgotten")
    assert first.evaluate("localStorage.length") == 0
    assert logs == []


@pytest.mark.slow
def test_numbers_from_a_saved_file_and_with_the_keyboard_alone(browser, box, tmp_path, nursery):
    poll = Poll(
        nursery, tmp_path, box.url, "secure-sum", "--title", "Wages", "--type", "decimal(2)",
        "--min", "0",
        "--max", "9000", "--unit", "EUR", "--statistic", "sum", "--statistic", "mean",
    )  # fmt: skip
    saved = tmp_path / "wages.html"
    saved.write_text(poll.olga.call("page", "poll.toml")["out"])
    for code, amount in zip(poll.codes, ("2500.50", "3000", "3100.5"), strict=True):
        tab = browser.new_context(viewport={"width": 360, "height": 700}).new_page()
        tab.goto(saved.as_uri())
        tab.locator("#code").focus()
        tab.keyboard.type(code["code"][:-1])
        tab.keyboard.press("Enter")
        said(tab, "mistyped, or cut short")
        tab.keyboard.type(code["code"][-1])
        tab.locator("#code").fill(code["code"])
        tab.keyboard.press("Enter")
        tab.locator("#answer").focus()
        tab.keyboard.type("9000.001")
        tab.keyboard.press("Enter")
        said(tab, "has more than 2 digits after the point")
        tab.locator("#answer").fill("9001")
        tab.keyboard.press("Enter")
        said(tab, "must be from 0 to 9000")
        tab.locator("#answer").fill(amount)
        tab.keyboard.press("Enter")
        said(tab, "has signed that it has it")
        wide = tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= 360
        look_at(tab, "report-number")
    results = poll.close()
    assert results[0]["outputs"][0]["value"] == "8601"


@pytest.mark.slow
def test_rows_of_a_spreadsheet_are_pasted(browser, box, tmp_path, nursery):
    poll = Poll(
        nursery, tmp_path, box.url, "table", "--title", "Wages", "--type", "int", "--length", "2",
        "--min", "0", "--max", "90000", "--rule", 'rows=["HR", "IT"]', "--rule", "heads=9",
        "--statistic", "count", "--statistic", "sum", "--policy", "min_cell=2",
    )  # fmt: skip
    rows = ("HR\t100\t1\nIT\t50\t2", "IT\t70\t3\nHR\t200\t2", "300\t3\t0\t0")
    for code, pasted in zip(poll.codes, rows, strict=True):
        tab = browser.new_context().new_page()
        tab.goto(code["link"])
        tab.locator("#answer").fill("HR\t1\t0\nIT\t1\t1")
        tab.click("#send")
        said(tab, "HR has a sum of no heads")
        tab.locator("#answer").fill(pasted)
        tab.click("#send")
        said(tab, "has signed that it has it")
    found = {each["name"]: each["value"] for each in poll.close()[0]["outputs"]}
    assert (found["sum"]["HR"], found["count"]["HR"]) == (600, 6)
    assert (found["sum"]["IT"], found["count"]["IT"]) == (120, 5)


@pytest.mark.slow
def test_a_code_of_another_collection_is_refused_before_anything_is_sent(
    browser, box, tmp_path, nursery
):
    one = Poll(
        nursery, tmp_path, box.url, "tally", "--title", "One", "--type", 'choice(["a", "b"])'
    )
    other = tmp_path / "other"
    other.mkdir()
    two = Poll(nursery, other, box.url, "tally", "--title", "Two", "--type", 'choice(["a", "b"])')
    tab = browser.new_page()
    sent = []
    tab.on("request", lambda request: sent.append(request.method))
    tab.goto(one.codes[0]["link"].partition("#")[0] + "#" + two.codes[0]["code"])
    said(tab, "belongs to another collection than this page")
    assert "PUT" not in sent
