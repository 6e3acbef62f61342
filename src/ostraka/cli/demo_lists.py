"""Commands `demo join` and `demo audit`: two owners' lists, and a helper who has none."""

from __future__ import annotations

from typing import Any, Final

from ostraka.cli import results, voice
from ostraka.cli.demo import SECONDS, app, play
from ostraka.cli.demo_choices import Format
from ostraka.cli.fleet import COORDINATOR

PEOPLE: Final = 400
"""People that are made up for a demo."""

_Owners = dict[str, tuple[list[Any], dict[str, Any]]]


@app.command()
def join(output: Format = voice.OutputFormat.TEXT) -> None:
    """Join two lists: how many customers two shops share, and what these spent at one of them."""
    ids = [f"customer-{i:03d}@example.org" for i in range(PEOPLE)]
    spent = [[each, str(20 + i * 7 % 90)] for i, each in enumerate(ids) if i % 3]
    others: list[Any] = [each.upper() for i, each in enumerate(ids) if i % 4]
    owners: _Owners = {
        "books": (spent, {"type": "decimal(2)", "min": 0, "max": 1000, "unit": "EUR"}),
        "bikes": (others, {"type": "id"}),
    }
    outputs = {"figures": ["size", "sum", "mean"], "identifiers": "email"}
    found = _session("private-join", "Shared customers", owners, outputs)
    _show(
        found["books"],
        output,
        "Which customers these are stayed unknown: to the two shops, and to the university, which "
        "compared\ntags of their addresses and saw neither addresses nor amounts.",
    )


@app.command()
def audit(output: Format = voice.OutputFormat.TEXT) -> None:
    """Audit a bank's predictions by groups that a registry knows; neither shows its list."""
    ids = [f"person-{i:03d}" for i in range(PEOPLE)]
    bank = [[each, *_loan(i)] for i, each in enumerate(ids[: PEOPLE - 20])]
    registry = [[each, ("men", "women")[i % 2]] for i, each in enumerate(ids) if i > 10]
    owners: _Owners = {
        "bank": (bank, {"name": "predictions", "type": "id"}),
        "registry": (registry, {"name": "groups", "type": "id"}),
    }
    found = _session("audit", "Are loans fair?", owners, {"groups": ["women", "men"]})
    _show(
        found["bank"],
        output,
        "Bank and registry learned these counts; the bank no person's group, the registry no "
        "person's loan.\nThe university, which helped, saw tags of identifiers only.",
    )


def _loan(i: int) -> tuple[int, int]:
    """Make up whether a person paid a loan back, and whether the bank's program foresaw it; it is
    harder on women, who have odd numbers."""
    k = i // 2
    return int(k % 5 != 0), int((3 * k + k // 10) % 10 < (5 if i % 2 else 7))


def _session(
    protocol: str,
    title: str,
    owners: _Owners,
    outputs: dict[str, Any],
) -> dict[str, Any]:
    """Run a session of owners, and a university that helps; all learn the result but for it.

    Args:
        owners: the list and the `[[input]]` of each, by name.
    """
    from ostraka.manifest.writing import party_in_all_roles, without_input, write_manifest

    def write(keys: dict[str, str], address: str) -> str:
        relay = {"address": address, "key": keys[COORDINATOR]}
        session = {"title": title, "protocol": protocol, "deadline": f"{SECONDS}s"}
        inputs = [
            {"name": name, "of": [name], "length": PEOPLE, **table}
            for name, (_, table) in owners.items()
        ]
        helper = without_input(party_in_all_roles("university", keys["university"]))
        return write_manifest(
            {
                "session": {**session, "coordinator": relay},
                "input": inputs,
                "outputs": outputs,
                "sharing": {"scheme": "shamir", "threshold": 1},
            },
            [
                *(party_in_all_roles(name, keys[name]) for name in owners),
                {**helper, "roles": ["compute"]},
            ],
        )

    lists: dict[str, Any] = {name: rows for name, (rows, _) in owners.items()}
    return play({**lists, "university": None}, write)[0]


def _show(found: dict[str, Any], output: voice.OutputFormat, said: str) -> None:
    if output is voice.OutputFormat.JSON:
        voice.emit(found)
        return
    for line in results.lines(found["outputs"]):
        print(line)
    print(f"\nEach of 3 parties was a process of its own. {said}")
