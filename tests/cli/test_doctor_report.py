"""Report of `doctor`: it helps to understand a fault, and holds no name, address, key or unit."""

import re

from ostraka import config
from ostraka.cli.doctor_report import report
from ostraka.cli.findings import Findings

MANIFEST = """
[session]
title = "Salaries of Quantum Ltd"
protocol = "secure-sum"
deadline = "5m"
coordinator = {{ address = "secret.example:9440", key = "sha256:{pin}" }}

{parties}
[input]
type = "decimal(2)"
length = 3
min = 0
max = 777
unit = "doubloons"

[privacy]
central = {{ mechanism = "laplace", epsilon = 1 }}
"""


def manifest():
    parties = "".join(
        f'[[party]]\nname = "{name}"\nkey = "sha256:{i:064x}"\n'
        'roles = ["contributor", "compute", "recipient"]\n'
        for i, name in enumerate(("agatha", "bertram", "cornelius"), 1)
    )
    return config.load(MANIFEST.format(parties=parties, pin=f"{9:064x}"))


def test_the_shape_is_told_and_nothing_that_names():
    findings = Findings()
    findings.add("reach", "bertram at secret.example:9440: no answer", code=10)
    findings.add("key", None, "only you can read /var/agatha.key")
    findings.note("known keys", "cornelius: NEW")
    text = report(findings, manifest())
    lines = text.splitlines()
    assert "protocol: secure-sum" in lines
    assert "parties: 3, of which compute: 3" in lines
    assert "inputs: decimal x 3" in lines
    assert "noise: discrete-laplace" in lines
    assert "meeting: relay" in lines
    assert lines[-3:] == ["reach: FAIL", "key: ok", "known keys: note"]
    secret = "agatha|bertram|cornelius|Quantum|secret|9440|doubloons|777|/var|[0-9a-f]{32}"
    assert not re.findall(secret, text)


def test_releases_are_told_also_of_what_is_missing(monkeypatch):
    text = report(Findings(), None)
    assert re.search(r"^numpy: \d+\.", text, re.M)
    assert re.search(r"^openssl: OpenSSL ", text, re.M)
    monkeypatch.setattr("ostraka.cli.doctor_report.PACKAGES", ("no-such-package",))
    assert "no-such-package: not installed" in report(Findings(), None)


def test_the_command_prints_it_and_ends_with_the_code_of_the_findings(cli):
    ended = cli("doctor", "--report")
    assert "ostraka: " in ended.out
    assert "software: ok" in ended.out
    assert str(ended.code) == "0"
