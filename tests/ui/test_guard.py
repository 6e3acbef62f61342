"""The guard lets nothing through but the page itself, with the token."""

import json

import pytest
from ui_page import HOST, TOKEN, AsgiClient

from ostraka.ui.guard import HEADERS, Guard


async def hello(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.fixture
def client():
    guard = Guard(hello, TOKEN)
    guard.host = HOST
    return AsgiClient(guard)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"origin": f"http://{HOST}", "sec-fetch-site": "same-origin"}, 200),
        ({"host": "attacker.example:9450"}, 421),
        ({"host": "localhost:9450"}, 421),
        ({"host": "127.0.0.1"}, 421),
        ({"host": None}, 421),
        ({"origin": "http://attacker.example"}, 403),
        ({"origin": "http://127.0.0.1:9451"}, 403),
        ({"origin": "null"}, 403),
        ({"sec-fetch-site": "cross-site"}, 403),
        ({"sec-fetch-site": "same-site"}, 403),
        ({"sec-fetch-site": "none"}, 403),
        ({"authorization": None}, 401),
        ({"authorization": "Bearer "}, 401),
        ({"authorization": f"Bearer {TOKEN}x"}, 401),
        ({"authorization": TOKEN}, 401),
        ({"authorization": "Bearer \xff"}, 401),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
async def test_only_the_page_itself_is_answered(client, headers, status, method):
    found, head, body = await client.send(method, "/api/sessions", headers=headers)
    assert found == status
    assert (body == b"hello") == (status == 200)
    assert "access-control-allow-origin" not in head
    if status != 200:
        assert json.loads(body)["error"]


async def test_two_headers_of_one_name_are_refused(client):
    async def app(scope, receive, send):
        twice = [*scope["headers"], (b"host", b"attacker.example")]
        await client.app({**scope, "headers": twice}, receive, send)

    assert (await AsgiClient(app).send("GET", "/api/x"))[0] == 421


async def test_files_need_no_token_but_the_right_host(client):
    opened = {"authorization": None, "sec-fetch-site": "cross-site"}
    assert (await client.send("GET", "/", headers=opened))[0] == 200
    assert (await client.send("GET", "/", headers={**opened, "host": "a.example"}))[0] == 421


async def test_nothing_is_answered_before_the_address_is_known():
    assert (await AsgiClient(Guard(hello, TOKEN)).send("GET", "/", headers={"host": ""}))[0] == 421


@pytest.mark.parametrize("headers", [{}, {"host": "a.example"}])
async def test_every_answer_has_the_policy(client, headers):
    _, head, _ = await client.send("GET", "/api/x", headers=headers)
    assert {name.lower(): value for name, value in HEADERS.items()}.items() <= head.items()
    rules = dict(r.strip().split(" ", 1) for r in head["content-security-policy"].split(";"))
    assert rules["default-src"] == rules["frame-ancestors"] == "'none'"
    assert rules["script-src"] == rules["connect-src"] == "'self'"
