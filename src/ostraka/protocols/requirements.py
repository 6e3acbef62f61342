"""Requirements that a manifest puts on every protocol; each is a `ManifestError` where it fails."""

from __future__ import annotations

from collections.abc import Collection

from ostraka.errors import ManifestError
from ostraka.manifest import Manifest


def require_honest_majority(manifest: Manifest) -> None:
    """Require that with active security the honest parties' shares determine the result."""
    n, t = len(manifest.compute), manifest.sharing.threshold
    if manifest.sharing.security == "active" and n < 2 * t + 1:
        raise ManifestError(
            f'sharing.security = "active": where {t} of {n} compute parties may lie, '
            "the shares of the others do not determine the result, and no party would notice",
            hint='set scheme = "shamir" in [sharing], and '
            + (f"threshold = {(n - 1) // 2}" if n > 2 else "name more compute parties"),
            data_left=False,
        )


def require_places(manifest: Manifest, name: str, between: str) -> None:
    """Refuse a collection whose protocol does not ask the same of all contributors.

    Args:
        between: whose inputs the protocol's result is about, "" where all contributors are alike.
    """
    if between and manifest.collection is not None:
        raise ManifestError(
            f"collection: {name} takes no reports: its result is about {between}, each a party "
            "that the manifest names, and the reports of a collection are all alike",
            hint="leave [collection] out, and give the role of contributor to parties",
            data_left=False,
        )


def require_noise_and_rules(
    manifest: Manifest, name: str, noises: Collection[str], rules: Collection[str]
) -> None:
    """Require that a protocol adds the noise, and checks the rules, that its manifest asks for."""
    privacy = manifest.privacy
    asked = {"local": privacy.local, "central": privacy.central}
    for place in (p for p, noise in asked.items() if noise and p not in noises):
        raise ManifestError(
            f"privacy.{place}: {name} adds no {place} noise",
            hint="leave it out, or ask for something that can be noised, such as a sum",
            data_left=False,
        )
    for rule in (r for r in manifest.policy.inside if r not in rules):
        raise ManifestError(
            f"policy.{rule}: {name} does not check it",
            hint="leave it out, or use a protocol that does: table",
            data_left=False,
        )
