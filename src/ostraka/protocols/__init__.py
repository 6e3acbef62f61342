"""The catalogue of protocols: one line each; other packages may add more."""

from __future__ import annotations

from collections import UserDict
from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from ostraka.errors import ManifestError
from ostraka.manifest import Manifest, suggest
from ostraka.protocols import foreign
from ostraka.protocols.options import reports_are_checked
from ostraka.protocols.rehearsal import require_results

if TYPE_CHECKING:
    from ostraka.protocols.protocol import Protocol


class _Catalogue(UserDict[str, "type[Protocol]"]):
    """Protocols by name; a text "module:class" is imported when its protocol is first asked for."""

    data: dict[str, Any]

    def __getitem__(self, name: str) -> type[Protocol]:
        if isinstance(found := self.data[name], str):
            module, _, kind = found.partition(":")
            self.data[name] = getattr(import_module(f"ostraka.protocols.{module}"), kind)
        return self.data[name]  # type: ignore[no-any-return]


catalogue: Final = _Catalogue()
catalogue.data |= {
    "secure-sum": "secure_sum:SecureSum",
    "threshold-vote": "threshold_vote:ThresholdVote",
    "tally": "tally:Tally",
    "auction": "auction:Auction",
    "statistics": "order_statistics:OrderStatistics",
    "table": "table:Table",
    "private-choice": "private_choice:PrivateChoice",
    "inner-product": "inner_product:InnerProduct",
    "private-join": "private_join:PrivateJoin",
    "predict": "predict:Predict",
    "audit": "audit:FairnessAudit",
}


checking: Final = _Catalogue()
checking.data |= {"secure-sum": "checked_sum:CheckedSum"}
"""Classes for protocols that check inputs only where the manifest asks for it."""


hiding: Final = _Catalogue()
hiding.data |= {"private-join": "hidden_join:HiddenJoin"}
"""Classes for protocols where the manifest asks that everything be hidden."""


class Listed(NamedTuple):
    """One protocol as a list shows it.

    Attributes:
        problem: why it cannot be used; "" when it can.
    """

    name: str
    summary: str
    package: str
    problem: str = ""


def protocol_named(name: str) -> type[Protocol]:
    """Return the protocol of a name: a built-in one, else one of an installed package.

    Raises:
        ManifestError: there is none, or the package that offers it is broken.
    """
    found = catalogue.get(name) or foreign.load(name)
    if found is None:
        known = [*catalogue, *foreign.offers().names]
        raise ManifestError(
            f'session.protocol: there is no protocol "{name}"' + suggest(name, known),
            hint=f"this version knows {', '.join(dict.fromkeys(known))}",
            data_left=False,
        )
    return found


def protocol_for(manifest: Manifest) -> Protocol:
    """Return the protocol a manifest names, ready to run under it.

    Raises:
        ManifestError: there is no such protocol, or it cannot do what the manifest asks.
    """
    name = manifest.session.protocol
    kind = protocol_named(name)
    if name in hiding and manifest.outputs.get("hide") == "everything":
        kind = hiding[name]
    if name in checking and ("invalid" in manifest.outputs or reports_are_checked(manifest)):
        kind = checking[name]
    found = kind(manifest)
    require_results(found)
    return found


def every_protocol() -> Iterator[Listed]:
    """List all protocols, built in and installed, those that cannot be used with the reason."""
    for name, kind in catalogue.items():
        yield Listed(name, kind.summary(), "ostraka")
    for offer in foreign.offers():
        yield _offered(offer.name, foreign.package_of(offer))


def _offered(name: str, package: str) -> Listed:
    if name in catalogue:
        return Listed(name, "", package, "ignored: ostraka has a protocol of that name")
    try:
        return Listed(name, protocol_named(name).summary(), package)
    except ManifestError as error:
        return Listed(name, "", package, error.message.removeprefix("session.protocol: "))
