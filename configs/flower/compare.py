"""Compares, in one run: Flower as it is, Flower with SecAgg+, and Flower with ostraka.

python configs/flower/compare.py [DEVICES] [ROUNDS] [EPSILON]

Devices are called one after the other in this process, for all three, so no network of Flower's is
in the figures. For ostraka a coordinator with its mailbox and three compute parties run beside, as
processes with TLS. Needs `ostraka[flower,server]` and scikit-learn.
"""

import os
import socket
import subprocess
import sys
import time
import uuid
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from client import client_app
from flwr.app import Array, ArrayRecord, ConfigRecord, Context, RecordDict
from flwr.client import NumPyClient
from flwr.client.mod import secaggplus_mod
from flwr.clientapp import ClientApp
from flwr.common import ndarrays_to_parameters
from flwr.server import LegacyContext, ServerConfig
from flwr.server.strategy import FedAvg as LegacyFedAvg
from flwr.server.workflow import DefaultWorkflow, SecAggPlusWorkflow
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg
from flwr.supercore.task_identity import TaskIdentity

from ostraka import identity
from ostraka.cli.fleet import workplace
from ostraka.learning import digits
from ostraka.learning.collected import make_secrets, with_roster, write_codes
from ostraka.learning.flower import OstrakaFedAvg, OstrakaMod
from ostraka.learning.study import Study
from ostraka.learning.training import Logistic, accuracy

FEATURES, CLASSES = 24, 10
STUDY = """\
[session]
title = "Digits"
deadline = "1m"
coordinator = {{ address = "{address}", key = "{relay}" }}
{parties}
[policy]
min_contributors = 3

[collection]
from = "invited"
organiser = "{organiser}"
closes = {closes}
early_close = true
mailbox = "http://{http}"
recipients = "public"

[study]
rounds = {rounds}
layers = {{ weights = [24, 10] }}
clip = 0.5
epsilon = {epsilon}
delta = 1e-5
rate = 8
every = "1h"
"""


class LocalGrid(Grid):
    """Grid whose nodes are called in this process; counts the bytes of records either way."""

    def __init__(self, app, devices):
        self.app, self.bytes, self._replies = app, 0, {}
        self.contexts = {
            i + 1: Context(
                0, i + 1, {"partition-id": i, "num-partitions": devices}, RecordDict(), {}
            )
            for i in range(devices)
        }

    def set_run(self, run):
        pass

    @property
    def run(self):
        return SimpleNamespace(run_id=1)

    def create_message(self, content, message_type, dst_node_id, group_id, ttl=None):
        raise NotImplementedError

    def get_node_ids(self):
        return list(self.contexts)

    def push_messages(self, messages):
        return [self._push(message) for message in messages]

    def _push(self, message):
        number = str(uuid.uuid4())
        message.metadata.__dict__["_message_id"] = number
        self.bytes += size(message.content)
        message.content = deepcopy(message.content)  # nodes share no memory
        reply = self.app(message, self.contexts[message.metadata.dst_node_id])
        self.bytes += size(reply.content)
        self._replies[number] = reply
        return number

    def pull_messages(self, message_ids):
        return [self._replies.pop(number) for number in message_ids]

    def send_and_receive(self, messages, *, timeout=None):
        return self.pull_messages(self.push_messages(messages))


def size(content):
    """Return the bytes of a message's records; Flower's own count fails at an empty list."""
    records = list(content.array_records.values()) + list(content.metric_records.values())
    for config in content.config_records.values():
        records.append(ConfigRecord({k: v for k, v in config.items() if v != []}))
    return sum(record.count_bytes() for record in records)


def right(weights, data):
    """Return the part of the test's digits that a model reads right."""
    scores = Logistic.scores({"weights": weights}, data.test.inputs)
    return accuracy(scores, data.test.labels)


def start():
    """Return the first model."""
    return ArrayRecord({"weights": Array(np.zeros((FEATURES, CLASSES)))})


def plain(devices, rounds):
    """Run Flower's FedAvg; return the model, and the bytes of all messages."""
    grid = LocalGrid(client_app(), devices)
    result = FedAvg(fraction_evaluate=0.0).start(grid, start(), num_rounds=rounds)
    return result.arrays["weights"].numpy(), grid.bytes


class LegacyClient(NumPyClient):
    """The same training as `client.train`, as SecAgg+ wants it."""

    def __init__(self, own):
        self.own = own

    def fit(self, parameters, config):
        after = Logistic(self.own)({"weights": parameters[0]}, 0)
        return [after["weights"]], len(self.own), {}


