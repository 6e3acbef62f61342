"""Words while a session gathers: for whom it waits, how long, and why."""

import asyncio

from ostraka.errors import TimedOut


async def test_a_wait_says_for_whom_how_long_and_why(office, monkeypatch):
    from ostraka.session import telling

    monkeypatch.setattr(telling, "TOLD_SECONDS", 0.3)
    manifest, told = office.manifest(("alice", "bob", "carlos"), deadline=1.5), []
    there = [
        office.open(manifest, "carlos", troubled=told.append),
        office.open(manifest, "bob"),
    ]
    errors = await asyncio.gather(*there, return_exceptions=True)
    assert all(isinstance(error, TimedOut) for error in errors), errors
    waits = [text for text in told if text.startswith("waiting for alice, 1 s left (alice: ")]
    assert len(waits) == 1, told
