"""Files and environment: exact inputs, protocol checks, directories."""

from __future__ import annotations

from pathlib import Path

import pytest

from ostraka import config, limits
from ostraka.coordinator import settings
from ostraka.errors import ManifestError, UsageError
from ostraka.manifest import InputSchema

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
    assert config.bind(manifest).contributors == ("alice", "bob")


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
        config.load(write(tmp_path / "binary.toml", b"\x01"))


ENCODINGS = {
    "with a mark": lambda text: b"\xef\xbb\xbf" + text.encode(),
    "UTF-16, as PowerShell 5 writes it": lambda text: text.replace("\n", "\r\n").encode("utf-16"),
    "UTF-16, big endian": lambda text: b"\xfe\xff" + text.encode("utf-16-be"),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_manifest_in_any_of_these_encodings_is_the_same(tmp_path: Path, encoding: str) -> None:
    text = TEXT.replace('"Sum"', '"\u00c9t\u00e9"')
    plain = config.load(write(tmp_path / "s.toml", text))
    found = config.load(write(tmp_path / "other.toml", ENCODINGS[encoding](text)))
    assert found.digest == plain.digest
    assert config.load("\ufeff" + text).digest == plain.digest


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TEXT.replace("Sum", "\u00c9t\u00e9").encode("latin-1"), r":2: .* 9 of the line .*0xc9"),
        (TEXT.encode("utf-16-le"), "is in UTF-16 without its mark"),
        (TEXT.encode("utf-32"), "is in UTF-32"),
    ],
)
def test_another_encoding_is_named_by_line_and_byte(
    tmp_path: Path, content: bytes, words: str
) -> None:
    for read in (config.load, settings.load):
        with pytest.raises(UsageError, match=words) as caught:
            read(write(tmp_path / "s.toml", content))
        assert caught.value.hint == "save the file as UTF-8"


# --- directories ----------------------------------------------------------------------------------


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
