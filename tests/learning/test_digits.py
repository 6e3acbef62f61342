"""Digits: every device has as many, unevenly; the test's are no device's."""

from importlib.util import find_spec

import numpy as np
import pytest

from ostraka.errors import UsageError
from ostraka.learning import digits


@pytest.mark.skipif(find_spec("sklearn") is None, reason="its digits are not here")
def test_devices_have_different_digits():
    found = digits.load(100)
    assert {len(each) for each in found.devices} == {13}
    assert len(found.test) == digits.TESTED
    assert found.test.inputs.shape == (360, 24)
    assert np.allclose(np.linalg.norm(found.test.inputs, axis=1), 1)
    rows = {row.tobytes() for each in found.devices for row in each.inputs}
    assert rows.isdisjoint({row.tobytes() for row in found.test.inputs})
    classes = [len(set(each.labels.tolist())) for each in found.devices]
    assert np.mean(classes) < 7  # of ten


def test_a_missing_package_is_named(monkeypatch):
    monkeypatch.setattr(digits, "find_spec", lambda _: None)
    with pytest.raises(UsageError, match="scikit-learn") as caught:
        digits.load(3)
    assert "pip install" in caught.value.hint
