"""Protocols that other packages bring, found by entry point: group `ostraka.protocols`.

A package that is installed beside ostraka offers a protocol under a name:

    [project.entry-points."ostraka.protocols"]
    my-protocol = "my_package:MyProtocol"

Installed packages are searched only for a name that is not built in. A foreign protocol runs in the
party's process and sees its input: docs/threats.md says what that means.
"""

from __future__ import annotations

from inspect import isabstract
from typing import TYPE_CHECKING, Final, NoReturn

from ostraka.errors import ManifestError
from ostraka.protocols.protocol import Protocol

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint, EntryPoints

GROUP: Final = "ostraka.protocols"


def offers() -> EntryPoints:
    """Find the protocols that installed packages offer, without importing any of them."""
    from importlib.metadata import entry_points

    return entry_points(group=GROUP)


def package_of(offer: EntryPoint) -> str:
    """Name the package that makes an offer."""
    return offer.dist.name if offer.dist is not None else offer.value.partition(":")[0]


def load(name: str) -> type[Protocol] | None:
    """Import the foreign protocol of a name; None when no package offers one.

    Raises:
        ManifestError: two packages offer it, or the one that does brings no usable protocol.
    """
    found = {(package_of(offer), offer.value): offer for offer in offers().select(name=name)}
    if len(found) > 1:
        packages = " and ".join(sorted({package for package, _ in found}))
        _refuse(
            f'the protocol "{name}" is offered more than once: by {packages}',
            "uninstall all but one of them",
        )
    return next((import_offer(offer) for offer in found.values()), None)


def import_offer(offer: EntryPoint) -> type[Protocol]:
    """Import one offer and check that it is a protocol that can run under its name.

    Raises:
        ManifestError: it is not; the message names the package.
    """
    package = package_of(offer)
    hint = f"repair or uninstall {package}; every party needs the same version of it"
    try:
        found = offer.load()
    except Exception as error:
        reason = f"{type(error).__name__}: {error}"
        _refuse(
            f'the package {package}, which offers "{offer.name}", fails to load: {reason}', hint
        )
    if not (isinstance(found, type) and issubclass(found, Protocol)) or isabstract(found):
        _refuse(f'what the package {package} offers as "{offer.name}" is not a protocol', hint)
    if getattr(found, "name", None) != offer.name:
        _refuse(f'the package {package} offers a protocol as "{offer.name}" of another name', hint)
    return found


def _refuse(problem: str, hint: str) -> NoReturn:
    raise ManifestError(f"session.protocol: {problem}", hint=hint, data_left=False)
