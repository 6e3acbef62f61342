"""What `check` advises: errors that the protocol itself prints, and what follows from them."""

import json
from decimal import Decimal

import pytest

from ostraka.manifest import parse
from ostraka.protocols import protocol_for
from ostraka.protocols.advice import Advice, Row, advise, in_words, number, table
from ostraka.protocols.noised_range import NoisedRange


def poll(n, kind="bool", extra=""):
    """A sum over n contributors, three of whom compute."""
    head = ["[session]", 'title = "Poll"', 'protocol = "secure-sum"', 'deadline = "5m"']
    head += ['coordinator = { address = "127.0.0.1:1", key = "sha256:' + "f" * 64 + '" }']
    for i in range(n):
        roles = ["contributor"] + ["compute", "recipient"] * (i < 3)
        head += ["[[party]]", f'name = "p{i}"', f'key = "sha256:{i:064x}"']
        head += [f"roles = {json.dumps(roles)}"]
    return parse("\n".join([*head, "[input]", f'type = "{kind}"', extra]))


@pytest.fixture(scope="module")
def of_10_000():
    return advise(protocol_for(poll(10_000)))


def test_ten_thousand_people_and_epsilon_1(of_10_000):
    """The figures of the textbook: +- 188 with local noise, +- 4 with central noise."""
    row = next(row for row in of_10_000.rows if row.epsilon == 1)
    assert row.local == pytest.approx(188, abs=1)
    assert row.central == pytest.approx(4, abs=0.5)
    assert of_10_000.least_useful("local") == Decimal("0.5")
    assert of_10_000.least_useful("central") == Decimal("0.1")


def test_the_errors_are_those_that_a_run_prints(of_10_000):
    noise = '[privacy]\nlocal = { mechanism = "randomized-response", epsilon = 1 }'
    protocol = protocol_for(poll(10_000, extra=noise))
    (output,) = protocol.combine(protocol.scheme.zeros(1), protocol.contributors)
    assert of_10_000.rows[2].local == output.error95


def test_which_noise_serves_is_said_with_numbers(of_10_000):
    words = " ".join(in_words(protocol_for(poll(100)), of_10_000))
    assert "move the sum by up to 1; it lies in a range of 10,000" in words
    assert "Local noise serves from epsilon = 0.5 on" in words
    few = poll(3)
    words = " ".join(in_words(protocol_for(few), advise(protocol_for(few))))
    assert "noise of either kind blurs the answer" in words


def test_an_input_known_from_the_news_bounds_the_others():
    losses = poll(50, "int", "min = 0\nmax = 1000000")
    words = " ".join(in_words(protocol_for(losses), advise(protocol_for(losses))))
    assert "upper bound of every other input" in words
    gains = poll(50, "int", "min = -5\nmax = 5")
    words = " ".join(in_words(protocol_for(gains), advise(protocol_for(gains))))
    assert "upper bound" not in words
    assert "subtraction" in words


def test_noise_that_is_agreed_upon_needs_no_warning():
    noised = poll(50, extra='[privacy]\ncentral = { mechanism = "laplace", epsilon = 1 }')
    words = in_words(protocol_for(noised), advise(protocol_for(noised)))
    assert len(words) == 1


def test_a_mean_is_moved_less_than_a_sum():
    means = poll(50, "int", 'min = 0\nmax = 100\n[outputs]\nstatistics = ["mean"]')
    advice = advise(protocol_for(means))
    assert (advice.figure, advice.reach.span, advice.reach.change) == ("mean", 100, 2)
    advice = advise(protocol_for(poll(50, extra='[outputs]\nstatistics = ["mean"]')))
    assert (advice.figure, advice.reach.span, advice.reach.change) == ("mean", 1, 1 / 50)


def test_clipping_bounds_what_one_contributor_can_move():
    noise = '[privacy]\nlocal = { mechanism = "laplace", epsilon = 1 }\n'
    clipped = "length = 3\nmin = -5\nmax = 5\n" + noise + 'clip = { norm = "l2", at = 4 }'
    advice = advise(protocol_for(poll(50, "int", clipped)))
    assert (advice.reach.span, advice.reach.change) == (50 * 8, 8)


def test_what_is_not_possible_is_a_dash():
    rows = (Row(Decimal("1"), None, 12.3),)
    assert table(Advice("sum", NoisedRange("", 100, 1, ""), rows))[1].split() == [
        "1",
        "-",
        "+-",
        "12.3",
    ]
    assert number(12345.6) == "12,346"


def test_what_one_input_moves_is_said_of_the_fewest_who_may_be_counted(manifest):
    """A mean over three of six moves twice as far as one over all."""
    roles = {**dict.fromkeys(("a", "b", "c"), "ckr"), **dict.fromkeys(("d", "e", "f"), "c")}
    kind = {"bounds": (0, 60), "scheme": "shamir", "threshold": 1}
    for least, moved in ((3, 20), (6, 10)):
        for figure, of_one in (("mean", moved), ("variance", 60 * moved)):
            asked = manifest(roles, statistics=(figure,), least=least, **kind)
            assert protocol_for(asked).noised_range(figure).change == of_one
