"""The agreement that all parties of a session hold, byte for byte.

`parse` turns TOML into a frozen `Manifest`, or lists everything that is wrong with it, each with
its line. What parties sign is `Manifest.digest`: the SHA-256 of the *parsed* form, so comments,
spacing and the order of keys do not matter, and every value does.
"""

from __future__ import annotations

from ostraka.manifest.fields import (
    BoolType,
    ChoiceType,
    DecimalType,
    FloatType,
    InputType,
    IntType,
    canonical_json,
    fingerprint,
    host_port,
    parse_type,
    suggest,
)
from ostraka.manifest.model import (
    Coordinator,
    InputSchema,
    Manifest,
    Party,
    Policy,
    Session,
    Sharing,
)
from ostraka.manifest.reading import locate, parse

__all__ = [
    "BoolType",
    "ChoiceType",
    "Coordinator",
    "DecimalType",
    "FloatType",
    "InputSchema",
    "InputType",
    "IntType",
    "Manifest",
    "Party",
    "Policy",
    "Session",
    "Sharing",
    "canonical_json",
    "fingerprint",
    "host_port",
    "locate",
    "parse",
    "parse_type",
    "suggest",
]
