"""Files and environment: exact inputs, protocol checks, the coordinator's file."""

from __future__ import annotations

import io
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostraka import config, limits
from ostraka.errors import InputError, ManifestError, UsageError
from ostraka.manifest import InputSchema
from ostraka.sharing.encoding import Codec

ONE = InputSchema.model_validate({"type": "decimal(2)", "min": 0, "max": 1000, "unit": "USD"})
MANY = InputSchema.model_validate({"type": "int", "min": 0, "max": 1000, "length": 3})

TEXT = """\
[session]
title = "Sum"
protocol = "secure-sum"
deadline = "5m"
[[party]]
name = "alice"
key = "sha256:{0}1"
roles = ["contributor", "compute", "recipient"]
[[party]]
name = "bob"
key = "sha256:{0}2"
roles = ["contributor", "compute"]
address = "localhost:1"
[input]
type = "int"
min = 0
max = 10
[outputs]
statistics = ["sum"]
""".format("0" * 63)


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# --- manifests -----------------------------------------------------------------------------------


def test_load(tmp_path: Path) -> None:
    manifest = config.load(write(tmp_path / "s.toml", TEXT))
    assert manifest.parties == ("alice", "bob")
    assert config.protocol(manifest).contributors == ("alice", "bob")


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('"secure-sum"', '"secure-sim"', ':3: session.protocol: there is no protocol "secure-sim"'),
        ('"secure-sum"', '"secure-sim"', 'did you mean "secure-sum"?'),
        ('["sum"]', '["summ"]', ":19: outputs.statistics: 'summ' is not a statistic"),
        ("statistics", "statistic", ":19: outputs.statistic: "),
        ("max = 10", "max = 9000000000000000000", "holds at most"),
        ('type = "int"\nmin = 0\nmax = 10', 'type = "bool"', None),
    ],
)
def test_what_the_protocol_refuses_is_located(
    tmp_path: Path, old: str, new: str, words: str | None
) -> None:
    path = write(tmp_path / "s.toml", TEXT.replace(old, new))
    if words is None:
        config.load(path)
        return
    with pytest.raises(ManifestError) as caught:
        config.load(path)
    assert caught.value.message.startswith(str(path))
    assert words in caught.value.message


def test_unreadable_manifests(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        config.load(tmp_path / "none.toml")
    with pytest.raises(UsageError, match="larger than"):
        config.load(write(tmp_path / "big.toml", b"#" * (limits.MANIFEST + 1)))
    with pytest.raises(ManifestError, match="not TOML"):
        config.load(write(tmp_path / "binary.toml", b"\xff\xfe\x00"))


# --- inputs --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("3800", "3800"),
        (" 3800.10 \r\n", "3800.10"),
        ("\ufeff3800", "3800"),
        ('"0.1"', "0.1"),
        ("[0.1, 2]", [Decimal("0.1"), 2]),
        ("[100000000000000000001]", [100000000000000000001]),
        ("1\n2\n3\n", ["1", "2", "3"]),
        ("1\r\n\r\n3", ["1", "", "3"]),
        ("true", "true"),
    ],
)
def test_inputs_stay_exact(tmp_path: Path, content: str, value: Any) -> None:
    found = config.read_input(str(write(tmp_path / "x.txt", content)), ONE, "alice")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is blank"),
        (" \n\t", "is blank"),
        ("[1, 2", "is not JSON"),
        ('{"a": 31337}', "holds an object"),
        ("[" * 100_000, "is not JSON"),
        (b"\xff\xfe31337", "not UTF-8"),
        (b"\x93NUMPY31337", "not a .npy array"),
        (b"PK\x03\x0431337", "is an archive"),
    ],
)
def test_unreadable_inputs_are_refused_and_never_repeated(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        config.read_input(str(write(tmp_path / "x.txt", content)), ONE, "alice")
    assert caught.value.data_left is False
    assert "31337" not in caught.value.message + caught.value.hint


def test_several_values_may_have_names(tmp_path: Path) -> None:
    found = config.read_input(str(write(tmp_path / "x", '{"a": 1.50, "b": [2, 3]}')), MANY, "alice")
    assert found == {"a": Decimal("1.50"), "b": [2, 3]}
    with pytest.raises(InputError):
        Codec(MANY).encode(found)


@pytest.mark.parametrize("name", ["x.npy", "x.txt"])
def test_arrays(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    found = config.read_input(str(write(tmp_path / name, buffer.getvalue())), MANY, "alice")
    assert isinstance(found, np.ndarray)
    assert found.tolist() == [0, 1, 2]


def test_arrays_of_objects_are_never_unpickled(tmp_path: Path) -> None:
    class Bomb:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "exploded",))

    buffer = io.BytesIO()
    np.save(buffer, np.array([Bomb()]), allow_pickle=True)
    for name in ("x.npy", "x.txt"):
        with pytest.raises(InputError, match=r"not a \.npy array"):
            config.read_input(str(write(tmp_path / name, buffer.getvalue())), MANY, "alice")
    assert not (tmp_path / "exploded").exists()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        config.read_input(str(tmp_path / "none"), ONE, "alice")


