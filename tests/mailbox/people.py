"""People of a collection who each have a machine: commands, in a home of their own."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from ostraka import identity

SECONDS = 90
COMPUTE = ("c1", "c2", "c3")


class Machine:
    """Commands of one person, in a home of its own; their processes come from the nursery."""

    def __init__(self, directory: Path, name: str, nursery: Any) -> None:
        self._nursery, self.directory = nursery, directory / name
        self.directory.mkdir()
        home = {"OSTRAKA_HOME": str(self.directory / "home"), "OSTRAKA_TRUST_NEW": "1"}
        self._environment = {**os.environ, **home, "no_proxy": "*"}

    def start(self, *arguments: object) -> Any:
        command = ["-m", "ostraka.cli.main", *arguments]
        return self._nursery.start(command, self.directory, self._environment, False)

    def call(self, *arguments: object, code: int = 0) -> dict[str, object]:
        started = self.start(*arguments)
        out, err = started.communicate(timeout=SECONDS)
        assert started.returncode == code, err
        return json.loads(out) if out.startswith("{") else {"out": out, "err": err}


def compute_machines(directory: Path, nursery: Any) -> tuple[dict[str, Machine], list[str]]:
    """Machines of the compute parties, each with a key; and what `new` is told of them."""
    servers = {name: Machine(directory, name, nursery) for name in COMPUTE}
    told = []
    for (name, machine), port in zip(servers.items(), ports(len(COMPUTE)), strict=True):
        own = identity.create(name, machine.directory)
        told += ["--party", f"{name}={own.pin}:compute,recipient@127.0.0.1:{port}"]
    return servers, told


def ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    found = [each.getsockname()[1] for each in held]
    for each in held:
        each.close()
    return found
