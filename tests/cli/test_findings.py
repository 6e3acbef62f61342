"""Findings of `doctor`: the exit code that they add up to."""

from ostraka.cli.findings import Findings


def test_the_first_problem_decides_and_a_wrong_key_comes_before_all():
    findings = Findings()
    findings.note("a", "a remark")
    findings.add("b", None, "all is well")
    assert findings.code == 0
    findings.add("c", "away", code=10)
    findings.add("d", "loose", code=2)
    assert findings.code == 10
    findings.add("e", "another key", code=11)
    assert findings.code == 11
    assert [line["ok"] for line in findings.lines] == [None, True, False, False, False]
