"""The demos of lists, with real processes: their figures are what plain Python says."""

import re


def test_the_join_counts_customers_of_both_shops(cli) -> None:
    shared = [i for i in range(400) if i % 3 and i % 4]
    found = cli("demo", "join", "--output", "json").json
    outputs = {o["name"]: o["value"] for o in found["outputs"]}
    assert outputs["size"] == len(shared)
    assert outputs["sum"] == str(sum(20 + i * 7 % 90 for i in shared))


def test_the_audit_finds_the_bias_that_was_made_up(cli) -> None:
    found = cli("demo", "audit")
    assert found.code == 0, found.err
    said = " ".join(re.sub("[^\x00-\x7f]+", " ", found.out).split())  # without bars
    women, men = [i for i in range(11, 380) if i % 2], [i for i in range(11, 380) if not i % 2]
    counted = f"women {len(women)} men {len(men)} overall {len(women) + len(men)}"
    assert f" count (people) {counted} " in said
    of_women = sum((3 * (i // 2) + i // 20) % 10 < 5 for i in women) / len(women)
    of_men = sum((3 * (i // 2) + i // 20) % 10 < 7 for i in men) / len(men)
    assert f"selection_rate women {of_women:.6g} men {of_men:.6g} overall" in said
    assert "the bank no person's group" in said
