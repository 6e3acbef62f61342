"""Manifest: the agreement that all parties of a session hold.

`parse` turns TOML into a frozen `Manifest`, or lists all mistakes in it, each with its line.
Parties sign `Manifest.digest`: the SHA-256 of the *parsed* form. So comments, spacing and the order
of keys do not matter, and every value does.
"""

from __future__ import annotations

from ostraka.manifest.collection import Collection
from ostraka.manifest.coordinators import BrokerSpec, CoordinatorSpec
from ostraka.manifest.fields import (
    BoolType,
    ChoiceType,
    DecimalType,
    FloatType,
    IdType,
    InputType,
    IntType,
    canonical_json,
    exact_fraction,
    fingerprint,
    parse_type,
    seconds,
    suggest,
)
from ostraka.manifest.inputs import InputSchema
from ostraka.manifest.model import (
    Manifest,
    PartySpec,
    SessionSpec,
    Sharing,
)
from ostraka.manifest.privacy import Central, Clip, Dominance, Local, Plausible, Policy, Privacy
from ostraka.manifest.reading import locate, parse

__all__ = [
    "BoolType",
    "BrokerSpec",
    "Central",
    "ChoiceType",
    "Clip",
    "Collection",
    "CoordinatorSpec",
    "DecimalType",
    "Dominance",
    "FloatType",
    "IdType",
    "InputSchema",
    "InputType",
    "IntType",
    "Local",
    "Manifest",
    "PartySpec",
    "Plausible",
    "Policy",
    "Privacy",
    "SessionSpec",
    "Sharing",
    "canonical_json",
    "exact_fraction",
    "fingerprint",
    "locate",
    "parse",
    "parse_type",
    "seconds",
    "suggest",
]
