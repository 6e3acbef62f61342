"""Command `learn`: takes part in all rounds of a study; explains one, or writes a round."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import voice
from ostraka.cli.options import KeysOption, OutputOption, ReceiptsOption

if TYPE_CHECKING:
    from ostraka.learning.model import Vector
    from ostraka.learning.study import Study
    from ostraka.learning.taking_part import RoundEnd, StudyPlace
    from ostraka.learning.training import Trainer


def learn(
    study: Annotated[Path, typer.Argument(metavar="STUDY.toml")],
    as_: Annotated[str, typer.Option("--as", metavar="NAME", help="The party that we are.")] = "",
    trainer: Annotated[
        str,
        typer.Option(
            metavar="MODULE:NAME",
            help="Function of our own that trains: layers and round in, layers out.",
        ),
    ] = "",
    model: Annotated[
        Path | None,
        typer.Option(metavar="FILE.npz", help="The model that the round, or the study, begins at."),
    ] = None,
    models: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Where models are left, or found, after each round."),
    ] = None,
    round_: Annotated[
        int | None,
        typer.Option("--round", min=1, metavar="N", help="Only print the manifest of that round."),
    ] = None,
    codes: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Print the study with N invited devices; codes to codes.json."
        ),
    ] = None,
    code: Annotated[
        str, typer.Option(metavar="CODE", help="Report to rounds as the device that has this code.")
    ] = "",
    organise: Annotated[
        int | None,
        typer.Option(
            min=1, metavar="N", help="Open each round, with --as our name; close it at N reports."
        ),
    ] = None,
    keys: KeysOption = None,
    receipts: ReceiptsOption = None,
    trust_new: Annotated[
        bool, typer.Option("--trust-new", help="Take keys that we have not met on trust.")
    ] = False,
    words: Annotated[
        str, typer.Option(metavar='"SIX WORDS"', help="As another party read them, of the study.")
    ] = "",
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Take part in the rounds of a study, in which devices train one model together.

    Without --as it explains the study: who learns what of each round, and of all of them.
    """
    from ostraka.cli import learn_collected
    from ostraka.learning.model import load
    from ostraka.learning.study import Study

    if codes is not None:
        learn_collected.invite(study, codes)
        return
    found = Study.load(study)
    start = None if model is None else load(model, found.shapes)
    if round_ is not None:
        voice.say(f"round {round_} of {found.table.rounds}")
        print(found.manifest_text(round_, found.start if start is None else start))
        return
    if code:
        learn_collected.report(found, code, _trainer(trainer), start)
        return
    if not as_:
        _explain(found, output)
        return
    if organise is not None:
        learn_collected.organise(found, as_, keys, organise, start, models)
        return
    from ostraka.learning.taking_part import StudyPlace

    train = _trainer(trainer) if trainer else None
    _run(StudyPlace(found, as_, train, start, models, keys, receipts, words or trust_new), output)


def _explain(study: Study, output: voice.OutputFormat) -> None:
    """Print what the study asks, and what its first round tells."""
    from ostraka import config
    from ostraka.cli import check
    from ostraka.explanation import Explanation

    first = study.manifest(1, study.start)
    found = Explanation.of(config.bind(first))
    if output is voice.OutputFormat.JSON:
        voice.emit({"study": study.digest, "rounds": study.table.rounds, **found.as_dict()})
        return
    layers = ", ".join(f"{name} {list(shape)}" for name, shape in study.shapes.shapes)
    print(f"{study.title}: {study.table.rounds} rounds of {len(study.cohort(1))} devices, of "
          f"{len(study.devices)}; {study.shapes.size} numbers: {layers}\n")  # fmt: skip
    print("\n".join(check.sentences(found.sentences)))
    print(f"\nstudy {study.digest}\nsix words: {_words(study)}")


def _words(study: Study) -> str:
    from ostraka.learning.taking_part import StudyPlace

    return StudyPlace(study, "").words


def _trainer(text: str) -> Trainer:
    """Import the trainer that is named: a function of this party's own, in its own directory.

    Raises:
        UsageError: there is none.
    """
    import sys
    from importlib import import_module

    from ostraka.errors import UsageError

    module, _, name = text.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        found: Any = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        hint = "such as --trainer training:step, with training.py here"
        raise UsageError(f"--trainer {text}: {error}", hint=hint, data_left=False) from None
    trainer: Trainer = found
    return trainer


def _run(place: StudyPlace, output: voice.OutputFormat) -> None:
    from ostraka.cli.endings import endings

    ended: list[RoundEnd] = []

    async def all_rounds() -> None:
        async for end in place.rounds():
            ended.append(end)
            voice.say(line(place.study, end))

    endings.run(all_rounds())
    if output is voice.OutputFormat.JSON:
        voice.emit({"study": place.study.digest, "rounds": [_told(end) for end in ended]})


def line(study: Study, end: RoundEnd) -> str:
    """Say how a round ended: "round 3 of 12: 98 counted, 0.21"."""
    text = f"round {end.number} of {study.table.rounds}: "
    if end.outcome is None:
        return text + "not asked"
    if end.model is None:
        return text + "update given"
    return text + f"{len(end.outcome.contributors)} devices counted, norm {_norm(end.model):.3g}"


def _norm(model: Vector) -> float:
    return float((model @ model) ** 0.5)


def _told(end: RoundEnd) -> dict[str, Any]:
    found: dict[str, Any] = {"round": end.number}
    if end.outcome is not None:
        found["contributors"] = len(end.outcome.contributors)
        found["receipt"] = str(end.outcome.receipt) if end.outcome.receipt else None
    return found
