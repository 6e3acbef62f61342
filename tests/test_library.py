"""The public library: what `import ostraka` gives, and one session by it, over real TLS."""

import ast
import asyncio
import importlib
import inspect
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

import ostraka

top = Path(__file__).resolve().parent.parent
guide = top / "docs" / "library.md"
notebook = top / "docs" / "notebooks" / "first-session.ipynb"
PEOPLE = ("alice", "bob", "carlos")


async def run_blocks(blocks, name):
    """Execute blocks of Python in order, in one namespace; `await` works at their top level."""
    names = {"__name__": name}
    for block in blocks:
        code = compile(block, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        value = eval(code, names)
        if inspect.isawaitable(value):
            await value


# --- what it is --------------------------------------------------------------------------------


def test_every_public_name_is_there_and_dir_knows_it():
    for name in ostraka.__all__:
        assert getattr(ostraka, name) is not None
        assert name in dir(ostraka)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        ostraka.nothing  # noqa: B018


def test_the_names_that_types_see_are_those_that_are_imported():
    tree = ast.parse(Path(ostraka.__file__).read_text())
    (seen,) = [n for n in tree.body if isinstance(n, ast.If)]
    typed = {alias.name: node.module for node in seen.body for alias in node.names}
    assert set(typed) == set(ostraka.__all__)
    assert typed.pop("errors") == "ostraka"
    assert {name: f"ostraka.{module}" for name, module in ostraka._MODULES.items()} == typed


@pytest.mark.parametrize("name", [*ostraka._MODULES, "errors"])
def test_a_public_function_does_not_become_a_module(name):
    """A name of the library that is also a module's would be replaced by it when it is imported."""
    if name != "errors":
        with pytest.raises(ImportError):
            importlib.import_module(f"ostraka.{name}")


def test_importing_it_alone_imports_nothing_heavy():
    heavy = "numpy", "pydantic", "typing", "asyncio", "ostraka.party", "ostraka.manifest"
    code = f"import sys, ostraka; print([m for m in {heavy!r} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_it_says_that_it_is_typed():
    assert (Path(ostraka.__file__).parent / "py.typed").exists()


@pytest.mark.slow
def test_a_user_s_program_is_accepted_by_strict_types(tmp_path):
    """`mypy --strict` follows every public name without a cast."""
    program = tmp_path / "program.py"
    program.write_text(USERS)
    code = [sys.executable, "-m", "mypy", "--strict", "--no-incremental", program]
    done = subprocess.run(
        code,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"MYPYPATH": str(top / "src")},
    )
    assert done.returncode == 0, done.stdout


USERS = """
import asyncio
from pathlib import Path

import ostraka


async def main() -> None:
    session = ostraka.open_session(Path("session.toml"), as_="alice", keys=Path("keys"))
    shares = ostraka.ShownShares()
    ends = await session.rehearse({"alice": 1, "bob": 2}, shares=shares)
    for name, end in ends.items():
        if isinstance(end, ostraka.errors.OstrakaError):
            print(name, end.hint, end.data_left)
        else:
            print(name, end.value("sum"), end.status, end.receipt)
    outcome: ostraka.Outcome = await session.run(3800, observer=Mine())
    first: int = shares.made["alice", "bob"][0]
    print(outcome.as_dict(), first, session.check().cost.rounds)


class Mine(ostraka.Observer):
    def gathering(self, present: int, total: int) -> None:
        print(present, total)


asyncio.run(main())
"""


@pytest.mark.parametrize("pair", [("run", "run_sync"), ("simulate", "simulate_sync")])
def test_the_plain_twins_take_the_same_arguments(pair):
    one, twin = (inspect.signature(getattr(ostraka, name)) for name in pair)
    assert one == twin


# --- sessions ----------------------------------------------------------------------------------


@pytest.fixture
def session(office, keys, tmp_path, monkeypatch):
    """A manifest for integers of at most 100, as a file; ledgers and receipts under tmp_path."""
    monkeypatch.setenv("OSTRAKA_LEDGER", str(tmp_path))
    monkeypatch.setenv("OSTRAKA_KEYS", str(keys))
    monkeypatch.setenv("OSTRAKA_RECEIPTS", str(tmp_path))
    return write(office, tmp_path / "session.toml", dict.fromkeys(PEOPLE, ROLES))


