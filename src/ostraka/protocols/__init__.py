"""The catalogue of protocols: one line each."""

from __future__ import annotations

from typing import Final

from ostraka.errors import ManifestError
from ostraka.manifest import Manifest, suggest
from ostraka.protocols.auction import Auction
from ostraka.protocols.inner_product import InnerProduct
from ostraka.protocols.order_statistics import OrderStatistics
from ostraka.protocols.private_choice import PrivateChoice
from ostraka.protocols.protocol import Protocol
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


def protocol_for(manifest: Manifest) -> Protocol:
    """The protocol a manifest names, ready to run under it.

    Raises:
        ManifestError: there is no such protocol, or it cannot do what the manifest asks.
    """
    name = manifest.session.protocol
    if name not in catalogue:
        raise ManifestError(
            f'session.protocol: there is no protocol "{name}"' + suggest(name, catalogue),
            hint=f"this version knows {', '.join(catalogue)}",
            data_left=False,
        )
    return catalogue[name](manifest)
