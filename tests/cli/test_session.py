"""`run`, `coordinator`, `simulate`, `verify`: real processes, and every refusal before them."""

from __future__ import annotations

import json
import re
import signal
import socket
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from ostraka.manifest import parse

RAISES = {"alice": "3800", "bob": "2514.50", "carlos": "2982"}


@pytest.fixture
def start(ostraka):
    """Start one party's process; its input comes by stdin."""

    def started(directory: Path, name: str, *arguments: object, value: str):
        run = ("run", "session.toml", "--as", name, "--input", "-")
        return ostraka(directory, *run, *arguments, said=value)

    return started


def test_three_parties_and_a_coordinator(cli, start, coordinator, session: Path) -> None:
    where = session.parent
    with coordinator(session), ExitStack() as stack:
        output = {"alice": "json", "bob": "json", "carlos": "text"}
        children = {
            name: stack.enter_context(start(where, name, "--output", output[name], value=value))
            for name, value in RAISES.items()
        }
        ended = {name: child.communicate(timeout=30) for name, child in children.items()}
        assert {n: c.returncode for n, c in children.items()} == dict.fromkeys(RAISES, 0), ended
    for name in ("alice", "bob"):
        assert ended[name][0].count("\n") == 1
        result = json.loads(ended[name][0])
        assert result["outputs"] == [
            {"name": "sum", "value": "9296.5", "unit": "USD"},
            {"name": "mean", "value": "3098.8333333333333", "exact": "18593/6", "unit": "USD"},
        ]
        assert result["status"] == "released"
        assert result["contributors"] == 3
        assert result["manifest_sha256"] == parse(session.read_text()).digest.hex()
    assert ended["carlos"][0].startswith("sum   9296.5 USD\nmean  3098.83")
    assert "\ndone\n" in ended["carlos"][1]
    for name, own in RAISES.items():
        told = "".join(ended[name])
        assert [v for v in RAISES.values() if v != own and v in told] == []
    verify(cli, where, result)


def verify(cli: Any, where: Path, result: dict[str, Any]) -> None:
    """The receipt holds; a changed one does not."""
    receipt = where / result["receipt"]
    found = cli("verify", receipt, "--output", "json").json
    assert found["session"] == result["session"]
    assert found["counted"] == list(RAISES)
    assert "each signed this manifest" in cli("verify", receipt).out
    changed = json.loads(receipt.read_text())
    changed["session"] = "0" * 64
    receipt.write_text(json.dumps(changed))
    ended = cli("verify", receipt, "--output", "json")
    assert (ended.code, ended.out) == (50, "")
    assert ended.err.startswith("error: the receipt does not hold")


def test_a_party_that_is_killed_ends_the_session_for_the_others(
    start, coordinator, session: Path
) -> None:
    where = session.parent
    with coordinator(session), ExitStack() as stack:
        children = {n: stack.enter_context(start(where, n, value="1")) for n in ("alice", "carlos")}
        gone = children["carlos"]
        for line in gone.stderr:
            if line == "gathering 2/3\n":
                break
        gone.kill()
        children["alice"].send_signal(signal.SIGINT)
        out, err = children["alice"].communicate(timeout=20)
    assert children["alice"].returncode == 130
    assert out == ""
    assert "error: interrupted\n" in err
    assert "ledger: nothing is spent or held for this run\n" in err
    assert "data: nothing of yours has left this machine\n" in err


# --- refused before anybody is contacted ---------------------------------------------------------


@pytest.fixture
def nobody_is_contacted(monkeypatch: pytest.MonkeyPatch) -> None:
    from ostraka.session.session import Session

    def contacted(*_: object, **__: object) -> None:
        raise AssertionError("the network was used")

    monkeypatch.setattr(Session, "open", contacted)


NOTHING = "data: nothing of yours has left this machine\n"


@pytest.mark.parametrize(
    "value",
    ["", " \n", "NaN", "inf", "-1", "1000000.01", "0.001", "1e3", "x31337", "1\n2", "[1, 2]", "{}",
     "null", "NULL", "[NaN]", '"', "9" * 400, "true"],
)  # fmt: skip
@pytest.mark.usefixtures("nobody_is_contacted")
def test_bad_input_is_20_and_nothing_is_sent(cli, session: Path, value: str) -> None:
    Path("x").write_text(value)
    for output in ("text", "json"):
        ended = cli("run", session, "--as", "alice", "--input", "x", "--output", output)
        assert (ended.code, ended.out) == (20, "")
        assert ended.err.startswith("error: ")
        assert NOTHING in ended.err
        assert "31337" not in ended.err


