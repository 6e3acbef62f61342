import pytest

from ostraka.protocols.words import listed, names


@pytest.mark.parametrize(
    ("count", "said"),
    [
        (1, "p0"),
        (2, "p0 and p1"),
        (6, "p0, p1, p2, p3, p4 and p5"),
        (7, "p0, p1, p2, p3, p4, p5 and p6"),
        (8, "p0, p1, p2, p3, p4, p5 and 2 others"),
        (1000, "p0, p1, p2, p3, p4, p5 and 994 others"),
    ],
)
def test_very_many_names_are_cut(count, said):
    parties = tuple(f"p{i}" for i in range(count))
    assert names(parties) == said
    assert listed(parties).endswith(parties[-1])
