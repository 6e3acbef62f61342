"""Seals a poll of N invitations and one more, sends N reports with made-up answers, closes it.

The service `olga` of docker-compose.yml runs it: poll.py [REPORTS [SECONDS]]. Prints the page's
address, what was sent and the published result, in JSON on one line. The link of the invitation
that is left is on stderr, and the poll stays open for SECONDS after the last report.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from ostraka import home
from ostraka.arithmetic.randomness import OsDraw
from ostraka.collection.codes import CollectionCode, read_code
from ostraka.contribution import Contribution
from ostraka.mailbox.client import MailboxClient

URL: Final = f"http://127.0.0.1:{os.environ['POLL_PORT']}"
DISHES: Final = ("soup", "salad", "pasta")
AT_ONCE: Final = 8


def ostraka(*arguments: object) -> str:
    """Return what a command of the program prints."""
    command = ["ostraka", *map(str, arguments)]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def seal(count: int) -> Path:
    """Open a poll of so many invitations; return the path of its manifest, where services look."""
    roles = "compute,recipient"
    parties = [f"--party={name}=/session/{name}.crt:{roles}" for name in ("c1", "c2", "c3")]
    made = json.loads(ostraka(
        "new", "tally", "--title", "Lunch", "--type", f"choice({json.dumps(DISHES)})", *parties,
        "--scheme", "shamir", "--coordinator", "127.0.0.1:9440=/session/coordinator.crt",
        "--collection", "invited", "--as", "olga", "--keys", "/keys", "--closes", "7d",
        "--early-close", "--public", "--mailbox", URL, "--min-contributors", min(count, 2),
        "--output", "json",
    ))  # fmt: skip
    manifest = Path("/session", f"{made['draft']}.toml")
    ostraka("invite", made["draft"], "--count", count)
    ostraka("seal", made["draft"], "--out", manifest)
    return manifest


def status(manifest: Path) -> dict[str, Any]:
    """Return what the mailbox says of the poll."""
    return json.loads(ostraka("status", manifest, "--output", "json"))


def wait_for(manifest: Path, state: str) -> dict[str, Any]:
    """Return the status once it has the state; it is asked for each second, for 10 minutes."""
    for _ in range(600):
        found = status(manifest)
        if found["state"] == state:
            return found
        time.sleep(1)
    raise SystemExit(f"the poll is not {state} after 10 minutes, but {found['state']}")


async def send(codes: list[CollectionCode]) -> None:
    """Send a report for each code, AT_ONCE at a time. The terms are looked up once, for all."""
    mailbox = MailboxClient(URL, codes[0].manifest)
    found = await Contribution.look_up(codes[0], mailbox)
    mailbox.close()
    left = list(enumerate(codes))[::-1]

    async def work() -> None:
        mailbox = MailboxClient(URL, codes[0].manifest)
        while left:
            number, code = left.pop()
            one, directory = replace(found, code=code), home.reports_directory()
            report = one.write(answer(number), directory, OsDraw())
            await one.send(report, mailbox, directory)
        mailbox.close()

    await asyncio.gather(*(work() for _ in range(AT_ONCE)))


def answer(number: int) -> str:
    """Return the made-up answer of a person: half soup, a third salad, a sixth pasta."""
    return DISHES[(0, 0, 0, 1, 1, 2)[number % 6]]


def main() -> None:
    """Hold the poll."""
    given_words = sys.argv[1:3]
    count, seconds = map(int, given_words + ["1000", "0"][len(given_words) :])
    manifest = seal(count + 1)
    given = json.loads(ostraka("invite", manifest, "--count", count + 1, "--output", "json"))
    links = [code["link"] for code in given["codes"]]
    wait_for(manifest, "open")
    print(f"open; for a browser: {links.pop()}", file=sys.stderr)
    begun = time.monotonic()
    asyncio.run(send([read_code(link) for link in links]))
    print(f"{count} reports sent in {time.monotonic() - begun:.1f} s", file=sys.stderr)
    time.sleep(seconds)
    begun = time.monotonic()
    ostraka("close", manifest)
    result = wait_for(manifest, "done")["result"]
    print(f"closed in {time.monotonic() - begun:.1f} s", file=sys.stderr)
    sent = Counter(map(answer, range(count)))
    print(json.dumps({"page": links[0].partition("#")[0], "sent": sent, "result": result}))


if __name__ == "__main__":
    main()
