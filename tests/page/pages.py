"""Collections with and without a page, as manifests."""

from pathlib import Path

from ostraka.manifest import parse
from ostraka.protocols import protocol_for

HERE = Path(__file__).parent
REPORT = HERE.parents[1] / "src" / "ostraka" / "page" / "report.js"
BODY = """\
[session]
title = "Poll"
protocol = "{protocol}"
deadline = "5m"
coordinator = {{ address = "127.0.0.1:9440", key = "sha256:{zeros}63" }}
{parties}
[input]
{input}

[outputs]
{outputs}

[sharing]
scheme = "shamir"
threshold = 1

[policy]
min_contributors = 3

[privacy]
{privacy}

[collection]
from = "invited"
organiser = "sha256:{zeros}07"
roster = "sha256:{zeros}08"
size = 50
closes = 2030-12-05T18:00:00Z
mailbox = "https://poll.example.org"
"""
INT = 'type = "int"\nmin = -3\nmax = 1000'
CENTS = 'type = "decimal(2)"\nmin = -5\nmax = 99.5'
LUNCH = 'type = \'choice(["soup", "salad", "abstain"])\''
HALF = 'pass_at = "1/2"'
CASES = {
    "sum": ("secure-sum", INT, "", ""),
    "sum of many": ("secure-sum", INT + "\nlength = 4", "", ""),
    "variance": ("secure-sum", CENTS, 'statistics = ["mean", "variance"]', ""),
    "clipped": ("secure-sum", INT + '\noutside = "clip"', "", ""),
    "fixed point": ("secure-sum", 'type = "float(6)"\nmin = 0\nmax = 10', "", ""),
    "histogram": ("secure-sum", LUNCH, 'statistics = ["histogram"]', ""),
    "yes or no": ("secure-sum", 'type = "bool"', "", ""),
    "tally": ("tally", LUNCH, "", ""),
    "referendum": ("threshold-vote", 'type = \'choice(["yes", "no"])\'', HALF, ""),
}


def protocol_of(name):
    protocol, schema, outputs, privacy = CASES[name] if isinstance(name, str) else name
    zeros = "0" * 62
    parties = "".join(
        f'[[party]]\nname = "c{i}"\nkey = "sha256:{zeros}0{i}"\nroles = ["compute", "recipient"]\n'
        for i in (1, 2, 3)
    )
    return protocol_for(
        parse(
            BODY.format(
                protocol=protocol,
                zeros=zeros,
                parties=parties,
                input=schema,
                outputs=outputs,
                privacy=privacy,
            )
        )
    )
