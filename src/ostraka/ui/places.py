"""Places of this party in sessions: the manifests that its page knows, and its name in each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ostraka import config, home, identity
from ostraka.errors import OstrakaError, UsageError
from ostraka.files import read_text
from ostraka.manifest import Manifest
from ostraka.names import PartyId
from ostraka.serving.shelf import Shelf
from ostraka.ui.settings import PageSettings


@dataclass(frozen=True)
class SessionPlace:
    """Place of this party in one session.

    Attributes:
        path: the manifest's file.
        manifest: the manifest.
        me: this party's name in it; "" where it has none, for the reason `why`.
    """

    path: Path
    manifest: Manifest
    me: str
    why: str = ""

    @property
    def digest(self) -> str:
        """Digest of the manifest in hexadecimal, by which the page names the session."""
        return self.manifest.digest.hex()

    @property
    def party(self) -> PartyId:
        """Name of this party.

        Raises:
            UsageError: it has no place here.
        """
        if not self.me:
            raise UsageError(self.why, hint="ostraka ui --as NAME --keys DIR", data_left=False)
        return PartyId(self.me)


class SessionPlaces:
    """Manifests that the page knows, each of which is read once while its file stays as it is."""

    def __init__(self, settings: PageSettings) -> None:
        self._settings = settings
        self._shelves: dict[Path, Shelf] = {}

    def look(self) -> tuple[list[SessionPlace], list[tuple[Path, OstrakaError]]]:
        """Return the places, and the files that are no valid manifests with the reason.

        Files of a directory that have no `[session]`, such as NAME.toml, are left alone.
        """
        found: dict[Path, Manifest | OstrakaError] = {}
        for source in self._settings.sessions:
            directory = source if source.is_dir() else source.parent
            shelf = self._shelves.setdefault(source, Shelf())
            known = shelf.look(directory)
            if directory == source:
                found |= {p: f for p, f in known.items() if _is_meant(p, f)}
            else:
                missing = UsageError(f"{source} is not there", data_left=False)
                found[source] = known.get(source, missing)
        good = [(path, one) for path, one in found.items() if isinstance(one, Manifest)]
        bad = [(path, one) for path, one in found.items() if isinstance(one, OstrakaError)]
        return [self._place(path, manifest) for path, manifest in good], bad

    def find(self, digest: str) -> SessionPlace:
        """Return the place in a session; UsageError where no manifest here has the digest."""
        for place in self.look()[0]:
            if place.digest == digest:
                return place
        message = f"no manifest here has the digest {digest[:16]}: its file was changed or removed"
        raise UsageError(message, hint="look at the sessions again", data_left=False)

    def _place(self, path: Path, manifest: Manifest) -> SessionPlace:
        try:
            return SessionPlace(path, manifest, self._name_in(manifest))
        except OstrakaError as error:
            return SessionPlace(path, manifest, "", error.message)

    def _name_in(self, manifest: Manifest) -> str:
        if self._settings.name is not None:
            return manifest.party_named(self._settings.name).name
        here = [
            party.name
            for party in config.parties_here(manifest, self._settings.keys)
            if _own_pin(party.name, self._settings.keys) == party.pin
        ]
        if len(here) == 1:
            return here[0]
        if here:
            names = ", ".join(here)
            raise UsageError(f"{self._settings.keys} has keys of several of its parties: {names}")
        raise UsageError(f"no key of its parties is in {self._settings.keys}")


def _is_meant(path: Path, found: Manifest | OstrakaError) -> bool:
    """Return whether a file of a directory is a manifest, or is meant to be one."""
    try:
        return isinstance(found, Manifest) or "[session]" in read_text(path)
    except OstrakaError:
        return False


def _own_pin(name: str, keys: Path) -> bytes:
    try:
        return identity.fingerprint(identity.certificate_from_pem(keys / f"{name}.crt"))
    except OstrakaError:
        return b""


def is_on_record(place: SessionPlace, keys: Path) -> bool:
    """Return whether an earlier process left a run of this session unfinished, as files tell."""
    try:
        own = home.own_identity(place.manifest, place.party, keys)
        records = home.own_records(own, keys)
    except OstrakaError:
        return False
    return records is not None and records.path(place.manifest.digest).exists()
