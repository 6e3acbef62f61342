"""Why figures are withheld, and the rules behind it, in words."""

from fractions import Fraction

import pytest

from ostraka.manifest import Dominance, Policy
from ostraka.protocols.forms.withheld import explain_pattern, explain_rules, why_withheld


def policy(**rules):
    return Policy(min_contributors=3, **rules)


def test_nothing_is_said_when_all_is_given():
    assert why_withheld(["a", "b"], [True, True], policy(min_cell=3)) == ""


def test_a_single_figure_and_several_name_the_rules():
    rules = policy(min_cell=3)
    assert why_withheld(["sum"], [False], rules) == (
        "The figure is withheld: it does not keep all rules of the policy (min_cell)."
    )
    said = why_withheld(["a", "b", "c"], [False, True, False], rules)
    assert said.startswith("2 of 3 cells and totals are withheld (a and c): ")


def test_many_withheld_figures_are_not_all_named():
    titles = [f"c{i}" for i in range(10)]
    assert "c5 and 4 others" in why_withheld(titles, [False] * 10, policy(min_cell=3))


@pytest.mark.parametrize(
    ("rules", "words"),
    [
        ({"min_cell": 3}, "at least 3 contributors have something in it"),
        ({"dominance": Dominance(largest=Fraction(1, 2))}, "makes up more than 50% of it"),
        ({"dominance": Dominance(n=2, k=Fraction(2, 3))}, "largest contributions are at most 2/3"),
        ({"dominance": Dominance(p=Fraction(1, 10))}, "at least 10% of the largest"),
    ],
)
def test_each_rule_has_its_sentence(rules, words):
    assert words in explain_rules(policy(**rules), "EUR", cells=4, signed=True)[0]


def test_rules_that_leave_much_open_are_warned_of():
    (none,) = explain_rules(policy(), "", cells=1, signed=True)
    assert none.startswith("WARNING: [policy] has no rule")
    assert "of two contributors" in explain_rules(policy(min_cell=2), "", cells=1, signed=True)[1]


def test_subtraction_is_spoken_of_only_where_there_are_totals():
    assert [len(explain_pattern(totals=totals)) for totals in (False, True)] == [1, 2]


@pytest.mark.parametrize(("least", "said"), [(1, None), (2, "WARNING"), (3, "and 2 of those")])
def test_contributors_to_a_cell_who_compare_notes_are_named(least, said):
    policy = Policy(min_contributors=3, min_cell=least, dominance=Dominance(p=Fraction(1, 10)))
    if least == 2:
        policy = policy.model_copy(update={"dominance": None})
    text = " ".join(explain_rules(policy, "", cells=4, signed=True))
    assert ("compare notes" in text) == (least == 3)
    assert said is None or said in text
