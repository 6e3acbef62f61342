"""A party's page in this process: its application behind its guard, asked without a socket."""

import asyncio
import json
from contextlib import asynccontextmanager

import pytest
from ui_page import HOST, TOKEN, AsgiClient

from ostraka.ui.app import PartyPage
from ostraka.ui.guard import Guard
from ostraka.ui.settings import PageSettings
from ostraka.ui.uploads import Uploads

EVERY = '"contributor", "compute", "recipient"'
DECIMAL = 'type = "decimal(2)"\nmin = 0\nmax = 1000000\nunit = "USD"'


@pytest.fixture(autouse=True)
def home(home, tmp_path, monkeypatch):
    """A home for each test: what others kept in that of all tests is not on its page."""
    monkeypatch.setenv("OSTRAKA_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def page(tmp_path, keys):
    """Open the page of a party, as a context."""

    @asynccontextmanager
    async def opened(name="alice", *, keys=keys, sessions=None, say=lambda _: None):
        uploads = Uploads(tmp_path)
        sessions = (tmp_path,) if sessions is None else sessions
        settings = PageSettings(sessions, keys, tmp_path, name, say=say)
        try:
            async with asyncio.TaskGroup() as tasks:
                guard = Guard(PartyPage(settings, tasks, uploads).app, TOKEN)
                guard.host = HOST
                yield AsgiClient(guard)
                raise Closed
        except* Closed:
            pass
        finally:
            uploads.close()

    return opened


class Closed(Exception):
    """The end of a page."""


@pytest.fixture
def written(tmp_path, office):
    """Write a manifest of alice, bob and carlos; its path."""

    def write(schema=DECIMAL, outputs="", *, name="session", roles=None, deadline="20s", **more):
        scheme = '"shamir"\nthreshold = 1' if more.get("protocol") == "table" else '"additive"'
        roles = roles or dict.fromkeys(("alice", "bob", "carlos"), EVERY)
        session = {"title": "Wages", "protocol": "secure-sum"} | more
        text = "".join(f"{key} = {json.dumps(value)}\n" for key, value in session.items())
        path = tmp_path / f"{name}.toml"
        path.write_text(
            f'[session]\n{text}deadline = "{deadline}"\n{office.tables(roles)}[input]\n{schema}\n'
            f"[outputs]\n{outputs}\n[sharing]\nscheme = {scheme}\n"
        )
        return path

    return write
