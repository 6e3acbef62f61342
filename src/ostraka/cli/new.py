"""Command `new`: writes a manifest from options."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import voice

if TYPE_CHECKING:
    from ostraka.manifest.writing import Bare
    from ostraka.protocols.protocol import Protocol

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


INPUT_HELP = (
    'An input of some contributors only, once for each, in TOML: \'name = "prices", of = '
    '["alice"], min = 0, max = 100\'. Keys it leaves out are as the options above say.'
)


def new(
    protocol: Annotated[str, typer.Argument(metavar="PROTOCOL", help="One of those named below.")],
    party: Annotated[list[str], typer.Option("--party", metavar="PARTY", help=PARTY_HELP)],
    coordinator: Annotated[
        str, typer.Option(metavar="HOST:PORT=KEY", help="The relay, its KEY as for a party.")
    ] = "",
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
) -> None:
    """Write a manifest to stdout: what all parties must agree on, byte for byte."""
    from ostraka.manifest.writing import write_manifest
    from ostraka.protocols import protocol_named

    parties = [_party(text) for text in party]
    kind = protocol_named(protocol)
    scheme = scheme or kind.usual_scheme
    tables: dict[str, Any] = {
        "session": {
            "title": title or protocol,
            "protocol": protocol,
            "deadline": deadline,
            "series": series or None,
            "coordinator": _coordinator(coordinator),
            "start": start or None,
            "room": _room() if coordinator else None,
        },
        "input": {
            "type": type_ or kind.usual_type,
            "length": length if length != 1 else None,
            "min": _number("--min", minimum),
            "max": _number("--max", maximum),
            "unit": unit or None,
            "outside": outside or None,
        },
        "outputs": {
            "statistics": statistic,
            **_rules(
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
            "threshold": _threshold(scheme, threshold, parties),
            "security": security or None,
        },
        "privacy": {
            "local": _noise("--local", local),
            "central": _noise("--central", central),
            "clip": _clip(clip),
        },
        "policy": {
            "min_contributors": min_contributors,
            **_pairs("--policy", "same_roster_only=true", policy or []),
        },
    }
    if own_input:
        tables["input"] = [_own_input(keys, tables["input"]) for keys in own_input]
    text = write_manifest(tables, parties)
    _check(text)
    voice.emit_file(text)


def _number(option: str, text: str) -> Bare | None:
    from ostraka.errors import UsageError
    from ostraka.manifest.writing import Bare

    if text and not all(c in "+-.0123456789" for c in text):
        raise UsageError(f"{option} {text}: is not a number", hint="such as 0, -5 or 1000.50")
    if text.endswith(".") or text.lstrip("+-").startswith("."):
        raise UsageError(f"{option} {text}: a digit is needed on both sides of the point")
    return Bare(text) if text else None


def _party(text: str) -> dict[str, Any]:
    """Read NAME=KEY[:ROLES][@HOST:PORT], or a lone FILE.crt, as the table of a party."""
    from ostraka.addresses import host_port
    from ostraka.manifest.writing import ROLES

    rest, at, address = text.rpartition("@")
    try:
        host_port(address)
    except ValueError:
        rest, at = text, ""
    roles: list[str] = list(ROLES)
    head, colon, tail = rest.rpartition(":")
    if colon and set(tail.split(",")) <= set(ROLES):
        rest, roles = head, tail.split(",")
    name, equals, key = rest.partition("=")
    if not equals:
        name, key = Path(rest).stem, rest
    return {"name": name, "key": _key(key), "roles": roles, "address": address if at else None}


def _coordinator(text: str) -> dict[str, str] | None:
    from ostraka.errors import UsageError

    if not text:
        return None
    address, equals, key = text.partition("=")
    if not equals:
        hint = "such as --coordinator relay.example:9440=coordinator.crt"
        raise UsageError("--coordinator needs HOST:PORT=KEY", hint=hint)
    return {"address": address, "key": _key(key)}


def _room() -> str:
    """Draw the secret that the room at the coordinator is named after."""
    import secrets

    return secrets.token_hex(16)


def _key(text: str) -> str:
    """Return the fingerprint that the text is, or that of the certificate file it names."""
    if text.startswith("sha256:"):
        return text
    from ostraka.errors import UsageError
    from ostraka.identity import certificate_from_pem, fingerprint, fingerprint_text
    from ostraka.manifest.writing import ROLES

    if not Path(text).is_file():
        hint = "a key is sha256:... or the path of a .crt file, as made by: ostraka keygen"
        file, _, roles = text.rpartition(":")
        if Path(file).is_file():
            raise UsageError(f"{roles} are not roles", hint=f"some of {','.join(ROLES)}")
        raise UsageError(f"there is no file {text}", hint=hint)
    return fingerprint_text(fingerprint(certificate_from_pem(Path(text))))


def _rules(kind: type[Protocol], texts: list[str], **options: str | int | None) -> dict[str, Any]:
    """Read the values of `--rule` and of options that stand for one, and add the defaults of the
    protocol's `[outputs]`."""
    from ostraka.errors import UsageError

    found = _pairs("--rule", "pass_at=1/2", texts)
    given = {key: value for key, value in options.items() if value not in ("", None)}
    for key in set(given) & set(found):
        raise UsageError(
            f"--{key.replace('_', '-')} and --rule {key}=...: one of the two is enough"
        )
    return kind.usual_outputs({**found, **given})


