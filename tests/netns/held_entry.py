"""Test only: `ostraka ARGS...` that waits, with the session open, before it shares its input.

    python held_entry.py FILE ARGS...

Says `held` on stderr then, serves its links, and goes on as soon as FILE is there.
"""

import asyncio
import sys
from pathlib import Path

from ostraka.cli.main import main
from ostraka.life import Life

file = Path(sys.argv.pop(1))
original, may_go = Life.exchange, file.exists


async def exchange(self, session):
    found = await original(self, session)
    print("held", file=sys.stderr, flush=True)
    while not may_go():
        await asyncio.sleep(0.02)
    return found


Life.exchange = exchange
main()
