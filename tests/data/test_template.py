"""Templates: filled in they are read without an option, under their own manifest alone."""

from __future__ import annotations

import pytest

from ostraka.data.selection import MARK
from ostraka.data.template import Template
from ostraka.errors import InputError, UsageError
from ostraka.inputs.row_forms import ColumnForm


def text_for(protocols, name):
    of = protocols[name]
    return Template.of(of.row_form("alice"), of.manifest.digest).text()


@pytest.mark.parametrize(
    ("name", "lines", "filled", "wanted"),
    [
        ("sum", ["value", '""'], {'""': "7.50"}, [750]),
        ("vector", ["element,value", "1,", "2,", "3,"], {"1,": "1,5", "2,": "2,6", "3,": "3,7"},
         [5, 6, 7]),
        ("cells", ["row,sum,heads", "HR,,", "IT,,", "R&D,,"],
         {"HR,,": "HR,10,2", "IT,,": "IT,0,0", "R&D,,": "R&D,1.5,1"}, [1000, 0, 150, 2, 0, 1]),
        ("grid", ["row,column,sum", "women,office,", "women,workshop,", "men,office,",
                  "men,workshop,"],
         {"office,": "office,1", "workshop,": "workshop,2"}, [100, 200, 100, 200]),
        ("weighted", ["value,weight"], {"value,weight": "value,weight\n2,3\n4,5"}, [2600, 8]),
    ],
)  # fmt: skip
def test_filled_in_it_is_the_input(read, encoded, protocols, name, lines, filled, wanted):
    text = text_for(protocols, name)
    assert text.startswith(MARK)
    assert text.split("\r\n")[1:-1] == lines
    for blank, cells in filled.items():
        text = text.replace(blank, cells)
    assert encoded(name, read(name, "input.csv", text)) == wanted
    semicolons = text.replace(",", ";")
    stamp, _, rest = semicolons.partition("\r\n")
    assert encoded(name, read(name, "input.csv", f"\ufeff{stamp};;\r\n{rest}")) == wanted


def test_blank_cells_are_found(read, protocols):
    found = read("cells", "input.csv", text_for(protocols, "cells")).preview
    assert [str(finding) for finding in found.wrong] == [
        'rows 3, 4, 5: column "sum" is blank',
        'rows 3, 4, 5: column "heads" is blank',
    ]


def test_moved_rows_are_found(read, protocols):
    text = text_for(protocols, "vector").replace("1,", "2,5").replace("2,\r", "1,5\r")
    wrong = read("vector", "x.csv", text.replace("3,\r", "3,5\r")).preview.wrong
    assert [str(f) for f in wrong] == [
        'row 3: column "element" does not count from 1: rows were moved or taken out'
    ]


def test_another_manifests_template_is_refused(read, protocols):
    with pytest.raises(InputError, match="was made for another manifest") as error:
        read("vector", "x.csv", text_for(protocols, "sum"))
    assert "ostraka template" in error.value.hint


def test_other_columns_of_a_template_may_be_named(read, encoded, protocols):
    text = text_for(protocols, "sum").replace("value", "value,mine").replace('""', "1,2")
    assert encoded("sum", read("sum", "x.csv", text, value="mine")) == [200]


def test_a_long_vector_has_no_template(protocols):
    schema = protocols["vector"].manifest.input.model_copy(update={"length": 10**6})
    with pytest.raises(UsageError, match="too many to fill in by hand"):
        Template.of(ColumnForm(schema, 10**6, 10**6), b"").text()
