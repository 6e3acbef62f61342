"""The catalogue of protocols: one line each; other packages may add more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final, NamedTuple

from ostraka.errors import ManifestError
from ostraka.manifest import Manifest, suggest
from ostraka.protocols import foreign
from ostraka.protocols.auction import Auction
from ostraka.protocols.inner_product import InnerProduct
from ostraka.protocols.order_statistics import OrderStatistics
from ostraka.protocols.private_choice import PrivateChoice
from ostraka.protocols.protocol import Protocol
from ostraka.protocols.rehearsal import require_results
from ostraka.protocols.secure_sum import SecureSum
from ostraka.protocols.table import Table
from ostraka.protocols.tally import Tally
from ostraka.protocols.threshold_vote import ThresholdVote

catalogue: Final[dict[str, type[Protocol]]] = {
    "secure-sum": SecureSum,
    "threshold-vote": ThresholdVote,
    "tally": Tally,
    "auction": Auction,
    "statistics": OrderStatistics,
    "table": Table,
    "private-choice": PrivateChoice,
    "inner-product": InnerProduct,
}


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
    found = protocol_named(manifest.session.protocol)(manifest)
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
