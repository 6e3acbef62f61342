"""A party's own page in headless Chromium: whole sessions with parties of the command line.

Also of ui/operation.py and cli/ui.py.
"""

import json
import re
import signal
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from browsing import AXE, faults, look_at

from ostraka import config
from ostraka.record import results

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
        look_at(self.tab, name)


@pytest.fixture(autouse=True)
def own_temporary_files(tmp_path, monkeypatch):
    """A page that a test kills leaves its directory in the test's own."""
    monkeypatch.setenv("TMPDIR", str(tmp_path))


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


@pytest.mark.slow
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


FIGURES = [
    {"name": "mean", "value": 3171.48, "unit": "USD", "error95": 92.6},
    {"name": "sum", "value": "12686.50", "unit": "USD"},
    {"name": "growth", "value": "0.33333333333333333", "exact": "1/3"},
    {"name": "histogram", "value": {"soup": 41.2, "salad": 37.9, "nothing of this": -1.4},
     "error95": {"soup": 5.1, "salad": 5.1, "nothing of this": 5.1}},
    {"name": "hours", "value": [max(0, 40 - (i - 30) ** 2 // 12) for i in range(60)],
     "error95": [3] * 60},
    {"name": "wages", "unit": "USD",
     "value": {"HR": {"women": "3170.5", "men": "3390"}, "IT": {"women": "4000", "men": None}}},
    {"name": "winner", "value": "<b>carlos</b>"},
]  # fmt: skip


def kept(home, name, figures, status="noised"):
    session = "5e" * 32
    whole = {"session": session, "protocol": "secure-sum", "manifest_sha256": "a1" * 32,
             "status": status, "outputs": figures, "contributors": 4}  # fmt: skip
    results.keep(home / "results", name, "2026-11-27T10:00:00+00:00", "All kinds", whole)
    return f"#/results/{session}/{name}"


LOOKS = {
    "desk": {"viewport": {"width": 1100, "height": 800}},
    "phone": {"viewport": {"width": 360, "height": 700}},
    "dark": {"viewport": {"width": 1100, "height": 800}, "color_scheme": "dark"},
}


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_results_of_every_kind_have_charts_that_fit(opened, home, fleet, look):
    (home / "results").mkdir(mode=0o700, exist_ok=True)
    route = kept(home, "alice", FIGURES)
    window = opened(fleet.directory, "--as", "alice", **LOOKS[look])
    window.goes("Results")
    window.tab.evaluate(f"location.hash = '{route}'")
    window.sees("3,171.48 USD ± 92.6")
    window.sees("12,686.50 USD")
    window.sees("exactly 1/3")
    window.sees("<b>carlos</b>")
    pictures = [each.get_attribute("aria-label") for each in window.tab.locator("svg").all()]
    assert len(pictures) == 4
    assert "HR / women 3,170.5, HR / men 3,390, IT / women 4,000, IT / men none" in pictures[3]
    assert "soup 41.2 ± 5.1" in pictures[1]
    window.shot(f"results-{look}")
    with window.tab.expect_download() as download:
        window.press("Save it as JSON")
    assert json.loads(download.value.path().read_text())["outputs"] == FIGURES
    wide = window.tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= LOOKS[look]["viewport"]["width"]
    assert window.logs == []


SHEET = "Name,Dept,Salary\nann,HR,1000.50\nbert,IT,2000\ncleo,IT,\ndora,HR,500\n"


@pytest.mark.slow
@pytest.mark.parametrize("look", LOOKS)
def test_a_spreadsheet_is_shown_before_it_is_sent(fleet, opened, tmp_path, look):
    session = fleet.manifest(
        direct=("alice", "bob", "carlos"), deadline="60s", title="Pay by department"
    )
    text = session.path.read_text().replace('"secure-sum"', '"table"')
    text = text.replace("length = 1", 'length = 2\nunit = "USD"')
    text = text.replace('statistics = ["sum", "mean"]', 'rows = ["HR", "IT"]')
    text = text.replace('scheme = "additive"', 'scheme = "shamir"\nthreshold = 1')
    session.path.write_text(text)
    (tmp_path / "pay.csv").write_text(SHEET)
    window = opened(session.path, "--as", "alice", **LOOKS[look])
    tab = window.tab
    tab.get_by_role("link", name="Pay by department").click()
    window.sees("Call one of them, and compare the six words")
    window.shot(f"keys-{look}")
    window.press("They are the same")
    window.sees("All keys are known")
    window.shot(f"cells-{look}")
    tab.get_by_label("from a file").check()
    tab.locator("#file").set_input_files(tmp_path / "pay.csv")
    tab.get_by_label("Column of the values").select_option("Salary")
    tab.get_by_label("Column of the groups").select_option("Dept")
    window.press("Look at what would be sent")
    window.sees('row 4: column "Salary" is blank')
    window.shot(f"wrong-{look}")
    tab.get_by_text("Signs, sheets, rows").click()
    tab.get_by_label("Leave rows with a blank cell out").check()
    window.press("Look at what would be sent")
    window.sees("HR +2 rows, 1,500.5 USD", ".preview")
    window.shot(f"file-{look}")
    wide = tab.evaluate("document.documentElement.scrollWidth")
    assert wide <= LOOKS[look]["viewport"]["width"]
    window.press("Send and take part")
    window.sees("going on")
    (tmp_path / "bob.txt").write_text("[100, 200]")
    others = [fleet.run(session, name, tmp_path / "bob.txt") for name in ("bob", "carlos")]
    window.sees("The session is done", "#status")
    window.sees("1,700.5")
    window.shot(f"table-{look}")
    assert [process.code for process in others] == [0, 0]


@pytest.mark.slow
def test_a_code_that_is_pasted_becomes_a_session(fleet, opened, tmp_path, home):
    relay = fleet.coordinator()
    place = f"{relay.address}={fleet.keys / 'coordinator.crt'}"
    made = fleet.start(
        "new", ["-m", "ostraka.cli.main", "new", "secure-sum", "--title", "Lunch money", "--type",
                "int", "--min", "0", "--max", "99", "--as", "bob", "--keys", fleet.keys,
                "--invite", "alice,carlos", "--coordinator", place, "--output", "json"],
    ).result  # fmt: skip
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    window = opened(inbox, "--as", "alice")
    window.goes("Invitations")
    window.sees("Lunch money")
    window.press("Who has joined?")
    window.sees("Not yet: alice, carlos")
    window.tab.get_by_label("Paste the code").fill(made["codes"]["alice"])
    window.press("Answer it")
    window.sees("has not sealed the draft yet")
    window.shot("invitation-waits")
    fleet.start("join", ["-m", "ostraka.cli.main", "join", made["codes"]["carlos"], "--keys",
                         fleet.keys, "--wait", "60s", "--yes"])  # fmt: skip
    sealed = fleet.start("seal", ["-m", "ostraka.cli.main", "seal", made["draft"], "--wait", "30s",
                                  "--out", tmp_path / "bob.toml", "--output", "json"])  # fmt: skip
    assert sealed.result["joined"] == ["alice", "carlos"]
    window.sees("The organiser vouches for their keys")
    window.shot("invitation-sealed")
    window.press("Take part")
    window.tab.get_by_role("link", name="Lunch money").click()
    window.sees("All keys are known")
    window.sees(sealed.result["words"])
    assert [line for line in window.logs if "status of 422" not in line] == []


@pytest.mark.slow
def test_pages_that_are_empty_and_a_window_without_the_token(fleet, opened, home):
    window = opened(fleet.directory, "--as", "alice")
    for name in ("Sessions", "Invitations", "Results", "Budget", "Receipts"):
        window.goes(name)
        window.sees(name, "h1")
        window.shot(f"empty-{name}")
    window.goes("Invitations")
    window.tab.get_by_label("Paste the code").fill("ostraka1-abc")
    window.tab.keyboard.press("Enter")
    window.sees("mistyped|cut short", ".note")
    window.shot("bad-code")
    bare = window.context.new_page()
    bare.goto(window.tab.url)
    from playwright.sync_api import expect

    expect(bare.locator(".note")).to_contain_text("does not have the page's token")


@pytest.mark.slow
@pytest.mark.skipif(AXE is None, reason="OSTRAKA_AXE does not say where axe.min.js is")
def test_axe_finds_faults(browser):
    tab = browser.new_page()
    tab.set_content("<title>x</title><main><h1>x</h1><img src='x.png'><input></main>")
    assert {"image-alt", "label", "html-has-lang"} <= {rule for rule, *_ in faults(tab)}


# --- without a browser ---------------------------------------------------------------------------


class Page:
    """Requests to a page that `ostraka ui` serves."""

    def __init__(self, fleet, *arguments):
        self.process = fleet.start(
            "ui", ["-m", "ostraka.cli.main", "ui", *arguments, "--keys", fleet.keys,
                   "--receipts", fleet.directory, "--output", "json"],
        )  # fmt: skip
        self.address, _, self.token = address_of(self.process).partition("#")

    def ask(self, path, body=None, **headers):
        """The status, and the JSON that is answered."""
        data = None if body is None else json.dumps(body).encode()
        own = {"Authorization": f"Bearer {self.token}"} | headers
        request = Request(f"{self.address}api/{path}", data, own)
        try:
            with urlopen(request, timeout=30) as answer:
                return answer.status, json.load(answer)
        except HTTPError as error:
            return error.code, json.load(error)

    def done(self, digest):
        until = time.monotonic() + 30
        while (run := self.ask(f"sessions/{digest}/run")[1]["run"])["state"] == "running":
            assert time.monotonic() < until, run
            time.sleep(0.05)
        return run


def test_a_page_that_was_killed_goes_on_with_its_session(fleet):
    session = fleet.manifest(direct=("alice", "bob", "carlos"), deadline="60s", timeout="20s")
    digest = config.load(session.path).digest.hex()
    page = Page(fleet, session.path, "--as", "alice")
    assert page.address.startswith("http://127.0.0.1:")
    assert page.ask(f"sessions/{digest}/confirm", {})[0] == 200
    assert page.ask(f"sessions/{digest}/input", {"answer": "3800"})[0] == 200
    assert page.ask(f"sessions/{digest}/run", {})[0] == 200
    bob = fleet.run(session, "bob", "2514")
    bob.says("gathering 2/3")
    page.process.signal(signal.SIGKILL)
    again = Page(fleet, session.path, "--as", "alice")
    one = again.ask(f"sessions/{digest}")[1]
    assert (one["on_record"], one["given"], one["run"]) == (True, None, None)
    assert again.ask(f"sessions/{digest}/run", {})[0] == 200
    carlos = fleet.run(session, "carlos", "2982")
    run = again.done(digest)
    assert run["state"] == "done", run
    assert any("begun" in text for text in run["warnings"])
    assert {p.values["sum"] for p in (bob, carlos)} == {"9296"}
    assert again.ask("sessions", Authorization="Bearer x")[0] == 401
    assert again.ask("sessions", Host="attacker.example")[0] == 421
    again.process.signal(signal.SIGTERM)
    assert again.process.code == 143
