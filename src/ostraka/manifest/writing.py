"""Writing of manifests as TOML, in the order people read: the session, its parties, the rest."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

from ostraka.manifest.collection import moment_text
from ostraka.names import Role

ROLES = tuple(map(str, Role))


class Bare(str):
    """Text that is written into TOML without quotes, such as an exact number."""

    __slots__ = ()


Table = Mapping[str, Any]


def write_manifest(tables: Mapping[str, Table | Sequence[Table]], parties: Iterable[Table]) -> str:
    """Write a manifest as TOML text; values that are None, and tables without values, are left out.

    Args:
        tables: the tables by name; a sequence is written as several of one name: `[[input]]`.
        parties: the tables `[[party]]`.
    """
    blocks = [*_blocks("session", tables["session"])]
    blocks += [_table("[[party]]", party) for party in parties]
    for name in tables:
        blocks += _blocks(name, tables[name]) if name != "session" else []
    return "\n".join(filter(None, blocks))


def party_in_all_roles(name: str, key: str, address: str | None = None) -> dict[str, Any]:
    """Return the table of a party that contributes, computes and receives."""
    return {"name": name, "key": key, "roles": list(ROLES), "address": address}


def without_input(party: Mapping[str, Any]) -> dict[str, Any]:
    """Return the table of the same party if it does not contribute."""
    return {**party, "roles": [role for role in party["roles"] if role != "contributor"]}


def _blocks(name: str, value: Table | Sequence[Table]) -> list[str]:
    if isinstance(value, Mapping):
        return [_table(f"[{name}]", value)]
    return [_table(f"[[{name}]]", table) for table in value]


def _table(head: str, values: Mapping[str, Any]) -> str:
    lines = [f"{k} = {_literal(v)}" for k, v in values.items() if v is not None]
    return "\n".join([head, *lines, ""]) if lines else ""


def _literal(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{k} = {_literal(v)}" for k, v in value.items()) + " }"
    if isinstance(value, Bare | Decimal):
        return str(value)
    if isinstance(value, datetime):
        return moment_text(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
