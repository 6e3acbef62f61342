"""Manifests of collections, for tests."""

from __future__ import annotations

from ostraka.manifest import Manifest, parse


def key(i: int) -> str:
    return f'"sha256:{i:064x}"'


PARTIES = "".join(
    f'[[party]]\nname = "c{i}"\nkey = {key(i)}\nroles = ["compute", "recipient"]\n'
    for i in (1, 2, 3)
)
INVITED = f"""\
[session]
title = "Poll"
protocol = "secure-sum"
deadline = "5m"
coordinator = {{ address = "127.0.0.1:9440", key = {key(99)} }}
{PARTIES}
[input]
type = "int"
min = 0
max = 10

[sharing]
scheme = "shamir"
threshold = 1

[policy]
min_contributors = 10

[collection]
from = "invited"
organiser = {key(7)}
roster = {key(8)}
size = 50
closes = 2026-12-05T18:00:00Z
mailbox = "https://poll.example.org"
"""
OPEN = (
    INVITED.replace('"invited"', '"open"')
    .replace(f"roster = {key(8)}\nsize = 50", "max_reports = 1000")
    .replace(
        "[collection]", '[privacy]\nlocal = { mechanism = "laplace", epsilon = 1 }\n\n[collection]'
    )
)


def changed(text: str, *changes: tuple[str, str]) -> Manifest:
    for before, after in changes:
        assert before in text
        text = text.replace(before, after)
    return parse(text)
