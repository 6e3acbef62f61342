"""`docker compose up` for real: four parties learn the average, each reaches the coordinator only.

Runs where a docker engine answers (scripts/test-slow). Where the default base image cannot be
pulled, BASE_IMAGE and OSTRAKA_BUILD_NETWORK choose another, as they do for the compose file itself.
"""

import json
import os
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.docker

top = Path(__file__).resolve().parents[2]
parties = ("alice", "bob", "carlos", "david")
raises = (3800, 2514, 2982, 3390)
project = "ostraka-test"
base_image = os.environ.get("BASE_IMAGE") or "python:3.12-slim-bookworm"


def engine_answers() -> bool:
    return (
        shutil.which("docker") is not None
        and subprocess.run(["docker", "info"], capture_output=True, check=False).returncode == 0
    )


def base_image_is_there() -> bool:
    return any(
        subprocess.run(
            ["docker", *command, base_image], capture_output=True, check=False
        ).returncode
        == 0
        for command in (("image", "inspect"), ("pull",))
    )


def compose_command() -> list[str]:
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return ["docker", "compose"] if plugin.returncode == 0 else ["docker-compose"]


def run(*command: str, check: bool = True) -> str:
    done = subprocess.run(
        command, cwd=top, env=os.environ | legacy_builder(), capture_output=True, text=True,
        timeout=900, check=False,
    )  # fmt: skip
    assert not check or done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def legacy_builder() -> dict[str, str]:
    """Without the buildx plugin, the classic builder is what there is."""
    buildx = subprocess.run(["docker", "buildx", "version"], capture_output=True, check=False)
    classic = {"DOCKER_BUILDKIT": "0", "COMPOSE_DOCKER_CLI_BUILD": "0"}
    return classic if buildx.returncode else {}


def compose(*arguments: str, check: bool = True) -> str:
    return run(*compose_command(), "-p", project, *arguments, check=check)


def container(service: str) -> str:
    return run("docker", "ps", "-aq", "--filter", f"label=com.docker.compose.project={project}",
               "--filter", f"label=com.docker.compose.service={service}").strip()  # fmt: skip


def inspect(service: str) -> dict:
    return json.loads(run("docker", "inspect", container(service)))[0]


@pytest.fixture(scope="module")
def session():
    """The example, brought up, every party finished; its keys and containers gone afterwards."""
    if not engine_answers():
        pytest.skip("no docker engine answers")
    if not base_image_is_there():
        pytest.skip(f"{base_image} cannot be pulled; BASE_IMAGE can name another")
    compose("down", "-v", "--remove-orphans", check=False)
    try:
        compose("build")
        compose("up", "-d")
        yield {p: int(run("docker", "wait", container(p))) for p in parties}
    finally:
        compose("down", "-v", "--remove-orphans", check=False)


def test_every_party_learns_the_sum(session):
    assert session == dict.fromkeys(parties, 0), compose("logs")
    for party in parties:
        log = run("docker", "logs", container(party))
        assert "12686" in log
        assert "3171.5" in log


def test_nobody_logs_another_ones_raise(session):
    for party, own in zip(parties, raises, strict=True):
        done = subprocess.run(["docker", "logs", container(party)], capture_output=True, text=True,
                              check=True)  # fmt: skip
        log = done.stdout + done.stderr
        assert [r for r in raises if r != own and str(r) in log.split()] == []


def test_a_second_run_keeps_the_keys_and_works(session):
    before = compose("run", "--rm", "--no-deps", "--entrypoint", "sha256sum", "alice-key",
                     "/keys/alice.crt")  # fmt: skip
    compose("up", "-d", "--force-recreate")
    assert {int(run("docker", "wait", container(p))) for p in parties} == {0}, compose("logs")
    after = compose("run", "--rm", "--no-deps", "--entrypoint", "sha256sum", "alice-key",
                    "/keys/alice.crt")  # fmt: skip
    assert before == after


def test_the_coordinator_is_healthy_and_publishes_nothing(session):
    state = inspect("coordinator")
    assert state["State"]["Health"]["Status"] == "healthy"
    assert not any(state["NetworkSettings"]["Ports"].values())


def test_containers_have_no_rights_to_spare(session):
    for service in ("coordinator", *parties):
        host = inspect(service)["HostConfig"]
        assert host["ReadonlyRootfs"]
        assert host["CapDrop"] == ["ALL"]
        assert host["SecurityOpt"] == ["no-new-privileges:true"]
        assert not host["PortBindings"]


connect = """
import socket, sys
try:
    socket.create_connection((sys.argv[1], 9440), 3).close()
    print("reached")
except OSError as error:
    print("refused", error)
"""


def test_a_party_reaches_the_coordinator_only(session):
    def from_alice(host: str) -> str:
        return compose("run", "--rm", "--no-deps", "--entrypoint", "python3", "alice",
                       "-c", connect, host)  # fmt: skip

    listener = compose("run", "-d", "--no-deps", "--entrypoint", "python3", "bob",
                       "-m", "http.server", "9440", "--directory", "/tmp").strip()  # fmt: skip
    try:
        networks = json.loads(run("docker", "inspect", listener))[0]["NetworkSettings"]["Networks"]
        (bob,) = [network["IPAddress"] for network in networks.values()]
        by_coordinator = ("docker", "exec", container("coordinator"), "python3", "-c", connect)
        wait_until_reached(lambda: run(*by_coordinator, bob))
        assert from_alice("coordinator").startswith("reached")
        assert from_alice(bob).startswith("refused")
        assert from_alice("1.1.1.1").startswith("refused")
    finally:
        run("docker", "rm", "-f", listener)


