"""`bench sum`: the contract's JSON, and figures that can be true."""

from __future__ import annotations

import pytest

from ostraka.cli.bench import cases
from ostraka.cli.bench_cases import ENGINE_CASES

KEYS = {
    "work", "parties", "size", "security", "link", "seconds", "seconds_all", "rounds",
    "bytes_sent_per_party", "peak_rss_mib", "processor_seconds_per_party", "wall_seconds",
}  # fmt: skip


@pytest.mark.parametrize(
    ("link", "parties", "size"),
    [
        ("relay", 2, 1000),
        pytest.param("relay", 3, 1000, marks=pytest.mark.slow),
        pytest.param("direct", 2, 5000, marks=pytest.mark.slow),
        pytest.param("direct", 3, 1, marks=pytest.mark.slow),
    ],
)
def test_json(cli, link: str, parties: int, size: int) -> None:
    found = cli(
        "bench", "sum", "--parties", parties, "--size", size, "--link", link, "--runs", 3,
        "--output", "json",
    ).json  # fmt: skip
    assert set(found) == KEYS
    assert (found["work"], found["link"]) == ("sum", link)
    assert (found["parties"], found["size"], found["security"]) == (parties, size, "passive")
    assert len(found["seconds_all"]) == 3
    assert min(found["seconds_all"]) <= found["seconds"] <= max(found["seconds_all"])
    assert 0 < sum(found["seconds_all"]) < found["wall_seconds"]
    assert found["bytes_sent_per_party"] >= (parties - 1) * 32
    assert found["peak_rss_mib"] > 10


@pytest.mark.parametrize(
    ("work", "size"),
    [
        ("compare", 100),
        *(
            pytest.param(work, size, marks=pytest.mark.slow)
            for work, size in [
                ("fixed-matmul", 3), ("fixed-mul", 9), ("shuffle", 9),
                ("mul", 100), ("sort", 20), ("matmul", 9), ("auction", 20),
                ("decompose", 5), ("inner-product", 50), ("threshold", 20),
            ]
        ),
    ],
)  # fmt: skip
def test_words_of_the_engine(cli, work: str, size: int) -> None:
    found = cli("bench", work, "--size", size, "--runs", 2, "--output", "json").json
    assert set(found) == KEYS
    assert (found["work"], found["size"]) == (work, size)
    assert len(found["seconds_all"]) == 2
    assert found["rounds"] >= 1
    assert found["bytes_sent_per_party"] >= 8 * (size if work != "compare" else 1)


@pytest.mark.parametrize(
    ("link", "parties", "size"),
    [("direct", 3, 1), pytest.param("relay", 4, 100, marks=pytest.mark.slow)],
)
def test_votes(cli, link: str, parties: int, size: int) -> None:
    found = cli(
        "bench", "vote", "--parties", parties, "--size", size, "--link", link, "--runs", 2,
        "--output", "json",
    ).json  # fmt: skip
    assert set(found) == KEYS
    assert (found["work"], found["size"], found["link"]) == ("vote", size, link)
    assert found["rounds"] > 3
    assert found["bytes_sent_per_party"] > 30 * size


@pytest.mark.slow
def test_noise_is_measured_beside_none(cli) -> None:
    laplace = cli("bench", "noise", "--size", 3000, "--runs", 2, "--output", "json").json
    without, gaussian = laplace.pop("beside")
    found = [without, laplace, gaussian]
    assert [one["noise"] for one in found] == ["none", "discrete Laplace", "discrete Gaussian"]
    assert without["times"] == 1
    for one in found:
        assert set(one) == KEYS | {"noise", "times"}
        assert one["times"] == one["seconds"] / found[0]["seconds"]
        assert one["bytes_sent_per_party"] == found[0]["bytes_sent_per_party"]


def test_operations_and_protocols_bring_all_cases() -> None:
    found = [case.name for case in cases()]
    assert len(set(found)) == len(found)
    sums = ("sum", "reports", "reports-clipped", "reports-bounded")
    others = ("vote", "auction", "noise", "inner-product", "join", "join-hidden", "audit", "learn")
    models = ("predict", "predict-checked", "logistic", "forest")
    assert {*ENGINE_CASES, *sums, *others, *models} == set(found)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["mul", "--parties", 2], "needs three parties"),
        (["sum", "--parties", 2, "--security", "active"], "needs three parties"),
        (["sum", "--security", "actve"], "must be passive or active"),
        (["sums"], 'no case "sums" to bench; did you mean "sum"?'),
    ],
)
def test_bench_refuses(cli, asked, words) -> None:
    ended = cli("bench", *asked)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def test_text(cli) -> None:
    ended = cli("bench", "sum", "--parties", 2, "--runs", 1)
    assert (ended.code, ended.err) == (0, "")
    assert ended.out.startswith("in protocol ")


@pytest.mark.parametrize(
    "work",
    [
        "auction",
        *(
            pytest.param(w, marks=pytest.mark.slow)
            for w in ("inner-product", "sort", "mul", "compare", "vote", "sum")
        ),
    ],
)  # fmt: skip
def test_active_security(cli, work) -> None:
    options = ["--runs", "2", "--size", "9", "--security", "active", "--output", "json"]
    ended = cli("bench", work, *options)
    assert ended.code == 0, ended.err
    found = ended.json
    assert found["security"] == "active"
    assert found["rounds"] >= 4
