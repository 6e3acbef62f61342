"""Values of `new`'s options, read as the tables of a manifest."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ostraka.manifest.writing import Bare
    from ostraka.protocols.protocol import Protocol


def number(option: str, text: str) -> Bare | None:
    """Read a number as it is to stand in the manifest; None for an empty text."""
    from ostraka.errors import UsageError
    from ostraka.manifest.writing import Bare

    if text and not all(c in "+-.0123456789" for c in text):
        raise UsageError(f"{option} {text}: is not a number", hint="such as 0, -5 or 1000.50")
    if text.endswith(".") or text.lstrip("+-").startswith("."):
        raise UsageError(f"{option} {text}: a digit is needed on both sides of the point")
    return Bare(text) if text else None


def party_table(text: str) -> dict[str, Any]:
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
    if colon and set(named := tail.replace("+", ",").split(",")) <= set(ROLES):
        rest, roles = head, named
    name, equals, key = rest.partition("=")
    if not equals:
        name, key = Path(rest).stem, rest
    return {
        "name": name,
        "key": fingerprint_of(key),
        "roles": roles,
        "address": address if at else None,
    }


def coordinator_table(text: str) -> dict[str, str] | None:
    """Read HOST:PORT=KEY, or mqtts://HOST:PORT/TOPIC; None for an empty text."""
    from ostraka.errors import UsageError

    if not text:
        return None
    scheme, separator, rest = text.partition("://")
    if separator and scheme in ("mqtt", "mqtts"):
        address, _, topic = rest.partition("/")
        return {"mqtt": f"{scheme}://{address}", "topic": topic or "ostraka"}
    address, equals, key = text.partition("=")
    if not equals:
        hint = (
            "such as --coordinator relay.example:9440=coordinator.crt, "
            "or --coordinator mqtts://broker.example:8883/TOPIC"
        )
        raise UsageError("--coordinator needs HOST:PORT=KEY", hint=hint)
    return {"address": address, "key": fingerprint_of(key)}


def room_secret() -> str:
    """Draw the secret that the room at the coordinator is named after."""
    import secrets

    return secrets.token_hex(16)


def fingerprint_of(text: str) -> str:
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


def rules_table(
    kind: type[Protocol], texts: list[str], **options: str | int | None
) -> dict[str, Any]:
    """Read the values of `--rule` and of options that stand for one, and add the defaults of the
    protocol's `[outputs]`."""
    from ostraka.errors import UsageError

    found = pairs("--rule", "pass_at=1/2", texts)
    given = {key: value for key, value in options.items() if value not in ("", None)}
    for key in set(given) & set(found):
        raise UsageError(
            f"--{key.replace('_', '-')} and --rule {key}=...: one of the two is enough"
        )
    return kind.usual_outputs({**found, **given})


def pairs(option: str, example: str, texts: list[str]) -> dict[str, Any]:
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


def noise_table(option: str, text: str) -> dict[str, Any] | None:
    """Read MECHANISM=EPSILON[,KEY=VALUE...] as the table of a noise; None for an empty text."""
    from ostraka.errors import UsageError

    if not text:
        return None
    first, *more = text.split(",")
    mechanism, _, epsilon = first.partition("=")
    found = pairs(option, "laplace=1,KEY=VALUE", [f"epsilon={epsilon}"] * bool(epsilon) + more)
    if mechanism in found or not mechanism:
        raise UsageError(f"{option} {text}: is not MECHANISM=EPSILON", hint="such as laplace=1")
    return {"mechanism": mechanism, **found}


def clip_table(text: str) -> dict[str, Any] | None:
    """Read NORM=AT; None for an empty text."""
    if not text:
        return None
    ((norm, at),) = pairs("--clip", "l2=10", [text]).items()
    return {"norm": norm, "at": at}


def threshold_of(scheme: str, wanted: int | None, parties: list[dict[str, Any]]) -> int | None:
    """Return the threshold: the wanted one, or with shamir just under half by default."""
    if wanted is not None or scheme == "additive":
        return wanted
    return max(1, (sum("compute" in p["roles"] for p in parties) - 1) // 2)


def own_input_table(text: str, others: dict[str, Any]) -> dict[str, Any]:
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
