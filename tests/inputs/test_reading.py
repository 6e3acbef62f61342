"""Inputs as they lie in files, on standard input, at a prompt: exact, or refused unrepeated."""

from __future__ import annotations

import io
import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ostraka import config
from ostraka.errors import InputError
from ostraka.inputs import reading
from ostraka.inputs.encoding import Codec
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


@pytest.mark.parametrize(
    ("content", "value"),
    [
        ("3800", "3800"),
        (" 3800.10 \r\n", "3800.10"),
        ("\ufeff3800", "3800"),
        ("3800\r\n".encode("utf-16"), "3800"),
        ('"0.1"', "0.1"),
        ("[0.1, 2]", [Decimal("0.1"), 2]),
        ("[100000000000000000001]", [100000000000000000001]),
        ("true", "true"),
    ],
)
def test_inputs_stay_exact(tmp_path: Path, content: str | bytes, value: Any) -> None:
    found = reading.read_input(str(write(tmp_path / "x.txt", content)), ONE, "alice")
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("content", "lines", "first"),
    [
        ("1\n2\n3\n", ["1", "2", "3"], "line 1 of "),
        ("1\r\n\r\n3", ["1", "", "3"], "line 1 of "),
        ("\n \n1\n2", ["1", "2"], "line 3 of "),
        ('"1"\n"2"', ['"1"', '"2"'], "line 1 of "),
    ],
)
def test_lines_stay_text_and_know_their_place(
    tmp_path: Path, content: str, lines: list[str], first: str
) -> None:
    path = write(tmp_path / "x.txt", content)
    found = reading.read_input(str(path), MANY, "alice")
    assert list(found) == lines
    assert found.place(0) == first + str(path)


def refusal(path: Path, content: str, schema: InputSchema) -> str:
    """What is said of a file, which never repeats what is in it."""
    raw = reading.read_input(str(write(path, content)), schema, "alice")
    with pytest.raises(InputError) as caught:
        Codec(schema).encode(raw)
    assert caught.value.exit_code == 20
    assert not {line.strip() for line in content.splitlines()} & set(caught.value.message.split())
    return caught.value.message.replace(str(path), "FILE")


TWO = InputSchema.model_validate({"type": "decimal(2)", "min": 0, "max": 10000, "length": 2})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("7\n3,817", "line 2 of FILE is not a number in plain digits: it has a comma: write"),
        ("7\n3.817,50", "line 2 of FILE is not a number in plain digits: it has a comma: write"),
        ("7\n1,234,567", "has a comma"),
        ("7\n1.234.817", "has several points: write 1234567"),
        ("7\n3.810", "line 2 of FILE has three digits after its point"),
        ('"7"\n"8"', "line 1 of FILE is not a number in plain digits: it is in quotes"),
        ("7;8\n9;6", "line 1 of FILE is not a number in plain digits: it has a semicolon"),
        ("7\t8\n9\t6", "has several columns"),
        ("7, 8\n9", "has a comma and a space: write one value on each line"),
        ("7\n3 817", "has something between its digits"),
        ("7\n3\u00a0817", "has something between its digits"),
        ("7\n(817)", "is in brackets: write -12"),
        ("7\n\u2212817", "has a dash for a minus"),
        ("7\n81.7 %", "has a percent sign"),
        ("7\n1.5e3", "is in powers of ten"),
        ("7\n\u20ac 817", "has a unit or sign beside its digits"),
        ("7\n817 EUR", "has a unit or sign beside its digits"),
        (
            "salary\n7\n8",
            "FILE has 3 lines; the manifest asks for 2; if line 1 of FILE is a heading",
        ),
        ("7\n8\n9", "FILE has 3 lines; the manifest asks for 2"),
        ("7\n\n", "the input has 1 value; the manifest asks for 2"),
        ("7\n99999", "line 2 of FILE is above max = 10000"),
        ("\n\n7\n-817", "line 4 of FILE is below min = 0"),
        ("7\n\n8", "FILE has 3 lines; the manifest asks for 2"),
        ("[7, 99999]", "value 2 is above max = 10000"),
        ("7\n8171717.171717171717171717", "line 2 of FILE has more than 2 digits"),
    ],
)
def test_a_bad_line_is_named_with_what_to_write_instead(
    tmp_path: Path, content: str, words: str
) -> None:
    found = refusal(tmp_path / "x.txt", content, TWO)
    assert words in found
    assert found.endswith("for 2") == (words.endswith("for 2"))


