import asyncio
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from portions import portioned

from ostraka.arithmetic.field import P61
from ostraka.errors import Aborted, InputError, ManifestError, PeerViolation, RefusedByPolicy
from ostraka.outcome import Outcome
from ostraka.protocols import protocol_for
from ostraka.protocols.threshold_vote import ThresholdVote
from ostraka.sharing.scheme import Explicit
from ostraka.simulation import Crashed, MemoryNet, run_all, simulate_sync

YES_NO = 'choice(["yes","no"])'
YES_NO_ABSTAIN = 'choice(["yes","no","abstain"])'
COLOURS = 'choice(["red","green","blue"])'
COLOURS_ABSTAIN = 'choice(["red","abstain","green","blue"])'
NAMES = ("alice", "bob", "carlos", "david", "erin", "frank", "grace", "heidi", "ivan")


@pytest.fixture
def vote(manifest):
    """A vote's protocol: n parties, or a mapping from names to roles."""

    def make(parties, outputs='pass_at = "1/2"', *, kind=YES_NO, threshold=None, cls=None, **more):
        roles = dict.fromkeys(NAMES[:parties], "ckr") if isinstance(parties, int) else parties
        n = sum("k" in letters for letters in roles.values())
        more = {"scheme": "shamir", "threshold": threshold or (n - 1) // 2, **more}
        made = manifest(roles, type=kind, outputs=outputs, protocol="threshold-vote", **more)
        return (cls or protocol_for)(made)

    return make


def play(protocol, ballots, seed=0, drop=None):
    net = MemoryNet(protocol.manifest.parties, drop, seed)
    inputs = dict(zip(protocol.contributors, ballots, strict=True))
    return asyncio.run(run_all(protocol, inputs, net, seed=seed)), net


def outcome(results):
    """The one outcome that every recipient got."""
    found = [result for result in results.values() if result is not None]
    assert all(isinstance(result, Outcome) for result in found), found
    values = [result.outputs[0].value for result in found]
    assert all(value == values[0] for value in values)
    assert all([o.name for o in result.outputs] == ["outcome"] for result in found)
    return values[0]


# --- against the textbook -------------------------------------------------------------------------

FRACTIONS = ["1/2", "1/3", "2/3", "3/4", "51%", "1"]


@st.composite
def votes(draw):
    """Parties, threshold, type, [outputs] and ballots of any vote."""
    n = draw(st.sampled_from([3, 3, 3, 4, 4, 5]))
    threshold = draw(st.integers(1, (n - 1) // 2))
    reveal = draw(st.sampled_from(["outcome", "outcome", "winner", "approved"]))
    kinds = [YES_NO, YES_NO_ABSTAIN] if reveal == "outcome" else [COLOURS, COLOURS_ABSTAIN]
    kind = draw(st.sampled_from(kinds))
    weights = {name: draw(st.integers(1, 4)) for name in NAMES[:n] if draw(st.booleans())}
    total = sum(weights.get(name, 1) for name in NAMES[:n])
    lines = [f'reveal = "{reveal}"']
    choices = 1 if reveal == "outcome" else draw(st.integers(1, 3))
    lines += [f"choices = {choices}"]
    if reveal != "winner" and draw(st.booleans()):
        fraction = draw(st.sampled_from(FRACTIONS))
        above = fraction != "1" and draw(st.booleans())
        lines.append(f'{"pass_above" if above else "pass_at"} = "{fraction}"')
        lines.append(f'of = "{draw(st.sampled_from(["cast", "all"]))}"')
    elif reveal != "winner":
        lines.append(f"pass_at_votes = {draw(st.integers(1, total))}")
    heads = draw(st.booleans())
    most = n if heads else total
    quorum = draw(st.sampled_from([None, '"1/2"', str(draw(st.integers(1, most)))]))
    lines += [f"quorum = {quorum}"] * (quorum is not None)
    lines += ['quorum_of = "heads"'] * (heads and quorum is not None)
    if weights:
        lines.append("weights = {" + ", ".join(f"{k} = {w}" for k, w in weights.items()) + "}")
    options = [o for o in ("yes", "no", "red", "green", "blue") if o in kind]
    some = st.lists(st.sampled_from(options), min_size=1, max_size=choices, unique=True)
    ballot = st.one_of(some, st.just(["abstain"])) if "abstain" in kind else some
    return n, threshold, kind, "\n".join(lines), draw(st.lists(ballot, min_size=n, max_size=n))


@given(case=votes(), seed=st.integers(0, 99))
def test_every_recipient_gets_what_the_textbook_says(manifest, case, seed):
    n, threshold, kind, outputs, ballots = case
    protocol = protocol_for(
        manifest(
            dict.fromkeys(NAMES[:n], "ckr"), type=kind, outputs=outputs,
            protocol="threshold-vote", scheme="shamir", threshold=threshold,
        )
    )  # fmt: skip
    results, net = play(protocol, ballots, seed)
    expected = protocol.plaintext(dict(zip(NAMES, ballots, strict=False)))
    assert {"outcome": outcome(results)} == expected
    assert net.sent == protocol.cost().sent


@pytest.mark.parametrize(("yes", "found"), [(1, "NO"), (2, "YES"), (3, "YES")])
def test_as_many_votes_as_asked_for_are_enough(vote, yes, found):
    results, _ = play(vote(4), ["yes"] * yes + ["no"] * (4 - yes))
    assert outcome(results) == found


@pytest.mark.parametrize(("n", "threshold"), portioned([(7, 3)], [(7, 2), (9, 4)]))
@pytest.mark.parametrize("yes", portioned([3, 4], [0, 1, 5]))
def test_larger_boards(vote, n, threshold, yes):
    protocol = vote(n, threshold=threshold)
    results, net = play(protocol, ["yes"] * yes + ["no"] * (n - yes))
    assert outcome(results) == ("YES" if 2 * yes >= n else "NO")
    assert net.sent == protocol.cost().sent


@pytest.mark.parametrize(
    ("rule", "ballots", "expected"),
    [
        ('pass_at = "1/2"', "yynn", "YES"),  # exactly at the threshold
        ('pass_at = "1/2"', "ynnn", "NO"),
        ('pass_at = "501/1000"', "yynn", "NO"),
        ('pass_at = "2/3"', "yyna", "YES"),  # exactly two thirds of those cast
        ('pass_at = "2/3"\nof = "all"', "yyna", "NO"),
        ('pass_at = "3/4"\nof = "all"', "yyya", "YES"),
        ('pass_at = "1/2"', "aaaa", "NO"),  # nobody voted: nothing passes
        ('pass_at = "1/1000000"', "aaaa", "NO"),
        ('pass_at = "1/1000000"', "yaaa", "YES"),
        ("pass_at = 1", "yaaa", "YES"),
        ("pass_at = 1", "yyyn", "NO"),
        ('pass_at = "1/2"\nquorum = 2', "yaaa", "NO"),  # the edge of a quorum
        ('pass_at = "1/2"\nquorum = 2', "ynaa", "YES"),
        ('pass_at = "1/2"\nquorum = "3/4"', "yyaa", "NO"),
        ('pass_at = "1/2"\nquorum = "3/4"', "yyna", "YES"),
        ('pass_at = "1/2"\nquorum = 4', "ynnn", "NO"),
        ("pass_at_votes = 3", "yyna", "NO"),
        ("pass_at_votes = 3", "yyyn", "YES"),
        ('pass_at = "1/2"\nweights = { alice = 3 }', "ynnn", "YES"),
        ('pass_at = "51%"\nweights = { alice = 3 }', "ynnn", "NO"),
        ('pass_at = "1/2"\nquorum = 5\nweights = { alice = 3 }', "yaaa", "NO"),
        ("pass_at = 0.75", "yyyn", "YES"),
    ],
)
def test_edges_of_a_referendum(vote, rule, ballots, expected):
    words = {"y": "yes", "n": "no", "a": "abstain"}
    protocol = vote(4, rule, kind=YES_NO_ABSTAIN)
    results, _ = play(protocol, [words[b] for b in ballots])
    assert outcome(results) == expected


@pytest.mark.parametrize(
    ("outputs", "ballots", "expected"),
    [
        ('reveal = "winner"', "rgbb", "blue"),
        ('reveal = "winner"', "bbgg", "green"),  # a tie: the first in the manifest's order
        ('reveal = "winner"', "brgb", "blue"),
        ('reveal = "winner"', "aaaa", "no winner"),
        ('reveal = "winner"', "aaba", "blue"),
        ('reveal = "winner"\nquorum = 3', "aabb", "no winner"),
        ('reveal = "winner"\nquorum = 3', "abbr", "blue"),
        ('reveal = "winner"\nweights = { david = 5 }', "bbbg", "green"),
        ('reveal = "approved"\npass_at = "1/2"', "rrgg", ["red", "green"]),
        ('reveal = "approved"\npass_at = "1/2"', "rgba", []),
        ('reveal = "approved"\npass_at = "1/2"', "aaaa", []),
        ('reveal = "approved"\npass_at = "1/3"\nquorum = 4', "rgba", []),
        ('reveal = "approved"\npass_at = "1/3"\nquorum = 3', "rgba", ["red", "green", "blue"]),
    ],
)
def test_several_options(vote, outputs, ballots, expected):
    words = {"r": "red", "g": "green", "b": "blue", "a": "abstain"}
    protocol = vote(4, outputs, kind=COLOURS_ABSTAIN)
    results, _ = play(protocol, [words[b] for b in ballots])
    assert outcome(results) == expected


def test_a_bool_is_a_ballot_and_the_order_of_options_does_not_matter(vote):
    assert outcome(play(vote(3, kind="bool"), [True, "no", False])[0]) == "NO"
    turned = vote(3, kind='choice(["abstain","no","yes"])')
    assert outcome(play(turned, ["yes", "no", "abstain"])[0]) == "YES"


def test_voters_need_not_compute_and_may_leave(vote):
    """Five voters, three clerks, one herald: voters send two messages and are gone."""
    roles = {**dict.fromkeys(NAMES[:5], "c"), **dict.fromkeys(NAMES[5:8], "k"), "ivan": "r"}
    protocol = vote(roles, least=4)
    results, net = play(protocol, ["yes", "yes", "yes", "no", "no"])
    assert outcome(results) == "YES"
    assert [name for name, result in results.items() if result] == ["ivan"]
    assert net.sent["alice"].messages == 3
    results, _ = play(protocol, ["yes", "yes", "yes", "no", "no"], drop={"alice": 0})
    assert results["ivan"].contributors == NAMES[1:5]
    assert outcome({"ivan": results["ivan"]}) == "YES"  # 2 of 4


@given(data=st.data())
def test_many_questions_at_once(manifest, data):
    n, questions = data.draw(st.sampled_from([3, 4, 5])), data.draw(st.integers(2, 6))
    outputs = data.draw(
        st.sampled_from(['pass_at = "1/2"', 'pass_at = "2/3"\nquorum = 2', "pass_at_votes = 2"])
    )
    kind = data.draw(st.sampled_from([YES_NO, YES_NO_ABSTAIN, "bool"]))
    more = {"scheme": "shamir", "threshold": 1, "protocol": "threshold-vote"}
    roles = dict.fromkeys(NAMES[:n], "ckr")
    protocol, single = (
        protocol_for(manifest(roles, type=kind, outputs=outputs, length=length, **more))
        for length in (questions, 1)
    )
    word = st.sampled_from(["yes", "no", "abstain"] if "abstain" in kind else ["yes", "no"])
    ballots = [data.draw(st.lists(word, min_size=questions, max_size=questions)) for _ in range(n)]
    results, net = play(protocol, ballots)
    found = outcome(results)
    assert found == protocol.plaintext(dict(zip(NAMES, ballots, strict=False)))["outcome"]
    for q in range(questions):
        alone = {name: ballot[q] for name, ballot in zip(NAMES, ballots, strict=False)}
        assert single.plaintext(alone)["outcome"] == found[q]
    assert net.sent == protocol.cost().sent


@pytest.mark.parametrize("at", [0, 2])
def test_one_bad_ballot_of_many_is_found(vote, at):
    vector = [1, 0, 1]
    vector[at] = 2

    class Cheater(ThresholdVote):
        def encode(self, me, raw):
            good = super().encode(me, ["yes", "no", "yes"] if raw == "cheat" else raw)
            return np.array(vector, np.uint64) if raw == "cheat" else good

    protocol = vote(3, cls=Cheater, length=3)
    yes = ["yes"] * 3
    results, _ = play(protocol, [yes, "cheat", yes])
    assert all(isinstance(r, PeerViolation) and r.peer == "bob" for r in results.values())


# --- ballots that are none ------------------------------------------------------------------------

VECTORS = {
    "1000": [1000, 0, 0],
    "-1": [-1, 2, 0],
    "two options": [1, 1, 0],
    "one and an abstention": [1, 0, 1],
    "none": [0, 0, 0],
    "halves that add up to one": [(P61.p + 1) // 2, (P61.p + 1) // 2, 0],
    "yes, 1000 times": [1000],  # where nobody may abstain, the entry of yes alone is shared
    "yes, -1 times": [-1],
    "half a yes": [(P61.p + 1) // 2],
}


def kind_of(vector):
    return YES_NO if len(vector) == 1 else YES_NO_ABSTAIN


def cheater(base, who, vector):
    class Cheater(base):
        """One contributor shares a raw vector."""

        def encode(self, me, raw):
            if raw == who:
                return np.array([x % P61.p for x in vector], np.uint64)
            return super().encode(me, raw)

    return Cheater


def crooked(base, who, to=NAMES):
    class Crooked(base):
        """One contributor deals shares that are not of one polynomial, to some."""

        def share(self, x, me, draw):
            parcels = super().share(x, me, draw)
            if me == who:
                for receiver, parcel in parcels.items():
                    if receiver != me and receiver in to and isinstance(parcel, Explicit):
                        parcels[receiver] = Explicit((parcel.vector + np.uint64(1)) % P61._p)
            return parcels

    return Crooked


@pytest.mark.parametrize("n", portioned([4], [3, 5]))
@pytest.mark.parametrize("what", VECTORS)
def test_an_invalid_ballot_stops_everything_and_names_its_voter(vote, n, what):
    vector = VECTORS[what]
    protocol = vote(n, kind=kind_of(vector), cls=cheater(ThresholdVote, "bob", vector))
    results, _ = play(protocol, ["yes", "bob", "no", "yes", "no"][:n])
    for name, result in results.items():
        assert isinstance(result, PeerViolation), (name, result)
        assert result.peer == "bob"
        assert "bob's input is not a valid ballot" in result.message
        assert result.data_left is True


@pytest.mark.parametrize("what", VECTORS)
def test_an_invalid_ballot_may_be_left_out(vote, what):
    outputs = 'pass_at = "1/2"\ninvalid = "exclude"'
    vector = VECTORS[what]
    cls = cheater(ThresholdVote, "bob", vector)
    protocol = vote(4, outputs, kind=kind_of(vector), cls=cls, least=3)
    results, net = play(protocol, ["yes", "bob", "no", "no"])
    assert outcome(results) == "NO"  # with bob's 1000 it would have been a YES
    assert results["alice"].contributors == ("alice", "carlos", "david")
    again, other = play(protocol, ["yes", "bob", "yes", "no"])
    assert outcome(again) == "YES"
    assert net.sent == other.sent  # what is sent tells who has no ballot, and nothing else
    assert net.sent["alice"].bytes > protocol.cost().sent["alice"].bytes


def test_too_few_valid_ballots_are_refused_by_policy(vote):
    outputs = 'pass_at = "1/2"\ninvalid = "exclude"'
    protocol = vote(4, outputs, cls=cheater(ThresholdVote, "bob", [3]), least=4)
    results, _ = play(protocol, ["yes", "bob", "no", "no"])
    assert all(isinstance(result, RefusedByPolicy) for result in results.values())


@pytest.mark.parametrize(("n", "threshold"), [(3, 1), (4, 1), (5, 1), (5, 2)])
@pytest.mark.parametrize("who", ["alice", "bob"])
def test_shares_of_no_polynomial_are_found_or_harmless(vote, n, threshold, who):
    protocol = vote(n, threshold=threshold, cls=crooked(ThresholdVote, who))
    results, _ = play(protocol, ["yes", "yes", "no", "no", "no"][:n])
    assert all(
        (isinstance(result, PeerViolation) and result.peer == who)
        or (isinstance(result, Outcome) and result.outputs[0].value == "YES" and n == 4)
        for result in results.values()
    ), results


@pytest.mark.parametrize("kind", [YES_NO, YES_NO_ABSTAIN], ids=["powers", "masked"])
@pytest.mark.parametrize("n", [4, 5])
def test_a_wrong_share_for_one_who_reduces_no_degree_is_harmless(vote, n, kind):
    """Ballots are counted before they are checked, which the last one's shares are no part of."""
    cls = crooked(ThresholdVote, "bob", to=NAMES[n - 1])
    protocol = vote(n, threshold=1, kind=kind, cls=cls)
    results, _ = play(protocol, ["yes", "yes", "no", "yes", "no"][:n])
    assert outcome(results) == "YES"


@pytest.mark.slow
def test_what_is_opened_of_an_invalid_ballot_is_uniform(vote, monkeypatch):
    """The same bad ballot, 600 times: its opened error is a new uniform element each time."""
    from ostraka.engine.rounds import Masked
    from ostraka.engine.shamir.backend import ShamirBackend

    opened = []

    async def spying(engine, tasks):
        found = await real(engine, tasks)
        pairs = zip(tasks, found, strict=True)
        opened.extend(value for task, value in pairs if isinstance(task, Masked))
        return found

    real = ShamirBackend.round
    monkeypatch.setattr(ShamirBackend, "round", spying)
    cls = cheater(ThresholdVote, "bob", [1000, 0, 0])
    protocol = vote(3, kind=YES_NO_ABSTAIN, cls=cls)
    for seed in range(600):
        play(protocol, ["yes", "bob", "no"], seed)
    values = np.array(opened[::3])
    assert not values[:, [0, 2]].any()
    cells = np.bincount((values[:, 1] // (P61.p // 16)).clip(0, 15).astype(int), minlength=16)
    chi2 = ((cells - 37.5) ** 2 / 37.5).sum()
    assert chi2 < 45  # 15 degrees of freedom: exceeded once in 10,000


# --- nothing but the outcome ----------------------------------------------------------------------


@pytest.mark.parametrize("outputs", ['pass_at = "1/2"', 'reveal = "winner"'])
def test_traffic_does_not_depend_on_ballots(vote, outputs):
    """A unanimous vote looks like a narrow one: the same messages, the same bytes, each round."""
    kind = YES_NO_ABSTAIN if "pass_at" in outputs else COLOURS_ABSTAIN
    a, b = ("yes", "no") if "pass_at" in outputs else ("red", "blue")

    def shape(ballots):
        protocol = vote(5, outputs, kind=kind)
        log = []
        net = MemoryNet(protocol.manifest.parties)
        put = net.put
        net.put = lambda sender, to, step, m: (
            log.append((sender, to, step, m.dtype.str, m.size)), put(sender, to, step, m)
        )  # fmt: skip
        inputs = dict(zip(protocol.contributors, ballots, strict=True))
        asyncio.run(run_all(protocol, inputs, net))
        return sorted(log)

    unanimous = shape([a] * 5)
    assert len(unanimous) > 5 * 4 * 3
    for other in ([a, a, a, b, b], [b] * 5, ["abstain"] * 5, [a, b, "abstain", a, b]):
        assert shape(other) == unanimous


@pytest.mark.parametrize("n", [3, 5, 9])
def test_a_vote_takes_four_rounds(vote, n):
    assert vote(n).cost().rounds == 4
    assert vote(n, 'pass_at = "1/2"\nquorum = 2', kind=YES_NO_ABSTAIN).cost().rounds == 5
    assert vote(n, 'reveal = "winner"').cost().rounds == 4
    assert vote(n, 'reveal = "winner"', kind=COLOURS).cost().rounds == 5
    # who does not compute may be missing, so compute parties ask one another
    roles = {**dict.fromkeys(NAMES[:n], "ckr"), "zoe": "c"}
    assert vote(roles, least=n).cost().rounds == 6
    # a range too large for a table is compared
    heavy = 'pass_at = "1/2"\nweights = { alice = 1000 }'
    assert vote(n, heavy).cost().rounds > 10


def test_one_number_is_opened_to_recipients(vote):
    for rule in ('pass_at = "1/2"', 'pass_at = "1/2"\nquorum = 2', "pass_at_votes = 2"):
        assert vote(3, rule).opened == 1
    assert vote(3, 'reveal = "winner"', kind=COLOURS).opened == 1


# --- crashes --------------------------------------------------------------------------------------


def test_a_crash_of_a_compute_party_names_it_and_opens_nothing(vote):
    protocol = vote(3)
    last = protocol.cost().sent["bob"].messages
    opening = 2  # a message to each of two recipients
    for k in range(last):
        results, _ = play(protocol, ["yes", "no", "yes"], k, {"bob": k})
        assert isinstance(results["bob"], Crashed)
        others = [results["alice"], results["carlos"]]
        assert all(isinstance(r, Aborted | RefusedByPolicy | Outcome) for r in others), others
        if k < last - opening:
            assert not any(isinstance(result, Outcome) for result in others)
            assert any("bob" in str(result) for result in others)
        else:  # two shares of the outcome are enough
            assert outcome({"alice": others[0], "carlos": others[1]}) == "YES"


# --- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "more", "problem"),
    [
        ("", {}, "outputs: pass_at is missing"),
        ('pass_at = "2/1"', {}, "outputs.pass_at: must be above 0 and at most 1"),
        ('pass_at = "0/1"', {}, "outputs.pass_at: must be above 0"),
        ('pass_at = "1/0"', {}, "outputs.pass_at: must not divide by zero"),
        ('pass_at = "half"', {}, "outputs.pass_at: must be a fraction"),
        ("pass_at = 3", {}, "outputs.pass_at: must be a fraction"),
        ("pass_at = true", {}, "outputs.pass_at: must be"),
        ('pass_at = "1/2"\npass_at_votes = 2', {}, "outputs.pass_at_votes: stands instead"),
        ("pass_at_votes = 4", {}, "outputs.pass_at_votes: 4 votes are more than all, 3"),
        ("pass_at_votes = 0", {}, "outputs.pass_at_votes: "),
        ('pass_at_votes = 2\nof = "all"', {}, "outputs.of: goes with pass_at"),
        ('pass_at = "1/2"\nof = "some"', {}, 'outputs.of: must be "cast" or "all"'),
        ('pass_at = "1/2"\nquorum = 9', {}, "outputs.quorum: 9 votes are more than all, 3"),
        ('pass_at = "1/2"\nquorum = 0', {}, "outputs.quorum: must be at least 1"),
        ('pass_at = "1/2"\nquorum = "3/2"', {}, "outputs.quorum"),
        ('pass_at = "1/2"\nweights = { zoe = 2 }', {}, "outputs.weights: zoe is not"),
        ('pass_at = "1/2"\nweights = { bob = 0 }', {}, "outputs.weights.bob: "),
        ('pass_at = "1/2"\ninvalid = "maybe"', {}, 'outputs.invalid: must be "abort"'),
        ('pass_at = "1/2"\nchoices = 3', {}, "outputs.choices: must be at most"),
        ('pass_at = "1/2"\ntally = true', {}, "outputs.tally: unknown key"),
        ('reveal = "winner"\npass_at = "1/2"', {"kind": COLOURS}, "outputs.reveal: the winner is"),
        ('pass_at = "1/2"', {"kind": COLOURS}, "input.type: YES or NO needs"),
        ('pass_at = "1/2"', {"kind": "int"}, "input.type: a ballot is a choice"),
        ('pass_at = "1/2"', {"kind": 'choice(["yes","abstain"])'}, "two options"),
        ('pass_at = "1/2"\nchoices = 2', {}, "outputs.choices: a ballot is yes or no"),
        ('reveal = "winner"', {"length": 2}, "input.length: several questions at once are"),
        ('reveal = "winner"\nchoices = 2', {"length": 2, "kind": COLOURS}, "input.length: "),
        ('pass_at = "1/2"', {"scheme": "additive", "threshold": None}, "sharing.scheme: "),
        ('pass_at = "1/2"', {"threshold": 2}, "sharing.threshold: .* needs 5 compute parties"),
        ('pass_at = "99999999/100000000"', {}, None),
    ],
)
def test_manifests_it_cannot_serve_are_refused(manifest, outputs, more, problem):
    more = {"scheme": "shamir", "threshold": 1, "kind": YES_NO, **more}
    made = manifest(
        dict.fromkeys(NAMES[:3], "ckr"), type=more.pop("kind"), outputs=outputs,
        protocol="threshold-vote", **more,
    )  # fmt: skip
    if problem is None:
        assert protocol_for(made).options.pass_at == Fraction(99999999, 100000000)
        return
    with pytest.raises(ManifestError, match=problem) as caught:
        protocol_for(made)
    assert caught.value.hint


def test_the_line_of_a_bad_option_is_named(vote):
    from ostraka import config

    text = f"""\
[session]
title = "T"
protocol = "threshold-vote"
deadline = "1m"
[[party]]
name = "alice"
key = "sha256:{0:064x}"
roles = ["contributor", "compute", "recipient"]
address = "127.0.0.1:1"
[[party]]
name = "bob"
key = "sha256:{1:064x}"
roles = ["contributor", "compute"]
address = "127.0.0.1:2"
[[party]]
name = "carlos"
key = "sha256:{2:064x}"
roles = ["contributor", "compute"]
[input]
type = "bool"
[outputs]
question = "Shall we?"
pass_at = "3/2"
[sharing]
scheme = "shamir"
threshold = 1
"""
    with pytest.raises(ManifestError, match=r"s.toml:23: outputs.pass_at: must be above 0"):
        config.bind_text(text, "s.toml")
    config.bind_text(text.replace("3/2", "1/2"), "s.toml")


@pytest.mark.parametrize(
    ("ballot", "problem"),
    [
        ("maybe", "is not one of"),
        (None, "no ballot"),
        ([], "0 entries"),
        (["red", "red"], "twice"),
        (["red", "abstain"], "abstains and names"),
        (["red", "green", "blue"], "3 entries"),
        (1, "is not one of"),
    ],
)
def test_bad_ballots_are_refused_before_anything_is_sent(vote, ballot, problem):
    protocol = vote(3, 'reveal = "winner"\nchoices = 2', kind=COLOURS_ABSTAIN)
    with pytest.raises(InputError, match=problem) as caught:
        protocol.encode("alice", ballot)
    assert caught.value.data_left is False


# --- in words -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("outputs", "kind", "sentence"),
    [
        ('pass_at = "1/2"', YES_NO, "a unanimous vote looks like a narrow one"),
        ('pass_at = 1\nof = "all"', YES_NO, "a YES tells that every voter counted voted for it"),
        ("pass_at = 1", YES_NO_ABSTAIN, "a YES tells that no voter who cast a vote was against"),
        ("pass_at_votes = 1", YES_NO, "a NO tells that no voter voted for it"),
        ('pass_at = "1/2"\nweights = { bob = 9 }', YES_NO, "bob's vote alone decides"),
        ('pass_at = "1/2"\nquorum = 3', YES_NO_ABSTAIN, "by every voter: none abstained"),
        ('pass_at = "1/2"', YES_NO, "2 of you who compare notes know all votes but one"),
        ('pass_at = "1/2"\ninvalid = "exclude"', YES_NO, "it does not count"),
        ('pass_at = "1/2"', YES_NO, "no single one of the 3 compute parties learns"),
        ('pass_at = "1/2"', YES_NO, "all 3 compute parties must stay"),
        ('pass_at = "1/2"', YES_NO, "passive security"),
        ('reveal = "winner"', COLOURS, "of several, the first in the manifest's order"),
        ('reveal = "winner"\nweights = { bob = 3 }', COLOURS, "the winner is bob's vote"),
    ],
)
def test_explain_says_what_the_outcome_may_tell(vote, outputs, kind, sentence):
    assert sentence in "\n".join(vote(3, outputs, kind=kind).explain())


def test_what_explain_warns_of_is_true(vote):
    """Enumerate: unanimity, dictators and "one vote is enough" are warned of exactly when so."""
    from itertools import product

    for rule in ("pass_at_votes = 1", "pass_at_votes = 2", "pass_at_votes = 3",
                 'pass_at = "1/2"\nweights = { bob = 3 }', 'pass_at = "2/3"'):  # fmt: skip
        protocol = vote(3, rule)
        told = {
            ballots: protocol.plaintext(dict(zip(NAMES, ballots, strict=False)))["outcome"]
            for ballots in product(["yes", "no"], repeat=3)
        }
        yes = [b for b, o in told.items() if o == "YES"]
        no = [b for b, o in told.items() if o == "NO"]
        words = "\n".join(protocol.explain())
        assert ("a YES tells that every voter" in words) == (len(yes) == 1)
        assert ("a NO tells that no voter" in words) == (len(no) == 1)
        alone = any(all((b[i] == "yes") == (o == "YES") for b, o in told.items()) for i in range(3))
        assert ("alone decides" in words) == alone


def test_simulate_runs_it(vote):
    protocol = vote(3)
    found = simulate_sync(protocol.manifest, dict.fromkeys(NAMES[:3], "yes"))
    assert outcome(found) == "YES"
