"""A study whose rounds are collections: devices report and leave; a mailbox and TLS in between."""

import asyncio
import sys
from datetime import UTC, datetime
from pathlib import Path
from time import time

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "mailbox"))
from scene import Collecting, running

from ostraka.errors import InvitationExpired, PeerViolation, TimedOut
from ostraka.learning import collected
from ostraka.learning.study import Study
from ostraka.learning.taking_part import StudyPlace
from ostraka.mailbox.database import Sqlite

COMPUTE = ("alice", "bob", "carlos")


def study_of(office, url, roster, *, rounds=2, noise=""):
    roles = dict.fromkeys(COMPUTE, '"compute", "recipient"')
    closes = datetime.fromtimestamp(int(time()) + 3600, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Study.read(
        f'[session]\ntitle = "Digits {office.ports(1)[0]}"\ndeadline = "30s"\n'
        f"{office.tables(roles)}[policy]\nmin_contributors = 2\n"
        f'[collection]\nfrom = "invited"\norganiser = "{office.fingerprint("mallory")}"\n'
        f'roster = "{collected.roster_pin(roster)}"\nsize = {len(roster.credentials)}\n'
        f'closes = {closes}\nearly_close = true\nmailbox = "{url}"\nrecipients = "public"\n'
        f'[study]\nrounds = {rounds}\nlayers = {{ weights = [2, 2] }}\nclip = 0.5\nevery = "1h"\n'
        f"{noise}"
    )


@pytest.fixture
async def box(tmp_path):
    """A running mailbox."""
    async with running(Collecting(tmp_path / "keys"), lambda: Sqlite(tmp_path / "r.db")) as place:
        yield place


async def last(place):
    found = [end async for end in place.rounds()]
    return found[-1]


def by(amount):
    return lambda layers, _: {"weights": layers["weights"] + amount}


async def test_devices_report_and_leave_and_work_out_each_model(box, office, tmp_path):
    secrets = collected.make_secrets(3)
    roster = collected.roster_of(secrets)
    study = study_of(office, box.url, roster)
    receipts = tmp_path / "receipts"
    receipts.mkdir()
    servers = [
        StudyPlace(study, name, keys=office.keys, receipts=receipts, trust_new=True)
        for name in COMPUTE
    ]
    organiser = collected.StudyOrganiser(study, office.identity("mallory"), roster, 60)

    def device(i):
        directory = tmp_path / f"device-{i}"
        directory.mkdir(exist_ok=True)
        code = collected.code_of(study, secrets[i], i)
        return collected.Device(study, code, directory, seconds=60)

    async def all_rounds_of(one, amount):
        return [number async for number in one.run(by(amount))]

    models = []

    async def organise():
        model = study.start
        for number, active in ((1, 3), (2, 2)):
            manifest = await organiser.open(number, model)
            await organiser.enough(manifest, active)
            await organiser.close(manifest)
            model, counted = await organiser.next_model(manifest, model)
            models.append(model)
            assert counted == active
        return model

    async def once():
        manifest, start = study.manifest(1, study.start), study.start
        async with collected.at_mailbox(manifest, 60) as mailbox:
            while await collected._state(mailbox) != "open":
                await asyncio.sleep(0.05)
        await device(2).report(1, start, {"weights": np.full((2, 2), 0.4)})

    async with asyncio.timeout(90):
        found = await asyncio.gather(
            *map(last, servers),
            organise(),
            all_rounds_of(device(0), 0.1),
            all_rounds_of(device(1), 0.1),
            once(),
        )
    *ends, model, first, second, _ = found
    assert first == second == [1, 2]
    # .4 in each of four places is longer than the clip of .5, so it became .25.
    assert np.allclose(model, (0.1 + 0.1 + 0.25) / 3 + 0.1, atol=1e-6)
    assert all((end.model == model).all() for end in ends)
    # After the end: who was away learns the model, and no report is taken.
    assert await all_rounds_of(device(2), 0.1) == []
    with pytest.raises(InvitationExpired):  # it has not sent one there before
        await device(2).report(2, models[0], {"weights": np.zeros((2, 2))})


async def test_a_result_that_not_all_compute_parties_signed_is_none(box, office):
    roster = collected.roster_of(collected.make_secrets(3))
    study = study_of(office, box.url, roster)
    manifest = study.manifest(1, study.start)

    class Receipts:
        def __init__(self, found):
            self.found = found

        async def receipts(self):
            return self.found

    assert await collected.published(Receipts({"alice": b"", "bob": b""}), manifest) is None
    with pytest.raises(PeerViolation):
        await collected.published(Receipts(dict.fromkeys(COMPUTE, b"forged")), manifest)


async def test_waiting_ends():
    async def never():
        return None

    with pytest.raises(TimedOut, match="for a miracle"):
        await collected._until(never, 0.05, "a miracle")
