"""Scripts are programs without `.py`: tests load them as modules."""

import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import pytest

top = Path(__file__).resolve().parents[2]


@pytest.fixture
def load(monkeypatch):
    """Import a script under a name that does not stay."""

    def load(name):
        monkeypatch.setattr(sys, "dont_write_bytecode", True)  # it would lie beside the script
        loader = SourceFileLoader(f"script_{name}", str(top / "scripts" / name))
        module = module_from_spec(spec_from_loader(loader.name, loader))
        monkeypatch.setitem(sys.modules, loader.name, module)
        loader.exec_module(module)
        return module

    return load
