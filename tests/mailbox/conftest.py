"""Databases of a mailbox: SQLite in a file, PostgreSQL where it is installed."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from ostraka.mailbox.database import Postgres, Sqlite

sys.path.insert(0, str(Path(__file__).parent))
from scene import Collecting, running


def postgres_programs() -> Path | None:
    """The directory of initdb and pg_ctl, of the newest release there is."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    path = shutil.which("initdb")
    return found[-1].parent if found else Path(path).parent if path else None


class Server:
    """A PostgreSQL of its own, reached by a socket in a temporary directory; root cannot run it."""

    def __init__(self, programs: Path, directory: Path, user: str) -> None:
        self._programs, self.directory, self._user = programs, directory, user
        self._run("initdb", "-D", str(directory / "data"), "-A", "trust", "-N")
        self.url = f"postgresql://{user}@/postgres?host={directory}"

    def start(self) -> None:
        options = f"-k {self.directory} -c listen_addresses=''"
        log = str(self.directory / "log")
        self._run(
            "pg_ctl", "-D", str(self.directory / "data"), "-w", "-l", log, "-o", options, "start"
        )

    def stop(self) -> None:
        self._run("pg_ctl", "-D", str(self.directory / "data"), "-w", "-m", "immediate", "stop")

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._programs / program), *arguments]
        if os.geteuid() == 0:
            command = ["runuser", "-u", self._user, "--", *command]
        subprocess.run(command, check=True, cwd="/", stdout=subprocess.DEVNULL, timeout=60)


@pytest.fixture(scope="session")
def postgres_server():
    programs = postgres_programs()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    user = pwd.getpwuid(os.geteuid()).pw_name
    if os.geteuid() == 0:
        user = "postgres"
        try:
            pwd.getpwnam(user)
        except KeyError:
            pytest.skip("root cannot run PostgreSQL, and there is no user postgres")
    directory = Path(tempfile.mkdtemp(prefix="ostraka-pg-"))
    shutil.chown(directory, user)
    server = Server(programs, directory, user)
    server.start()
    yield server
    server.stop()
    shutil.rmtree(directory, ignore_errors=True)


@pytest.fixture
def postgres(postgres_server):
    """Connects to a PostgreSQL without tables."""
    database = Postgres(postgres_server.url)
    database.execute("DROP TABLE IF EXISTS report, paper, member, collection")
    database.close()
    return lambda: Postgres(postgres_server.url)


@pytest.fixture
def sqlite(tmp_path):
    return lambda: Sqlite(tmp_path / "reports.db")


@pytest.fixture(params=["sqlite", "postgres"])
def connect(request):
    """Connects to an empty database."""
    return request.getfixturevalue(request.param)


@pytest.fixture
def collecting(tmp_path):
    return Collecting(tmp_path / "keys")


@pytest.fixture
async def place(collecting, sqlite):
    """A mailbox with an open collection of five invitations."""
    async with running(collecting, sqlite) as found:
        await found.open()
        yield found
