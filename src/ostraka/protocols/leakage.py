"""What the answers of votes, auctions and statistics tell, in words: for `ostraka check`."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

from ostraka.protocols.forms.central import explain_noise
from ostraka.protocols.sentences import (
    IF_INVALID,
    explain_interactive,
    from_the_answer,
    names,
    second_session,
)
from ostraka.record.budget import short

if TYPE_CHECKING:
    from ostraka.noise.shares import NoiseShares
    from ostraka.protocols.auction import Auction
    from ostraka.protocols.forms.ballots import Vote
    from ostraka.protocols.forms.numbers import Comparing
    from ostraka.protocols.order_statistics import OrderStatistics
    from ostraka.protocols.private_choice import PrivateChoice
    from ostraka.protocols.protocol import Protocol
    from ostraka.protocols.tally import Tally
    from ostraka.protocols.threshold_vote import ThresholdVote


def explain_vote(vote: ThresholdVote) -> list[str]:
    """Who learns what of a vote, its rule in words, and where the outcome itself tells."""
    what = {
        "outcome": "whether the outcome is YES or NO, no count and no margin",
        "winner": "the winning option, no count and no margin",
        "approved": "which options are approved, no count and no margin",
    }[vote.options.reveal]
    if vote.questions > 1:
        what = f"for each of {vote.questions} questions {what}"
    exact = [
        *_dictators(vote),
        *_unanimity(vote),
        *_quorum_edge(vote),
        _coalition(vote),
        second_session(vote, "vote"),
    ]
    answer = [
        f"The rule{', applied to noisy counts' * bool(vote.noise)}: {_rule(vote)}.",
        *(explain_dealt_noise(vote, vote.noise) if vote.noise else exact),
        *explain_ballots(vote),
    ]
    return explain_interactive(vote, what, answer)


def explain_ballots(vote: Vote) -> list[str]:
    """What happens to ballots that are none."""
    then = IF_INVALID[vote.options.invalid]
    few = "exactly one option" if vote.options.choices == 1 else (
        f"one to {vote.options.choices} options"
    )  # fmt: skip
    return [
        f"Ballots are checked before they count, without being seen: each names {few}"
        f"{' or abstains' if vote.ballots.abstain else ''}, each once. Anything else, a ballot of "
        f"1000 or of -1, is found, its content hidden: {then}."
    ]


def _rule(vote: ThresholdVote) -> str:
    rule = vote.options
    if rule.reveal == "winner":
        text = "the option with the most votes wins; of several, the first in the manifest's order"
    else:
        base = "all contributors'" if rule.of == "all" else "the cast"
        part = "all" if rule.pass_at == 1 else f"at least {rule.pass_at}"
        enough = (
            f"{part} of {base} votes"
            if rule.pass_at is not None
            else f"at least {rule.pass_at_votes} votes"
        )
        subject = "YES" if rule.reveal == "outcome" else "an option passes"
        text = f"{subject} if {enough} are for it"
    if vote.quorum:
        text += f", and at least {vote.quorum} of {vote.all_votes} are cast"
    if rule.weights:
        shown = ", ".join(f"{name} {weight}" for name, weight in vote.weights.items())
        text += f"; votes count as often as said ({shown})"
    return text


def _needed(vote: ThresholdVote) -> int | None:
    """Votes that pass when everybody casts one; None when there is no such number."""
    rule = vote.options
    if rule.reveal == "winner":
        return None
    return rule.pass_at_votes or ceil((rule.pass_at or 1) * vote.all_votes)


def _dictators(vote: ThresholdVote) -> list[str]:
    needed, total = _needed(vote), vote.all_votes
    for name, weight in vote.weights.items():
        if needed is not None and total - weight < needed <= weight and not vote.ballots.abstain:
            return [f"WARNING: {name}'s vote alone decides: the outcome is {name}'s vote."]
        if needed is None and 2 * weight > total:
            return [f"WARNING: {name}'s vote alone decides: the winner is {name}'s vote."]
    return []


def _unanimity(vote: ThresholdVote) -> list[str]:
    rule, needed = vote.options, _needed(vote)
    yes = "a YES" if rule.reveal == "outcome" else "an approval"
    no = "a NO" if rule.reveal == "outcome" else "no approval"
    if rule.reveal == "winner":
        return [
            "Unanimity: a unanimous vote looks like a narrow one. That an option won tells that "
            "no other had more votes."
        ]
    lines = [
        "Unanimity: a unanimous vote looks like a narrow one, in the outcome and in the traffic."
    ]
    least = min(vote.weights.values())
    if needed is not None and needed > vote.all_votes - least:
        who = "nobody who cast a vote was against it" if rule.of == "cast" and (
            rule.pass_at is not None and vote.ballots.abstain
        ) else "everybody counted voted for it"  # fmt: skip
        lines = [f"WARNING: unanimity is asked for: {yes} tells that {who}."]
    elif needed is not None and needed <= least:
        lines = [f"WARNING: one vote is enough: {no} tells that nobody voted for it."]
    return lines


def _quorum_edge(vote: ThresholdVote) -> list[str]:
    if not vote.quorum:
        return []
    if vote.options.reveal == "winner":
        text = f"that there is no winner tells that fewer than {vote.quorum} votes were cast"
    else:
        text = "nobody learns whether too few votes were cast or too few were in favour"
    edge = f"a result that passes tells that at least {vote.quorum} votes were cast"
    if vote.quorum == vote.all_votes:
        edge += ", that is by everybody: nobody abstained"
    return [f"Quorum: {text}; {edge}."]


def _coalition(vote: ThresholdVote) -> str:
    k = len(vote.contributors)
    if k <= 2:
        return (
            f"WARNING: {k} voter{'s' * (k > 1)}: whoever knows its own vote and the outcome can "
            "often tell the other's."
        )
    return (
        f"The answer itself: {k - 1} of you who compare notes know all votes but one, and learn "
        "the last one whenever it decided. Fewer learn as much as the outcome says about the "
        "votes of all others together, and what each of those is if only one way of voting fits."
    )


def explain_tally(tally: Tally) -> list[str]:
    """Counts are sums: what subtraction gives away, and unanimity."""
    what = "the votes for each option" + " and the abstentions" * tally.ballots.abstain
    exact = [
        *from_the_answer(tally, "the counts"),
        "A unanimous vote shows in the counts, and with it everybody's ballot.",
    ]
    answer = explain_dealt_noise(tally, tally.noise) if tally.noise else exact
    return explain_interactive(tally, what, [*answer, *explain_ballots(tally)])


def explain_choice(choice: PrivateChoice) -> list[str]:
    """How an option is chosen, and how far it may be from the best."""
    noise, n = choice.noise, len(choice.scheme.compute)
    h, k = noise.honest, len(choice.names)
    epsilon = short(noise.epsilon)
    answer = [
        f"The rule: each of {k} options has a score; the compute parties each add a share of noise "
        "to every score, and the option with the highest sum is named.",
        "Noise: what one contributor's input changes in the choice is bounded by epsilon = "
        f"{epsilon}, whatever it changes in any score, up to {short(choice.change)}. Of {n} "
        f"shares of noise {h} are enough: it holds against any {n - h} compute parties who pool "
        "theirs.",
        "With probability 95% or more the score of the option named is at most "
        f"{short(choice.within)} below the best.",
        _dealers(choice, short(choice.most_noise), "a score"),
        *(explain_ballots(choice) if choice.votes else [_bounds(choice)]),
    ]
    return explain_interactive(choice, "the option that was chosen, and no score", answer)


def _dealers(protocol: Protocol, most: str, of: str) -> str:
    """What a compute party that lies can do with noise that is at most so large."""
    if protocol.manifest.sharing.security == "passive":
        return (
            "A compute party that does not follow the protocol can also deal any noise it likes, "
            "and so make the result wrong, unnoticed; it learns no more for that."
        )
    return (
        "Noise is the exception to what is proven below: that it was drawn as agreed cannot be, "
        "only that a share of it is no larger than noise can be. A compute party that lies can "
        f"move {of} by up to {most} with it, unnoticed; it learns no more for that."
    )


def explain_dealt_noise(protocol: Protocol, noise: NoiseShares) -> list[str]:
    """What hides whom where compute parties add noise to counts, and what one that lies can do."""
    n = len(protocol.scheme.compute)
    lines = explain_noise(noise, "the compute parties", n, n)
    return [*lines, _dealers(protocol, str(noise.share.bound), "a count")]


def explain_auction(auction: Auction) -> list[str]:
    """Who learns the winner and the price, and what a price tells of other bids."""
    second, k = auction.options.price == "second", len(auction.contributors)
    groups = auction.learns()
    lines = [
        f"{names(parties)} learn{'s' * (len(parties) == 1)} the {' and the '.join(figures)}."
        for figures, parties in groups.items()
    ]
    pays = "the second highest bid, or the reserve if that is higher" if second else "what it bid"
    ties = "the first in the manifest's order"
    if auction.options.ties == "random":
        ties = "one that the compute parties draw together, and none of them alone"
    rule = f"The rule: the highest bid wins; of equal ones, {ties}. It pays {pays}."
    if auction.options.reserve is not None:
        rule += f" Bids below {auction.options.reserve} do not win."
    edge = (
        "The answer itself: a price tells that nobody but the winner bid more, and no sale that "
        "nobody bid the reserve. "
    )
    if second:
        edge += "A second price is a losing bid, though not whose. "
        if k == 2:
            edge = "WARNING: two bidders and a second price: the price is the loser's bid. "
    else:
        edge += "Who knows the winner and the price knows the winner's bid, and no other. "
    edge += "Bidders who compare notes learn whether the others' bids were above their own."
    return explain_interactive(
        auction,
        "the outcome",
        [*lines, rule, edge, second_session(auction, "auction"), _bounds(auction)],
    )


def explain_statistics(statistics: OrderStatistics) -> list[str]:
    """An order statistic is somebody's number."""
    k = len(statistics.contributors)
    others = (
        f"{k - 1} of you who compare notes learn the last one's number whenever it is among the "
        "figures, and otherwise between which of theirs it lies."
    )
    if k == 1:
        others = "WARNING: with one contributor, every figure is its number."
    return explain_interactive(
        statistics,
        " and ".join(f"the {name}" for name in statistics.figures),
        [
            "The answer itself: a minimum, a maximum, a quantile, each of the largest and, of an "
            "odd number of contributors, the median are somebody's number, though not whose; "
            "whoever is known to stand out is known by the extremes.",
            others,
            second_session(statistics, "session"),
            _bounds(statistics),
        ],
    )


def _bounds(protocol: Comparing) -> str:
    then = IF_INVALID[protocol.options.invalid]
    low, high = protocol.manifest.input.min, protocol.manifest.input.max
    return (
        f"Inputs are checked before they count, without being seen: each is from {low} to {high}. "
        f"Anything else is found, its value hidden: {then}."
    )
