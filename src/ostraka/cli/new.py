"""Command `new`: writes a manifest from options."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import completing, voice
from ostraka.cli.invitations import draft, invited_tables
from ostraka.cli.new_collection import (
    collection_table,
    draft_collection,
    without_contributors,
)
from ostraka.cli.new_values import (
    clip_table,
    coordinator_table,
    noise_table,
    number,
    own_input_table,
    pairs,
    party_table,
    room_secret,
    rules_table,
    threshold_of,
)
from ostraka.cli.options import KeysOption, OutputOption

if TYPE_CHECKING:
    from ostraka.manifest import Manifest

PARTY_HELP = (
    "NAME=KEY[:ROLES][@HOST:PORT], once for each party. KEY is a fingerprint (sha256:...) or that "
    "party's .crt file; ROLES are contributor, compute, recipient, joined by commas, all three by "
    "default; an address makes direct links possible. A lone FILE.crt is short for FILE=FILE.crt."
)

LOCAL_HELP = (
    "Noise by each contributor before sharing: MECHANISM=EPSILON, such as laplace=1 or "
    "randomized-response=1.1, and ,delta=1e-6 for gaussian."
)

CENTRAL_HELP = (
    "Noise drawn jointly, so that no party sees the exact answer: MECHANISM=EPSILON, such as "
    "discrete-laplace=1, and ,honest=2/3 or ,delta=1e-6."
)


COORDINATOR_HELP = (
    "Where parties meet: a relay, HOST:PORT=KEY with its KEY as for a party, or an MQTT broker, "
    "mqtts://HOST:PORT/TOPIC."
)
INPUT_HELP = (
    'An input of some contributors only, once for each, in TOML: \'name = "prices", of = '
    '["alice"], min = 0, max = 100\'. Keys it leaves out are as the options above say.'
)


def new(
    protocol: Annotated[
        str,
        typer.Argument(
            metavar="PROTOCOL",
            help="One of those named below.",
            autocompletion=completing.complete_protocol,
        ),
    ],
    party: Annotated[
        list[str] | None, typer.Option("--party", metavar="PARTY", help=PARTY_HELP)
    ] = None,
    coordinator: Annotated[str, typer.Option(metavar="PLACE", help=COORDINATOR_HELP)] = "",
    title: Annotated[
        str, typer.Option(metavar="TEXT", help="The session's title, for people.")
    ] = "",
    deadline: Annotated[
        str, typer.Option(metavar="TIME", help="Time to gather all parties: 90s, 5m, 2h.")
    ] = "5m",
    type_: Annotated[
        str,
        typer.Option(
            "--type",
            metavar="TYPE",
            help="bool, int, decimal(k), float(k) or choice([...]); by default the protocol's own.",
        ),
    ] = "",
    length: Annotated[
        int, typer.Option(metavar="N", help="How many values each contributor gives.")
    ] = 1,
    minimum: Annotated[
        str, typer.Option("--min", metavar="NUMBER", help="The least value an input may have.")
    ] = "",
    maximum: Annotated[
        str, typer.Option("--max", metavar="NUMBER", help="The greatest value an input may have.")
    ] = "",
    unit: Annotated[str, typer.Option(metavar="TEXT", help="Unit of the input, such as USD.")] = "",
    own_input: Annotated[
        list[str] | None, typer.Option("--input", metavar="KEYS", help=INPUT_HELP)
    ] = None,
    statistic: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            help="A figure to open, where the protocol offers several; may be repeated.",
        ),
    ] = None,
    rule: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Goes into [outputs], such as pass_at=1/2; may be repeated: see new PROTOCOL "
            "--help.",
        ),
    ] = None,
    weights: Annotated[
        str,
        typer.Option(
            metavar="own",
            help="secure-sum: each contributor gives a weight with its value, such as its number "
            "of people, and the mean is over those.",
        ),
    ] = "",
    max_weight: Annotated[
        int | None,
        typer.Option(metavar="N", help="The largest weight that a contributor may have."),
    ] = None,
    pass_above: Annotated[
        str,
        typer.Option(
            metavar="FRACTION",
            help="threshold-vote: strictly more than this part of the votes passes, such as 1/2.",
        ),
    ] = "",
    quorum_of: Annotated[
        str,
        typer.Option(
            metavar="votes|heads",
            help="threshold-vote: the quorum counts votes, by weight, or voters.",
        ),
    ] = "",
    scheme: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="additive: all must stay. shamir: any threshold + 1 suffice. By default what the "
            "protocol can compute with.",
        ),
    ] = "",
    threshold: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="shamir: how many may collude and learn nothing; by default just under half.",
        ),
    ] = None,
    security: Annotated[
        str,
        typer.Option(
            metavar="NAME",
            help="passive, the default: all follow the protocol. active, with shamir: up to "
            "THRESHOLD that lie cannot make the result wrong.",
        ),
    ] = "",
    min_contributors: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="Open no result with fewer contributors; by default all, or with shamir all but "
            "THRESHOLD.",
        ),
    ] = None,
    start: Annotated[
        str,
        typer.Option(
            metavar="all|enough",
            help="enough: begin at the deadline without contributors that did not come, but with "
            "MIN_CONTRIBUTORS at least. Compute parties and recipients must come.",
        ),
    ] = "",
    rehearsal: Annotated[
        bool,
        typer.Option(
            "--rehearsal",
            help="With the real parties and made-up inputs; no ledger is charged.",
        ),
    ] = False,
    series: Annotated[
        str,
        typer.Option(
            metavar="TEXT",
            help="Name that repeated sessions about the same data share in the parties' ledgers; "
            "by default the title.",
        ),
    ] = "",
    local: Annotated[str, typer.Option(metavar="NOISE", help=LOCAL_HELP)] = "",
    central: Annotated[str, typer.Option(metavar="NOISE", help=CENTRAL_HELP)] = "",
    clip: Annotated[
        str,
        typer.Option(metavar="NORM=AT", help="Shorten longer vectors before noise: l2=10."),
    ] = "",
    outside: Annotated[
        str,
        typer.Option(metavar="reject|clip", help="What happens to values outside --min and --max."),
    ] = "",
    policy: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE",
            help="Goes into [policy], such as same_roster_only=true or min_cell=5; may be "
            "repeated.",
        ),
    ] = None,
    collection: Annotated[
        str,
        typer.Option(
            metavar="invited|open",
            help="Contributors report once and leave: each with an invitation, or all who come. "
            "A draft is kept here; parties are compute parties and recipients.",
        ),
    ] = "",
    closes: Annotated[
        str,
        typer.Option(
            metavar="TIME", help="When a collection closes: 7d, 12h, or 2026-12-05T18:00:00Z."
        ),
    ] = "",
    mailbox: Annotated[
        list[str] | None,
        typer.Option(metavar="URL", help="Where reports are left; may be repeated."),
    ] = None,
    max_reports: Annotated[
        int | None, typer.Option(metavar="N", help="The most reports that are taken.")
    ] = None,
    early_close: Annotated[
        bool, typer.Option("--early-close", help="We may close the collection before its time.")
    ] = False,
    once: Annotated[
        bool, typer.Option("--once", help="No report may be replaced by its contributor.")
    ] = False,
    public: Annotated[
        bool, typer.Option("--public", help="The result is published at the mailbox.")
    ] = False,
    as_: Annotated[
        str,
        typer.Option(
            "--as", metavar="NAME", help="With --invite or --collection: the organiser, us."
        ),
    ] = "",
    invite: Annotated[
        str,
        typer.Option(
            metavar="NAME,NAME",
            help="Parties whose keys are not known yet: a draft is kept here, and a code for each "
            "is printed. NAME:contributor+compute gives it some roles only.",
        ),
    ] = "",
    keys: KeysOption = None,
    valid: Annotated[
        str, typer.Option(metavar="TIME", help="How long invitations are valid.")
    ] = "72h",
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Write a manifest to stdout: what all parties must agree on, byte for byte.

    With --invite, write a draft instead, and print one code for each person. With --collection,
    write a draft, which `invite` and `seal` go on with.
    """
    from ostraka.errors import UsageError
    from ostraka.manifest.writing import write_manifest
    from ostraka.protocols import protocol_named

    if output is voice.OutputFormat.JSON and not invite and not collection:
        raise UsageError("--output json goes with --invite: a manifest is TOML", data_left=False)
    parties = [party_table(text) for text in party or []]
    invited = invited_tables(as_, invite, keys) if invite else []
    parties += invited
    collected = collection_table(
        collection,
        *(as_, keys, closes, mailbox or [], max_reports),
        early_close=early_close,
        once=once,
        public=public,
    )
    if collected:
        parties = without_contributors(parties, invited)
    kind = protocol_named(protocol)
    scheme = scheme or kind.usual_scheme
    tables: dict[str, Any] = {
        "session": {
            "title": title or protocol,
            "protocol": protocol,
            "deadline": deadline,
            "series": series or None,
            "coordinator": coordinator_table(coordinator),
            "start": start or None,
            "rehearsal": rehearsal or None,
            "room": room_secret() if coordinator else None,
        },
        "input": {
            "type": type_ or kind.usual_type,
            "length": length if length != 1 else None,
            "min": number("--min", minimum),
            "max": number("--max", maximum),
            "unit": unit or None,
            "outside": outside or None,
        },
        "outputs": {
            "statistics": statistic,
            **rules_table(
                kind,
                rule or [],
                weights=weights,
                max_weight=max_weight,
                pass_above=pass_above,
                quorum_of=quorum_of,
            ),
        },
        "sharing": {
            "scheme": scheme,
            "threshold": threshold_of(scheme, threshold, parties),
            "security": security or None,
        },
        "privacy": {
            "local": noise_table("--local", local),
            "central": noise_table("--central", central),
            "clip": clip_table(clip),
        },
        "policy": {
            "min_contributors": min_contributors,
            **pairs("--policy", "same_roster_only=true", policy or []),
        },
        "collection": collected,
    }
    if own_input:
        tables["input"] = [own_input_table(keys, tables["input"]) for keys in own_input]
    text = write_manifest(tables, parties)
    manifest = _checked(text)
    if collected:
        draft_collection(text, manifest, as_, keys, valid, output)
    elif invited:
        draft(text, manifest, [party["name"] for party in invited], keys, valid, output)
    else:
        voice.emit_file(text)


def _checked(text: str) -> Manifest:
    """Read the manifest as `check` would, so that `new` never writes one that is not valid.

    Errors lose their line numbers: no file has been written that the lines could be of.
    """
    import re

    from ostraka import config
    from ostraka.errors import ManifestError

    try:
        return config.bind_text(text, "manifest").manifest
    except ManifestError as error:
        message = re.sub(r"(?m)^manifest(:\d+)?: ", "", error.message)
        hint = error.hint.replace("correct the manifest at every party", "") or "ostraka new --help"
        raise ManifestError(message, hint=hint) from None