def test_one_value_is_advised_like_a_line(tmp_path: Path) -> None:
    assert "it has a comma" in refusal(tmp_path / "x", "3,817", ONE)
    heading = refusal(tmp_path / "x", "salary\n817", ONE)
    assert heading.endswith("asks for 1; if line 1 of FILE is a heading, leave it out")


CHOICES = InputSchema.model_validate(
    {"type": 'choice(["HR", "d\u2019accord\u00a0?"])', "length": 2}
)


def test_options_are_read_as_the_eye_reads_them(tmp_path: Path) -> None:
    for content in ("HR\nd'accord ?", " HR\nd\u2019accord\u202f?", '["HR", "d\u2019accord ?"]'):
        raw = reading.read_input(str(write(tmp_path / "x", content)), CHOICES, "alice")
        assert Codec(CHOICES).encode(raw).tolist() == [0, 1]
    assert "line 2 of FILE is an option in other capitals: write it exactly as in the manifest" in (
        refusal(tmp_path / "x", "HR\nhr", CHOICES)
    )
    assert "line 2 of FILE is not one of the options: HR, " in (
        refusal(tmp_path / "x", "HR\nIT", CHOICES)
    )
    assert "line 1 of FILE holds several values" in refusal(tmp_path / "x", "HR;HR\nHR", CHOICES)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "is blank"),
        (" \n\t", "is blank"),
        ("[1, 2", "is not JSON: see line 1, character"),
        ("\n[1,\n 2 3]", "is not JSON: see line 3, character 4"),
        ('{"a": 31337}', "holds an object"),
        ("[" * 100_000, "is not JSON"),
        (b"1\n\xe431337", ":2: what follows character 0 of the line is not UTF-8"),
        ("31337".encode("utf-16-le"), "is in UTF-16 without its mark"),
        (b"\x93NUMPY31337", "not a .npy array"),
        (b"PK\x03\x0431337", "is an archive"),
    ],
)
def test_unreadable_inputs_are_refused_and_never_repeated(
    tmp_path: Path, content: str | bytes, words: str
) -> None:
    with pytest.raises(InputError, match=words) as caught:
        reading.read_input(str(write(tmp_path / "x.txt", content)), ONE, "alice")
    assert caught.value.data_left is False
    assert "31337" not in caught.value.message + caught.value.hint


def test_a_name_that_is_there_twice_is_refused(tmp_path: Path) -> None:
    """Readers of JSON differ in which value they take."""
    path = write(tmp_path / "x.json", '{"women": 1, "women": 31337, "men": 2}')
    with pytest.raises(InputError, match='"women" is there twice') as caught:
        reading.read_input(str(path), MANY, "alice")
    assert "31337" not in caught.value.message + caught.value.hint
    assert caught.value.data_left is False


def test_several_values_may_have_names(tmp_path: Path) -> None:
    found = reading.read_input(
        str(write(tmp_path / "x", '{"a": 1.50, "b": [2, 3]}')), MANY, "alice"
    )
    assert found == {"a": Decimal("1.50"), "b": [2, 3]}
    with pytest.raises(InputError):
        Codec(MANY).encode(found)


@pytest.mark.parametrize("name", ["x.npy", "x.txt"])
def test_arrays(tmp_path: Path, name: str) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.arange(3))
    found = reading.read_input(str(write(tmp_path / name, buffer.getvalue())), MANY, "alice")
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
            reading.read_input(str(write(tmp_path / name, buffer.getvalue())), MANY, "alice")
    assert not (tmp_path / "exploded").exists()


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="No such file"):
        reading.read_input(str(tmp_path / "none"), ONE, "alice")


class Stdin:
    def __init__(self, content: bytes, *, terminal: bool) -> None:
        self.buffer = io.BytesIO(content)
        self.isatty = lambda: terminal


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b"12.5\n", terminal=False))
    assert reading.read_input("-", ONE, "alice") == "12.5"


