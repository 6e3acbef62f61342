"""Session as one party takes part in it from a notebook or a program: explained, rehearsed, run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from ostraka.config import load
from ostraka.errors import OstrakaError
from ostraka.explanation import Explanation, check
from ostraka.identity import Identity
from ostraka.manifest import Manifest
from ostraka.outcome import Outcome
from ostraka.party import run
from ostraka.progress import Observer
from ostraka.progress_view import ProgressView
from ostraka.simulation import simulate
from ostraka.teaching import ShownShares


@dataclass(frozen=True)
class OwnSession:
    """Session of one party; made by `open_session`.

    Attributes:
        manifest: the agreement.
        as_: the name of the party that takes part here.
        keys, receipts, keep_records, trust_new: as `run` takes them.
    """

    manifest: Manifest
    as_: str
    keys: Identity | Path | str | None = None
    receipts: Path | str | None = None
    keep_records: bool = True
    trust_new: bool | str = False

    def check(self) -> Explanation:
        """Explain it: who learns what, its cost, the effect of noise."""
        return check(self.manifest)

    async def rehearse(
        self,
        inputs: Mapping[str, object],
        *,
        seed: int = 0,
        drop: Mapping[str, int] | None = None,
        shares: ShownShares | None = None,
    ) -> dict[str, Outcome | OstrakaError]:
        """Rehearse it with made-up inputs of all parties, as `simulate` does."""
        return await simulate(self.manifest, inputs, seed=seed, drop=drop, shares=shares)

    async def run(
        self, input: object = None, *, progress: bool = True, observer: Observer | None = None
    ) -> Outcome:
        """Take part, as `run` does, and show how far it has come.

        Args:
            input: this party's; None where it does not contribute.
            progress: whether a line, in a notebook a bar, shows the progress.
            observer: is told of it in place of that.

        Raises:
            OstrakaError: as `run`.
        """
        if observer is None and progress:
            observer = ProgressView()
        return await run(
            self.manifest,
            self.as_,
            input,
            keys=self.keys,
            receipts=self.receipts,
            keep_records=self.keep_records,
            trust_new=self.trust_new,
            observer=observer,
        )

    def _repr_html_(self) -> str:
        return self.check()._repr_html_()


def open_session(
    manifest: Manifest | Path | str,
    as_: str,
    *,
    keys: Identity | Path | str | None = None,
    receipts: Path | str | None = None,
    keep_records: bool = True,
    trust_new: bool | str = False,
) -> OwnSession:
    """Read a manifest, and return the session that one of its parties takes part in.

    Nothing is sent, and no key is read, before `OwnSession.run`. Arguments are those of `run`.

    Raises:
        ManifestError: the manifest is not valid; the message points at the line.
        UsageError: it names no such party, or its file cannot be read.
    """
    found = manifest if isinstance(manifest, Manifest) else load(manifest)
    name = found.party_named(as_).name
    return OwnSession(found, name, keys, receipts, keep_records, trust_new)
