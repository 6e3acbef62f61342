"""Commands `demo vote`, `demo auction`, `demo predict`: each opens a decision, and nothing else."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Any, Final

import typer

from ostraka.cli import examples, results, voice
from ostraka.cli.demo import Seen, agreement, app, party_names, play

Format = Annotated[
    voice.OutputFormat, typer.Option(metavar="text|json", help="Format of the result on stdout.")
]


@app.command(cls=examples.Helped)
def vote(
    votes: Annotated[
        str,
        typer.Option(metavar="A,B,...", help="yes, no or abstain: toys, so they may be options."),
    ] = "yes,no,yes",
    fraction: Annotated[
        str,
        typer.Option(
            "--pass-at", metavar="FRACTION", help="YES from this fraction of all on: 1/2, 60%, 1."
        ),
    ] = "1/2",
    output: Format = voice.OutputFormat.TEXT,
) -> None:
    """Hold a board's vote: all parties learn YES or NO, and no party learns the count."""
    ballots = _parts(votes, "--votes yes,no,yes")
    for i, ballot in enumerate(ballots, 1):
        if ballot not in ("yes", "no", "abstain"):
            _refuse_input(f"vote {i} is neither yes nor no nor abstain", "--votes yes,no,yes")
    inputs = dict(zip(party_names(len(ballots)), ballots, strict=True))
    _check_fraction(fraction)
    tables: dict[str, dict[str, Any]] = {
        "input": {"type": 'choice(["yes", "no", "abstain"])'},
        "outputs": {"question": "Shall we?", "pass_at": fraction, "of": "all"},
    }
    found, seen = _session("threshold-vote", "Shall we?", tables, inputs)
    _show(found, seen, inputs, "ballot", output)
    if output is voice.OutputFormat.TEXT:
        print(
            f"Each of {len(inputs)} parties was a process of its own. All of them learned this "
            "one word;\nno count was ever on any machine."
        )


class Price(StrEnum):
    """Price that the winner pays: the first (its own bid) or the second highest bid."""

    FIRST = "first"
    SECOND = "second"


@app.command(cls=examples.Helped)
def auction(
    bids: Annotated[
        str, typer.Option(metavar="A,B,...", help="Each party's bid: toys, so they may be options.")
    ] = "310,295,402",
    price: Annotated[
        Price, typer.Option(metavar="first|second", help="What the winner pays: bid or runner-up.")
    ] = Price.FIRST,
    output: Format = voice.OutputFormat.TEXT,
) -> None:
    """Hold an auction of sealed bids: bidders learn the winner and the price, and no other bid."""
    from ostraka.manifest.writing import Bare

    numbers = _parts(bids, "--bids 310,295,402")
    for i, number in enumerate(numbers, 1):
        if not re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,2})?", number):
            message = f"bid {i} is not a number of at most 12 digits, and 2 after the point"
            _refuse_input(message, "--bids 310,295,402")
    inputs = dict(zip(party_names(len(numbers)), numbers, strict=True))
    kind = "decimal(2)" if "." in bids else "int"
    most = Bare(f"{max(Decimal(1_000_000), *map(Decimal, numbers)):f}")
    tables: dict[str, dict[str, Any]] = {
        "input": {"type": kind, "min": 0, "max": most, "unit": "EUR"},
        "outputs": {"price": str(price)},
    }
    found, seen = _session("auction", "Sealed bids", tables, inputs)
    _show(found, seen, inputs, "bid", output)
    if output is voice.OutputFormat.TEXT:
        rest = "Every losing bid"
        if price is Price.SECOND:
            rest = "The price is the highest losing bid; every other"
        print(
            f"Each of {len(inputs)} parties was a process of its own, and learned the winner and "
            f"the price.\n{rest} stayed where it was."
        )


@app.command(cls=examples.Helped)
def predict(
    query: Annotated[
        str,
        typer.Option(metavar="INCOME,DEBT", help="What alice asks about, in thousands: a toy."),
    ] = "48,13",
    output: Format = voice.OutputFormat.TEXT,
) -> None:
    """Ask a bank's model about a loan: alice alone learns its answer, and no party her numbers."""
    numbers = query.split(",")
    if len(numbers) != 2 or not all(re.fullmatch(r"[0-9]{1,3}", n) for n in numbers):
        _refuse_input("the query is not two whole numbers from 0 to 999", "--query 48,13")
    inputs = {"alice": [int(n) for n in numbers], "bob": _FOREST, "carlos": None}
    found, seen = play(inputs, _loan)
    if output is voice.OutputFormat.JSON:
        voice.emit(found["alice"] | {"parties": {p: {"outputs": found[p].get("outputs", [])}
                                                 for p in inputs}})  # fmt: skip
        return
    for line in results.lines(found["alice"]["outputs"]):
        print(line)
    for party, other in (("bob", "alice"), ("carlos", "alice"), ("carlos", "bob")):
        what = "income" if other == "alice" else "model's first number"
        print(
            f"{party}'s machine got of {other}'s {what}, modulo 2^61 - 1: {seen[party].got[other]}"
        )
    print(
        f"\nEach of {len(inputs)} parties was a process of its own. bob's model is three trees; "
        "alice learned this\none word of it; neither bob nor carlos, who helps, learned even that."
    )


