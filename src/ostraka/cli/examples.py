"""Examples of the commands: what `--help` and the manual pages show; tests parse each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import typer.core

EXAMPLES: Final[Mapping[str, tuple[tuple[str, str], ...]]] = {
    "keygen": (
        ("keygen alice", "Make alice.key and alice.crt here."),
        ("keygen alice --dir keys", "Make them in keys/."),
    ),
    "rekey": (("rekey alice", "Replace a key before it is worn out or shared by mistake."),),
    "protocols": (
        ("protocols", "List what can be computed."),
        ("protocols --output json", "The same, for scripts."),
    ),
    "new": (
        (
            "new secure-sum --party alice.crt --party bob.crt --party carlos.crt "
            "--coordinator 127.0.0.1:9440=relay.crt --max 10000 --statistic mean > session.toml",
            "Three parties want their mean, and meet at a relay.",
        ),
        ("new threshold-vote --help", "What a vote's manifest may say."),
    ),
    "join": (("join CODE --as bob", "Answer the invitation in CODE."),),
    "seal": (
        ("seal DRAFT", "Wait for the invited, and write the manifest."),
        ("seal DRAFT --without dora", "Go on without a party that does not answer."),
    ),
    "invite": (
        ("invite DRAFT --names people.txt", "A code for each line of people.txt."),
        ("invite poll.toml --revoke '#7'", "Take the invitation of the seventh place back."),
    ),
    "contribute": (
        ("contribute CODE --input answer.txt", "Report once, and leave."),
        ("contribute CODE", "The same, asked for the answer."),
    ),
    "page": (("page poll.toml > poll.html", "The page that asks for reports."),),
    "status": (("status poll.toml", "How many reports there are, and until when."),),
    "close": (("close poll.toml", "Close it now, if its manifest lets the organiser."),),
    "check": (
        ("check session.toml", "Who learns what, the worst it can tell, the cost."),
        ("check session.toml --explain", "All there is to say."),
        ("check session.toml --against other.toml", "How two manifests differ."),
    ),
    "run": (
        ("run session.toml --as alice", "Take part; the input is asked for, not shown."),
        ("run session.toml --as bob --input raise.txt", "The input is in a file."),
        (
            "run session.toml --as bob --input pay.xlsx --value Salary --dry-run",
            "Show what a spreadsheet would give, and contact no party.",
        ),
    ),
    "template": (("template session.toml > input.csv", "A table to fill in."),),
    "result": (
        ("result", "The last result again."),
        ("result --list", "All that are kept, newest first."),
        ("result 0f3c9a2b --output json", "That session's, with every digit."),
    ),
    "report": (
        ("report > report.html", "A page about the last result."),
        ("report result.json --session session.toml > report.html", "Of one without a receipt."),
    ),
    "learn": (
        ("learn study.toml", "Who learns what of each round, and of all."),
        ("learn study.toml --as helper-1", "Compute, round after round."),
    ),
    "ui": (
        ("ui", "A page about the manifests of this directory."),
        ("ui sessions --as alice --keys keys", "Those of another, as alice."),
        ("ui session.toml --output json", "Print the address for a script."),
    ),
    "coordinator": (
        ("coordinator --listen 0.0.0.0:9440", "Relay between parties; it reads nothing."),
        ("coordinator --config coordinator.toml", "The same, by a file."),
    ),
    "serve": (("serve --config party.toml", "Take part in what is due, until stopped."),),
    "approve": (("approve 0f3c9a2b --config party.toml", "Let a waiting session begin."),),
    "simulate": (
        ("simulate session.toml --inputs toy.json", "Rehearse with made-up inputs."),
        ("simulate session.toml --inputs toy.json --drop bob=2", "bob crashes on the way."),
    ),
    "verify": (
        ("verify receipt-alice.json", "Does it hold, and is it complete?"),
        ("verify receipt.json --report mine.json", "Was my report counted?"),
    ),
    "doctor": (
        ("doctor", "Are keys, ledger and files as they should be?"),
        ("doctor session.toml --as alice", "Also: is the coordinator there, is the key pinned?"),
    ),
    "bench": (
        ("bench sum --parties 4 --size 1000000", "A sum of vectors among four processes."),
        ("bench vote --link relay", "A vote through a relay."),
    ),
    "demo average": (
        ("demo average", "The mean of four made-up raises, and every share."),
        ("demo average --values 1,2,6", "Of three."),
    ),
    "demo vote": (("demo vote --votes yes,no,yes", "A vote that shows no count."),),
    "demo auction": (("demo auction --price second", "The winner pays the second price."),),
    "demo join": (("demo join", "How many customers two shops share."),),
    "demo audit": (("demo audit", "A bank's predictions, by groups that a registry knows."),),
    "demo predict": (("demo predict", "A bank's model answers a client, and neither is shown."),),
    "model export": (
        ("model export MODEL.onnx > model.json", "A network of ONNX, for run --input model.json."),
    ),
    "demo learn": (("demo learn --devices 4 --rounds 2", "Devices train one model together."),),
    "known list": (("known list", "The keys that this machine has met."),),
    "known forget": (("known forget bob", "bob lost its key, and has told it by voice."),),
    "known renew": (("known renew bob.succession", "bob's old key has signed its new one."),),
    "ledger show": (
        ("ledger show", "What was spent, and what is left."),
        ("ledger show --plot spent.svg", "The same over time."),
    ),
    "ledger check": (("ledger check", "Does it hold, and is it the newest?"),),
    "ledger release": (("ledger release 0f3c9a2b", "A run that had no result after all."),),
}
"""Examples by command: the arguments of `ostraka`, and what they do."""


class Helped(typer.core.TyperCommand):
    """Command whose help ends with examples."""

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help, then the examples."""
        super().format_help(ctx, formatter)
        write(ctx.command_path.partition(" ")[2], formatter)


def write(command: str, formatter: Any) -> None:
    """Write the examples of a command below its help; nothing where it has none."""
    if not (found := EXAMPLES.get(command)):
        return
    with formatter.section("Examples"):
        for line, does in found:
            formatter.write_text(does)
            for part in broken(f"ostraka {line}", formatter.width - 6):
                formatter.write(f"    {part}\n")


def broken(line: str, width: int) -> list[str]:
    """Break a command line between arguments, as a shell takes it; an option keeps its value."""
    lines, words = [""], line.replace(" --", "\n--").replace(" > ", "\n> ").split("\n")
    for word in words:
        if lines[-1] and len(lines[-1]) + len(word) + 3 > width:
            lines[-1] += " \\"
            lines.append(f"  {word}")
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return lines