def test_the_prompt_says_what_is_wanted_and_does_not_echo(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin", Stdin(b"", terminal=True))
    monkeypatch.setattr("getpass.getpass", lambda prompt: asked.append(prompt) or " 7 ")
    assert reading.read_input(None, ONE, "alice") == "7"
    assert asked == ["alice's input, decimal(2) from 0 to 1000 USD, not shown: "]


def test_no_prompt_without_a_terminal_or_for_a_vector(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Stdin(b"7", terminal=False))
    with pytest.raises(InputError, match="no terminal") as caught:
        reading.read_input(None, ONE, "alice")
    assert "--input" in caught.value.hint
    monkeypatch.setattr("sys.stdin", Stdin(b"7", terminal=True))
    with pytest.raises(InputError, match="3 values long"):
        reading.read_input(None, MANY, "alice")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("[1]", "must be an object"),
        ("{", "is not JSON"),
        ('{"alice": 1, "bobb": 2}', '"bobb" is not a contributor; did you mean "bob"?'),
        ('{"alice": 1}', "has no input of bob"),
        (b'{"alice": 1,\n"bob": "\xe4"}', ":2: what follows character 8 of the line is not UTF-8"),
        ('{"alice": 1, "bob": 2, "alice": 3}', '"alice" is there twice'),
        ('{"alice": 1, "bob": NaN}', "is not JSON"),
    ],
)
def test_bad_inputs_of_a_simulation(tmp_path: Path, content: str | bytes, words: str) -> None:
    manifest = config.load(write(tmp_path / "s.toml", TEXT))
    with pytest.raises(InputError) as caught:
        reading.read_inputs(write(tmp_path / "in.json", content), manifest)
    assert words in caught.value.message


def test_inputs_of_a_simulation_may_have_a_mark(tmp_path: Path) -> None:
    manifest = config.load(write(tmp_path / "s.toml", TEXT))
    content = json.dumps({"alice": 1, "bob": 2}).encode("utf-16")
    assert reading.read_inputs(write(tmp_path / "i", content), manifest) == {"alice": 1, "bob": 2}


def test_inputs_of_a_simulation(tmp_path: Path) -> None:
    manifest = config.load(write(tmp_path / "s.toml", TEXT))
    path = write(tmp_path / "in.json", json.dumps({"alice": 1.5, "bob": [2]}))
    assert reading.read_inputs(path, manifest) == {"alice": Decimal("1.5"), "bob": [2]}
    write(path, '{"alice": 1}')
    assert reading.read_inputs(path, manifest, missing_ok=("bob",)) == {"alice": 1}


def huge_array(count: int) -> bytes:
    """An .npy file that claims so many numbers and has eight."""
    head = f"{{'descr': '<i8', 'fortran_order': False, 'shape': ({count},), }}".encode()
    head = head.ljust(117) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(head).to_bytes(2, "little") + head + bytes(64)


def test_no_room_is_made_for_what_an_array_claims(tmp_path: Path) -> None:
    path = tmp_path / "x.npy"
    path.write_bytes(huge_array(10**11))
    with pytest.raises(InputError, match="has 100000000000 values; the manifest asks for 1"):
        reading.read_input(str(path), ONE, "alice")
    with pytest.raises(InputError, match="has 100000000000 values"):
        reading.parse_input(path.read_bytes(), ONE, "standard input")


def test_an_endless_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is larger than 1049088 bytes, and the manifest asks"):
        reading.read_input("/dev/zero", ONE, "alice")
    with pytest.raises(InputError, match="is larger than"):
        reading.read_inputs(Path("/dev/zero"), config.bind_text(TEXT, "x").manifest)


def test_a_closed_standard_input_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(InputError, match="standard input is closed"):
        reading.read_input("-", ONE, "alice")
    with pytest.raises(InputError, match="this is no terminal"):
        reading.read_input(None, ONE, "alice")


def test_exponents_without_bound_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "inputs.json"
    path.write_text('{"alice": 1e99999999999999999999, "bob": 1}')
    with pytest.raises(InputError, match="has a number that is too large or too fine"):
        reading.read_inputs(path, config.bind_text(TEXT, "x").manifest)
    with pytest.raises(InputError, match="has a number that is too large or too fine"):
        reading.parse_input(b"[1e99999999999999999999]", ONE, "x")


@pytest.mark.parametrize(
    "head",
    [
        "{'descr': '<f8', 'fortran_order'3]: (12,), }",
        "{'descr': '|V2000000000', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '<U500000000', 'fortran_order': False, 'shape': (1,), }",
        "{'descr': '|O', 'fortran_order': False, 'shape': (1,), }",
    ],
)
def test_an_array_with_a_strange_head_is_refused_before_its_numbers(head: str) -> None:
    text = head.encode().ljust(117) + b"\n"
    content = b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + bytes(64)
    with pytest.raises(InputError, match=r"is not a \.npy array of numbers"):
        reading.parse_input(content, ONE, "x.npy")