@pytest.mark.usefixtures("nobody_is_contacted")
def test_a_missing_input_file(cli, session: Path) -> None:
    ended = cli("run", session, "--as", "alice", "--input", "none")
    assert ended.code == 20
    assert ended.err.startswith("error: cannot read none: No such file")


@pytest.mark.usefixtures("nobody_is_contacted")
def test_no_input_and_no_terminal(cli, session: Path) -> None:
    ended = cli("run", session, "--as", "alice")
    assert ended.code == 20
    assert "hint: --input FILE" in ended.err


@pytest.mark.usefixtures("nobody_is_contacted")
def test_an_input_nobody_asked_for(cli, session: Path) -> None:
    text = session.read_text()
    at = text.index('name = "alice"')
    session.write_text(text[:at] + text[at:].replace('"contributor", ', "", 1))
    Path("x").write_text("1")
    ended = cli("run", session, "--as", "alice", "--input", "x")
    assert ended.code == 20
    assert "not a contributor" in ended.err


@pytest.mark.usefixtures("nobody_is_contacted")
def test_an_unknown_name(cli, session: Path) -> None:
    ended = cli("run", session, "--as", "alicia", "--input", "x")
    assert (ended.code, ended.out) == (2, "")
    assert 'did you mean "alice"?' in ended.err


@pytest.mark.usefixtures("nobody_is_contacted")
def test_no_key(cli, session: Path) -> None:
    ended = cli("run", session, "--as", "alice", "--keys", "elsewhere", "--input", "x")
    assert ended.code == 2
    assert "ostraka keygen alice --dir elsewhere" in ended.err


@pytest.mark.usefixtures("nobody_is_contacted")
def test_a_key_that_others_can_read(cli, session: Path) -> None:
    Path("alice.key").chmod(0o644)
    ended = cli("run", session, "--as", "alice", "--input", "x")
    assert ended.code == 2
    assert "chmod 600" in ended.err


@pytest.mark.usefixtures("nobody_is_contacted")
def test_another_key_than_the_manifests(cli, session: Path, monkeypatch) -> None:
    cli("keygen", "alice", "--dir", "other")
    monkeypatch.setenv("OSTRAKA_KEYS", "other")
    ended = cli("run", session, "--as", "alice", "--input", "x")
    assert (ended.code, ended.out) == (11, "")
    assert "not the key that the manifest names for alice" in ended.err
    assert ended.err.endswith(NOTHING)


def test_nobody_answers(cli, session: Path) -> None:
    session.write_text(session.read_text().replace('"20s"', '"500ms"'))
    Path("x").write_text("1")
    ended = cli("run", session, "--as", "alice", "--input", "x")
    assert ended.code in (10, 41)
    assert ended.out == ""
    assert "127.0.0.1:1" in ended.err
    assert NOTHING in ended.err


def test_who_waits_for_a_coordinator_is_told_so(cli, session: Path) -> None:
    session.write_text(session.read_text().replace('"20s"', '"3s"'))
    Path("x").write_text("1")
    ended = cli("run", session, "--as", "alice", "--input", "x")
    assert ended.code == 10
    waiting = "warning: waiting for the coordinator at 127.0.0.1:1: Connection refused\n"
    assert ended.err.count(waiting) == 1
    assert "[Errno" not in ended.err


def test_an_http_server_in_the_coordinators_place(cli, session: Path) -> None:
    """It was "the coordinator broke the protocol", exit code 50."""
    import threading

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = server.accept()
                client.recv(100)
                client.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                client.close()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        address = f"127.0.0.1:{server.getsockname()[1]}"
        text = session.read_text().replace('"20s"', '"3s"').replace("127.0.0.1:1", address)
        session.write_text(text)
        Path("x").write_text("1")
        ended = cli("run", session, "--as", "alice", "--input", "x")
    assert ended.code == 10
    words = "an HTTP server, not ostraka, answers there"
    assert f"warning: waiting for the coordinator at {address}: {words}\n" in ended.err
    assert f"within 3 s ({words})\nhint: is the manifest's address right" in ended.err
    assert NOTHING in ended.err


# --- simulate ------------------------------------------------------------------------------------


def test_simulate(cli, session: Path) -> None:
    Path("in.json").write_text(json.dumps({"alice": 3800, "bob": "2514.5", "carlos": 2982.25}))
    found = cli("simulate", session, "--inputs", "in.json", "--output", "json").json["results"]
    assert list(found) == ["alice", "bob", "carlos"]
    for result in found.values():
        assert result["outputs"][0] == {"name": "sum", "value": "9296.75", "unit": "USD"}
    ended = cli("simulate", session, "--inputs", "in.json", "--seed", "7")
    assert ended.code == 0
    assert "alice: sum 9296.75 USD" in ended.out


