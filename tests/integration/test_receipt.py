"""A receipt of a real session, checked offline by the CLI and by the script without ostraka."""

import base64
import copy
import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest

script = Path(__file__).resolve().parents[2] / "scripts" / "verify_receipt.py"
cli = "from ostraka.cli.main import main; main()"
without_us = "import sys, runpy; sys.modules['ostraka'] = None; del sys.argv[0]; " \
    "runpy.run_path(sys.argv[0], run_name='__main__')"  # fmt: skip
verifiers = {"cli": ["-c", cli, "verify"], "script": ["-c", without_us, str(script)]}


def verify(verifier, path):
    """Verify in an interpreter of its own, as a stranger does."""
    return subprocess.run([sys.executable, *verifiers[verifier], str(path)], capture_output=True,
                          text=True, timeout=60, check=False)  # fmt: skip


@pytest.fixture
def verify_soon(fleet):
    """As `verify`; the process is forked from one that has loaded the package."""
    commands = {"cli": ["-m", "ostraka.cli.main", "verify"], "script": [script]}

    def verify_forked(verifier, path):
        ended = fleet.start("verify", [*commands[verifier], path]).finish()
        return subprocess.CompletedProcess([], ended.code, ended.out, ended.err)

    return verify_forked


@pytest.fixture(scope="module")
def made():
    """The one receipt of this file, once there is one."""
    return []


@pytest.fixture
def receipt(made, fleet):
    """What alice keeps of a session of three."""
    if not made:
        session = fleet.manifest(relay=fleet.coordinator())
        running = fleet.run_all(session, {"alice": 3800, "bob": 2514, "carlos": 2982})
        paths = [party.result["receipt"] for party in running.values()]
        made.append(json.loads(Path(paths[0]).read_text()))
    return copy.deepcopy(made[0])


@pytest.mark.parametrize("verifier", verifiers)
def test_a_receipt_holds(verifier, receipt, tmp_path):
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(receipt))
    done = verify(verifier, path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "  counted   alice, bob, carlos\n" in done.stdout
    assert f"  manifest  sha256 {receipt['manifest_sha256']}\n" in done.stdout


def test_no_input_and_no_result_is_in_it(receipt):
    text = json.dumps(receipt)
    assert not [n for n in ("3800", "2514", "2982", "9296", "3098") if f" {n}" in text]
    assert not [n for n in ("380000", "251400", "298200", "929600") if n in text]


def flipped(text):
    """Base64 of the same bytes with one bit changed."""
    data = bytearray(base64.b64decode(text))
    data[len(data) // 2] ^= 1
    return base64.b64encode(bytes(data)).decode()


def change(name, receipt):
    """One way to forge it."""
    bob = receipt["parties"]["bob"]
    if name in ("certificate", "nonce", "hello", "ready", "statement_signature"):
        bob[name] = flipped(bob[name])
    elif name == "statement":
        statement = json.loads(bob["statement"]) | {"counted": [0, 2]}
        bob["statement"] = json.dumps(statement, sort_keys=True, separators=(",", ":"))
    elif name == "manifest":
        receipt["manifest"] = receipt["manifest"].replace("Average raise", "Average pay")
    elif name == "manifest and its digest":
        change("manifest", receipt)
        digest = hashlib.sha256(receipt["manifest"].encode()).hexdigest()
        receipt["manifest_sha256"] = digest
    elif name == "session":
        receipt["session"] = "0" * 64
    elif name == "another's statement":
        carlos = receipt["parties"]["carlos"]
        bob |= {k: carlos[k] for k in ("statement", "statement_signature")}
    elif name == "a party left out":
        del receipt["parties"]["bob"]


forgeries = (
    "certificate", "nonce", "hello", "ready", "statement", "statement_signature", "manifest",
    "manifest and its digest", "session", "another's statement", "a party left out",
)  # fmt: skip


@pytest.mark.parametrize("verifier", verifiers)
@pytest.mark.parametrize("forgery", forgeries)
def test_a_forged_receipt_is_refused(forgery, verifier, receipt, verify_soon, tmp_path):
    forged = copy.deepcopy(receipt)
    change(forgery, forged)
    assert forged != receipt
    path = tmp_path / "receipt.json"
    path.write_text(json.dumps(forged))
    done = verify_soon(verifier, path)
    assert done.returncode == 50, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("verifier", verifiers)
@pytest.mark.parametrize("content", ["", "{}", "[]", '{"ostraka_receipt": 1}', "null"])
def test_what_is_no_receipt_is_a_usage_error(content, verifier, verify_soon, tmp_path):
    path = tmp_path / "receipt.json"
    path.write_text(content)
    done = verify_soon(verifier, path)
    assert (done.returncode, done.stdout) == (2, "")
