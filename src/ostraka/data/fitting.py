"""Fit of a selection and a form of input: options without meaning for the manifest are refused."""

from __future__ import annotations

from typing import NoReturn

from ostraka.data.records import Records
from ostraka.data.selection import Selection, listed
from ostraka.errors import UsageError
from ostraka.inputs.row_forms import CellForm, ColumnForm, RowForm, WeightedForm


def require_fitting(records: Records, form: RowForm) -> None:
    """Check that a selection says what the form needs, and no more.

    Raises:
        UsageError: it does not; the text says what to write.
    """
    selection = records.selection
    wanted = form.schema.length if isinstance(form, WeightedForm) else 1
    if not selection.values:
        _refuse(
            f"{records.source} is a table, and no column is named",
            f"--value COLUMN; its columns: {listed(records.header)}",
        )
    if len(selection.values) != wanted:
        _refuse(
            f"the manifest asks for {wanted} --value, not {len(selection.values)}",
            f"its columns: {listed(records.header)}",
        )
    if selection.add_up and not (isinstance(form, ColumnForm) and form.most == 1):
        _refuse("--sum makes one number, and the manifest asks for another input", "leave it out")
    if selection.add_up and not form.schema.type.numeric:
        _refuse(f"--sum adds up numbers, and the input is {form.schema.type}", "leave it out")
    _require_groups(selection, form)
    _require_weights(selection, form)
    if (
        selection.skip_empty
        and isinstance(form, ColumnForm)
        and form.most > 1
        and not selection.add_up
    ):
        _refuse(
            "--skip-empty would move the values behind a blank one up, and their order counts",
            "fill the rows in, or say with --where which rows count",
        )


def _require_groups(selection: Selection, form: RowForm) -> None:
    groups = form.groups if isinstance(form, CellForm) else ()
    if len(selection.groups) == len(groups):
        return
    if not groups:
        _refuse("the manifest names no groups", "leave --group out")
    shown = [f"--group COLUMN with {', '.join(names)}" for names in groups]
    _refuse(
        f"the manifest asks for {len(groups)} --group, not {len(selection.groups)}",
        " and then ".join(shown),
    )


def _require_weights(selection: Selection, form: RowForm) -> None:
    if selection.weight and isinstance(form, ColumnForm):
        _refuse("the manifest asks for no weights", "leave --weight out")
    if selection.heads and not (isinstance(form, CellForm) and form.heads):
        _refuse("the manifest asks for no heads", "leave --heads out")


def _refuse(problem: str, hint: str) -> NoReturn:
    raise UsageError(problem, hint=hint, data_left=False)