ROLES = '"contributor", "compute", "recipient"'


def write(office, path, roles):
    path.write_text(
        '[session]\ntitle = "Sum"\nprotocol = "secure-sum"\ndeadline = "20s"\n'
        f'{office.tables(roles)}[input]\ntype = "int"\nmin = 0\nmax = 100\nunit = "USD"\n'
        '[outputs]\nstatistics = ["sum"]\n'
    )
    return path


class Present(ostraka.Observer):
    """Knows when everybody but one is there."""

    def __init__(self):
        self.two = asyncio.Event()

    def gathering(self, present, total):
        if present == 2:
            self.two.set()


async def test_a_wrong_input_never_costs_the_others_their_session(session, tmp_path, monkeypatch):
    from ostraka.session.session import Session

    opened, open_session = [], Session.open

    async def counting(manifest, identity, me, *arguments, **options):
        opened.append(me)
        return await open_session(manifest, identity, me, *arguments, **options)

    monkeypatch.setattr(Session, "open", counting)
    present = Present()
    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        bob = group.create_task(ostraka.run(session, as_="bob", input=20, observer=present))
        carlos = group.create_task(ostraka.run(session, as_="carlos", input=3))
        await present.two.wait()
        with pytest.raises(ostraka.errors.InputError, match="max") as caught:
            await ostraka.run(session, as_="alice", input=101)
        assert caught.value.data_left is False
        assert sorted(opened) == ["bob", "carlos"]
        assert not (tmp_path / "alice.ledger").exists()
        assert not bob.done()
        assert not carlos.done()
        outcome = await ostraka.run(session, as_="alice", input=100)
    for found in (outcome, bob.result(), carlos.result()):
        assert found.value("sum") == 123
        assert found.status == "released"
        assert found.receipt.parent == tmp_path
        assert found.manifest_sha256 == ostraka.load(session).digest.hex()
    assert len({found.session for found in (outcome, bob.result(), carlos.result())}) == 1
    assert list(outcome.as_dict()) == [
        "session", "protocol", "manifest_sha256", "status", "outputs", "contributors", "receipt",
    ]  # fmt: skip


async def test_a_party_that_learns_nothing_has_an_outcome_that_says_so(office, session, tmp_path):
    roles = {"alice": ROLES, "bob": ROLES, "carlos": '"contributor", "compute"'}
    path = write(office, tmp_path / "other.toml", roles)
    async with asyncio.timeout(20):
        *_, carlos = await asyncio.gather(
            *(ostraka.run(path, name, 1, keep_records=False) for name in PEOPLE)
        )
    assert (carlos.status, carlos.outputs, carlos.receipt) == ("no-output", (), None)
    assert set(carlos.as_dict()) == {"session", "protocol", "manifest_sha256", "status"}
    assert not list(tmp_path.glob("*.ledger"))
    with pytest.raises(ostraka.errors.UsageError, match='no output "sum"'):
        carlos.value("sum")


