"""A protocol of another package, installed beside ostraka: every command takes it by name."""

import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest

from ostraka import identity

PACKAGE = Path(__file__).resolve().parents[1] / "foreign"


def install(site: Path, entries: dict[str, str], name="ostraka-weighted") -> None:
    """Install a package as an installer without network would: files, and a .dist-info."""
    info = site / f"{name.replace('-', '_')}-0.1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1.0\n")
    lines = "".join(f"{key} = {value}\n" for key, value in entries.items())
    (info / "entry_points.txt").write_text(f"[ostraka.protocols]\n{lines}")


@pytest.fixture
def site(tmp_path) -> Path:
    """A directory of installed packages with the foreign one in it."""
    project = tomllib.loads((PACKAGE / "pyproject.toml").read_text())["project"]
    found = tmp_path / "site"
    install(found, project["entry-points"]["ostraka.protocols"])
    shutil.copytree(PACKAGE / "ostraka_weighted", found / "ostraka_weighted")
    return found


@pytest.fixture
def command(site, tmp_path, environment, nursery):
    """Start `ostraka` with that directory on its path, in a directory of its own: forked from a
    process that has loaded the package, but knows nothing of that directory."""
    path = os.pathsep.join(filter(None, [str(site), os.environ.get("PYTHONPATH")]))

    def start(*arguments):
        its = environment | {"PYTHONPATH": path}
        return nursery.start(["-m", "ostraka.cli.main", *arguments], tmp_path, its, False)

    return start


@pytest.fixture
def ostraka(command):
    """Run `ostraka` to its end; return its code, stdout and stderr."""

    def run(*arguments):
        with command(*arguments) as child:
            out, err = child.communicate(timeout=120)
        return child.returncode, out, err

    return run


def free_ports(count):
    import socket
    from contextlib import ExitStack

    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]


def test_a_foreign_protocol_from_new_to_verify(ostraka, command, tmp_path):
    names, ports = ("alice", "bob"), free_ports(2)
    parties = []
    for name, port in zip(names, ports, strict=True):
        identity.create(name, tmp_path)
        parties += ["--party", f"{name}={name}.crt@127.0.0.1:{port}"]
    budget = '[[budget]]\nsource = "people"\nmin_difference = 2\n'
    (tmp_path / "alice.toml").write_text(budget)
    asked = ["--min", 0, "--max", 100, "--rule", "weights=[3, 5]"]
    code, manifest, err = ostraka("new", "weighted-sum", *parties, *asked)
    assert code == 0, err
    (tmp_path / "session.toml").write_text(manifest)

    code, out, err = ostraka("check", "session.toml", "--output", "json")
    assert code == 0, err
    assert json.loads(out)["protocol"] == "weighted-sum"

    (tmp_path / "inputs.json").write_text('{"alice": 10, "bob": 20}')
    code, out, err = ostraka(
        "simulate", "session.toml", "--inputs", "inputs.json", "--output", "json"
    )
    assert code == 0, err
    wanted = [{"name": "weighted sum", "value": 130}]
    assert json.loads(out)["results"]["bob"]["outputs"] == wanted

    children = []
    for name, value in (("alice", 10), ("bob", 20)):
        (tmp_path / f"{name}.txt").write_text(str(value))
        run = ["run", "session.toml", "--as", name, "--input", f"{name}.txt", "--output", "json"]
        children.append(command(*run))
    found = [child.communicate(timeout=60) for child in children]
    assert [child.returncode for child in children] == [0, 0], found
    results = [json.loads(out) for out, _ in found]
    assert [result["outputs"] for result in results] == [wanted] * 2
    assert ostraka("verify", results[0]["receipt"])[0] == 0

    code, out, err = ostraka("ledger", "--json", "--as", "alice")
    assert code == 0, err
    assert [run["state"] for run in json.loads(out)["runs"]] == ["committed"]
    # The ledger knows the list of weights: 3 a + 5 b and then 3 a + 6 b would tell b.
    entry = (tmp_path / "alice.ledger").read_text()
    assert all(f",{weight}]" in entry.replace(" ", "") for weight in (3, 5)), entry
    (tmp_path / "session.toml").write_text(manifest.replace("[3, 5]", "[3, 6]"))
    code, out, err = ostraka("run", "session.toml", "--as", "alice", "--input", "alice.txt")
    assert (code, out) == (32, ""), err


def test_it_is_listed_and_explained(ostraka):
    code, out, err = ostraka("protocols", "--output", "json")
    assert (code, err) == (0, "")
    listed = {each["name"]: each for each in json.loads(out)}
    assert listed["weighted-sum"] == {
        "name": "weighted-sum",
        "summary": "Sum in which each contributor counts as often as the manifest says",
        "package": "ostraka-weighted",
    }
    assert listed["tally"]["package"] == "ostraka"
    assert "weighted-sum" in ostraka("new", "--help")[1]
    assert "how much each contributor counts" in ostraka("new", "weighted-sum", "--help")[1]


@pytest.mark.thorough
def test_it_is_timed(ostraka):
    code, out, err = ostraka("bench", "weighted", "--runs", 2, "--output", "json")
    assert code == 0, err
    assert json.loads(out)["rounds"] == 1


@pytest.mark.parametrize(
    ("entries", "words"),
    [
        ({"broken": "not_there:Protocol"}, "the package bad, which offers"),
        pytest.param(
            {"broken": "json:loads"},
            'what the package bad offers as "broken" is not a protocol',
            marks=pytest.mark.slow,
        ),
        pytest.param(
            {"broken": "ostraka.protocols.tally:Tally"}, "of another name", marks=pytest.mark.slow
        ),
    ],
)
def test_a_broken_package_is_named(ostraka, site, entries, words):
    install(site, entries, "bad")
    key = "sha256:" + "1" * 64
    code, out, err = ostraka("new", "broken", "--party", f"a={key}@h:1", "--party", f"b={key}@h:2")
    assert (code, out) == (2, "")
    assert words in err
    code, out, err = ostraka("protocols")
    assert code == 0
    assert "warning: broken of the package bad: " in err


def test_a_name_that_is_built_in_is_not_taken_over(ostraka, site):
    install(site, {"tally": "ostraka_weighted:WeightedSum"}, "thief")
    code, out, err = ostraka("protocols")
    assert code == 0
    assert "warning: tally of the package thief: ignored" in err
    assert "Count of votes for every option" in out
