"""Table [round]: in the digest where it is there, and only there."""

import pytest

from ostraka.errors import ManifestError
from ostraka.manifest import parse

PLAIN = "".join(
    [
        '[session]\ntitle = "t"\nprotocol = "secure-sum"\ndeadline = "1m"\n',
        *(
            f'[[party]]\nname = "p{i}"\nkey = "sha256:{i:064x}"\naddress = "h:{i}"\n'
            'roles = ["contributor", "compute", "recipient"]\n'
            for i in (1, 2, 3)
        ),
        '[input]\ntype = "int"\nmin = 0\nmax = 1\n[sharing]\nscheme = "additive"\n',
    ]
)
ROUND = (
    f'[round]\nstudy = "sha256:{1:064x}"\nnumber = 2\nof = 5\neach = 3\nmodel = "sha256:{2:064x}"\n'
)


def test_only_rounds_have_it_in_their_digest():
    assert b"round" not in parse(PLAIN).canonical
    assert b'"round":{"each":3,"model":"sha256:' in parse(PLAIN + ROUND).canonical
    assert parse(PLAIN).digest != parse(PLAIN + ROUND).digest


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ("number = 2", "number = 6", "round.number: must be at most 5"),
        ("each = 3", "each = 6", "round.each: must be at most 5"),
        ("number = 2", "number = 0", "round.number"),
        ("number = 2", "nummer = 2", 'did you mean "number"'),
        (f"sha256:{1:064x}", "sha256:1", "round.study"),
    ],
)
def test_what_is_wrong_is_named(before, after, words):
    with pytest.raises(ManifestError) as caught:
        parse(PLAIN + ROUND.replace(before, after))
    assert words in caught.value.message
