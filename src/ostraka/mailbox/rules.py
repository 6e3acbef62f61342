"""Rules of one collection, from its manifest: what a mailbox takes for it, and until when."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ostraka.collection.shape import Shape
from ostraka.errors import ManifestError
from ostraka.files import NotText, decode
from ostraka.mailbox.batch import REPORTS_OF_ONE_CREDENTIAL
from ostraka.manifest import parse
from ostraka.protocols import protocol_for


class CollectionRules(NamedTuple):
    """Rules of one collection.

    Attributes:
        closes: seconds since 1970 from which a report is too late.
        early_close: whether the organiser may close it before.
        replaces: whether a credential may leave another report.
        most: number of reports that are kept, replacements among them.
    """

    shape: Shape
    closes: int
    early_close: bool
    replaces: bool
    most: int


ReadRules = Callable[[bytes], CollectionRules]
"""Function that reads the rules from a manifest's TOML; raises ManifestError."""


def read_rules(toml: bytes) -> CollectionRules:
    """Read the rules from a manifest's TOML.

    Raises:
        ManifestError: it is not valid, or has no table [collection].
    """
    try:
        manifest = parse(decode(toml), "manifest")
    except NotText as error:
        raise ManifestError(error.at("manifest")) from None
    its = manifest.collection
    if its is None:
        raise ManifestError("the manifest has no table [collection]")
    shape = Shape.of(protocol_for(manifest))
    again = REPORTS_OF_ONE_CREDENTIAL if its.invited and its.replace else 1
    return CollectionRules(
        shape, int(its.closes.timestamp()), its.early_close, its.replace, shape.size * again
    )