def _pairs(option: str, example: str, texts: list[str]) -> dict[str, Any]:
    """Read KEY=VALUE texts as a table; a value that is not TOML is text.

    Args:
        option: the option's name, for errors.
        example: a valid text, for errors.
    """
    import tomllib

    from ostraka.errors import UsageError
    from ostraka.manifest.writing import Bare

    found: dict[str, Any] = {}
    for text in texts:
        key, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not key.replace("_", "").isalnum() or key in found:
            hint = f"such as {option} {example}, each key once"
            raise UsageError(f"{option} {text}: is not KEY=VALUE", hint=hint)
        try:
            (found[key],) = tomllib.loads(f"x = {value}", parse_float=Bare).values()
        except ValueError:  # no TOML, or more keys than one
            found[key] = value
    return found


def _noise(option: str, text: str) -> dict[str, Any] | None:
    """Read MECHANISM=EPSILON[,KEY=VALUE...] as the table of a noise; None for an empty text."""
    from ostraka.errors import UsageError

    if not text:
        return None
    first, *more = text.split(",")
    mechanism, _, epsilon = first.partition("=")
    found = _pairs(option, "laplace=1,KEY=VALUE", [f"epsilon={epsilon}"] * bool(epsilon) + more)
    if mechanism in found or not mechanism:
        raise UsageError(f"{option} {text}: is not MECHANISM=EPSILON", hint="such as laplace=1")
    return {"mechanism": mechanism, **found}


def _clip(text: str) -> dict[str, Any] | None:
    if not text:
        return None
    ((norm, at),) = _pairs("--clip", "l2=10", [text]).items()
    return {"norm": norm, "at": at}


def _threshold(scheme: str, wanted: int | None, parties: list[dict[str, Any]]) -> int | None:
    if wanted is not None or scheme == "additive":
        return wanted
    return max(1, (sum("compute" in p["roles"] for p in parties) - 1) // 2)


def _own_input(text: str, others: dict[str, Any]) -> dict[str, Any]:
    """Read the keys of one `[[input]]`, in TOML; keys it leaves out are taken from `others`."""
    import tomllib

    from ostraka.errors import UsageError
    from ostraka.manifest.writing import Bare

    try:
        (keys,) = tomllib.loads(f"x = {{ {text} }}", parse_float=Bare).values()
    except ValueError:  # no TOML, or more than one table
        hint = """such as --input 'name = "prices", of = ["alice"], min = 0, max = 100'"""
        raise UsageError(f"--input {text}: is not TOML", hint=hint) from None
    return {"name": None, "of": None, **others, **keys}


def _check(text: str) -> None:
    """Check the manifest as `check` would, so that `new` never writes one that is not valid.

    Errors lose their line numbers: no file has been written that the lines could be of.
    """
    import re

    from ostraka import config
    from ostraka.errors import ManifestError

    try:
        config.bind_text(text, "manifest")
    except ManifestError as error:
        message = re.sub(r"(?m)^manifest(:\d+)?: ", "", error.message)
        hint = error.hint.replace("correct the manifest at every party", "") or "ostraka new --help"
        raise ManifestError(message, hint=hint) from None
