"""Organiser's side of a collection: credentials in its draft, the roster, codes that are given."""

from __future__ import annotations

import re
import secrets
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, NamedTuple

from ostraka import config
from ostraka.collection.codes import PREFIX, CollectionCode, read_code
from ostraka.collection.credentials import (
    LARGEST_WEIGHT,
    SECRET,
    Credential,
    CredentialRoster,
    SigningKey,
)
from ostraka.collection.report import OPEN
from ostraka.errors import ManifestError, UsageError
from ostraka.identity import fingerprint_text
from ostraka.invitations.draft import Draft, stand_in
from ostraka.limits import PLACES
from ostraka.manifest import Manifest
from ostraka.names import place_name

ROSTER: Final = stand_in("#roster")
"""Text in a draft that the roster's digest replaces."""

_SIZE: Final = re.compile(r"(?m)^size = \d+$")


class GivenCode(NamedTuple):
    """Code that the organiser gives to a person, and the name it knows that person by, or ""."""

    code: CollectionCode
    name: str

    def table(self) -> dict[str, str]:
        """Return the code and its link as `invite --output json` prints them."""
        found = {"code": self.code.write(), "link": self.code.link}
        return {**found, "name": self.name} if self.name else found


def add_credentials(draft: Draft, names: Sequence[str], weights: Sequence[int]) -> Draft:
    """Return the draft with more credentials: one for each name, which may be "", and weight.

    Raises:
        UsageError: the draft is no collection's or is sealed, or there would be too many.
    """
    if not draft.invited:
        hint = "make one with: ostraka new PROTOCOL --collection invited"
        message = f"draft {draft.id} is not of a collection with invitations"
        raise UsageError(message, hint=hint, data_left=False)
    if draft.sealed:
        raise UsageError(
            f"draft {draft.id} is sealed: no invitation can be added to its roster",
            hint="give out codes that are left: ostraka invite COLLECTION.toml",
            data_left=False,
        )
    if len(draft.credentials) + len(names) > PLACES:
        raise UsageError(f"a collection has at most {PLACES} invitations", data_left=False)
    if any(not 1 <= weight <= LARGEST_WEIGHT for weight in weights):
        message = f"a weight is a whole number from 1 to {LARGEST_WEIGHT}"
        raise UsageError(message, data_left=False)
    _require_new(draft, names)
    added = [
        {"secret": secrets.token_hex(SECRET), "name": name, "weight": weight, "given": False}
        for name, weight in zip(names, weights, strict=True)
    ]
    return replace(draft, credentials=[*draft.credentials, *added])


def _require_new(draft: Draft, names: Sequence[str]) -> None:
    """Check that no name gets a second invitation.

    Raises:
        UsageError: one would: its owner could report twice.
    """
    every = Counter([*(entry["name"] for entry in draft.credentials), *names])
    twice = [name for name, count in every.items() if name and count > 1]
    if twice:
        more = f" and {len(twice) - 1} more" if len(twice) > 1 else ""
        raise UsageError(
            f"{twice[0]}{more} would have two invitations, and could report twice; none was added",
            hint="give people of one name something to tell them apart; a draft keeps what was "
            "added before",
            data_left=False,
        )


def require_weights_taken(draft: Draft) -> None:
    """Check that the protocol counts reports by the weights in a draft.

    Raises:
        UsageError: there are weights other than 1, and the protocol takes none.
    """
    if all(entry["weight"] == 1 for entry in draft.credentials):
        return
    text = with_roster(draft, draft.text, CredentialRoster(()))
    try:
        config.bind_text(text, "manifest")
    except ManifestError as error:
        hint = "leave --weights out, or use a protocol that counts by weight: threshold-vote, tally"
        raise UsageError(error.message, hint=hint, data_left=False) from None


def roster_of(draft: Draft) -> CredentialRoster:
    """Return the roster of a draft's credentials."""
    return CredentialRoster(tuple(map(_credential, draft.credentials)))


def _credential(entry: dict[str, Any]) -> Credential:
    key = SigningKey.of_credential(bytes.fromhex(entry["secret"]))
    return Credential(key.public, entry["weight"])


