"""What a command loads, and what it must not: time itself is measured in docs/performance.md."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Iterator

import pytest

from ostraka.cli import startup

HEAVY = ("asyncio", "cryptography", "numpy", "pydantic", "rich", "ssl", "typer")

SCRIPT = """
import sys
sys.argv = ["ostraka", *{arguments!r}]
from ostraka.cli import main
try:
    main.main()
except SystemExit:
    pass
print(*sorted(sys.modules))
"""


def modules(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after `code`, which prints them."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("arguments", "heavy"),
    [
        (["--version"], set()),
        (["--help"], {"typer"}),
        # The parser reads the values of options by pydantic.
        (["run", "--help"], {"typer", "pydantic"}),
        (["nonsense"], {"typer", "pydantic"}),
        (["coordinator", "--config", "none"], set(HEAVY) - {"numpy", "rich"}),
    ],
)
def test_a_command_loads_only_what_it_needs(arguments: list[str], heavy: set[str]) -> None:
    found = modules(SCRIPT.format(arguments=arguments))
    assert found & set(HEAVY) == heavy
    own = {name for name in found if name.startswith("ostraka.cli.")}
    others = {"bench", "demo", "ledger", "new", "check", "keys", "session"} - set(arguments)
    if arguments[0] in ("run", "coordinator"):
        others -= {"session"}
    assert not own & {f"ostraka.cli.{name}" for name in others}


def test_the_library_loads_nothing_before_a_name_is_used() -> None:
    found = modules("import sys, ostraka; print(*sorted(sys.modules))")
    assert {name for name in found if name.startswith("ostraka")} == {"ostraka"}
    assert not found & set(HEAVY)


def test_a_run_loads_its_own_protocol_and_no_other() -> None:
    code = (
        "import sys, ostraka.cli.session, ostraka.party\n"
        "from ostraka.protocols import protocol_named\n"
        "protocol_named('secure-sum')\n"
        "print(*sorted(sys.modules))"
    )
    found = modules(code)
    others = ("auction", "table", "tally", "threshold_vote", "private_choice", "inner_product")
    assert not found & {f"ostraka.protocols.{name}" for name in others}
    assert not {name for name in found if name.startswith("ostraka.engine")}
    assert not found & {"matplotlib", "numpy.testing", "numpy.f2py", "numpy.random", "rich"}


@pytest.fixture
def collector() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


@pytest.mark.usefixtures("collector")
def test_the_collector_leaves_alone_what_was_loaded_while_it_was_held() -> None:
    gc.unfreeze()
    startup.hold_collections()
    assert not gc.isenabled()
    startup.loaded()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


@pytest.mark.usefixtures("collector")
def test_a_collector_that_was_not_held_is_left_as_it_is() -> None:
    gc.unfreeze()
    startup.loaded()
    assert gc.isenabled()
    assert gc.get_freeze_count() == 0


def test_a_run_that_meets_at_no_broker_and_closes_no_collection_loads_nothing_for_them() -> None:
    loads = "ostraka.party, ostraka.protocols, ostraka.session.ways, ostraka.transport.tcp"
    found = modules(f"import sys, {loads}; print(*sorted(sys.modules))")
    assert "ostraka.session.ways" in found
    assert not found & {"aiomqtt", "paho", "ostraka.transport.mqtt", "ostraka.transport.brokered"}
    assert not {name for name in found if name.startswith(("ostraka.collect", "multiprocessing"))}
