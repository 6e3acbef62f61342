"""The operator's page has the figures of /metrics in words, and loads nothing."""

import base64
import hashlib
import re

import pytest

from ostraka.service import status
from ostraka.service.metric import Metric

METRICS = [
    Metric("ostraka_x_build_info", False, "Release of ostraka.", {"0.1.0": 1}, "release"),
    Metric("ostraka_x_uptime_seconds", False, "Seconds since the start.", {"": 61}),
    Metric("ostraka_x_rooms", False, "Rooms with members.", {"": 1234}),
    Metric("ostraka_x_relayed_bytes", True, "Payload bytes forwarded.", {"": 2_340_000}),
    Metric("ostraka_x_ended", True, "Connections, by code.", {"<b>lost</b>": 2, "done": 5}, "code"),
]


def shown(metrics=METRICS, why=""):
    answer = status.page(lambda: metrics, lambda: why)()
    assert (answer.status, answer.kind) == ("200 OK", "text/html; charset=utf-8")
    return answer.body


def test_figures_are_rows_with_words():
    rows = re.findall(r"<tr><td>(.*?)</td><td>(.*?)</td></tr>", shown())
    assert rows == [
        ("Release of ostraka", "0.1.0"),
        ("Time since the start", "1 min 1 s"),
        ("Rooms with members", "1,234"),
        ("Payload bytes forwarded", "2.3 MB"),
        ("Connections, by code: &lt;b&gt;lost&lt;/b&gt;", "2"),
        ("Connections, by code: done", "5"),
    ]


def test_it_says_whether_the_service_takes_work():
    assert "It is ready." in shown()
    assert "It takes no work now: draining &amp; more." in shown(why="draining & more")


def test_its_policy_allows_its_own_style_and_nothing_else():
    page = shown()
    style = re.search(r"<style>(.*?)</style>", page, re.DOTALL)[1]
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)[1]
    assert f"style-src 'sha256-{digest}'" in policy
    assert "script" not in page
    assert not re.search(r"\b(?:src|href)=|url\(|@import", page)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("uptime_seconds", 0, "0 s"), ("uptime_seconds", 90061, "1 d 1 h 1 min 1 s"),
        ("queued_bytes", 999, "999 bytes"), ("queued_bytes_most", 1e9, "1.0 GB"),
        ("rooms", 0.5, "0.5"), ("rooms", 12, "12"),
    ],
)  # fmt: skip
def test_values_in_units_that_fit(name, value, words):
    assert status.in_words(name, value) == words