def with_roster(draft: Draft, text: str, roster: CredentialRoster) -> str:
    """Return the manifest's TOML with the roster in it: digest, size, and weights other than 1.

    Raises:
        UsageError: no credential was added.
    """
    if not draft.credentials:
        hint = f"add some: ostraka invite {draft.id} --count N"
        raise UsageError(
            "no invitation was added to this collection yet", hint=hint, data_left=False
        )
    filled = text.replace(ROSTER, fingerprint_text(roster.digest))
    return _weighted(_SIZE.sub(f"size = {len(draft.credentials)}", filled), draft)


def _weighted(text: str, draft: Draft) -> str:
    entries = enumerate(draft.credentials, start=1)
    weights = {place_name(i): entry["weight"] for i, entry in entries if entry["weight"] != 1}
    if not weights:
        return text
    shown = ", ".join(f'"{name}" = {weight}' for name, weight in weights.items())
    line = f"weights = {{ {shown} }}\n"
    if "\n[outputs]\n" in text:
        return text.replace("\n[outputs]\n", f"\n[outputs]\n{line}", 1)
    return text.replace("\n[sharing]\n", f"\n[outputs]\n{line}\n[sharing]\n", 1)


def give_codes(
    draft: Draft, manifest: Manifest, count: int | None, names: Sequence[str]
) -> tuple[Draft, list[GivenCode]]:
    """Return codes that were not given yet, and the draft that remembers that they are.

    Args:
        count: how many; None for all that are left.
        names: of those who get them, in order; empty to keep the names in the draft.

    Raises:
        UsageError: fewer are left.
    """
    left = [i for i, entry in enumerate(draft.credentials) if not entry["given"]]
    wanted = len(left) if count is None else count
    if wanted > len(left):
        raise UsageError(
            f"{len(left)} invitations of the sealed roster are left, not {wanted}",
            hint="those given before are printed again with --again",
            data_left=False,
        )
    entries = list(draft.credentials)
    for at, i in enumerate(left[:wanted]):
        name = names[at] if names else entries[i]["name"]
        entries[i] = {**entries[i], "given": True, "name": name}
    made = replace(draft, credentials=entries)
    return made, [code_of(made, manifest, i) for i in left[:wanted]]


def given_codes(draft: Draft, manifest: Manifest) -> list[GivenCode]:
    """Return the codes that were given before."""
    given = [i for i, entry in enumerate(draft.credentials) if entry["given"]]
    return [code_of(draft, manifest, i) for i in given]


def code_of(draft: Draft, manifest: Manifest, number: int) -> GivenCode:
    """Return the code of one credential, by its number from 0."""
    entry = draft.credentials[number]
    secret = bytes.fromhex(entry["secret"])
    return GivenCode(CollectionCode(manifest.digest, number, secret, _url(manifest)), entry["name"])


def open_code(manifest: Manifest) -> GivenCode:
    """Return the one code of a collection without invitations."""
    return GivenCode(CollectionCode(manifest.digest, OPEN, bytes(SECRET), _url(manifest)), "")


def _url(manifest: Manifest) -> str:
    assert manifest.collection is not None
    return manifest.collection.mailbox[0]


def numbers_of(draft: Draft, wanted: Sequence[str]) -> list[int]:
    """Return the numbers, from 0, of credentials that are named by a name, "#PLACE" or a code.

    Raises:
        UsageError: one of them is none of the draft's.
    """
    return [_number_of(draft, text) for text in wanted]


def _number_of(draft: Draft, text: str) -> int:
    if PREFIX in text:
        return read_code(text).credential
    if re.fullmatch(r"#\d{1,9}", text) and 1 <= int(text[1:]) <= len(draft.credentials):
        return int(text[1:]) - 1
    found = [i for i, entry in enumerate(draft.credentials) if entry["name"] == text]
    if len(found) == 1:
        return found[0]
    message = f"{len(found) or 'no'} invitations are of {text}"
    raise UsageError(message, hint="name one by its code, or as #PLACE", data_left=False)


def sealed_draft(manifest: Manifest, directory: Path) -> Draft:
    """Return the draft that a collection's manifest was sealed from.

    Raises:
        UsageError: it is not on this machine: it holds the secrets of all codes.
    """
    digest = manifest.digest.hex()
    for path in sorted(directory.glob("*.json")):
        draft = Draft.load(path.stem, directory)
        if draft.sealed == digest:
            return draft
    raise UsageError(
        "the draft of this collection is not on this machine",
        hint="its organiser has it, in OSTRAKA_HOME of the machine that sealed it",
        data_left=False,
    )
