"""Process of one party, or the coordinator, of `demo` or `bench`; `cli.fleet` alone starts it.

The process is forked, or runs `python -m ostraka.cli.child` where it cannot be. It reads its job,
one line of JSON, from stdin, so that no input is ever an argument of it. It reports events on
stdout, one JSON object a line. It ends when stdin does, so it does not outlive its parent. Only
this module reports shares: inputs of demos are toys.
"""

from __future__ import annotations

import os
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

from ostraka.progress import Kind, Observer, Phase

if TYPE_CHECKING:
    from ostraka.arithmetic.randomness import Words
    from ostraka.identity import Identity
    from ostraka.manifest import Manifest
    from ostraka.names import PartyId
    from ostraka.sharing.scheme import Scheme


def main() -> None:
    """Do the work of a child of the kind that the one argument names, in a process started for it.

    Slow imports happen while the parent still prepares the job.
    """
    from ostraka.cli import startup, voice

    startup.hold_collections()
    voice.prepare()
    warm_up(sys.argv[1])
    serve(sys.argv[1])


def serve(kind: str) -> None:
    """Read a job from stdin, do it, and exit with its exit code."""
    import json
    import threading

    from ostraka.cli import startup, voice
    from ostraka.cli.endings import endings

    startup.loaded()
    job = json.loads(_line())
    voice.speaker.prefix = f"{job['name']}: "
    threading.Thread(target=_die_with_parent, args=(job["keys"],), daemon=True).start()
    code = voice.guarded(partial(_work, kind, job))
    endings.leave(code)


def _work(kind: str, job: dict[str, Any]) -> int:
    from ostraka.cli.endings import endings

    endings.watch()
    return _WORK[kind](job)


def tell(event: str, **details: Any) -> None:
    """Report an event to the parent: write one line of JSON to stdout."""
    import json

    print(json.dumps({"event": event, **details}, default=str), flush=True)


def _line() -> bytes:
    """Read the first line of stdin, unbuffered: a thread reads the rest."""
    line = bytearray()
    while not line.endswith(b"\n"):
        if not (block := os.read(0, 1 << 16)):
            os._exit(1)
        line += block
    return bytes(line)


def _die_with_parent(directory: str) -> None:
    """Wait for the end of stdin; then remove the fleet's directory, and end."""
    from shutil import rmtree

    while os.read(0, 1):
        pass
    rmtree(directory, ignore_errors=True)
    os._exit(1)


def warm_up(kind: str) -> None:
    """Load what children of a kind need."""
    if kind == "coordinator":
        import ostraka.coordinator.server
    else:
        import ostraka.party
        import ostraka.protocols

    if kind == "bench":
        import ostraka.cli.bench_measure
    if kind == "learner":
        import ostraka.learning.digits
        import ostraka.learning.taking_part  # noqa: F401


def _coordinator(job: dict[str, Any]) -> int:
    from ostraka import identity
    from ostraka.cli.endings import endings
    from ostraka.coordinator.server import serve

    own = identity.load(job["name"], Path(job["keys"]))
    endings.run(serve(job["listen"], own, ready=lambda address: tell("listening", address=address)))
    return 0


class _Teller(Observer):
    """Observer that reports every event of a run to the parent, real shares included."""

    wants_shares = True

    def __init__(self, scheme: Scheme) -> None:
        self._scheme = scheme

    def gathering(self, present: int, total: int) -> None:
        tell("gathering", present=present, total=total)

    def phase(self, phase: Phase) -> None:
        tell("phase", name=phase)

    def share(self, kind: Kind, party: PartyId, vector: Words) -> None:
        values = self._scheme.to_signed(vector.copy()).tolist()
        tell("share", kind=kind, party=party, values=values)

    def warn(self, text: str) -> None:
        print(f"warning: {text}", file=sys.stderr)


def _party(job: dict[str, Any]) -> int:
    from ostraka.cli.endings import endings
    from ostraka.config import bind
    from ostraka.party import Seat
    from ostraka.progress import Progress

    manifest, own = _agreement(job)
    seat = Seat(bind(manifest), own, manifest.party_named(job["name"]).name)
    teller = _Teller(seat.protocol.scheme)
    tell("result", result=endings.run(seat.run(job["input"], Progress(teller))).as_dict())
    return 0


def _learner(job: dict[str, Any]) -> int:
    """Take part in a demo's study; report after each round how well the model reads digits."""
    from ostraka import identity
    from ostraka.cli.endings import endings
    from ostraka.learning import digits
    from ostraka.learning.study import Study
    from ostraka.learning.taking_part import StudyPlace
    from ostraka.learning.training import Logistic, accuracy

    data, study = digits.load(job["devices"]), Study.read(job["study"])
    own = identity.load(job["name"], Path(job["keys"]))
    train = None if job["device"] is None else Logistic(data.devices[job["device"]])
    place = StudyPlace(study, job["name"], train, keys=own, keep_records=False)

    async def rounds() -> None:
        async for end in place.rounds():
            assert end.model is not None
            assert end.outcome is not None
            scores = Logistic.scores(study.shapes.split(end.model), data.test.inputs)
            right = accuracy(scores, data.test.labels)
            tell("round", round=end.number, counted=len(end.outcome.contributors), accuracy=right)

    endings.run(rounds())
    return 0


def _agreement(job: dict[str, Any]) -> tuple[Manifest, Identity]:
    from ostraka import identity, manifest

    return manifest.parse(job["manifest"]), identity.load(job["name"], Path(job["keys"]))


# --- bench -------------------------------------------------------------------------------------


def _bench(job: dict[str, Any]) -> int:
    """Run the job's case several times in one session; report the times and bytes of each run."""
    from ostraka.cli import bench_measure
    from ostraka.cli.endings import endings

    todo = bench_measure.Job(*_agreement(job), job["case"], job["size"], job["runs"])
    found = endings.run(bench_measure.measure(todo, _peak_rss))
    runs = [(t.begin, t.end, t.bytes_sent, t.processor) for t in found.timings]
    tell("measured", runs=runs, rounds=found.rounds, peak_rss_mib=found.peak_mib)
    return 0


def _peak_rss() -> float:
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


_WORK = {"coordinator": _coordinator, "party": _party, "bench": _bench, "learner": _learner}

if __name__ == "__main__":
    main()
