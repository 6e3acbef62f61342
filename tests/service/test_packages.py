"""A package that is missing is named, with the command that installs it."""

import sys

import pytest

from ostraka.errors import UsageError
from ostraka.service.packages import require_server


@pytest.mark.parametrize("package", ["httptools", "starlette", "uvicorn"])
def test_a_missing_package_is_named(monkeypatch, package):
    require_server("a mailbox")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(UsageError, match=f"the page needs the package {package}") as refused:
        require_server("the page")
    assert refused.value.hint == "pip install 'ostraka[server]'"
