"""`demo learn`: devices and compute parties, each its own process, train one model in rounds."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import Annotated, Any, Final

import typer

from ostraka.cli import examples, voice
from ostraka.cli.demo import SECONDS, app
from ostraka.cli.fleet import COORDINATOR, Fleet, make_keys, workplace
from ostraka.cli.options import OutputOption

COMPUTE: Final = ("c1", "c2", "c3")


@app.command(cls=examples.Helped)
def learn(
    devices: Annotated[int, typer.Option(min=3, max=20, help="How many devices train.")] = 5,
    rounds: Annotated[int, typer.Option(min=1, max=20, help="How many rounds.")] = 4,
    epsilon: Annotated[
        float, typer.Option(min=0.1, max=1000, help="What all rounds together may tell.")
    ] = 100.0,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Compute a model that reads digits; no party sees the digits of a device, nor its update."""
    from ostraka.learning import digits

    digits.load(devices)  # or it says what is missing, before anything starts
    began = monotonic()
    found = _play(devices, rounds, epsilon)
    took = monotonic() - began
    if output is voice.OutputFormat.JSON:
        voice.emit({"rounds": found, "epsilon": epsilon, "seconds": round(took, 2)})
        return
    for each in found:
        print(f"round {each['round']}: {each['counted']} devices, {each['accuracy']:.1%} right")
    print(
        f"\n{devices} devices and {len(COMPUTE)} compute parties, each its own process: "
        f"{rounds} rounds in {took:.1f} s.\nepsilon = {epsilon:g} for all of them: so few devices "
        "need noise that hides little.\nWith 100 devices epsilon = 10 costs less than 1% "
        "(docs/guides/learn.md), with 1,000 epsilon = 1."
    )


def _play(devices: int, rounds: int, epsilon: float) -> list[dict[str, Any]]:
    from ostraka.learning.study import Study

    names = [f"device-{i}" for i in range(devices)]
    with workplace("demo") as directory, Fleet() as fleet:
        fleet.start(COORDINATOR, "coordinator")
        pins = make_keys([COORDINATOR, *COMPUTE, *names], Path(directory))
        fleet.give(COORDINATOR, {"keys": directory, "name": COORDINATOR, "listen": "127.0.0.1:0"})
        address = fleet.wait_for(COORDINATOR, "listening")["address"]
        text = study_text(pins, address, rounds, epsilon)
        Study.read(text)  # what that loads and builds, all parties have
        for name in (*COMPUTE, *names):
            place = names.index(name) if name in names else None
            fleet.start(name, "learner")
            job = {"keys": directory, "name": name, "study": text}
            fleet.give(name, {**job, "devices": devices, "device": place})
        found = []
        for who, event in fleet.events(SECONDS):
            if who == COMPUTE[0] and event["event"] == "round":
                found.append({k: v for k, v in event.items() if k != "event"})
                voice.say(f"round {event['round']} is done")
        return found


def study_text(pins: dict[str, str], address: str, rounds: int, epsilon: float) -> str:
    """Write the study of the demo.

    Args:
        pins: fingerprints by name, the coordinator's among them; names other than compute parties'
            are devices'.
        address: the coordinator's.
    """
    from ostraka.manifest.writing import write_manifest

    parties = [
        {
            "name": name,
            "key": key,
            "roles": [("compute" if name in COMPUTE else "contributor"), "recipient"],
        }
        for name, key in pins.items()
        if name != COORDINATOR
    ]
    relay = {"address": address, "key": pins[COORDINATOR]}
    session = {"title": "Digits", "deadline": f"{SECONDS}s", "coordinator": relay}
    study = {
        "rounds": rounds,
        "layers": {"weights": [24, 10]},
        "clip": 0.5,
        "epsilon": epsilon,
        "delta": 1e-5,
        "rate": 8,
    }
    return write_manifest({"session": session, "study": study}, parties)
