"""Objections of a party that stays to a session: what its settings do not allow."""

from __future__ import annotations

from collections.abc import Iterator

from ostraka.manifest import Manifest
from ostraka.serving.settings import PartySettings


def objections(manifest: Manifest, its: PartySettings) -> Iterator[str]:
    """Yield in words why a party does not take part in a session; nothing where it may."""
    if its.name not in manifest.parties:
        yield f"{its.name} is no party of it"
    elif its.name in manifest.contributors and manifest.session.series not in its.inputs:
        yield (
            f"{its.name} contributes to it: take part with `ostraka run ... --input`, or name the "
            "file of its series in [inputs]"
        )
    if its.protocols is not None and manifest.session.protocol not in its.protocols:
        yield f"its protocol is {manifest.session.protocol}"
    of = manifest.collection
    if its.organisers is not None and of is not None and of.organiser not in its.organisers:
        yield "its organiser is not known"
    if manifest.policy.min_contributors < its.min_contributors:
        least = its.min_contributors
        yield f"its min_contributors is {manifest.policy.min_contributors}, not {least} or more"
    if manifest.sharing.threshold < its.threshold:
        yield f"its threshold is {manifest.sharing.threshold}, not {its.threshold} or more"
