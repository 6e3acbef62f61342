"""Shares of a rehearsal, shown: for teaching, with made-up inputs alone."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING, Any, Final

from ostraka.names import PartyId
from ostraka.progress import Kind, Observer
from ostraka.sharing.scheme import Scheme

if TYPE_CHECKING:
    import pandas

    from ostraka.arithmetic.randomness import Words

MOST: Final = 1000
"""Elements of a share that are kept at most."""


class ShownShares:
    """Shares that the parties of a rehearsal made and announced; `simulate` fills it.

    A real run shows each party its own row and column alone. Here all are seen, so the inputs are
    seen too: under additive sharing each row sums to its input, modulo 2^64.

    Attributes:
        made: by owner and receiver, the elements of a share, signed.
        announced: by compute party, the elements of its share of the result, signed.
    """

    def __init__(self) -> None:
        self.made: dict[tuple[str, str], list[int]] = {}
        self.announced: dict[str, list[int]] = {}

    def observers(self, parties: Iterable[PartyId], scheme: Scheme) -> dict[PartyId, Observer]:
        """Return an observer for each party, which puts its shares here."""
        return {party: _Onlooker(party, scheme, self) for party in parties}

    def to_frame(self) -> pandas.DataFrame:
        """Return a row for each element: owner, receiver, element, share; needs pandas.

        The owner of an announced share is "" and its receiver the party that announced it.
        """
        from ostraka.presentation.frame import frame

        given = [(owner, to, values) for (owner, to), values in self.made.items()]
        given += [("", party, values) for party, values in self.announced.items()]
        rows = [
            (owner, to, at, value)
            for owner, to, values in given
            for at, value in enumerate(values, 1)
        ]
        return frame(rows, ["owner", "receiver", "element", "share"])

    def __repr__(self) -> str:
        return f"ShownShares({len(self.made)} made, {len(self.announced)} announced)"

    def _repr_html_(self) -> str:
        """Return a table: owners as rows, receivers as columns, the first element of each share."""
        owners = dict.fromkeys(owner for owner, _ in self.made)
        others = dict.fromkeys(to for _, to in self.made)
        receivers = sorted(others, key=lambda to: list(owners).index(to) if to in owners else -1)
        rows = [[owner, *(self._first(owner, to) for to in receivers)] for owner in owners]
        if self.announced:
            told = (_text(self.announced.get(to)) for to in receivers)
            rows.append(["announced", *told])
        head = "".join(f"<th>{escape(name)}</th>" for name in ("", *receivers))
        body = "".join(f"<tr>{''.join(f'<td>{escape(c)}</td>' for c in row)}</tr>" for row in rows)
        return f"<table><tr>{head}</tr>{body}</table>"

    def _first(self, owner: str, to: str) -> str:
        return _text(self.made.get((owner, to)))


class _Onlooker(Observer):
    """Observer of one party of a rehearsal."""

    wants_shares = True

    def __init__(self, me: PartyId, scheme: Scheme, shown: ShownShares) -> None:
        self._me, self._scheme, self._shown = me, scheme, shown

    def share(self, kind: Kind, party: PartyId, vector: Words) -> None:
        values: list[Any] = self._scheme.to_signed(vector[:MOST].copy()).tolist()
        if kind == "made":
            self._shown.made[self._me, party] = values
        elif kind == "announced":
            self._shown.announced[party] = values


def _text(values: list[int] | None) -> str:
    return str(values[0]) if values else "?"
