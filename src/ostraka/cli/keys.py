"""Commands `keygen` and `doctor`: a party's own key, and what may go wrong on its machine."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ostraka.cli import completing, voice
from ostraka.cli.findings import Findings
from ostraka.cli.options import KeysOption, ListenOption, OutputOption, ProxyOption

if TYPE_CHECKING:
    from ostraka.identity import Identity
    from ostraka.manifest import Manifest, PartySpec


def keygen(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The party's name in manifests.")],
    directory: Annotated[
        Path | None,
        typer.Option("--dir", metavar="DIR", help="Where to; by default OSTRAKA_KEYS, or here."),
    ] = None,
) -> None:
    """Make NAME.key, which stays here, and NAME.crt, for the others; prints the fingerprint."""
    import re

    from ostraka import config, identity
    from ostraka.errors import UsageError

    if not re.fullmatch("[a-z][a-z0-9-]{0,31}", name):
        hint = "1 to 32 lowercase letters, digits or -, a letter first"
        raise UsageError(f"{name!r} cannot be a party's name", hint=hint)
    made = identity.create(name, config.keys_directory(directory))
    print(identity.fingerprint_text(made.fingerprint))
    voice.say(f"{made.key_path}: secret, never leaves this machine")
    voice.say(f"{made.certificate_path}: for the manifest's author; compare the fingerprint")


def rekey(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The party whose key is replaced.")],
    keys: KeysOption = None,
) -> None:
    """Replace NAME's key by a new one that the old one signs; prints the new fingerprint.

    Its ledger goes on. Give NAME.succession to the other parties, who take the new key with
    `ostraka known renew`; manifests need the new fingerprint. A key that was lost or stolen cannot
    be replaced so.
    """
    from ostraka import config
    from ostraka.rekeying import rekey as replace_key

    made, path = replace_key(name, config.keys_directory(keys), voice.warn)
    print(made.pin)
    voice.say(f"{made.key_path}: the new key; the old one is gone")
    voice.say(f"{path}: for the other parties: ostraka known renew {path.name}")
    voice.say("invitations that you gave out under the old key do not work any more")


# --- doctor ------------------------------------------------------------------------------------


def doctor(
    session: Annotated[
        Path | None,
        typer.Argument(
            metavar="SESSION.toml",
            help="A manifest to check against.",
            autocompletion=completing.complete_session,
        ),
    ] = None,
    as_: Annotated[
        str,
        typer.Option(
            "--as",
            metavar="NAME",
            help="The party; by default the one with a key here.",
            autocompletion=completing.complete_party,
        ),
    ] = "",
    keys: KeysOption = None,
    listen: ListenOption = None,
    proxy: ProxyOption = None,
    report: Annotated[
        bool,
        typer.Option(
            "--report",
            help="Print what to add to a report of a fault: no names, addresses or keys.",
        ),
    ] = False,
    output: OutputOption = voice.OutputFormat.TEXT,
) -> None:
    """Check this machine: reach of the other parties, your key, your clock, privacy of files."""
    from ostraka import config, home
    from ostraka.cli import reach

    findings, directory = Findings(), config.keys_directory(keys)
    _look_at_system(findings)
    _look_at_files(findings, directory)
    manifest = config.load(session) if session else None
    if manifest:
        me, identity = _look_at_session(findings, manifest, as_, directory)
        if me is not None and identity is not None:
            own = home.own_network(me.name, directory, listen, proxy)
            reach.run(findings, manifest, me, identity, own)
    else:
        findings.note("session", "give a SESSION.toml to check keys and reach against it")
    if report:
        from ostraka.cli import doctor_report

        print(doctor_report.report(findings, manifest))
    else:
        _tell(findings, output)
    raise typer.Exit(findings.code)


def _tell(findings: Findings, output: voice.OutputFormat) -> None:
    if output is voice.OutputFormat.JSON:
        voice.emit({"ok": findings.code == 0, "checks": findings.lines})
        return
    marks = {True: "ok   ", False: "FAIL ", None: "note "}
    for line in findings.lines:
        print(f"{marks[line['ok']]} {line['check']}: {line['detail']}")


def _look_at_system(findings: Findings) -> None:
    import platform
    import ssl

    import cryptography

    tls13 = None if ssl.HAS_TLSv1_3 else f"{ssl.OPENSSL_VERSION} has no TLS 1.3"
    versions = f"Python {platform.python_version()}, {ssl.OPENSSL_VERSION}"
    findings.add("software", tls13, f"{versions}, cryptography {cryptography.__version__}")


def _look_at_files(findings: Findings, directory: Path) -> None:
    from ostraka import config, home
    from ostraka.files import loose_modes

    found = sorted(directory.glob("*.key"))
    if not found:
        findings.note("keys", f"no key in {directory}; make one: ostraka keygen NAME")
        return
    # Other users who may read the directory see names; those who may write it can swap the keys.
    problem = loose_modes(directory, 0o755)
    findings.add("directory", problem, f"only you can change {directory}")
    for path in found:
        findings.add("key", loose_modes(path, 0o600), f"only you can read {path}")
    for name in home.ledger_names(config.ledger_directory(directory)):
        _look_at_ledger(findings, name, directory)


def _look_at_ledger(findings: Findings, name: str, directory: Path) -> None:
    from ostraka import home, identity
    from ostraka.errors import OstrakaError

    try:
        own = home.own_ledger(identity.load(name, directory), directory, voice.warn)
    except OstrakaError as error:
        findings.add("ledger", error.message, code=error.exit_code)
        return
    findings.add("ledger", None, f"{own.chain.path} holds; its runs: {len(own.runs)}")


def _look_at_session(
    findings: Findings, manifest: Manifest, name: str, directory: Path
) -> tuple[PartySpec | None, Identity | None]:
    findings.add("manifest", None, f"valid, sha256 {manifest.digest.hex()}")
    me = _who(findings, manifest, name, directory)
    _look_at_keys_met(findings, manifest, me)
    return me, _look_at_key(findings, manifest, me, directory) if me else None


def _look_at_keys_met(findings: Findings, manifest: Manifest, me: PartySpec | None) -> None:
    """Compare the other parties' keys with those that this machine has met."""
    from ostraka import home
    from ostraka.errors import UsageError
    from ostraka.record.known_keys import KeyStanding

    try:
        met = home.known_keys().meet(manifest, me.name if me else None)
    except UsageError as error:
        findings.add("known keys", error.message)
        return
    for key in met:
        said = f"{key.name}: {key.in_words()}"
        if key.standing is KeyStanding.NEW:
            findings.note("known keys", said)
        elif key.standing is not KeyStanding.OWN:
            changed = key.standing is KeyStanding.CHANGED
            findings.add("known keys", said if changed else None, said, 13)


