"""One party, from gathering to receipt, with all the others beside it."""

import asyncio

from ostraka import roles


class Watcher:
    def __init__(self):
        self.phases, self.warnings, self.present = [], [], []

    def gathering(self, present, total):
        self.present.append((present, total))

    def phase(self, name):
        self.phases.append(name)

    def warn(self, text):
        self.warnings.append(text)

    def moved(self, done, total):
        assert 0 <= done <= total


async def take_part(office, manifest, inputs, directory, watchers=None):
    watchers = watchers or {}
    found = await asyncio.gather(
        *(
            roles.run_party(
                manifest,
                office.identity(name),
                name,
                inputs.get(name),
                directory_for_receipt=directory,
                observer=watchers.get(name),
            )
            for name in manifest.parties
        )
    )
    return dict(zip(manifest.parties, found, strict=True))


async def test_a_receipt_that_cannot_be_written_does_not_take_the_result_with_it(office, tmp_path):
    manifest = office.manifest()
    inputs = dict(zip(manifest.parties, (1, 2, 3), strict=True))
    watcher = Watcher()
    results = await take_part(office, manifest, inputs, tmp_path / "no", {"alice": watcher})
    assert results["alice"]["outputs"] == [{"name": "sum", "value": 6}]
    assert "receipt" not in results["alice"]
    assert len(watcher.warnings) == 1
    assert "receipt" in watcher.warnings[0]


async def test_phases_come_in_order(office, tmp_path):
    manifest = office.manifest()
    inputs = dict(zip(manifest.parties, (1, 2, 3), strict=True))
    watcher = Watcher()
    await take_part(office, manifest, inputs, tmp_path, {"bob": watcher})
    assert watcher.phases == ["sharing", "computing", "opening", "done"]
    assert watcher.present[0] == (1, 3)
    assert watcher.present[-1] == (3, 3)
    assert watcher.warnings == []


async def test_who_learns_nothing_gets_no_outputs(office, tmp_path):
    manifest = office.manifest(
        {
            "alice": ("contributor",),
            "bob": ("contributor", "compute"),
            "carlos": ("compute", "recipient"),
        }
    )
    results = await take_part(office, manifest, {"alice": 4, "bob": 5}, tmp_path)
    for name in ("alice", "bob"):
        assert results[name]["status"] == "no-output"
        assert not {"outputs", "contributors"} & results[name].keys()
    assert results["carlos"]["status"] == "released"
    assert results["carlos"]["outputs"] == [{"name": "sum", "value": 9}]
    assert results["carlos"]["contributors"] == 2
