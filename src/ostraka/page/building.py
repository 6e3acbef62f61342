"""Building of a page: the parts put into one file, with what the manifest asks.

The file has all that it needs: it loads no other, and its policy lets it speak to the collection's
mailboxes alone. What it shows is made here, from the manifest; it compares the manifest's digest
with that in the code of the person who fills it in.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any, Final

from ostraka.collection.shape import Shape
from ostraka.errors import UsageError
from ostraka.files import decode
from ostraka.manifest import Manifest, parse
from ostraka.manifest.collection import moment_text
from ostraka.names import RELEASE
from ostraka.page.form import NoForm, form_of
from ostraka.protocols import advice, protocol_for
from ostraka.protocols.protocol import Protocol

_PLACE: Final = re.compile(r"\{\{([A-Z]+)\}\}")

PARTS: Final = ("page.html", "page.css", "report.js", "parts.js", "page.js")


def build(protocol: Protocol) -> str:
    """Return the page of a protocol's collection, as HTML.

    Raises:
        UsageError: the manifest has no collection, or one that a page cannot ask for.
    """
    if protocol.manifest.collection is None:
        raise UsageError("this manifest has no [collection]: its parties run a session")
    try:
        data = _data(protocol)
    except NoForm as why:
        raise UsageError(
            f"there is no page for this collection: {why}",
            hint="its contributors use the command line: ostraka contribute CODE",
            data_left=False,
        ) from None
    return fill(data, protocol.manifest)


def page_of(toml: bytes) -> str:
    """Return the page of a manifest's TOML; raises as `build`, and ManifestError."""
    found = _page_or_why(toml)
    if isinstance(found, str):
        return found
    raise UsageError(found.message, hint=found.hint, data_left=False)


@lru_cache(maxsize=16)
def _page_or_why(toml: bytes) -> str | UsageError:
    """Return the page, or why there is none: that takes as long to find out, and is asked again."""
    try:
        return build(protocol_for(parse(decode(toml), "manifest")))
    except UsageError as why:
        return why


def fill(data: dict[str, Any], manifest: Manifest) -> str:
    """Return the page with its data in it."""
    template, style, *scripts = map(_part, PARTS)
    shown = json.dumps(data, sort_keys=True, separators=(",", ":")).replace("<", "\\u003c")
    script = "\n".join(scripts)
    policy = _policy(script, style, manifest)
    parts = {"POLICY": policy, "STYLE": style, "DATA": shown, "SCRIPT": script}
    return _PLACE.sub(lambda place: parts[place[1]], template)  # in one pass: a title may name one


def digest(page: str) -> str:
    """Return the SHA-256 of a page in hexadecimal: by it people tell whether they have the same."""
    return hashlib.sha256(page.encode()).hexdigest()


def _data(protocol: Protocol) -> dict[str, Any]:
    manifest, shape = protocol.manifest, Shape.of(protocol)
    collection = manifest.collection
    assert collection is not None
    return {
        "manifest": manifest.canonical.decode(),
        "digest": manifest.digest.hex(),
        "title": manifest.session.title,
        "asked": protocol.input_in_words(manifest.contributors[0]),
        "organiser": collection.organiser,
        "closes": moment_text(collection.closes),
        "mailboxes": list(collection.mailbox),
        "invited": shape.invited,
        "replace": collection.replaceable,
        "says": [*protocol.explain(), *advice.weak(protocol)],
        "recipients": list(manifest.recipients),
        "compute": [
            {"name": name, "pin": pin.hex()}
            for name, pin in zip(shape.compute, shape.pins, strict=True)
        ],
        "lengths": list(shape.lengths),
        "scheme": {
            "name": protocol.scheme.name,
            "parties": len(shape.compute),
            "threshold": protocol.scheme.colluders,
        },
        "form": form_of(protocol),
        "release": RELEASE,
    }


@cache
def _part(name: str) -> str:
    return files("ostraka.page").joinpath(name).read_text("utf-8")


def _policy(script: str, style: str, manifest: Manifest) -> str:
    assert manifest.collection is not None
    mailboxes = " ".join(dict.fromkeys(map(_origin, manifest.collection.mailbox)))
    return (
        f"default-src 'none'; script-src {_hashed(script)}; style-src {_hashed(style)}; "
        f"connect-src {mailboxes}; form-action 'none'; base-uri 'none'"
    )


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])


def _hashed(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