def _who(findings: Findings, manifest: Manifest, name: str, directory: Path) -> PartySpec | None:
    from ostraka import config

    if name:
        return manifest.party_named(name)
    here = config.parties_here(manifest, directory)
    if len(here) == 1:
        return here[0]
    which = f"keys of {', '.join(p.name for p in here)}" if here else "no party's key"
    findings.add("party", f"{directory} holds {which}: choose with --as NAME and --keys DIR")
    return None


def _look_at_key(
    findings: Findings, manifest: Manifest, me: PartySpec, directory: Path
) -> Identity | None:
    from ostraka import identity
    from ostraka.errors import OstrakaError

    try:
        own = identity.load(me.name, directory)
    except OstrakaError as error:
        findings.add("identity", error.message)
        return None
    same = own.fingerprint == me.pin
    wrong = f"yours is {identity.fingerprint_text(own.fingerprint)}, the manifest names {me.key}"
    findings.add(
        "identity", None if same else wrong, f"the manifest names your key as {me.name}", 11
    )
    _look_at_clock(findings, own)
    return own if same else None


def _look_at_clock(findings: Findings, own: Identity) -> None:
    """Compare the clock with the certificate's dates, which catch a clock that is years off."""
    from datetime import UTC, datetime

    from cryptography import x509

    certificate = x509.load_der_x509_certificate(own.certificate)
    start, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    now = datetime.now(UTC)
    detail = (
        f"{now:%Y-%m-%d %H:%M} UTC is within your certificate's {start:%Y-%m-%d} to {end:%Y-%m-%d}"
    )
    outside = detail.replace("is within", "is outside")
    problem = None if start <= now <= end else f"{outside}: is it right? It ends no session"
    findings.add("clock", problem, detail)
