"""A Flower ClientApp that trains on digits. One line is ostraka's: the mod."""

from functools import cache

from flwr.app import Array, ArrayRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from ostraka.learning import digits
from ostraka.learning.training import Logistic

load = cache(digits.load)


def train(message: Message, context: Context) -> Message:
    """Train on the digits of this node."""
    node = int(context.node_config["partition-id"])
    own = load(int(context.node_config["num-partitions"])).devices[node]
    arrays = message.content.array_records["arrays"]
    after = Logistic(own)({"weights": arrays["weights"].numpy().astype(float)}, 0)
    content = RecordDict(
        {
            "arrays": ArrayRecord({"weights": Array(after["weights"])}),
            "metrics": MetricRecord({"num-examples": len(own)}),
        }
    )
    return Message(content, reply_to=message)


def client_app(*mods) -> ClientApp:
    """Return the app, with mods: `OstrakaMod("study.toml")`, or none."""
    app = ClientApp(mods=list(mods))
    app.train()(train)
    return app