async def test_a_key_that_is_not_the_manifest_s_contacts_nobody(office, session, monkeypatch):
    async def contacted(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr("ostraka.session.session.Session.open", contacted)
    with pytest.raises(ostraka.errors.PinMismatch) as caught:
        await ostraka.run(session, as_="alice", input=1, keys=office.identity("bob"))
    assert caught.value.data_left is False


async def test_the_plain_twin_runs_inside_a_running_loop(session):
    """As in a notebook's cell: this thread's loop stands still, and the run goes on."""
    async with asyncio.timeout(20):
        others = [
            asyncio.to_thread(ostraka.run_sync, session, name, 1) for name in ("bob", "carlos")
        ]
        waiting = [asyncio.get_running_loop().create_task(other) for other in others]
        await asyncio.sleep(0)
        assert ostraka.run_sync(session, "alice", 40).value("sum") == 42
        assert [found.value("sum") for found in await asyncio.gather(*waiting)] == [42, 42]


def test_the_plain_twin_of_simulate(session):
    ends = ostraka.simulate_sync(session, dict.fromkeys(PEOPLE, 1))
    assert {end.value("sum") for end in ends.values()} == {3}


async def test_simulate_refuses_a_wrong_or_missing_input_and_names_its_owner(session):
    with pytest.raises(ostraka.errors.InputError, match=r"^bob: .*max"):
        await ostraka.simulate(session, {"alice": 1, "bob": 101, "carlos": 1})
    with pytest.raises(ostraka.errors.InputError, match=r"^carlos: "):
        await ostraka.simulate(session, {"alice": 1, "bob": 1})
    with pytest.raises(ostraka.errors.InputError, match="dora"):
        await ostraka.simulate(session, {**dict.fromkeys(PEOPLE, 1), "dora": 1})


# --- counted -----------------------------------------------------------------------------------


@pytest.fixture
def counted(monkeypatch):
    """How often the protocol was constructed, and an input encoded."""
    from ostraka.protocols.protocol import Protocol
    from ostraka.protocols.secure_sum import SecureSum

    counts = {"made": 0, "encoded": 0}
    make, encode = Protocol.__init__, SecureSum.encode

    def made(self, *arguments):
        counts["made"] += 1
        make(self, *arguments)

    def encoded(self, me, raw):
        counts["encoded"] += 1
        return encode(self, me, raw)

    monkeypatch.setattr(Protocol, "__init__", made)
    monkeypatch.setattr(SecureSum, "encode", encoded)
    return counts


async def test_a_run_makes_its_protocol_once_and_encodes_its_input_once(session, counted):
    async with asyncio.timeout(20):
        await asyncio.gather(*(ostraka.run(session, name, 1) for name in PEOPLE))
    assert counted == {"made": 3, "encoded": 3}


def test_a_check_makes_its_protocol_once_and_once_for_each_noise_it_tries(session, counted):
    from ostraka.protocols.advice import EPSILONS

    ostraka.check(session)
    assert counted == {"made": 1 + 2 * len(EPSILONS), "encoded": 0}


async def test_a_simulation_encodes_each_input_once(session, counted):
    await ostraka.simulate(session, dict.fromkeys(PEOPLE, 1))
    assert counted == {"made": 1, "encoded": 3}


# --- documentation -----------------------------------------------------------------------------


def python_blocks(page):
    return re.findall(r"^```python\n(.*?)^```", page.read_text(), re.S | re.M)


def test_a_failing_block_is_noticed():
    with pytest.raises(ZeroDivisionError):
        asyncio.run(run_blocks(["import asyncio", "await asyncio.sleep(0); 1 / 0"], "page"))


def _as_a_reader(monkeypatch):
    """Examples run without the settings of tests, and the home that they choose is not kept."""
    monkeypatch.setenv("OSTRAKA_HOME", "")
    monkeypatch.delenv("OSTRAKA_TRUST_NEW")


@pytest.mark.usefixtures("office")
async def test_the_guide_s_examples_run(monkeypatch):
    _as_a_reader(monkeypatch)
    monkeypatch.delenv("OSTRAKA_LEDGER", raising=False)
    blocks = python_blocks(guide)
    assert len(blocks) >= 6
    async with asyncio.timeout(60):
        await run_blocks(blocks, str(guide))


@pytest.mark.usefixtures("office")
async def test_the_notebook_runs(monkeypatch):
    _as_a_reader(monkeypatch)
    monkeypatch.delenv("OSTRAKA_LEDGER", raising=False)
    cells = json.loads(notebook.read_text())["cells"]
    code = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
    assert len(code) >= 5
    async with asyncio.timeout(60):
        await run_blocks(code, str(notebook))


def test_the_notebook_shows_its_results_and_no_path_of_a_machine():
    cells = [c for c in json.loads(notebook.read_text())["cells"] if c["cell_type"] == "code"]
    assert sum(bool(cell["outputs"]) for cell in cells) >= 4
    assert not re.search(r"/(home|Users|root|tmp|work)/", notebook.read_text())


def test_a_release_has_one_number():
    import tomllib
    from pathlib import Path

    from ostraka.names import RELEASE

    project = tomllib.loads((Path(__file__).parents[1] / "pyproject.toml").read_text())
    assert ostraka.__version__ == RELEASE == project["project"]["version"]
