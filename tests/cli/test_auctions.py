"""Auctions, tallies and statistics from the command line."""

from __future__ import annotations

from pathlib import Path

import pytest

PARTIES = ("alice", "bob", "carlos")


@pytest.mark.parametrize(
    ("bids", "price", "expected"),
    [
        pytest.param("310,295,402", "first", ["carlos", 402], marks=pytest.mark.slow),
        ("310,295,402", "second", ["carlos", 310]),
        pytest.param("7,7.50,7.50,1", "first", ["bob", "7.5"], marks=pytest.mark.slow),
    ],
)
def test_demo_auction(cli, bids, price, expected) -> None:
    found = cli("demo", "auction", "--bids", bids, "--price", price, "--output", "json").json
    assert [o["name"] for o in found["outputs"]] == ["winner", "price"]
    assert [o["value"] for o in found["outputs"]] == expected
    assert found["outputs"][1]["unit"] == "EUR"
    assert len(found["parties"]) == bids.count(",") + 1


def test_demo_auction_in_words(cli) -> None:
    ended = cli("demo", "auction")
    assert ended.out.startswith("winner  carlos\nprice   402 EUR\n")
    assert "Every losing bid stayed where it was" in ended.out
    for bid in ("310", "295"):
        assert bid not in ended.out.split()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--bids", "1,-2,3"], 20, "bid 2 is not a number"),
        (["--bids", "1,2"], 2, "3 to 50"),
        (["--price", "third"], 2, "not one of"),
    ],
)
def test_demo_auction_refuses(cli, arguments, code, words) -> None:
    ended = cli("demo", "auction", *arguments)
    assert ended.code == code
    assert words in ended.err


def rehearse(cli, tmp_path: Path, protocol: str, inputs: str, *options: str):
    """`new`, `check` and `simulate` of a session of three."""
    for name in (*PARTIES, "coordinator"):
        assert cli("keygen", name).code == 0
    parties = [word for name in PARTIES for word in ("--party", f"{name}.crt")]
    made = cli("new", protocol, *parties, "--coordinator", "h:1=coordinator.crt", *options)
    assert made.code == 0, made.err
    (tmp_path / "session.toml").write_text(made.out)
    (tmp_path / "inputs.json").write_text(inputs)
    assert cli("check", "session.toml").code == 0
    found = cli("simulate", "session.toml", "--inputs", "inputs.json", "--output", "json").json
    return {
        name: {o["name"]: o["value"] for o in result["outputs"]}
        for name, result in found["results"].items()
    }


def test_an_auction(cli, tmp_path: Path) -> None:
    found = rehearse(
        cli, tmp_path, "auction", '{"alice": 3.10, "bob": 2.95, "carlos": 4.02}',
        "--type", "decimal(2)", "--min", "0", "--max", "100",
        "--rule", "price=second", "--rule", "reserve=3", "--rule", "ties=random",
        "--rule", 'reveal={alice = ["price"], bob = ["winner"], carlos = ["winner", "price"]}',
    )  # fmt: skip
    assert found == {
        "alice": {"price": "3.1"},
        "bob": {"winner": "carlos"},
        "carlos": {"winner": "carlos", "price": "3.1"},
    }


def test_a_tally(cli, tmp_path: Path) -> None:
    found = rehearse(
        cli, tmp_path, "tally", '{"alice": "red", "bob": ["red", "blue"], "carlos": "blue"}',
        "--type", 'choice(["red", "green", "blue"])', "--rule", "choices=2",
    )  # fmt: skip
    assert found["bob"] == {"tally": {"red": 2, "green": 0, "blue": 2}}


def test_statistics(cli, tmp_path: Path) -> None:
    found = rehearse(
        cli, tmp_path, "statistics", '{"alice": 3800, "bob": 2514, "carlos": 2982}',
        "--min", "0", "--max", "100000", "--statistic", "median", "--statistic", "max",
        "--rule", "top=2",
    )  # fmt: skip
    assert found["alice"] == {"median": "2982", "max": 3800, "largest": [3800, 2982]}
