"""Joint noise over real sockets: the three who add it, and one recipient who does not."""

import pytest

from ostraka import manifest

ROLES = {
    "alice": '"contributor", "compute"',
    "bob": '"contributor", "compute"',
    "carlos": '"contributor", "compute"',
    "erin": '"recipient"',
}
COLOURS = 'choice(["red", "green", "blue"])'
SHAMIR = '[sharing]\nscheme = "shamir"\nthreshold = 1\n'


def agreement(office, protocol, body, noise):
    return manifest.parse(
        f'[session]\ntitle = "Noise"\nprotocol = "{protocol}"\ndeadline = "10s"\ntimeout = "10s"\n'
        f"{office.tables(ROLES)}{body}[privacy]\ncentral = {{ {noise} }}\n"
    )


@pytest.mark.parametrize(
    ("protocol", "body", "noise", "name"),
    [
        (
            "secure-sum",
            f"[input]\ntype = '{COLOURS}'\n[outputs]\nstatistics = [\"histogram\"]\n",
            'mechanism = "discrete-laplace", epsilon = 1',
            "histogram",
        ),
        (
            "tally",
            f"[input]\ntype = '{COLOURS}'\n{SHAMIR}",
            'mechanism = "discrete-gaussian", epsilon = 1, delta = 1e-6',
            "tally",
        ),
        (
            "private-choice",
            f"[input]\ntype = '{COLOURS}'\n{SHAMIR}",
            'mechanism = "exponential", epsilon = 200',
            "choice",
        ),
    ],
)
async def test_the_recipient_learns_what_is_noised_and_says_so(office, protocol, body, noise, name):
    votes = {"alice": "green", "bob": "blue", "carlos": "green"}
    found = await office.run(agreement(office, protocol, body, noise), votes)
    assert found["erin"]["status"] == "noised"
    (output,) = found["erin"]["outputs"]
    assert output["name"] == name
    if name == "choice":
        assert output["value"] == "green"
    else:
        errors = output["error95"]
        exact = {"red": 0, "green": 2, "blue": 1}
        assert set(errors) == set(output["value"]) == set(exact)
        assert all(abs(output["value"][k] - n) < 20 * errors[k] for k, n in exact.items())
    for voter in votes:
        assert found[voter]["status"] == "no-output"
