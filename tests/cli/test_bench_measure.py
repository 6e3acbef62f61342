"""What bench takes for right, and the manifest of a collection; whole benches: test_bench.py."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ostraka.cli.bench_measure import _require_right, with_absent
from ostraka.errors import InternalError
from ostraka.manifest import parse
from ostraka.outcome import Output

THREE = """\
[session]
title = "Bench"
protocol = "secure-sum"
deadline = "5m"
""" + "".join(
    f'[[party]]\nname = "p{i}"\nkey = "sha256:{100 + i:064x}"\n'
    f'roles = ["contributor", "compute", "recipient"]\naddress = "127.0.0.1:{9000 + i}"\n'
    for i in range(1, 4)
)
MANIFEST = parse(THREE + '[input]\ntype = "bool"\n[sharing]\nscheme = "shamir"\nthreshold = 1\n')


def test_places_of_a_collection_stand_in_for_those_who_are_there() -> None:
    found = with_absent(MANIFEST, 5)
    assert found.contributors == ("#1", "#2", "#3", "#4", "#5")
    assert found.compute == found.recipients == ("p1", "p2", "p3")
    assert found.policy.min_contributors == 5


def outputs(*values: int, error: float | None = None) -> tuple[Output, ...]:
    return (Output("sum", "", (np.array(values),), None, False, error95=error),)


@pytest.mark.parametrize(("values", "error"), [((3, 4), None), ((3, 40), 2.0), ((3, 44), 2.0)])
def test_a_right_result_passes(values: tuple[int, ...], error: float | None) -> None:
    job = SimpleNamespace(case="sum")
    _require_right(job, outputs(*values, error=error), (np.array([3, 4]),))  # type: ignore[arg-type]


@pytest.mark.parametrize(("values", "error"), [((3, 5), None), ((3, 45), 2.0)])
def test_a_wrong_result_is_no_figure(values: tuple[int, ...], error: float | None) -> None:
    job = SimpleNamespace(case="sum")
    with pytest.raises(InternalError, match="the bench computed a wrong sum"):
        _require_right(job, outputs(*values, error=error), (np.array([3, 4]),))  # type: ignore[arg-type]