class Stdin:
    def __init__(self, content: bytes, *, terminal: bool) -> None:
        self.buffer = io.BytesIO(content)
        self.isatty = lambda: terminal


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b"12.5\n", terminal=False))
    assert config.read_input("-", ONE, "alice") == "12.5"


def test_the_prompt_says_what_is_wanted_and_does_not_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", Stdin(b"", terminal=True))
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or " 7 ")
    assert config.read_input(None, ONE, "alice") == "7"
    assert asked == ["alice's input, decimal(2) from 0 to 1000 USD, not shown: "]


def test_no_prompt_without_a_terminal_or_for_a_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b"7", terminal=False))
    with pytest.raises(InputError, match="no terminal") as caught:
        config.read_input(None, ONE, "alice")
    assert "--input" in caught.value.hint
    monkeypatch.setattr("sys.stdin", Stdin(b"7", terminal=True))
    with pytest.raises(InputError, match="3 values long"):
        config.read_input(None, MANY, "alice")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "must be an object"),
        ("{", "is not JSON"),
        ('{"alice": 1, "bobb": 2}', '"bobb" is not a contributor; did you mean "bob"?'),
        ('{"alice": 1}', "has no input of bob"),
    ],
)
def test_bad_inputs_of_a_simulation(tmp_path: Path, content: str, words: str) -> None:
    manifest = config.load(write(tmp_path / "s.toml", TEXT))
    with pytest.raises(InputError) as caught:
        config.read_inputs(write(tmp_path / "in.json", content), manifest)
    assert words in caught.value.message


def test_inputs_of_a_simulation(tmp_path: Path) -> None:
    manifest = config.load(write(tmp_path / "s.toml", TEXT))
    path = write(tmp_path / "in.json", json.dumps({"alice": 1.5, "bob": [2]}))
    assert config.read_inputs(path, manifest) == {"alice": Decimal("1.5"), "bob": [2]}
    write(path, '{"alice": 1}')
    assert config.read_inputs(path, manifest, missing_ok=("bob",)) == {"alice": 1}


# --- directories and the coordinator -------------------------------------------------------------


def test_directories(tmp_path: Path) -> None:
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    for find, variable in (
        (config.keys_directory, "OSTRAKA_KEYS"),
        (config.receipts_directory, "OSTRAKA_RECEIPTS"),
    ):
        assert find(None, {}) == Path()
        assert find(None, {variable: ""}) == Path()
        assert find(None, {variable: str(one)}) == one
        assert find(other, {variable: str(one)}) == other


def test_receipts_need_a_directory(tmp_path: Path) -> None:
    for path in (tmp_path / "none", write(tmp_path / "file", "")):
        with pytest.raises(UsageError, match="no receipt can be written"):
            config.receipts_directory(path, {})


def test_coordinator_file(tmp_path: Path) -> None:
    path = write(tmp_path / "c.toml", 'listen = "127.0.0.1:0"')
    found = config.load_coordinator(path)
    assert (found.listen, found.name, found.allow) == ("127.0.0.1:0", "coordinator", None)
    assert found.keys == tmp_path
    pin = "sha256:" + "0" * 64
    write(path, f'listen = "[::]:9440"\nname = "relay"\nkeys = "/k"\nallow = ["{pin}"]')
    assert config.load_coordinator(path) == config.CoordinatorConfig(
        "[::]:9440", "relay", Path("/k"), (pin,)
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "listen is missing"),
        ("listen = 3", "listen must be a string"),
        ('listen = "9440"', 'listen must be "host:port"'),
        ('listen = "a:99999"', 'listen must be "host:port"'),
        ('listen = "a:1"\nkey = "x"', 'unknown key "key"; did you mean "keys"?'),
        ('listen = "a:1"\nallow = "x"', "allow must be a list"),
        ('listen = "a:1"\nallow = ["x"]', 'allow: each must be "sha256:"'),
        ("listen = ", "is not TOML"),
    ],
)
def test_bad_coordinator_file(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.load_coordinator(write(tmp_path / "c.toml", text))
    assert words in caught.value.message
    assert caught.value.exit_code == 2


def test_loose_modes(tmp_path: Path) -> None:
    path = write(tmp_path / "k", "")
    for mode, fine in ((0o600, True), (0o400, True), (0o640, False), (0o604, False)):
        path.chmod(mode)
        assert (config.loose_modes(path, 0o600) is None) == fine
    assert "No such file" in str(config.loose_modes(tmp_path / "none", 0o600))
