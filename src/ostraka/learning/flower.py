"""Flower: a project aggregates through compute parties of ostraka, by one mod and one strategy.

The mod takes a device's update out of its reply, and sends it to the round's collection instead,
clipped and sealed to the compute parties. The strategy opens and closes the rounds, as organiser,
and gives Flower the model that the compute parties' signed result makes, with their noise in it.
So Flower's server sees no update. Needs the package flwr, and a study whose rounds are collections.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from ostraka import home, identity
from ostraka.collection.codes import CollectionCode, read_code
from ostraka.errors import UsageError
from ostraka.learning.collected import Device, StudyOrganiser, open_code, read_codes
from ostraka.learning.model import Vector
from ostraka.learning.study import Study
from ostraka.manifest import Manifest

try:
    from flwr.app import (
        Array,
        ArrayRecord,
        ConfigRecord,
        Context,
        Message,
        MetricRecord,
        RecordDict,
    )
    from flwr.serverapp import Grid
    from flwr.serverapp.strategy import FedAvg
except ImportError:
    raise UsageError(
        "ostraka.learning.flower needs the package flwr", hint="pip install 'ostraka[flower]'"
    ) from None

CODE_KEY: Final = "ostraka-code"
"""Key of a node's configuration that has its code."""

ROUND_KEY: Final = "server-round"

Next = Callable[[Message, Context], Message]
"""Function that runs a ClientApp behind its mods."""


class OstrakaMod:
    """Mod of a ClientApp: its update goes to compute parties, and Flower's server gets none of it.

    Args:
        study: the study, or a path to it.
        codes: the file of all devices' codes, for simulations, where a node takes the one of its
            `partition-id`; elsewhere a node has its own as `ostraka-code` in its configuration.
        arrays: key of the record of arrays in messages.
    """

    def __init__(
        self, study: Study | Path | str, *, codes: Path | str | None = None, arrays: str = "arrays"
    ) -> None:
        self.study = study if isinstance(study, Study) else Study.load(study)
        self._codes, self._arrays = codes, arrays

    def __call__(self, message: Message, context: Context, call_next: Next) -> Message:
        """Train a model, send the update to the round, and reply with nothing of it.

        Raises:
            OstrakaError: the update could not be sent; Flower reports the node as failed.
        """
        if not message.metadata.message_type.startswith("train"):
            return call_next(message, context)
        before, number = _vector(self.study, message, self._arrays), _round_of(message)
        reply = call_next(message, context)
        if reply.has_error():
            return reply
        after = self.study.shapes.split(_vector(self.study, reply, self._arrays))
        device = Device(self.study, self._code(context.node_config), home.reports_directory())
        asyncio.run(device.report(number, before, after))
        reply.content = RecordDict({"metrics": MetricRecord({"num-examples": 1})})
        return reply

    def _code(self, node: Mapping[str, Any]) -> CollectionCode:
        if (own := node.get(CODE_KEY)) is not None:
            return read_code(str(own))
        if self._codes is not None:
            return read_codes(Path(self._codes))[int(node["partition-id"])]
        if self.study.base["collection"].get("from") == "open":
            return open_code(self.study)
        raise UsageError(
            f"this node has no code: {CODE_KEY} is not in its configuration",
            hint="flower-supernode --node-config 'ostraka-code=\"ostraka2-...\"'",
            data_left=False,
        )


class OstrakaFedAvg(FedAvg):
    """Flower's FedAvg, of which compute parties of ostraka do the averaging, and add the noise.

    Args:
        study: the study, or a path to it.
        organiser: name of the organiser, whose key signs that rounds open and close.
        keys: the directory of its key.
        codes: the file of all devices' codes; None where the study takes reports of all.
        seconds: the longest that a step of a round may take.
        options: of FedAvg. All devices count alike: examples are not counted, as their number
            tells something, and noise is made for devices.
    """

    def __init__(
        self,
        study: Study | Path | str,
        organiser: str,
        *,
        keys: Path | str = ".",
        codes: Path | str | None = None,
        seconds: float = 600.0,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.study = study if isinstance(study, Study) else Study.load(study)
        roster = None if codes is None else read_codes(Path(codes)).roster
        own = identity.load(organiser, Path(keys))
        self._organiser = StudyOrganiser(self.study, own, roster, seconds)
        self._round: tuple[Manifest, Vector] | None = None

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Open the round, and ask nodes to train."""
        model = _joined(self.study, arrays)
        manifest = asyncio.run(self._organiser.open(server_round, model))
        self._round = manifest, model
        return super().configure_train(server_round, _arrays(self.study, model), config, grid)

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Close the round once nodes have replied; return the model that compute parties make."""
        assert self._round is not None
        valid, _ = self._check_and_log_replies(replies, is_train=True, validate=False)
        model, counted = asyncio.run(self._close(len(valid)))
        return _arrays(self.study, model), MetricRecord({"counted": counted})

    async def _close(self, reports: int) -> tuple[Vector, int]:
        assert self._round is not None
        manifest, model = self._round
        await self._organiser.enough(manifest, reports)
        await self._organiser.close(manifest)
        return await self._organiser.next_model(manifest, model)


def _round_of(message: Message) -> int:
    for record in message.content.config_records.values():
        if ROUND_KEY in record:
            return int(str(record[ROUND_KEY]))
    raise UsageError("a message to train does not say which round it is of", data_left=False)


def _vector(study: Study, message: Message, key: str) -> Vector:
    records = message.content.array_records
    if key not in records:
        raise UsageError(f"a message to train has no arrays called {key}", data_left=False)
    return _joined(study, records[key])


def _joined(study: Study, arrays: ArrayRecord) -> Vector:
    """Return arrays as a model's vector: they are the study's layers, in this order."""
    names = [name for name, _ in study.shapes.shapes]
    found = [np.asarray(array.numpy(), np.float64) for array in arrays.values()]
    if len(found) != len(names):
        raise UsageError(f"{len(found)} arrays are not the study's {len(names)} layers")
    return study.shapes.join(dict(zip(names, found, strict=True)))


def _arrays(study: Study, model: Vector) -> ArrayRecord:
    """Return a model as arrays, float64, so that all nodes have the same bits."""
    layers = study.shapes.split(model)
    return ArrayRecord({name: Array(layer) for name, layer in layers.items()})
