"""Totals under disclosure rules, over real processes: given, or withheld unseen."""

import json
from pathlib import Path

import pytest

from ostraka import identity
from ostraka.manifest import parse

ROLES = {
    "alice": ("contributor", "compute"),
    "bob": ("contributor", "compute"),
    "carlos": ("contributor", "compute"),
    "david": ("contributor",),
    "erin": ("recipient",),
}
POLICY = 'min_cell = 3\ndominance = { largest = "50%", p = "10%" }'


def agreement(fleet, cells, outputs):
    session = fleet.manifest(
        ROLES, fleet.coordinator(), length=cells, policy=POLICY,
        sharing='scheme = "shamir"\nthreshold = 1',
    )  # fmt: skip
    text = session.path.read_text().replace('"secure-sum"', '"table"')
    session.path.write_text(text.replace('statistics = ["sum", "mean"]', outputs))
    return session


def test_a_total_that_would_betray_somebody_is_never_opened(fleet):
    session = agreement(fleet, 1, 'statistics = ["sum"]')
    losses = {"alice": 3000, "bob": 4500, "carlos": 900_000, "david": 2500}
    parties = fleet.run_all(session, losses)
    told = parties["erin"].result
    assert (told["status"], told["outputs"], told["contributors"]) == ("suppressed", [], 4)
    assert "does not keep all rules of the policy (dominance, min_cell)" in told["why"]
    for name in losses:
        assert parties[name].result["status"] == "no-output"
    receipt = Path(told["receipt"])
    assert fleet.start("verify", ["-m", "ostraka.cli.main", "verify", receipt]).code == 0


def test_a_withheld_cell_is_absent(fleet):
    outputs = 'rows = ["women", "men", "others"]\nheads = 99\nstatistics = ["mean", "count"]'
    session = agreement(fleet, 3, outputs)
    pay = {name: [[400, 4], [500, 5], [0, 0]] for name in ROLES if name != "erin"}
    pay["alice"][2] = [90, 1]
    pay["david"] = {"others": [0, 0], "women": [400, 4], "men": [500, 5]}  # in any order, by name
    parties = fleet.run_all(session, {name: json.dumps(value) for name, value in pay.items()})
    # one company has others; women go with them, so that the total does not tell
    assert parties["erin"].values == {
        "mean": {"men": "100", "total": "99.729729729729730"},
        "count": {"men": 20, "total": 37},
    }
    assert parties["erin"].result["status"] == "suppressed"


@pytest.mark.slow
@pytest.mark.parametrize("security", ["passive", "active"])
async def test_fifty_companies(office, tmp_path, security):
    """The guide's, over a coordinator and TLS: with the one that was in the news, and without."""
    companies = [f"company-{i}" for i in range(1, 51)]
    holders = ["registry", "insurer", "university"]
    office.keys = tmp_path / "keys"
    for name in [*companies, *holders, "coordinator"]:
        identity.create(name, office.keys)
    roles = dict.fromkeys(companies, '"contributor"')
    roles |= dict.fromkeys(holders, '"compute", "recipient"')
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "{office.fingerprint(name)}"\nroles = [{its}]\n'
        for name, its in roles.items()
    )
    losses = {name: 20_000 + 3_700 * i for i, name in enumerate(companies, 1)}
    key = office.fingerprint("coordinator")
    async with office.coordinator() as relay:
        agreed = parse(
            '[session]\ntitle = "Losses"\nprotocol = "table"\ndeadline = "10m"\ntimeout = "5m"\n'
            f'coordinator = {{ address = "{relay}", key = "{key}" }}\n'
            f'{parties}[input]\ntype = "int"\nmin = 0\nmax = 1000000000\n'
            f'[sharing]\nscheme = "shamir"\nthreshold = 1\nsecurity = "{security}"\n'
            f"[policy]\nmin_contributors = 40\n{POLICY}\n"
        )
        for news, given in (({}, [5_717_500]), ({"company-17": 380_000_000}, [])):
            found = await office.run(agreed, {**losses, **news}, within=900)
            for name in holders:
                assert [o["value"] for o in found[name]["outputs"]] == given, found[name]
                assert found[name]["status"] == ("released" if given else "suppressed")
                assert found[name]["contributors"] == 50