def _stump(feature: int, threshold: float, low: float, high: float) -> dict[str, Any]:
    """Return a tree of one question: a score up to the threshold, another above it."""
    return {
        "features": [feature, 0, 0],
        "thresholds": [threshold, 0, 0],
        "left": [1, 0, 0],
        "right": [2, 0, 0],
        "values": [[0], [low], [high]],
    }


_FOREST: Final = {
    "format": "ostraka-model-1",
    "model": "trees",
    "layers": [2, 1],
    "trees": [_stump(0, 30.5, -1, 0.5), _stump(0, 60.5, 0, 1), _stump(1, 20.5, 0.25, -1.5)],
    "start": [0],
    "classes": ["refuse", "grant"],
}


def _loan(keys: dict[str, str], relay: str) -> str:
    """Write the agreement of a client, an owner and a helper."""
    from ostraka.cli.demo import SECONDS
    from ostraka.cli.fleet import COORDINATOR
    from ostraka.manifest.writing import party_in_all_roles, without_input, write_manifest

    client, owner, helper = (party_in_all_roles(p, keys[p]) for p in ("alice", "bob", "carlos"))
    owner["roles"] = [role for role in owner["roles"] if role != "recipient"]
    helper["roles"] = [role for role in without_input(helper)["roles"] if role != "recipient"]
    given = {"of": ["alice"], "type": "int", "length": 2, "min": 0, "max": 999}
    model = {"of": ["bob"], "type": "float(8)", "length": 3 * 3 + 3 * 2 + 1, "min": -4, "max": 4}
    asked = {"model": "trees", "layers": [2, 1], "trees": 3, "depth": 1}
    session = {"title": "A loan", "protocol": "predict", "deadline": f"{SECONDS}s"}
    return write_manifest(
        {
            "session": {**session, "coordinator": {"address": relay, "key": keys[COORDINATOR]}},
            "input": [{"name": "query", **given}, {"name": "model", **model}],
            "outputs": {**asked, "classes": ["refuse", "grant"]},
            "sharing": {"scheme": "shamir", "threshold": 1},
        },
        [client, owner, helper],
    )


def _show(
    found: dict[str, Any], seen: dict[str, Seen], inputs: dict[str, str], what: str,
    output: voice.OutputFormat,
) -> None:  # fmt: skip
    """Print the result, and the shares that the first party got of the other parties' inputs."""
    first = next(iter(inputs))
    if output is voice.OutputFormat.JSON:
        views = {p: {"outputs": found[p].get("outputs", [])} for p in inputs}
        voice.emit(found[first] | {"parties": views})
        return
    for line in results.lines(found[first]["outputs"]):
        print(line)
    width = max(map(len, inputs))
    print(f"\nWhat {first}'s machine got of the others' {what}s, modulo 2^61 - 1:\n")
    for party in list(inputs)[1:]:
        print(f"{party:{width}}  {seen[first].got[party]:>20}")
    print()


def _session(
    protocol: str, title: str, tables: dict[str, dict[str, Any]], inputs: dict[str, str]
) -> tuple[dict[str, Any], dict[str, Seen]]:
    """Run a session in which just under half of the parties may collude."""
    sharing = {"scheme": "shamir", "threshold": (len(inputs) - 1) // 2}
    tables = {**tables, "sharing": sharing}
    return play(inputs, lambda keys, relay: agreement(title, protocol, tables, keys, relay))


def _parts(text: str, example: str) -> list[str]:
    from ostraka.errors import UsageError

    parts = [part.strip() for part in text.split(",")]
    if not 3 <= len(parts) <= 50:
        raise UsageError(
            f"{len(parts)} parties: this demo takes 3 to 50", hint=f"such as {example}"
        )
    return parts


def _refuse_input(problem: str, example: str) -> None:
    from ostraka.errors import InputError

    raise InputError(problem, hint=f"such as {example}", data_left=False)


def _check_fraction(text: str) -> None:
    from ostraka.errors import UsageError
    from ostraka.manifest import exact_fraction

    try:
        exact_fraction(text)
    except ValueError as error:
        raise UsageError(f"--pass-at {error}", hint="such as --pass-at 1/2") from None
