"""A Flower project through ostraka's compute parties: mod and strategy, with Flower's own types.

Skipped where flwr is not installed: it pins other versions of what the command line uses.
"""

import asyncio
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("flwr")
sys.path.insert(0, str(Path(__file__).parents[2] / "configs" / "flower"))
sys.path.insert(0, str(Path(__file__).parent))
from compare import LocalGrid
from flwr.app import Array, ArrayRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.supercore.task_identity import TaskIdentity
from test_collected import COMPUTE, box, last, study_of  # noqa: F401

from ostraka.errors import UsageError
from ostraka.learning.collected import make_secrets, roster_of, write_codes
from ostraka.learning.flower import OstrakaFedAvg, OstrakaMod
from ostraka.learning.taking_part import StudyPlace


def client_app(*mods):
    app = ClientApp(mods=list(mods))

    @app.train()
    def train(message, context):
        arrays = message.content.array_records["arrays"]
        moved = arrays["weights"].numpy() + 0.1 * (1 + context.node_config["partition-id"])
        content = RecordDict(
            {
                "arrays": ArrayRecord({"weights": Array(moved)}),
                "metrics": MetricRecord({"num-examples": 7, "loss": 0.5}),
            }
        )
        return Message(content, reply_to=message)

    return app


async def test_rounds_go_through_compute_parties_and_the_server_sees_no_update(
    box,  # noqa: F811
    office,
    tmp_path,
):
    TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = 1
    secrets = make_secrets(3)
    study = study_of(office, box.url, roster_of(secrets))
    codes, receipts = tmp_path / "codes.json", tmp_path / "receipts"
    receipts.mkdir()
    write_codes(codes, study, secrets)
    grid = LocalGrid(client_app(OstrakaMod(study, codes=codes)), 3)
    strategy = OstrakaFedAvg(
        study, "mallory", keys=office.keys, codes=codes, fraction_evaluate=0.0, seconds=60
    )
    start = ArrayRecord({"weights": Array(np.zeros((2, 2)))})
    seen = []
    told = strategy.aggregate_train
    strategy.aggregate_train = lambda k, replies: told(k, seen.append(replies) or replies)
    async with asyncio.timeout(90):
        *ends, result = await asyncio.gather(
            *(
                last(StudyPlace(study, name, keys=office.keys, receipts=receipts, trust_new=True))
                for name in COMPUTE
            ),
            asyncio.to_thread(strategy.start, grid, start, 2),
        )
    model = result.arrays["weights"].numpy()
    once = np.mean([0.1, 0.2, 0.25])  # the third device's update is longer than the clip
    assert np.allclose(model, 2 * once, atol=1e-6)
    assert all((end.model == model.ravel()).all() for end in ends)
    assert result.train_metrics_clientapp[2]["counted"] == 3
    for reply in (one for replies in seen for one in replies):
        assert not reply.content.array_records
        assert dict(reply.content.metric_records["metrics"]) == {"num-examples": 1}


def test_a_node_without_a_code_is_told(office, tmp_path):
    study = study_of(office, "http://127.0.0.1:1", roster_of(make_secrets(3)))
    with pytest.raises(UsageError, match="has no code"):
        OstrakaMod(study)._code({})
