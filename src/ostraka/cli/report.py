"""Command `report`: a result as one HTML page, with its question, its rules and its proof."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ostraka.cli import voice
from ostraka.cli.completing import complete_file, complete_session

if TYPE_CHECKING:
    from ostraka.explanation import Explanation
    from ostraka.manifest import Manifest

_HINT = "ostraka run ... --output json > result.json, or: ostraka result --list"


@dataclass(frozen=True)
class _Told:
    """Result, and what is known about it here.

    Attributes:
        result: as `ostraka run` printed it.
        party, at, title: of a result that was kept here; "" of another.
    """

    result: dict[str, Any]
    party: str = ""
    at: str = ""
    title: str = ""


def report(
    result: Annotated[
        str,
        typer.Argument(
            metavar="RESULT.json|SESSION",
            help="What `run --output json` printed; or the first digits of a session whose result "
            "is kept here; by default the last.",
            autocompletion=complete_file(".json"),
        ),
    ] = "",
    as_: Annotated[
        str, typer.Option("--as", metavar="NAME", help="The party, where several run here.")
    ] = "",
    session: Annotated[
        Path | None,
        typer.Option(
            metavar="SESSION.toml",
            help="The manifest, where there is no receipt that holds it.",
            autocompletion=complete_session,
        ),
    ] = None,
    receipt: Annotated[
        Path | None,
        typer.Option(
            metavar="RECEIPT.json",
            help="The receipt, if it is not where the result says.",
            autocompletion=complete_file(".json"),
        ),
    ] = None,
) -> None:
    """Write a result as one HTML page to stdout: question, answer, rules, proof. It has no script,
    needs no other file, and prints well; a browser saves it as PDF."""
    from ostraka.presentation.page import ReportContent
    from ostraka.presentation.page import report as written

    told = _told(result, as_)
    proof, held = _proof(told.result, receipt)
    explained = _explanation(told.result, session, held)
    manifest = explained.manifest if explained else None
    about = ReportContent(
        title=manifest.session.title if manifest else told.title or "A result",
        lead=_lead(told),
        question=_question(told.result, explained),
        rules=_rules(manifest) if manifest else (),
        sentences=explained.sentences if explained else (),
        proof=proof,
    )
    voice.emit_file(written(about, told.result))


def _told(where: str, party: str) -> _Told:
    """Return the result of a file, or the one that is kept of a session.

    Raises:
        UsageError: there is none.
    """
    from ostraka.home import results_directory
    from ostraka.record import results as kept

    if where and Path(where).exists():
        return _of_file(Path(where))
    found = kept.find(results_directory(), where, party).read()
    return _Told(found["result"], found["party"], found["at"], found["title"])


def _of_file(path: Path) -> _Told:
    from ostraka import strict_json
    from ostraka.errors import UsageError
    from ostraka.files import read_bounded

    try:
        found = strict_json.parse(read_bounded(path, 1 << 30))
        kept = found if isinstance(found.get("result"), dict) else {"result": found}
        _require_result(kept["result"])
    except (ValueError, KeyError, TypeError, AttributeError):
        raise UsageError(f"{path} is not a result that ostraka printed", hint=_HINT) from None
    return _Told(kept["result"], *(str(kept.get(key, "")) for key in ("party", "at", "title")))


def _require_result(result: Mapping[str, Any]) -> None:
    """Raise where a value is not a result as JSON has it: ValueError, KeyError or TypeError."""
    texts = [result["status"], result["protocol"], result["manifest_sha256"]]
    outputs = result.get("outputs", [])
    texts += [output["name"] for output in outputs] + [o.get("unit", "") for o in outputs]
    texts += [result.get("why", ""), result.get("session", ""), *result.get("liars", [])]
    if not all(isinstance(text, str) for text in texts) or any("value" not in o for o in outputs):
        raise ValueError("a result has texts and values")


def _lead(told: _Told) -> str:
    whose = [f"The result of {told.party}"] if told.party else ["A result"]
    return ", ".join([*whose, *([f"known since {told.at}"] if told.at else [])])


def _explanation(
    result: Mapping[str, Any], session: Path | None, held: str | None
) -> Explanation | None:
    """Explain the manifest of a file or a receipt; None where there is neither.

    Raises:
        UsageError: the file is another session's.
    """
    from ostraka.errors import ManifestError, UsageError
    from ostraka.explanation import check
    from ostraka.manifest.rereading import parse_canonical

    try:
        if session is not None:
            found = check(session)
        elif held is not None:
            found = check(parse_canonical(held))
        else:
            voice.warn("no receipt is here: the page has neither rules nor proof; --session adds")
            return None
    except ManifestError as error:
        if session is not None:
            raise
        voice.warn(f"the page has no rules: {error.message}")
        return None
    if found.manifest.digest.hex() != result["manifest_sha256"]:
        raise UsageError(f"the result is not one of {session or 'the receipt'}: digests differ")
    return found


def _question(result: Mapping[str, Any], explained: Explanation | None) -> list[str]:
    from ostraka.protocols import protocol_named

    names = [output["name"] for output in result.get("outputs", ())]
    asked = f"{result['protocol']}: {', '.join(names)}" if names else result["protocol"]
    if explained is None:
        return [asked]
    kind = protocol_named(explained.manifest.session.protocol)
    return [asked, f"{kind.summary().rstrip('.')}.", *explained.gist.learns]


def _rules(manifest: Manifest) -> list[tuple[str, str]]:
    from ostraka.inputs import reading

    sharing, policy = manifest.sharing, manifest.policy
    found = [("input", line) for line in reading.describe_all(manifest)]
    told = f"{sharing.scheme}, threshold {sharing.threshold}, {sharing.security} security"
    found.append(("sharing", told))
    found.append(("policy", _keys(policy.model_dump(exclude_defaults=True))))
    found.append(("noise", _keys(manifest.privacy.model_dump(exclude_defaults=True)) or "none"))
    return [(name, text) for name, text in found if text]


def _keys(table: Mapping[str, Any]) -> str:
    """Write a table as "key = value, key = (key = value)"."""
    shown = {k: f"({_keys(v)})" if isinstance(v, Mapping) else v for k, v in table.items()}
    return ", ".join(f"{key} = {value}" for key, value in shown.items() if value is not None)


def _proof(
    result: Mapping[str, Any], path: Path | None
) -> tuple[Sequence[tuple[str, str]], str | None]:
    """Return what proves a result, and the canonical manifest that its receipt holds, if any.

    Raises:
        OstrakaError: the receipt does not hold, or is another session's.
    """
    from ostraka.errors import UsageError
    from ostraka.record import receipt as receipts

    found = [("manifest sha256", result["manifest_sha256"])]
    if result.get("session"):
        found.insert(0, ("session", result["session"]))
    path = path or Path(str(result.get("receipt") or ""))
    if not path.is_file():
        return found, None
    whole = receipts.read(path)
    checked = receipts.verify(whole)
    if checked["session"] != result.get("session"):
        raise UsageError(f"{path} is the receipt of another session")
    ended = ", ".join(checked["signed"]) or "no party"
    missing = ", ".join(checked["missing"])
    return [
        *found,
        ("receipt", path.name),
        ("receipt sha256", hashlib.sha256(path.read_bytes()).hexdigest()),
        ("signed by", ended + (f"; missing: {missing}" if missing else "")),
    ], str(whole["manifest"])
