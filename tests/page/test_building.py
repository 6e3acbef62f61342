"""The page is one file that loads nothing, is small, and says what the manifest says."""

import base64
import hashlib
import json
import re
import shutil
import subprocess

import pytest
from pages import HERE, REPORT, protocol_of

from ostraka import config
from ostraka.errors import UsageError
from ostraka.page import building

VECTORS = HERE.parent / "vectors"


def test_its_bytes_are_those_of_the_specification():
    """report.js against every vector that concerns it, with forged ones among them."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("node is not installed")
    command = [node, HERE / "vectors.js", REPORT, VECTORS]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    compared = json.loads(done.stdout)
    for kind in ("report", "hpke", "sharing shamir", "sharing additive", "proof", "promise"):
        assert compared[kind] > 0, kind
    assert compared["forged statement"] == 6


@pytest.fixture(scope="module")
def protocol():
    return protocol_of("variance")


@pytest.fixture(scope="module")
def page(protocol):
    return building.build(protocol)


def test_it_is_one_small_file_that_loads_nothing(page):
    assert len(page.encode()) < 100_000
    assert not re.search(r"""<(link|img|iframe|object|embed)\b|\bsrc=|@import|url\(""", page)
    assert "{{" not in page


def test_a_title_is_a_title_whatever_it_says(protocol):
    title = "{{SCRIPT}} {{STYLE}} </script><script>alert(1)</script>"
    found = building.fill(building._data(protocol) | {"title": title}, protocol.manifest)
    shown = re.search(r'<script type="application/json" id="data">(.*?)</script>', found, re.DOTALL)
    assert json.loads(shown[1])["title"] == title
    assert len(re.findall("<script", found)) == 2


def test_why_there_is_no_page_is_found_out_once(monkeypatch):
    text = b"[session]\n"
    with pytest.raises(UsageError):
        building.page_of(text)
    monkeypatch.setattr(building, "parse", None)
    with pytest.raises(UsageError, match="is missing"):
        building.page_of(text)


def test_its_policy_allows_its_own_script_and_the_mailbox_alone(page):
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "https://poll.example.org"
    script = re.findall(r"<script>(.*?)</script>", page, re.DOTALL)
    style = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    for (text,), rule in ((script, "script-src"), (style, "style-src")):
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert rules[rule] == f"'sha256-{digest}'"


def test_its_data_is_the_manifests(page, protocol):
    data = json.loads(re.search(r'id="data">(.*?)</script>', page, re.DOTALL)[1])
    assert hashlib.sha256(data["manifest"].encode()).hexdigest() == data["digest"]
    assert data["digest"] == protocol.manifest.digest.hex()
    assert data["says"][: len(protocol.explain())] == list(protocol.explain())


def test_a_title_cannot_break_out_of_its_data(protocol):
    manifest = protocol.manifest
    title = 'A </script><script>alert("x")</script>'
    session = manifest.session.model_copy(update={"title": title})
    page = building.build(config.bind(manifest.model_copy(update={"session": session})))
    assert page.count("</script>") == 2
    assert "alert(" not in page.replace("\\u003c", "<").split('id="data">')[0]


def test_a_session_has_no_page(office):
    with pytest.raises(UsageError, match="no \\[collection\\]"):
        building.build(config.bind(office.manifest()))
