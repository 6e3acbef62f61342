"""What pydantic finds wrong reads as one wording."""

from typing import Annotated, Literal

import pytest
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictInt, ValidationError

from ostraka.manifest.wording import in_words


def _refused(value):
    raise ValueError(f"{value} is too late")


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid")
    count: Annotated[StrictInt, Field(ge=1)] = 1
    scheme: Literal["additive", "shamir"] = "shamir"
    when: Annotated[int | None, AfterValidator(_refused)] = None


class Page(BaseModel):
    row: Row


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "is missing"),
        ({"row": 3}, "must be a table"),
        ({"row": {"cuont": 1}}, "unknown key"),
        ({"row": {"scheme": "xor"}}, 'must be "additive" or "shamir"'),
        ({"row": {"when": 7}}, "7 is too late"),
        ({"row": {"count": 0}}, "must be greater than or equal to 1"),
        ({"row": {"count": "1"}}, "must be a valid integer"),
    ],
)
def test_each_kind_of_mistake_has_its_words(given, said):
    with pytest.raises(ValidationError) as caught:
        Page.model_validate(given)
    (found,) = caught.value.errors()
    assert in_words(found) == said
