"""`new` (with cli/new_values.py) writes what `check` accepts, and `check` says what it means."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from ostraka.manifest import Local, parse

KEY = "sha256:" + "ab" * 32
TWO = ("--party", f"alice={KEY}", "--party", "bob=" + KEY.replace("ab", "cd") + "@[::1]:9441")
BOUNDS = ("--min", "0", "--max", "10")


def test_new_makes_what_was_asked_for(cli) -> None:
    ended = cli(
        "new", "secure-sum", *TWO, "--party", f"c={'sha256:' + '1' * 64}:recipient@host:1",
        "--coordinator", "relay.example:9440=sha256:" + "2" * 64, "--title", 'A "title"',
        "--type", "decimal(3)", "--length", "5", "--min", "-1.5", "--max", "2.125", "--unit", "kg",
        "--statistic", "variance", "--scheme", "shamir", "--threshold", "1", "--deadline", "2h",
        "--min-contributors", "2",
    )  # fmt: skip
    assert (ended.code, ended.err) == (0, "")
    manifest = parse(ended.out)
    assert manifest.parties == ("alice", "bob", "c")
    assert manifest.recipients == ("alice", "bob", "c")
    assert manifest.compute == manifest.contributors == ("alice", "bob")
    assert manifest.party_named("bob").address == "[::1]:9441"
    assert manifest.party_named("c").address == "host:1"
    (place,) = manifest.session.coordinators
    assert place.address == "relay.example:9440"
    assert manifest.session.title == 'A "title"'
    assert manifest.session.deadline == 7200
    assert str(manifest.input.min) == "-1.5"
    assert str(manifest.input.max) == "2.125"
    assert (manifest.input.length, manifest.input.unit) == (5, "kg")
    assert manifest.outputs == {"statistics": ["variance"]}
    assert (manifest.sharing.scheme, manifest.sharing.threshold) == ("shamir", 1)
    assert manifest.policy.min_contributors == 2


def test_options_that_stand_for_a_rule(cli) -> None:
    own = cli("new", "secure-sum", *TWO, *BOUNDS, "--weights", "own", "--max-weight", "500")
    assert parse(own.out).outputs == {"weights": "own", "max_weight": 500}
    parties = [w for i in range(3) for w in ("--party", f"p{i}=sha256:{i:064x}@h:1")]
    vote = ["new", "threshold-vote", *parties, "--scheme", "shamir"]
    quorum = ("--rule", "quorum=2", "--quorum-of", "heads")
    made = cli(*vote, "--pass-above", "1/2", *quorum)
    assert parse(made.out).outputs == {"pass_above": "1/2", "quorum": 2, "quorum_of": "heads"}
    Path("vote.toml").write_text(made.out)
    said = " ".join(cli("check", "vote.toml", "--explain").out.split())
    assert "YES if more than 1/2 of the cast votes are for it" in said
    assert "at least 2 of 3 voters cast a vote" in said
    twice = cli(*vote, "--pass-above", "1/2", "--rule", "pass_above=2/3")
    assert twice.code == 2
    assert "--pass-above and --rule pass_above=...: one of the two is enough" in twice.err
    assert "pass_above: stands instead" in cli(*vote, "--pass-above=1/2", "--rule=pass_at=1").err
    assert "outputs.pass_above" in cli("new", "secure-sum", *TWO, *BOUNDS, "--pass-above=1/2").err


def test_check_of_weights_says_what_counts_and_what_is_opened(cli) -> None:
    own = cli("new", "secure-sum", *TWO, *BOUNDS, "--weights", "own", "--max-weight", "500")
    Path("own.toml").write_text(own.out)
    said = " ".join(cli("check", "own.toml", "--explain").out.split())
    assert "each unit of weight counts once" in said
    assert "Recipients learn both sums, not only their ratio" in said
    Path("in.json").write_text('{"alice": "3;2", "bob": "6"}')
    refused = cli("simulate", "own.toml", "--inputs", "in.json")
    assert refused.code == 20
    assert "the input has no weight" in refused.err
    Path("in.json").write_text('{"alice": "3;2", "bob": [[6, 1]]}')
    assert "mean 4; weight 3" in cli("simulate", "own.toml", "--inputs", "in.json").out


def test_new_reads_certificates(cli) -> None:
    fingerprints = [cli("keygen", name).out.strip() for name in ("alice", "bob")]
    ended = cli(
        "new", "secure-sum", "--party", "alice.crt", "--party", "robert=bob.crt@h:1", *BOUNDS
    )
    manifest = parse(ended.out)
    assert manifest.parties == ("alice", "robert")
    assert [p.key for p in manifest.party] == fingerprints


def test_shamir_without_a_threshold_takes_just_under_half(cli) -> None:
    parties = [w for i in range(5) for w in ("--party", f"p{i}=sha256:{i:064x}@h:1")]
    manifest = parse(cli("new", "secure-sum", *parties, *BOUNDS, "--scheme", "shamir").out)
    assert (manifest.sharing.threshold, manifest.sharing.security) == (2, "passive")


def test_active_security_is_asked_for(cli) -> None:
    parties = [w for i in range(3) for w in ("--party", f"p{i}=sha256:{i:064x}@h:1")]
    asked = ["secure-sum", *parties, *BOUNDS, "--security", "active"]
    assert parse(cli("new", *asked, "--scheme", "shamir").out).sharing.security == "active"
    ended = cli("new", *asked)
    assert (ended.code, ended.out) == (2, "")
    assert 'set scheme = "shamir"' in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["secure-sim", *TWO, *BOUNDS], 'no protocol "secure-sim"; did you mean "secure-sum"?'),
        (["secure-sum", *TWO], "input.min: is missing"),
        (["secure-sum", *TWO, *BOUNDS, "--statistic", "median"], "'median' is not a statistic:"),
        (["secure-sum", *TWO, *BOUNDS, "--statistic", "avg"], "sum, mean, count, variance, histog"),
        (["secure-sum", *TWO[:2], *BOUNDS], "at least 2"),
        (["secure-sum", "--party", "none.crt", *BOUNDS], "there is no file none.crt"),
        (["secure-sum", *TWO, *TWO[:2], *BOUNDS], "also that of party[0]"),
        (["secure-sum", *TWO, *BOUNDS, "--scheme", "shamr"], "scheme: must be"),
        (["secure-sum", *TWO, "--min", "0\n[x]", "--max", "1"], "is not a number"),
        (["secure-sum", *TWO, "--min", ".5", "--max", "1"], "digit is needed"),
        (["secure-sum", *TWO, "--min", "0-1", "--max", "1"], "not TOML"),
        (["secure-sum", *TWO, *BOUNDS, "--coordinator", "host:1"], "needs HOST:PORT=KEY"),
        (
            ["secure-sum", *TWO, *BOUNDS, "--scheme", "shamir", "--threshold", "2"],
            "between 1 and 1",
        ),
    ],
)
def test_new_refuses_what_check_would(cli, arguments: list[str], words: str) -> None:
    ended = cli("new", *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.startswith("error: ")
    assert words in ended.err


def test_check_in_words(cli, session: Path) -> None:
    ended = cli("check", session, "--explain")
    assert (ended.code, ended.err) == (0, "")
    manifest = parse(session.read_text())
    for words in ("alice", "secure-sum: sum, mean", "decimal(2) from 0 to 1000000 USD", "1 round"):
        assert words in ended.out
    assert f"manifest sha256 {manifest.digest.hex()}" in ended.out
    assert "compare notes they learn the 3rd's input" in " ".join(ended.out.split())


def test_check_as_json(cli, session: Path) -> None:
    found = cli("check", session, "--output", "json").json
    assert found["manifest_sha256"] == parse(session.read_text()).digest.hex()
    assert found["recipients"] == ["alice", "bob", "carlos"]
    assert set(found["cost"]["sent"]) == {"alice", "bob", "carlos"}
    assert found["explain"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("unit =", "units =", 'input.units: unknown key; did you mean "unit"?'),
        ('"20s"', '"20"', "session.deadline: must be a duration"),
        ("min = 0", "min = nan", "input.min: must be finite"),
        ('"secure-sum"', "secure-sum", "not TOML"),
    ],
)
def test_check_points_at_the_line(cli, session: Path, old: str, new: str, words: str) -> None:
    text = session.read_text()
    line = text[: text.index(old)].count("\n") + 1
    session.write_text(text.replace(old, new))
    for output in ("text", "json"):
        ended = cli("check", session, "--output", output)
        assert (ended.code, ended.out) == (2, "")
        assert ended.err.startswith(f"error: {session}:{line}: ")
        assert words in ended.err


# --- noise ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["min_difference=2\ny = 3", "min_difference=2\n[y]"])
def test_a_value_that_smuggles_in_a_key_is_refused(cli, text) -> None:
    ended = cli("new", "secure-sum", *TWO, *BOUNDS, "--policy", text)
    assert (ended.code, ended.out) == (2, "")
    own = 'name = "a", of = ["alice"] }\ny = { b = 1'
    assert cli("new", "secure-sum", *TWO, *BOUNDS, "--input", own).code == 2


def test_new_writes_noise_and_rules(cli) -> None:
    asked = ["--local", "gaussian=1,delta=1e-6", "--clip", "l2=5", "--outside", "clip"]
    asked += ["--policy", "same_roster_only=true", "--policy", "min_difference=2"]
    asked += ["--series", "weekly", "--length", "3"]
    manifest = parse(cli("new", "secure-sum", *TWO, *BOUNDS, *asked).out)
    assert manifest.privacy.local == Local(
        mechanism="discrete-gaussian", epsilon=Decimal(1), delta=Decimal("1e-6")
    )
    assert (manifest.input.outside, manifest.session.series) == ("clip", "weekly")
    assert (manifest.policy.same_roster_only, manifest.policy.min_difference) == (True, 2)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["--local", "=1"], "is not MECHANISM=EPSILON"),
        (["--local", "laplace"], "epsilon is missing"),
        (["--local", "laplace=one"], "privacy.local.epsilon"),
        (["--central", "discrete-laplace=1,honest"], "is not KEY=VALUE"),
        (["--clip", "l3=1"], "privacy.clip.norm"),
        (["--policy", "min_cell=5"], "secure-sum does not check it"),
        (["--policy", "min_difference=9"], "policy.min_difference: must be between 1 and"),
    ],
)
def test_new_refuses_noise_that_makes_no_sense(cli, asked: list[str], words: str) -> None:
    ended = cli("new", "secure-sum", *TWO, *BOUNDS, *asked)
    assert ended.code == 2
    assert words in ended.err


def test_check_says_what_noise_would_do(cli, session: Path) -> None:
    ended = cli("check", session, "--explain")
    assert "What noise does to the answer" in ended.out
    rows = cli("check", session, "--output", "json").json["noise"]["error95"]
    assert [row["epsilon"] for row in rows] == ["0.1", "0.5", "1", "2", "4"]
    for place in ("local", "central"):
        errors = [row[place] for row in rows]
        assert errors == sorted(errors, reverse=True)


def test_check_draws_the_error(cli, session: Path, tmp_path: Path) -> None:
    picture = tmp_path / "error.svg"
    assert cli("check", session, "--plot", picture).code == 0
    assert "half of the 95% interval" in picture.read_text()
    ended = cli("check", session, "--plot", tmp_path / "error.gif")
    assert (ended.code, "must end in .svg or .png" in ended.err) == (2, True)


# --- inputs that differ by contributor ------------------------------------------------------------

OWN = [
    "--length", "2", "--max", "5",
    "--input", 'name = "amounts", of = ["alice"], min = 0, unit = "kg"',
    "--input", 'name = "prices", of = ["bob"], type = "decimal(2)", min = 0.50, max = 9.99',
]  # fmt: skip
THREE = [*TWO, "--party", f"c=sha256:{3:064x}:compute@h:3"]


def test_new_writes_an_input_for_each_owner(cli) -> None:
    ended = cli("new", "inner-product", *THREE, *OWN)
    manifest = parse(ended.out)
    amounts, prices = manifest.inputs
    assert (amounts.name, str(amounts.type), amounts.unit) == ("amounts", "int", "kg")
    assert (str(amounts.min), str(amounts.max)) == ("0", "5")
    assert manifest.input_of("bob") == prices
    assert (str(prices.type), str(prices.min), str(prices.max)) == ("decimal(2)", "0.50", "9.99")
    assert (amounts.length, prices.length) == (2, 2)
    assert manifest.sharing.scheme == "shamir"


@pytest.mark.parametrize(
    ("own", "words"),
    [
        (["--input", 'name = "a'], "is not TOML"),
        (
            ["--input", 'of = ["alice"]', "--input", 'name = "b", of = ["bob"]'],
            "input[0].name: is miss",
        ),
        (["--input", 'name = "x", of = ["z"]'], "z is not a party"),
    ],
)
def test_new_refuses_inputs_that_are_none(cli, own: list[str], words: str) -> None:
    ended = cli("new", "inner-product", *THREE, "--min", "0", "--max", "5", *own)
    assert (ended.code, ended.out) == (2, "")
    assert words in ended.err


def test_check_says_whose_input_is_what(cli, tmp_path: Path) -> None:
    path = tmp_path / "product.toml"
    path.write_text(cli("new", "inner-product", *THREE, *OWN).out)
    ended = cli("check", path, "--explain")
    assert ended.code == 0
    assert "  input     amounts of alice: int from 0 to 5 kg, 2 values\n" in ended.out
    assert "  input     prices of bob: decimal(2) from 0.50 to 9.99, 2 values\n" in ended.out
    assert "WARNING: alice learns the result and chooses its vector" in " ".join(ended.out.split())


def test_a_protocol_that_wants_one_input_names_the_line(cli, tmp_path: Path) -> None:
    path = tmp_path / "sum.toml"
    path.write_text(cli("new", "inner-product", *THREE, *OWN).out)
    path.write_text(path.read_text().replace("inner-product", "secure-sum"))
    line = path.read_text().splitlines().index("[[input]]") + 1
    ended = cli("check", path, "--explain")
    assert ended.code == 2
    assert f"{path}:{line}: input: secure-sum asks all contributors for the same" in ended.err


def test_each_owner_is_asked_for_its_own_input(cli, tmp_path: Path) -> None:
    path, inputs = tmp_path / "product.toml", tmp_path / "inputs.json"
    path.write_text(cli("new", "inner-product", *THREE, *OWN).out)
    inputs.write_text('{"alice": [2, 5], "bob": ["0.50", 9.99]}')
    results = cli("simulate", path, "--inputs", inputs, "--output", "json").json["results"]
    assert results["alice"]["outputs"][0]["value"] == "50.95"
    inputs.write_text('{"alice": [0.5, 5], "bob": [1, 2]}')
    ended = cli("simulate", path, "--inputs", inputs)
    assert ended.code == 20
    assert "alice: value 1 is not a whole number" in ended.err


def test_a_relayed_session_has_a_room_that_strangers_cannot_name(cli) -> None:
    relayed = (
        "new",
        "secure-sum",
        *TWO,
        *BOUNDS,
        "--coordinator",
        f"r.example:1=sha256:{'2' * 64}",
    )
    one, other = (parse(cli(*relayed).out) for _ in range(2))
    assert one.session.room is not None
    assert one.session.room != other.session.room
    assert one.digest != other.digest
    direct = cli("new", "secure-sum", *TWO, *BOUNDS)
    assert "room" not in direct.out


@pytest.mark.parametrize(
    ("given", "mqtt", "topic"),
    [
        ("mqtts://b.example:8883/company/ostraka", "mqtts://b.example:8883", "company/ostraka"),
        ("mqtt://[::1]:1883", "mqtt://[::1]:1883", "ostraka"),
    ],
)
def test_a_broker_as_the_coordinator(cli, given, mqtt, topic) -> None:
    """`new` writes it, with a secret room; `check` says who sees what there."""
    made = cli("new", "secure-sum", *TWO, *BOUNDS, "--coordinator", given)
    assert f'coordinator = {{mqtt = "{mqtt}", topic = "{topic}"}}' in made.out.replace("{ ", "{")\
        .replace(" }", "}")  # fmt: skip
    manifest = parse(made.out)
    (place,) = manifest.session.brokers
    assert (place.mqtt, place.topic, manifest.session.relays) == (mqtt, topic, ())
    assert manifest.session.room is not None
    Path("s.toml").write_text(made.out)
    said = " ".join(cli("check", "s.toml", "--explain").out.split())
    assert "The broker learns no input, no share and no result; it sees who takes part" in said
    assert "each client that the broker's access rules let read" in said
    assert ("without TLS" in said) == (not place.secured)


def test_a_broker_with_a_password_in_its_address_is_refused(cli) -> None:
    ended = cli("new", "secure-sum", *TWO, *BOUNDS, "--coordinator", "mqtts://alice:s3@b:8883/t")
    assert ended.code == 2
    assert "each party keeps its own, in NAME.toml" in ended.err


def test_a_rehearsal_says_so_and_has_a_digest_of_its_own(cli) -> None:
    real = cli("new", "secure-sum", *TWO, *BOUNDS)
    made = cli("new", "secure-sum", *TWO, *BOUNDS, "--rehearsal")
    assert parse(made.out).session.rehearsal
    labels = [parse(each.out).session.label for each in (real, made)]
    assert labels == ["secure-sum", "rehearsal: secure-sum"]
    assert parse(made.out).digest != parse(real.out).digest
    same = real.out.replace("[session]\n", "[session]\nrehearsal = false\n", 1)
    assert parse(same).digest == parse(real.out).digest
    Path("session.toml").write_text(made.out)
    assert "This is a rehearsal" in cli("check", "session.toml").out
    collecting = ("--collection", "invited", "--closes", "7d", "--mailbox", "http://127.0.0.1:1")
    collecting += ("--min-contributors", "1", "--as", "alice", "--rehearsal")
    ended = cli("new", "secure-sum", *TWO, *BOUNDS, *collecting)
    assert "session.rehearsal: has no meaning in a collection" in ended.err
