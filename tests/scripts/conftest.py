"""Scripts are programs without `.py`: tests load them as modules."""

import os
import sys
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import SimpleNamespace

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


@pytest.fixture(scope="session")
def program(nursery):
    """Run a script with arguments, in a process that is forked: its code, stdout and stderr."""

    def run(name, *arguments):
        started = nursery.start([f"scripts/{name}", *arguments], top, dict(os.environ), False)
        out, err = started.communicate(100)
        return SimpleNamespace(returncode=started.returncode, stdout=out, stderr=err)

    return run
