"""The chance of a wrong result that `check` names, and what active.md makes of a run's proofs."""

import re

import pytest

from ostraka import protocols
from ostraka.engine.shamir.audit import Auditor
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
    proofs = {"audits": 0, "gates": 0}
    settle, claims = Auditor.settle, Gates.claims

    async def counted_audit(self):
        proofs["audits"] += 1
        await settle(self)

    async def counted_proof(self, coin):
        proofs["gates"] += 1
        return await claims(self, coin)

    monkeypatch.setattr(Auditor, "settle", counted_audit)
    monkeypatch.setattr(Gates, "claims", counted_proof)
    protocol = protocols.protocol_for(given)
    parts = len({protocol._part(me) for me in range(len(given.compute))})
    protocol.cost()
    assert proofs["audits"] >= parts
    wrong = (312 * proofs["audits"] / parts + 8 * proofs["gates"] / parts) / P
    (sentence,) = (s for s in protocol.explain() if "active security" in s)
    named = int(re.search(r"chance below 2\^-(\d+)", sentence)[1])
    assert wrong < 2**-named, proofs
