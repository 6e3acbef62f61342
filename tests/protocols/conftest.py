import pytest

from ostraka.manifest import Manifest, parse

NAMES = ("alice", "bob", "carlos", "david", "erin", "frank", "grace")


def write(
    roles,
    *,
    type="int",
    length=1,
    bounds=(-1000, 1000),
    statistics=("sum",),
    scheme="additive",
    threshold=None,
    security="passive",
    least=None,
    unit="",
    protocol="secure-sum",
    outputs=None,
    privacy="",
    policy="",
    outside=None,
) -> Manifest:
    """A manifest; `roles` maps names to any of the letters c, k, r: contributor, compute,
    recipient. `privacy` and `policy` are lines of those tables."""
    words = {"c": "contributor", "k": "compute", "r": "recipient"}
    lines = ["[session]", 'title = "Test"', f'protocol = "{protocol}"', 'deadline = "1m"']
    for i, (name, letters) in enumerate(roles.items()):
        named = ", ".join(f'"{words[letter]}"' for letter in letters)
        lines += ["[[party]]", f'name = "{name}"', f'key = "sha256:{i:064x}"']
        lines += [f"roles = [{named}]", f'address = "127.0.0.1:{9000 + i}"']
    lines += ["[input]", f"type = '{type}'", f"length = {length}", f'unit = "{unit}"']
    if type != "bool" and not type.startswith("choice"):
        lines += [f"min = {bounds[0]}", f"max = {bounds[1]}"]
    lines += [f'outside = "{outside}"'] * (outside is not None)
    wanted = ", ".join(f'"{s}"' for s in statistics)
    lines += ["[outputs]", f"statistics = [{wanted}]" if outputs is None else outputs]
    lines += ["[sharing]", f'scheme = "{scheme}"', f'security = "{security}"']
    lines += [f"threshold = {threshold}"] * (threshold is not None)
    lines += ["[policy]", policy, *[f"min_contributors = {least}"] * (least is not None)]
    lines += ["[privacy]", privacy]
    return parse("\n".join(lines))


@pytest.fixture(scope="session")
def manifest():
    """Builds manifests: see `write`."""
    return write


@pytest.fixture(scope="session")
def everybody():
    """The first n names, each in all three roles."""
    return lambda n: dict.fromkeys(NAMES[:n], "ckr")
