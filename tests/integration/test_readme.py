"""Every command of the README and the guides works as typed.

A page's ```sh blocks run in order, each in its own shell, in one new directory per page. The word
after `sh` says how:

    sh              run it; it must succeed; a ```text block right after it is what it prints
    sh checkout     the same, at the top of the repository
    sh background   start it and go on (a server); it is told to stop at the end
    sh together     start it together with the `together` blocks next to it; all must succeed
    sh docker       left to test_compose.py

Commands are typed in a shell whose PATH starts with this test run's own environment; each page has
a new home. `ostraka` there is a program whose processes are forked from one that has loaded the
package. The commands of one page start as a person's do, and the README's in a slow test as well.
"""

import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest
from mosquitto import needs_mosquitto
from socks_server import SocksServer

top = Path(__file__).resolve().parents[2]
pages = [
    "README.md",
    "docs/guides/invitations.md",
    "docs/guides/keys.md",
    "docs/tutorial.md",
    "docs/guides/separate-machines.md",
]
pages += ["docs/guides/which-question.md", "docs/guides/anonymous.md", "docs/guides/mqtt.md"]
pages += ["docs/guides/spreadsheets.md", "docs/guides/collections.md", "docs/guides/exposure.md"]
pages += ["docs/guides/wage-survey.md", "docs/guides/sealed-bids.md"]
pages += [
    f"docs/guides/{scenario}.md"
    for scenario in ("breach-losses", "fairness-audit", "wage-gap", "poll", "shop", "learn")
]
fence = re.compile(r"^```(sh|text)(?: (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
seconds = 120


@dataclass
class Block:
    manner: str
    script: str
    printed: str | None = None


def blocks(text: str) -> list[Block]:
    """The commands of a page, each with what the page says they print."""
    found: list[Block] = []
    end = -1
    for match in fence.finditer(text):
        language, manner, body = match.groups()
        if language == "sh":
            found.append(Block(manner or "run", body))
        elif found and text[end : match.start()].strip() == "":
            found[-1].printed = body
        end = match.end()
    return found


class Terminal:
    """Shells in one directory, all ended with the test."""

    def __init__(self, directory: Path, programs: Path | None = None) -> None:
        self.directory, self.programs = directory, programs
        self.started: list[subprocess.Popen[str]] = []

    def start(self, block: Block) -> subprocess.Popen[str]:
        environment = dict(os.environ)
        environment["OSTRAKA_HOME"] = str(self.directory / "home")
        environment.pop("OSTRAKA_TRUST_NEW", None)
        places = [self.programs, Path(sys.executable).parent, environment["PATH"]]
        environment["PATH"] = os.pathsep.join(str(place) for place in places if place)
        process = subprocess.Popen(
            ["sh", "-euc", block.script],
            cwd=top if block.manner == "checkout" else self.directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def finish(self, block: Block, process: subprocess.Popen[str]) -> None:
        out, err = process.communicate(timeout=seconds)
        assert process.returncode == 0, f"{block.script}\n{out}\n{err}"
        for line in (block.printed or "").splitlines():
            assert plain(line) in plain(out + err), f"{block.script}\nprinted\n{out}\n{err}"

    def close(self) -> None:
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
            try:
                process.communicate(timeout=10)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()


def plain(text: str) -> str:
    """Text without what differs from run to run: digests, shares, the width of columns."""
    text = re.sub(r"-?\b\d[\d,]{7,}\b", "…", text)
    text = re.sub(r"\b[0-9a-f]{16,}\b", "…", text)
    return re.sub(r"\s+", " ", text).strip()


def run_page(page_blocks: list[Block], directory: Path, programs: Path | None = None) -> None:
    """Run all blocks of a page. `programs`: a directory that PATH begins with."""
    terminal = Terminal(directory, programs)
    together: list[tuple[Block, subprocess.Popen[str]]] = []
    try:
        for block in page_blocks:
            if block.manner != "together":
                wait_for(terminal, together)
            if block.manner == "docker":
                continue
            process = terminal.start(block)
            if block.manner == "together":
                together.append((block, process))
            elif block.manner != "background":
                terminal.finish(block, process)
        wait_for(terminal, together)
    finally:
        terminal.close()


def wait_for(terminal: Terminal, together: list[tuple[Block, subprocess.Popen[str]]]) -> None:
    while together:
        terminal.finish(*together.pop(0))


LONG = {
    f"docs/guides/{page}.md"
    for page in (
        "anonymous",
        "breach-losses",
        "collections",
        "exposure",
        "invitations",
        "learn",
        "poll",
        "sealed-bids",
        "separate-machines",
        "shop",
        "wage-survey",
        "which-question",
    )
}
"""Pages with many processes or waits; what they show has tests of its own."""


AFRESH = {"docs/guides/keys.md"}
"""Pages whose commands are the installed program, started as a person's are."""

SHIPS_DATA = [
    pytest.mark.slow,
    pytest.mark.skipif(not all(map(find_spec, ("fairlearn", "statsmodels"))), reason="no packages"),
]
MARKS: dict[str, object] = dict.fromkeys(LONG, pytest.mark.slow)
MARKS |= {"README.md": pytest.mark.thorough}  # all of its processes take eight seconds
MARKS |= {"docs/guides/mqtt.md": needs_mosquitto, "docs/guides/fairness-audit.md": SHIPS_DATA}


@pytest.mark.parametrize("page", [pytest.param(p, marks=MARKS.get(p, ())) for p in pages])
def test_commands_work_as_typed(page, tmp_path, programs):
    with SocksServer() as proxy:
        text = (top / page).read_text().replace("127.0.0.1:9050", proxy.address)
        run_and_check(page, blocks(text), tmp_path, None if page in AFRESH else programs)
        assert bool(proxy.requests) == (page == "docs/guides/anonymous.md")


@pytest.mark.slow
def test_the_readme_works_with_the_installed_program(tmp_path):
    run_and_check("README.md", blocks((top / "README.md").read_text()), tmp_path, None)


@pytest.fixture
def programs(nursery, tmp_path_factory) -> Path:
    """A directory with a program `ostraka` whose processes are forked."""
    with nursery.typed(tmp_path_factory.mktemp("bin")) as typed:
        yield typed.directory


def run_and_check(page, found, tmp_path, programs):
    assert found, f"{page} has no commands"
    assert {block.manner for block in found} <= {
        "run",
        "checkout",
        "background",
        "together",
        "docker",
    }
    run_page(found, tmp_path, programs)


def test_a_failing_command_is_noticed(tmp_path):
    with pytest.raises(AssertionError, match="exit 3"):
        run_page(blocks("```sh\nexit 3\n```\n"), tmp_path)


def test_other_output_is_noticed(tmp_path):
    page = "```sh\necho one\n```\n\n```text\ntwo\n```\n"
    with pytest.raises(AssertionError, match="printed"):
        run_page(blocks(page), tmp_path)


def test_background_commands_are_stopped(tmp_path):
    page = "```sh background\nexec sleep 600\n```\n```sh\necho one > file\n```\n"
    started = time.monotonic()
    run_page(blocks(page), tmp_path)
    assert (tmp_path / "file").read_text() == "one\n"
    assert time.monotonic() - started < 60


def test_commands_together_run_at_the_same_time(tmp_path):
    # Each waits for the other: one after the other they would never end.
    page = """
```sh together
mkfifo pipe; echo hello > pipe
```
```sh together
until [ -p pipe ]; do sleep 0.01; done; cat pipe
```
"""
    run_page(blocks(page), tmp_path)
