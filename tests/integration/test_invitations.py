"""Letters outlive the coordinator: it is killed after each step of a meeting, and started again."""

import json
import signal

from ostraka import config

NEW = (
    "new", "secure-sum", "--type", "int", "--min", "0", "--max", "100", "--statistic", "sum",
    "--as", "alice", "--keys", "alice-keys", "--invite", "bob", "--output", "json",
)  # fmt: skip


def test_a_coordinator_that_is_killed_between_the_steps_loses_no_letter(
    fleet, tmp_path, monkeypatch
):
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    (address,) = fleet.ports(1)

    def coordinator():
        arguments = ["coordinator", "--listen", address, "--keys", tmp_path / "relay"]
        found = fleet.start("coordinator", ["-m", "ostraka.cli.main", *arguments])
        found.says(r"listening on (\S+) as")
        return found

    def step(*arguments, code=0):
        """One command, then the coordinator is killed, and started again."""
        command = fleet.start(arguments[0], ["-m", "ostraka.cli.main", *arguments])
        assert command.code == code, command.err
        relays[-1].signal(signal.SIGKILL)
        relays[-1].finish()
        relays.append(coordinator())
        return command

    (tmp_path / "relay").mkdir()
    relays = [coordinator()]
    made = step(*NEW, "--coordinator", f"{address}={tmp_path}/relay/coordinator.crt")
    draft = json.loads(made.out)
    join = ("join", draft["codes"]["bob"], "--keys", "bob-keys", "--yes", "--output", "json")
    step(*join, "--wait", "100ms", code=41)
    step("seal", draft["draft"], "--out", "alice.toml", "--output", "json")
    joined = json.loads(step(*join, "--out", "bob.toml").out)
    assert joined["manifest"] == "bob.toml"
    digests = {config.load(tmp_path / f"{name}.toml").digest for name in ("alice", "bob")}
    assert len(digests) == 1
