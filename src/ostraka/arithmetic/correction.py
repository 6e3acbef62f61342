"""Error correction by Berlekamp and Welch: finding the values that lie on no common polynomial."""

from __future__ import annotations

from collections.abc import Sequence

from ostraka.arithmetic.field import Field


def wrong_values(
    field: Field, points: Sequence[int], values: Sequence[int], degree: int
) -> tuple[int, ...] | None:
    """Find the values that do not lie on the polynomial that nearly all of them lie on.

    The polynomial f has at most `degree`, and all values but e lie on it, where
    e = (len(points) - degree - 1) // 2. With E the polynomial that is zero at the wrong points and
    Q = f E, Q(x) = y E(x) at every point: linear equations for the coefficients of Q and E.

    Returns:
        The positions of the wrong values; None when more than e are wrong.
    """
    p, e = field.p, (len(points) - degree - 1) // 2
    equations = [
        [pow(x, k, p) for k in range(e + degree + 1)]
        + [-y * pow(x, k, p) % p for k in range(e)]
        + [y * pow(x, e, p) % p]
        for x, y in zip(points, values, strict=True)
    ]
    solution = _solve(equations, p)
    if solution is None:
        return None
    q, error = solution[: e + degree + 1], [*solution[e + degree + 1 :], 1]
    f = _divide(q, error, p)
    if f is None:
        return None
    pairs = enumerate(zip(points, values, strict=True))
    wrong = tuple(i for i, (x, y) in pairs if _at(f, x, p) != y)
    return wrong if len(wrong) <= e else None


def _solve(rows: list[list[int]], p: int) -> list[int] | None:
    """Return one solution of a linear system, its right-hand side in the last column, or None."""
    unknowns = len(rows[0]) - 1
    pivots: list[int] = []
    for column in range(unknowns):
        top = len(pivots)
        found = next((i for i in range(top, len(rows)) if rows[i][column]), None)
        if found is None:
            continue
        rows[top], rows[found] = rows[found], rows[top]
        inverse = pow(rows[top][column], -1, p)
        rows[top] = [v * inverse % p for v in rows[top]]
        for i, row in enumerate(rows):
            if i != top and (factor := row[column]):
                rows[i] = [(a - factor * b) % p for a, b in zip(row, rows[top], strict=True)]
        pivots.append(column)
    if any(row[-1] for row in rows[len(pivots) :]):
        return None
    solution = [0] * unknowns
    for row, column in zip(rows, pivots, strict=False):
        solution[column] = row[-1]
    return solution


def _divide(numerator: Sequence[int], monic: Sequence[int], p: int) -> list[int] | None:
    """Return numerator / monic, lowest coefficients first; None when a remainder is left."""
    rest, quotient = list(numerator), [0] * (len(numerator) - len(monic) + 1)
    for k in reversed(range(len(quotient))):
        quotient[k] = rest[k + len(monic) - 1]
        for j, c in enumerate(monic):
            rest[k + j] = (rest[k + j] - quotient[k] * c) % p
    return None if any(rest) else quotient


def _at(polynomial: Sequence[int], x: int, p: int) -> int:
    value = 0
    for c in reversed(polynomial):
        value = (value * x + c) % p
    return value