def secagg(devices, rounds):
    """Run Flower's SecAgg+; return the same."""
    data = digits.load(devices)

    def client_fn(context):
        return LegacyClient(data.devices[int(context.node_config["partition-id"])]).to_client()

    grid = LocalGrid(ClientApp(client_fn=client_fn, mods=[secaggplus_mod]), devices)
    strategy = LegacyFedAvg(
        fraction_evaluate=0.0,
        min_fit_clients=devices,
        min_available_clients=devices,
        initial_parameters=ndarrays_to_parameters([np.zeros((FEATURES, CLASSES))]),
    )
    context = LegacyContext(
        Context(0, 0, {}, RecordDict(), {}), ServerConfig(num_rounds=rounds), strategy
    )
    workflow = DefaultWorkflow(fit_workflow=SecAggPlusWorkflow(1.0, 0.5, clipping_range=50.0))
    workflow(grid, context)
    parameters = next(iter(context.state.array_records.values()))
    return next(iter(parameters.values())).numpy(), grid.bytes


def ostraka(devices, rounds, epsilon):
    """Run Flower with ostraka; return the same, reports included, and seconds without start-up."""
    with workplace("flower") as directory, Beside(Path(directory)) as beside:
        study, codes = beside.study(devices, rounds, epsilon)
        app = client_app(OstrakaMod(study, codes=codes))
        strategy = OstrakaFedAvg(study, "olga", keys=directory, codes=codes, fraction_evaluate=0.0)
        grid, began = LocalGrid(app, devices), time.monotonic()
        result = strategy.start(grid, start(), num_rounds=rounds)
        took = time.monotonic() - began
        parcels = sum(path.stat().st_size for path in beside.reports()) * 3 // 4
        return result.arrays["weights"].numpy(), grid.bytes + parcels, took


class Beside:
    """A coordinator with its mailbox, and three compute parties: processes of this machine."""

    def __init__(self, directory):
        self.directory, self.children = directory, []

    def __enter__(self):
        os.environ["OSTRAKA_HOME"] = str(self.directory / "home")
        os.environ["OSTRAKA_TRUST_NEW"] = "1"
        return self

    def __exit__(self, *_):
        for child in self.children:
            child.kill()
            child.wait()

    def study(self, devices, rounds, epsilon):
        names = ("coordinator", "olga", "c1", "c2", "c3")
        pins = {n: identity.create(n, self.directory).pin for n in names}
        address, http = (f"127.0.0.1:{port()}" for _ in range(2))
        party = '[[party]]\nname = "{}"\nkey = "{}"\nroles = ["compute", "recipient"]\n'
        draft = STUDY.format(
            address=address,
            http=http,
            relay=pins["coordinator"],
            parties="".join(party.format(n, pins[n]) for n in names[2:]),
            organiser=pins["olga"],
            closes=(datetime.now(UTC) + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
            rounds=rounds,
            epsilon=epsilon,
        )
        secrets = make_secrets(devices)
        text = with_roster(draft, secrets)
        study, codes = self.directory / "study.toml", self.directory / "codes.json"
        study.write_text(text)
        write_codes(codes, Study.read(text), secrets)
        box = self.directory / "coordinator.toml"
        box.write_text(
            f'listen = "{address}"\n[http]\nlisten = "{http}"\nstore = "sqlite:reports.db"\n'
            "at_once = 100_000\na_second = 10_000\n"  # all devices have one address here
        )
        self.begin("coordinator", "--config", box)
        while not answers(http):
            time.sleep(0.1)
        for name in names[2:]:
            self.begin("learn", study, "--as", name, "--keys", self.directory,
                       "--receipts", self.directory)  # fmt: skip
        return study, codes

    def begin(self, *arguments):
        command = [sys.executable, "-m", "ostraka.cli.main", *map(str, arguments)]
        with (self.directory / f"{len(self.children)}.log").open("w") as log:
            self.children.append(
                subprocess.Popen(command, stdout=log, stderr=log, cwd=self.directory)
            )

    def reports(self):
        return (self.directory / "home" / "reports").glob("*.secret.json")


def answers(address):
    """Return whether a port takes connections."""
    host, _, number = address.partition(":")
    with socket.socket() as found:
        return found.connect_ex((host, int(number))) == 0


def port():
    """Return a port that is free."""
    with socket.create_server(("127.0.0.1", 0)) as found:
        return found.getsockname()[1]


def main(devices=20, rounds=3, epsilon=40.0):
    """Run all three, and print how they did."""
    TaskIdentity.run_id = TaskIdentity.task_id = TaskIdentity.node_id = (
        1  # as Flower's own processes set them
    )
    data, rows = digits.load(devices), {}
    for name, run in (("Flower, FedAvg", plain), ("Flower, SecAgg+", secagg)):
        began = time.monotonic()
        weights, sent = run(devices, rounds)
        rows[name] = right(weights, data), (time.monotonic() - began) / rounds, sent / rounds
    weights, sent, took = ostraka(devices, rounds, epsilon)
    rows[f"Flower with ostraka, epsilon {epsilon:g}"] = (
        right(weights, data), took / rounds, sent / rounds,
    )  # fmt: skip
    print(f"{devices} devices, {rounds} rounds")
    for name, (accurate, seconds, sent) in rows.items():
        print(f"{name:36} {accurate:6.1%} right  {seconds:6.2f} s a round  {sent:10,.0f} bytes")


if __name__ == "__main__":
    main(*(float(a) if i == 2 else int(a) for i, a in enumerate(sys.argv[1:4])))