def test_a_noised_quotient_is_no_finer_than_its_error(cli, session: Path) -> None:
    noise = '\n[privacy]\nlocal = { mechanism = "laplace", epsilon = 1 }\n'
    session.write_text(session.read_text() + noise)
    Path("in.json").write_text('{"alice": 1, "bob": 2, "carlos": 3}')
    ended = cli("simulate", session, "--inputs", "in.json")
    assert re.search(r"mean -?[0-9]+(\.[0-9]{1,2})? \+- [0-9]+(\.[0-9])? USD", ended.out)


def test_simulate_says_who_learns_nothing(cli, session: Path) -> None:
    text = session.read_text()
    at = text.index('name = "carlos"')
    session.write_text(text[:at] + text[at:].replace(', "recipient"', "", 1))
    Path("in.json").write_text('{"alice": 1, "bob": 2, "carlos": 3}')
    found = cli("simulate", session, "--inputs", "in.json", "--output", "json").json["results"]
    assert found["carlos"] == {"status": "no-output"}
    assert "carlos: learns nothing" in cli("simulate", session, "--inputs", "in.json").out


def test_simulate_with_a_crash(cli, session: Path) -> None:
    Path("in.json").write_text('{"alice": 1, "bob": 2, "carlos": 3}')
    ended = cli("simulate", session, "--inputs", "in.json", "--drop", "bob=0", "--output", "json")
    assert ended.code == 40
    assert ended.err.endswith(NOTHING)
    assert ended.json["results"]["alice"]["error"] == "peer-lost"
    shamir = session.read_text().replace('"additive"', '"shamir"\nthreshold = 1')
    session.write_text(shamir)
    ended = cli("simulate", session, "--inputs", "in.json", "--drop", "bob=6", "--output", "json")
    assert ended.code == 0
    assert ended.json["results"]["alice"]["outputs"][0]["value"] == "6"


@pytest.mark.parametrize(
    ("inputs", "arguments", "code", "words"),
    [
        ('{"alice": 1, "bob": 2}', [], 20, "no input of carlos"),
        ('{"alice": 1, "bob": 2, "carlos": NaN}', [], 20, "is not JSON"),
        ('{"alice": 1, "bob": 2, "carlos": 3, "dora": 4}', [], 20, '"dora" is not a contributor'),
        ('{"alice": 1, "bob": 2, "carlos": 3}', ["--drop", "dora"], 2, "not a party"),
        ('{"alice": 1, "bob": 2, "carlos": 3}', ["--drop", "bob=x"], 2, "not a number"),
    ],
)
def test_simulate_refuses(
    cli, session: Path, inputs: str, arguments: list[str], code: int, words: str
) -> None:
    Path("in.json").write_text(inputs)
    ended = cli("simulate", session, "--inputs", "in.json", *arguments)
    assert ended.code == code
    assert words in ended.err


# --- verify --------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"ostraka_receipt": 1}'])
def test_what_is_no_receipt(cli, content: str | None) -> None:
    if content is not None:
        Path("r.json").write_text(content)
    ended = cli("verify", "r.json", "--output", "json")
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")


def test_the_prompt_asks_for_a_value_and_its_weight(monkeypatch: pytest.MonkeyPatch) -> None:
    """In the words of a manifest with weights = "own"; what it asks for can be typed."""
    from types import SimpleNamespace

    from ostraka.cli import giving
    from ostraka.data.selection import Selection
    from ostraka.protocols import protocol_for

    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\naddress = "127.0.0.1:{i + 1}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        for i, name in enumerate(RAISES)
    )
    bounds = 'type = "decimal(2)"\nmin = 0\nmax = 200000\nunit = "USD"'
    own = 'statistics = ["mean"]\nweights = "own"\nmax_weight = 1000'
    session = '[session]\ntitle = "t"\nprotocol = "secure-sum"\ndeadline = "1m"\n'
    protocol = protocol_for(parse(f"{session}{parties}[input]\n{bounds}\n[outputs]\n{own}\n"))
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or "61000;5")
    raw = giving.read(protocol, "alice", None, Selection(), sure=False)
    assert asked == [
        "alice's input, VALUE;WEIGHT, VALUE: decimal(2) from 0 to 200000 USD, WEIGHT: a whole "
        "number up to 1000, 1 where it is left out, not shown: "
    ]
    assert protocol.encode("alice", raw).tolist() == [5 * 6_100_000, 5]
