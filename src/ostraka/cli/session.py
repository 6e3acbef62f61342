"""`run`, `coordinator`, `simulate`, `verify`: sessions, real, relayed, rehearsed and proven."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import results, voice
from ostraka.cli.ledger import own_ledger

if TYPE_CHECKING:
    from ostraka.config import CoordinatorConfig
    from ostraka.identity import Identity
    from ostraka.manifest import Manifest
    from ostraka.names import PartyId
    from ostraka.record.ledger import Ledger

Session = Annotated[Path, typer.Argument(metavar="SESSION.toml", help="The manifest.")]
Format = Annotated[voice.Output, typer.Option(metavar="text|json", help="What stdout gets.")]
Keys = Annotated[
    Path | None,
    typer.Option(
        metavar="DIR", help="Where NAME.key and NAME.crt are; by default OSTRAKA_KEYS, or here."
    ),
]


def run(
    session: Session,
    as_: Annotated[str, typer.Option("--as", metavar="NAME", help="Which party we are.")],
    keys: Keys = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input",
            metavar="FILE|-",
            help="Our input: JSON, .npy, or text with a value on each line; - is standard input; "
            "asked for without echo when left out.",
        ),
    ] = None,
    receipts: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Where the receipt goes; by default OSTRAKA_RECEIPTS, or here."
        ),
    ] = None,
    output: Format = voice.Output.TEXT,
) -> None:
    """Take part in a session as one party; ends when the result is there."""
    from ostraka import config

    voice.speaker.data_left = False
    manifest = config.load(session)
    me = manifest.party_named(as_).name
    identity = own_identity(manifest, me, config.keys_directory(keys))
    directory = config.receipts_directory(receipts)
    raw = _input(manifest, me, input_)
    ledger = own_ledger(identity, config.keys_directory(keys))
    result = _take_part(manifest, identity, me, raw, directory, ledger)
    if output is voice.Output.JSON:
        voice.emit(result)
    else:
        results.show(result)


def own_identity(manifest: Manifest, me: PartyId, keys: Path) -> Identity:
    """Our key, which must be the one that the manifest says is ours."""
    from ostraka import identity
    from ostraka.errors import PinMismatch

    found = identity.load(me, keys)
    if found.fingerprint != manifest.pin(me):
        raise PinMismatch(
            f"{found.certificate_path} is not the key that the manifest names for {me}",
            hint=f"yours is {identity.fingerprint_text(found.fingerprint)}; "
            "choose another --keys, or agree on a new manifest",
            data_left=False,
        )
    return found


def _input(manifest: Manifest, me: PartyId, source: str | None) -> Any:
    """Our input, found valid before anybody is contacted; None when none is asked of us."""
    from ostraka import config
    from ostraka.errors import InputError
    from ostraka.inputs import reading

    if me not in manifest.contributors:
        if source is None:
            return None
        message = f"{me} is not a contributor in this session: leave --input out"
        raise InputError(message, data_left=False)
    raw = reading.read_input(source, manifest.input_of(me), me)
    config.protocol(manifest).input_of(me, raw)
    return raw


def _take_part(
    manifest: Manifest,
    identity: Identity,
    me: PartyId,
    raw: Any,
    receipts: Path,
    ledger: Ledger,
) -> dict[str, Any]:
    import asyncio

    from ostraka import party as roles
    from ostraka.cli.progress import Progress

    with Progress(contributes=me in manifest.contributors) as progress:
        return asyncio.run(
            roles.run_party(
                manifest,
                identity,
                me,
                raw,
                directory_for_receipt=receipts,
                observer=progress,
                ledger=ledger,
            )
        )


# --- coordinator -------------------------------------------------------------------------------


def coordinator(
    config_file: Annotated[
        Path,
        typer.Option(
            "--config",
            metavar="FILE",
            help='TOML: listen = "HOST:PORT"; perhaps name ("coordinator") and keys (the '
            "file's own directory), whose key it uses; allow, fingerprints it relays for.",
        ),
    ],
) -> None:
    """Relay between parties; it can read nothing of what it carries. Runs until stopped."""
    import asyncio

    from ostraka import config, identity

    settings = config.load_coordinator(config_file)
    own = identity.load(settings.name, settings.keys)
    asyncio.run(_relay(settings, own))


async def _relay(settings: CoordinatorConfig, own: Identity) -> None:
    import asyncio
    import signal

    from ostraka.coordinator.server import serve
    from ostraka.identity import fingerprint_text

    def ready(address: str) -> None:
        voice.say(f"listening on {address} as {fingerprint_text(own.fingerprint)}")

    relay = asyncio.current_task()
    assert relay is not None
    stopped = False

    def stop() -> None:
        nonlocal stopped
        stopped = True
        relay.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        await serve(settings.listen, own, ready=ready, allow=settings.allow)
    except asyncio.CancelledError:
        if not stopped:
            raise
        voice.say("stopped")


# --- simulate ----------------------------------------------------------------------------------


def simulate(
    session: Session,
    inputs: Annotated[
        Path, typer.Option(metavar="FILE", help='JSON: {"alice": 3800, "bob": [1, 2], ...}.')
    ],
    seed: Annotated[int, typer.Option(metavar="N", help="The same seed, the same run.")] = 0,
    drop: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME[=N]",
            help="That party crashes after N messages, at once by default; may be repeated.",
        ),
    ] = None,
    output: Format = voice.Output.TEXT,
) -> None:
    """Rehearse a session with toy inputs: one process, no network, no keys, no secrets."""
    from ostraka import config
    from ostraka.errors import OstrakaError
    from ostraka.inputs import reading
    from ostraka.simulate import simulate as simulated

    manifest = config.load(session)
    drops = dict(_drop(text, manifest) for text in drop or [])
    values: Any = reading.read_inputs(inputs, manifest, missing_ok=tuple(drops))
    _check_inputs(manifest, values)
    found = simulated(manifest, values, seed=seed, drop=drops)
    shown: dict[str, Any] = {
        name: results.of_party(manifest, result) for name, result in found.items()
    }
    if output is voice.Output.JSON:
        voice.emit({"results": shown})
    else:
        results.show_all(shown)
    failed = [r for name, r in found.items() if isinstance(r, OstrakaError) and name not in drops]
    if failed:
        failed[0].data_left = False  # whatever a party thought, there was no network
        raise typer.Exit(voice.report(failed[0]))


def _check_inputs(manifest: Manifest, values: dict[str, Any]) -> None:
    """What `run` would refuse before anything is sent."""
    from ostraka import config
    from ostraka.errors import InputError

    protocol = config.protocol(manifest)
    for name, value in values.items():
        try:
            protocol.input_of(manifest.party_named(name).name, value)
        except InputError as error:
            raise InputError(f"{name}: {error.message}", hint=error.hint, data_left=False) from None


def _drop(text: str, manifest: Manifest) -> tuple[PartyId, int]:
    from ostraka.errors import UsageError

    name, _, count = text.partition("=")
    if count and not count.isdecimal():
        raise UsageError(f"--drop {text}: not a number of messages", hint="such as --drop bob=2")
    return manifest.party_named(name).name, int(count or 0)


# --- verify ------------------------------------------------------------------------------------


def verify(
    receipt: Annotated[Path, typer.Argument(metavar="RECEIPT.json")],
    output: Format = voice.Output.TEXT,
) -> None:
    """Check a receipt's signatures, offline."""
    from ostraka.record import receipt as receipts

    found = receipts.verify(receipts.read(receipt))
    if output is voice.Output.JSON:
        voice.emit({"valid": True, **found})
        return
    print(f"{receipt} holds.")
    print(f"  title     {found['title']}")
    print(f"  session   {found['session']}")
    print(f"  manifest  sha256 {found['manifest_sha256']}")
    print(f"  parties   {', '.join(found['parties'])}: each signed this manifest and session")
    print(f"  ended     {', '.join(found['signed']) or 'nobody'}: signed what they did")
    counted = found["counted"]
    print(f"  counted   {', '.join(counted) if counted else 'nobody says'}")