def wait_until_reached(attempt: Callable[[], str]) -> None:
    deadline = time.monotonic() + 30
    while not attempt().startswith("reached"):
        assert time.monotonic() < deadline


def test_a_party_holds_its_own_key_only(session):
    look = "ls /keys /session /run/secrets; id -u; touch /keys/x /new 2>&1 || true"
    out = compose("run", "--rm", "--no-deps", "--entrypoint", "sh", "alice", "-c", look)
    words = out.split()
    assert {w for w in words if w.endswith(".key")} == {"alice.key"}
    assert "10001" in words
    assert out.count("Read-only file system") == 2


def test_the_image_is_small_and_has_no_compiler(session):
    size = int(run("docker", "image", "inspect", "-f", "{{.Size}}", "ostraka:local"))
    assert size < 400_000_000
    compilers = "command -v gcc cc c++ make || true"
    found = run("docker", "run", "--rm", "--entrypoint", "sh", "ostraka:local", "-c", compilers)
    assert found == ""


# Each alone


def compose_file(directory: str, *arguments: str, check: bool = True, **environ: str) -> str:
    os.environ.update(environ)
    file = str(top / "configs" / directory / "docker-compose.yml")
    return run(*compose_command(), "-p", f"{project}-{directory}", "-f", file, *arguments,
               check=check)  # fmt: skip


def test_a_coordinator_alone_and_parties_alone(session, tmp_path):
    """Three parties on this machine's network, each by the compose file of one party."""
    port = "19440"
    address = run("docker", "network", "inspect", "bridge", "-f",
                  "{{(index .IPAM.Config 0).Gateway}}").strip() + f":{port}"  # fmt: skip
    try:
        compose_file("coordinator", "up", "-d", "--no-build", OSTRAKA_PORT=port)
        (relay,) = compose_file("coordinator", "ps", "-q").split()
        wait_until_reached(lambda: "reached" if "listening" in logs_of(relay) else "not yet")
        line = next(line for line in logs_of(relay).splitlines() if '"fingerprint"' in line)
        fingerprint = json.loads(line)["fingerprint"]
        names = ("alice", "bob", "carlos")
        ostraka = (sys.executable, "-m", "ostraka.cli.main")
        keys = {}
        for name in names:
            home = tmp_path / name
            home.mkdir(mode=0o755)
            keys[name] = run(*ostraka, "keygen", name, "--dir", str(home)).strip()
        manifest = run(*ostraka, "new", "secure-sum", "--min", "0", "--max", "5000",
                       "--coordinator", f"{address}={fingerprint}",
                       *(w for n in names for w in ("--party", f"{n}={keys[n]}")))  # fmt: skip
        assert "room = " in manifest
        started = []
        for number, name in enumerate(names):
            home = tmp_path / name
            (home / "session.toml").write_text(manifest)
            (home / "input.json").write_text(str(1000 + number))
            for file in home.iterdir():
                os.chown(file, 10001, 10001)
            os.chown(home, 10001, 10001)
            environ = {"PARTY": name, "OSTRAKA_SESSION": str(home)}
            started.append(compose_file("party", "run", "-d", "party", **environ).strip())
        for one in started:
            assert run("docker", "wait", one).strip() == "0", logs_of(one)
            assert "3003" in logs_of(one)
        run("docker", "kill", "-s", "HUP", relay)
        wait_until_reached(lambda: "reached" if '"reloaded"' in logs_of(relay) else "not yet")
        run("docker", "stop", relay)
        assert '"draining"' in logs_of(relay)
        assert '"stopped"' in logs_of(relay)
    finally:
        for directory in ("party", "coordinator"):
            compose_file(directory, "down", "-v", "--remove-orphans", check=False,
                         PARTY="alice")  # fmt: skip


def test_three_parties_reach_a_broker_and_nothing_else():
    """Mosquitto of Debian in a container of its own; each party has a password at it."""
    if not (engine_answers() and base_image_is_there()):
        pytest.skip(f"no docker engine answers, or {base_image} cannot be pulled")
    if os.environ.get("BASE_IMAGE"):
        os.environ.setdefault("BROKER_BASE_IMAGE", base_image)
    try:
        compose_file("mqtt", "build")
        compose_file("mqtt", "up", "-d")
        for name in ("alice", "bob", "carlos"):
            (one,) = compose_file("mqtt", "ps", "-q", name).split()
            assert run("docker", "wait", one).strip() == "0", logs_of(one)
            assert "sum  50" in logs_of(one)
        (broker,) = compose_file("mqtt", "ps", "-q", "broker").split()
        assert "Denied" not in logs_of(broker)
    finally:
        compose_file("mqtt", "down", "-v", "--remove-orphans", check=False)


def test_three_services_close_a_poll_of_many_reports():
    """A poll from its seal to its published result, with the page on a port of this machine."""
    if not (engine_answers() and base_image_is_there()):
        pytest.skip(f"no docker engine answers, or {base_image} cannot be pulled")
    port = "18080"
    try:
        compose_file("poll", "build", POLL_PORT=port)
        compose_file("poll", "up", "-d")
        said = compose_file("poll", "run", "--rm", "-T", "olga", "200")
        found = json.loads(said.splitlines()[-1])
        assert found["result"]["contributors"] == 200
        assert found["result"]["outputs"][0]["value"] == found["sent"]
        assert found["page"].startswith(f"http://127.0.0.1:{port}/c/")
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            found["page"]
        ) as page:
            assert b"<form" in page.read()
    finally:
        compose_file("poll", "down", "-v", "--remove-orphans", check=False)


def logs_of(name: str) -> str:
    done = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr
