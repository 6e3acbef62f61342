"""The gist of a manifest: three lines that leave no warning out."""

import pytest

from ostraka import gist
from ostraka.config import bind
from ostraka.delivery.cost import Cost
from ostraka.explanation import Explanation

PARTY = """
[[party]]
name = "{0}"
key = "sha256:{1:064d}"
roles = [{2}]
address = "127.0.0.1:{1}"
"""


def explained(people, extra="", more=""):
    parties = "".join(PARTY.format(name, 9000 + i, r) for i, (name, r) in enumerate(people.items()))
    head = f'[session]\ntitle = "t"\nprotocol = "secure-sum"\ndeadline = "1m"\n{more}'
    text = f'{head}{parties}[input]\ntype = "int"\nmin = 0\nmax = 100\n{extra}'
    return Explanation.of(bind(text))


ALL = '"contributor", "compute", "recipient"'
THREE = dict.fromkeys(("alice", "bob", "carlos"), ALL)


def test_it_says_who_learns_what_and_who_learns_nothing():
    found = explained(THREE | {"dora": '"contributor"'})
    assert found.gist.learns == (
        "alice, bob and carlos learn the sum, and who was counted.",
        "dora learns nothing, not even the result.",
    )


def test_the_worst_is_what_the_answer_tells_and_who_sees_every_input():
    answer, shares = explained(THREE).gist.worst
    assert answer.startswith("If 2 of you compare notes they learn the 3rd's input")
    assert shares.endswith("all 3 together see every input.")


def test_warnings_come_in_the_place_of_a_mild_sentence():
    found = explained(dict.fromkeys(("alice", "bob"), ALL))
    warnings = [s for s in found.sentences if s.startswith("WARNING")]
    assert warnings
    assert list(found.gist.worst[:-1]) == warnings


def test_noise_is_told_with_its_epsilon():
    noise = '[privacy]\ncentral = { mechanism = "discrete-laplace", epsilon = 0.5 }\n'
    assert any("epsilon = 0.5" in s for s in explained(THREE, noise).gist.worst)


def test_a_rehearsal_says_so_first():
    found = explained(THREE, more="rehearsal = true\n")
    assert found.gist.learns[0].startswith("This is a rehearsal")


def test_seconds_are_those_of_rounds_and_bytes():
    cost = Cost(rounds=4)
    cost.send("alice", ["bob"], 2_500_000)
    assert gist.seconds(cost) == pytest.approx(4 * 0.05 + 2)
    assert "4 rounds, at most 2,500,000 bytes from one party; about 2.2 s" in gist._cost(cost)
