"""The chance of a wrong result that `check` names, and what active.md makes of a run's proofs."""

import re

import pytest

from ostraka import protocols
from ostraka.delivery.cost import Cost
from ostraka.engine.shamir.audit import Auditor
from ostraka.engine.shamir.context import Counters
from ostraka.engine.shamir.gates import Gates
from ostraka.manifest import parse

P = 2**61 - 1
RULES = '[policy]\nmin_cell = 3\ndominance = { largest = "1/2" }\n'
ROWS = "rows = " + str([f"r{k}" for k in range(10)]) + '\ncolumns = ["a", "b", "c"]\n'


def manifest(protocol, parties, threshold, length, outputs="", policy=""):
    text = f'[session]\ntitle = "x"\nprotocol = "{protocol}"\ndeadline = "15s"\n'
    for i in range(parties):
        text += f'[[party]]\nname = "p{i}"\nroles = ["contributor", "compute", "recipient"]\n'
        text += f'key = "sha256:{format(i, "02x") * 32}"\naddress = "127.0.0.1:{9000 + i}"\n'
    text += f'[input]\ntype = "int"\nmin = 0\nmax = 1000\nlength = {length}\n'
    sharing = f'scheme = "shamir"\nthreshold = {threshold}\nsecurity = "active"\n'
    return parse(f"{text}[outputs]\n{outputs}\n{policy}[sharing]\n{sharing}")


@pytest.mark.parametrize(
    "given",
    [
        manifest("auction", 3, 1, 1),
        manifest("auction", 5, 2, 1),
        manifest("table", 5, 2, 30, ROWS, RULES),
    ],
    ids=["auction of 3", "auction of 5", "table of 5"],
)
def test_the_chance_that_check_names_holds(given, monkeypatch):
    """312 / p an audit, 8 / p a proof of gates: section 7 of active.md."""
    proofs = {Auditor.settle: 0, Gates.claims: 0}

    def counted(kind, name):
        made = getattr(kind, name)

        async def counting(self, *given):
            # An audit of nothing is none.
            proofs[made] += kind is Gates or bool(self._terms or self._gates.words)
            return await made(self, *given)

        monkeypatch.setattr(kind, name, counting)

    audit, gates = Auditor.settle, Gates.claims
    counted(Auditor, "settle")
    counted(Gates, "claims")
    protocol = protocols.protocol_for(given)
    parts = len({protocol._part(me) for me in range(len(given.compute))})
    cost = protocol.cost()
    assert proofs[audit] >= parts
    assert cost.unsound == (312 * proofs[audit] + 8 * proofs[gates]) // parts
    (sentence,) = (s for s in protocol.explain() if "active security" in s)
    named = int(re.search(r"chance below 2\^-(\d+)", sentence)[1])
    assert 2 ** -(named + 1) <= cost.unsound / P < 2**-named


def test_passes_of_shuffles_count_and_a_collection_is_not_counted():
    counters = Counters(audits=3, gates=2, passes=5)
    assert counters.unsound() == 3 * 312 + 2 * 8 + 5
    assert Cost(unsound=1).soundness() == 60
    assert Cost(unsound=2**20).soundness() == 40
