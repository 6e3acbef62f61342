import pytest

from ostraka.protocols import protocol_for
from ostraka.protocols.forms.units import explain_unit


@pytest.mark.parametrize("name", ["mean", "variance", "histogram", "median", "quantile 1/4"])
def test_averages_have_a_unit(name):
    (said,) = explain_unit([name])
    assert "each party that contributes counts once, large or small" in said
    assert f"the {name} is over" in said
    assert ('weights = "own"' in said) == (name == "mean")


@pytest.mark.parametrize("name", ["sum", "count", "min", "max", "largest"])
def test_sums_and_extremes_have_none(name):
    assert explain_unit([name]) == []


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"statistics": ["mean"]}, "mean is over companies, not over people. For a mean"),
        ({"statistics": ["sum", "mean", "variance"]}, "the mean and the variance are over"),
        ({"type": 'choice(["a","b"])', "statistics": ["histogram"]}, "the histogram is over"),
        (
            {
                "protocol": "statistics",
                "outputs": 'statistics = ["median"]\nquantiles = ["1/4"]',
                "scheme": "shamir",
                "threshold": 1,
            },
            "the median and the quantile 1/4 are over companies, not over people.",
        ),
        (
            {
                "statistics": ["mean"],
                "privacy": 'local = { mechanism = "laplace", epsilon = 1.0 }',
            },
            "large or small",
        ),
    ],
)
def test_check_names_the_unit(manifest, everybody, given, said):
    lines = protocol_for(manifest(everybody(3), **given)).explain()
    assert said in " ".join(lines)
    assert sum(line.startswith("Unit: ") for line in lines) == 1


def test_a_mean_with_noise_is_not_offered_weights_that_take_none(manifest, everybody):
    privacy = 'central = { mechanism = "laplace", epsilon = 1.0 }'
    lines = protocol_for(manifest(everybody(3), statistics=("mean",), privacy=privacy)).explain()
    assert "large or small" in " ".join(lines)
    assert 'weights = "own"' not in " ".join(lines)


def test_a_sum_alone_has_no_unit_to_mistake(manifest, everybody):
    assert "Unit: " not in " ".join(protocol_for(manifest(everybody(3))).explain())
