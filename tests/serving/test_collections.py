"""Three services close a collection: a coordinator with a mailbox, `ostraka serve` three times."""

import asyncio
import json
import os
import sys
import threading
from contextlib import contextmanager
from pathlib import Path
from time import time

sys.path.insert(0, str(Path(__file__).parents[1] / "mailbox"))
from scene import COMPUTE, Collecting
from test_operation import free_port

from ostraka.collection import orders
from ostraka.mailbox.client import MailboxClient

SERVICE = """\
name = "{name}"
keys = "keys"
sessions = "sessions"
receipts = "receipts-{name}"
approve = "auto"
trust_new = true
look = 0.2
log = "json"
"""


@contextmanager
def process(nursery, log, home, *arguments):
    """A process of the program, which is killed at the end; its log is a list of lines."""
    environ = {**os.environ, "OSTRAKA_HOME": str(home), "OSTRAKA_LEDGER": str(home)}
    child = nursery.start(["-m", "ostraka.cli.main", *arguments], Path.cwd(), environ, False)
    thread = threading.Thread(target=lambda: log.extend(child.stderr), daemon=True)
    thread.start()
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        thread.join()
        child.close()


async def until(condition, log):
    for _ in range(150):
        found = await condition()
        if found:
            return
        await asyncio.sleep(0.2)
    raise TimeoutError("".join(log)[-4000:])


async def collect(its, url, log):
    """Publish, report, close; return the result that the compute parties published."""
    client = MailboxClient(url, its.id, environ={}, patience=60.0)
    await client.publish(its.toml, its.publication)

    async def is_in(state):
        return (await client.status()).state == state

    await until(lambda: is_in("open"), log)
    its.statements = list((await client.status()).statements.values())
    for number in range(5):
        octets, digest = its.report(number, value=number + 1)
        await client.put_report(digest, octets)
    now = int(time()) + 1
    await client.put_close(orders.write_close(now, its.id, its.people["olga"]))
    await until(lambda: is_in("done"), log)
    found = await client.receipts()
    client.close()
    return found


def test_services_accept_and_close_a_collection(nursery, tmp_path):
    relay, port = free_port(), free_port()
    url = f"http://127.0.0.1:{port}"
    its = Collecting(tmp_path / "keys", address=f"127.0.0.1:{relay}", url=url)
    (tmp_path / "sessions").mkdir()
    (tmp_path / "sessions" / "poll.toml").write_bytes(its.toml)
    config = tmp_path / "c.toml"
    config.write_text(
        f'listen = "127.0.0.1:{relay}"\nkeys = "keys"\n[http]\nlisten = "127.0.0.1:{port}"\n'
        "at_once = 100000\n"
    )
    log = []
    with process(nursery, log, tmp_path / "home", "coordinator", "--config", config):
        services = []
        for name in COMPUTE:
            party = tmp_path / f"{name}.toml"
            party.write_text(SERVICE.format(name=name))
            home = tmp_path / f"home-{name}"
            services.append(process(nursery, log, home, "serve", "--config", party))
        with services[0], services[1], services[2]:
            receipts = asyncio.run(collect(its, url, log))

            async def are_kept():
                return all(
                    list((tmp_path / f"home-{n}" / "results").glob("*.json")) for n in COMPUTE
                )

            asyncio.run(until(are_kept, log))
    assert set(receipts) == set(COMPUTE)
    for name in COMPUTE:
        (kept,) = (tmp_path / f"home-{name}" / "results").glob("*.json")
        result = json.loads(kept.read_text())["result"]
        assert result["contributors"] == 5
        assert {one["name"]: one["value"] for one in result["outputs"]}["sum"] == 15
