"""A real broker: what it carries, and what it refuses in words that tell whose fault it is."""

import asyncio
import socket

import aiomqtt
import pytest
from mosquitto import Authority, Mosquitto, needs_mosquitto
from socks_server import SocksServer

from ostraka.addresses import Proxy
from ostraka.errors import PeerLost, Unreachable, UsageError
from ostraka.record.own_brokers import BrokerAccess
from ostraka.transport import mqtt
from ostraka.transport.broker import Visit
from ostraka.transport.tcp import SystemNetwork

pytestmark = needs_mosquitto


class Client:
    """One connection, and what it brought."""

    def __init__(self, url, name, topics=("t/#",), access=None, proxy=None):
        self.messages, self.ended, self.news = [], None, asyncio.Event()
        self.visit = Visit(
            url, f"ostraka{name}", topics, (f"t/{name}/gone", b"gone"), self._message, self._room,
            self._ended,
        )  # fmt: skip
        known = [access] if access else []
        self._network = SystemNetwork(spin=0, brokers=known, proxy=proxy)

    async def connect(self):
        self.broker = await self._network.broker(self.visit)
        return self

    def _message(self, topic, payload):
        self.messages.append((topic, payload))
        self.news.set()

    def _room(self):
        self.news.set()

    def _ended(self, error):
        self.ended = error
        self.news.set()

    async def until(self, happened):
        async with asyncio.timeout(20):
            while not happened():
                self.news.clear()
                await self.news.wait()

    async def close(self):
        if hasattr(self, "broker"):
            await self.broker.close()
        self._network.close()


@pytest.fixture
async def client():
    clients = []

    def make(url, name="a", **options):
        clients.append(Client(url, name, **options))
        return clients[-1]

    yield make
    for made in clients:
        await made.close()


@pytest.fixture(scope="module")
def open_broker(tmp_path_factory):
    broker = Mosquitto(tmp_path_factory.mktemp("broker")).start()
    yield broker
    broker.kill()


@pytest.fixture
def broker(tmp_path):
    started = []

    def start(*settings, **options):
        directory = tmp_path / f"broker{len(started)}"
        directory.mkdir()
        started.append(Mosquitto(directory, *settings, **options))
        return started[-1].start()

    yield start
    for each in started:
        each.kill()


async def test_messages_arrive_in_order_and_are_acknowledged(client, open_broker):
    one, two = await client(open_broker.url, "b").connect(), await client(open_broker.url).connect()
    sent = [bytes([i]) * 70_000 for i in range(60)]
    for payload in sent:
        one.broker.publish("t/x", payload)
    assert one.broker.backlog == 60 * 70_000
    await two.until(lambda: len(two.messages) == 60)
    await one.broker.drain()
    assert [payload for _, payload in two.messages] == sent
    assert one.broker.backlog == 0


async def test_the_will_is_published_when_a_connection_breaks_and_not_when_it_is_closed(
    client, open_broker
):
    watcher = await client(open_broker.url, "w").connect()
    leaves, breaks = client(open_broker.url, "leaves"), client(open_broker.url, "breaks")
    await leaves.connect()
    await breaks.connect()
    await leaves.broker.close()
    breaks.broker.leave(PeerLost("pulled out"))
    await watcher.until(lambda: watcher.messages)
    assert watcher.messages == [("t/breaks/gone", b"gone")]
    assert breaks.ended.message == "pulled out"


async def test_a_broker_that_dies_ends_the_connection_and_another_may_come(client, broker):
    met = broker()
    one = await client(met.url).connect()
    met.kill()
    await one.until(lambda: one.ended is not None)
    with pytest.raises(Unreachable, match="Connection refused"):
        await client(met.url, "b").connect()
    met.start()
    two = await client(met.url, "c").connect()
    two.broker.publish("t/x", b"on")
    await two.until(lambda: two.messages)


async def test_names_and_passwords(client, broker):
    met = broker(users={"alice": "right"}, rules=["topic readwrite t/#"])
    access = BrokerAccess(met.url, "alice", "right")
    assert await client(met.url, access=access).connect()
    wrong = client(met.url, "b", access=BrokerAccess(met.url, "alice", "wrong"))
    with pytest.raises(Unreachable, match=r"refuses.*\(we are alice\)") as caught:
        await wrong.connect()
    assert "password_file" in caught.value.hint
    assert caught.value.exit_code == 10
    with pytest.raises(Unreachable, match=r"refuses.*\(we gave no user\)"):
        await client(met.url, "c").connect()


async def test_a_password_is_for_its_broker_alone(client, broker):
    """A manifest may name a broker that its author keeps to collect passwords."""
    met = broker(users={"alice": "right"}, rules=["topic readwrite t/#"])
    elsewhere = BrokerAccess("mqtts://elsewhere:8883", "alice", "right")
    with pytest.raises(Unreachable, match="we gave no user"):
        await client(met.url, access=elsewhere).connect()


async def test_certificates_of_the_broker(client, broker, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    met = broker(authority=authority)
    assert await client(met.url, access=BrokerAccess(met.url, ca=authority.path)).connect()
    for access in (None, BrokerAccess(met.url, ca=other.path)):
        with pytest.raises(Unreachable, match="certificate is not accepted") as caught:
            await client(met.url, "b", access=access).connect()
        assert "ca in [mqtt]" in caught.value.hint
    by_number = met.url.replace("localhost", "127.0.0.1")
    with pytest.raises(Unreachable, match=r"certificate is not accepted.*127\.0\.0\.1"):
        await client(by_number, "c", access=BrokerAccess(by_number, ca=authority.path)).connect()
    with pytest.raises(UsageError, match=r"\[mqtt\]: .*nothing.pem: No such file"):
        await client(met.url, access=BrokerAccess(met.url, ca=tmp_path / "nothing.pem")).connect()


async def test_certificates_of_the_party(client, broker, tmp_path):
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    met = broker("require_certificate true", f"cafile {authority.path}", authority=authority)
    right, wrong = (who.issue("alice", _new(tmp_path, who.name)) for who in (authority, other))
    good = BrokerAccess(met.url, None, None, authority.path, *right)
    assert await client(met.url, access=good).connect()
    for files in ((None, None), wrong):
        access = BrokerAccess(met.url, None, None, authority.path, *files)
        with pytest.raises(Unreachable, match="closed the connection before") as caught:
            await client(met.url, "b", access=access).connect()
        assert "client certificate" in caught.value.hint


def _new(tmp_path, name):
    directory = tmp_path / f"of {name}"
    directory.mkdir()
    return directory


async def test_tls_where_there_is_none_and_none_where_there_is(client, broker, tmp_path):
    secured = broker(authority=Authority(tmp_path))
    bare = secured.url.replace("mqtts", "mqtt")
    with pytest.raises(Unreachable, match="closed the connection before it answered") as caught:
        await client(bare).connect()
    assert "perhaps it speaks TLS" in caught.value.hint
    plain = broker()
    with pytest.raises(Unreachable, match=plain.url.replace("mqtt", "mqtts")):
        await client(plain.url.replace("mqtt", "mqtts"), "b").connect()


async def test_a_topic_that_may_not_be_written(client, broker):
    met = broker(users={"alice": "x"}, rules=["topic read t/#"])
    alice = await client(met.url, access=BrokerAccess(met.url, "alice", "x")).connect()
    alice.broker.publish("t/x", b"no")
    await alice.until(lambda: alice.ended is not None)
    assert isinstance(alice.ended, Unreachable)
    assert "refuses us writing t/x" in alice.ended.message
    assert "access rules" in alice.ended.hint


async def test_a_broker_says_how_large_a_packet_may_be_and_refuses_larger_messages(client, broker):
    said = await client(broker("max_packet_size 3000").url).connect()
    assert said.broker.limit == 3000
    kept = await client(broker("message_size_limit 3000").url).connect()
    assert kept.broker.limit > 3000
    kept.broker.publish("t/x", bytes(4000))
    await kept.until(lambda: kept.ended is not None)
    assert "refused a message, perhaps as it is too large" in kept.ended.message
    assert "message_size_limit" in kept.ended.hint


async def test_messages_that_a_broker_retained_are_left_out(client, open_broker):
    """They are of another time: no party retains any."""
    async with aiomqtt.Client("localhost", open_broker.port) as other:
        await other.publish("t/kept", b"old", qos=1, retain=True)
    one = await client(open_broker.url).connect()
    one.broker.publish("t/now", b"new")
    await one.until(lambda: one.messages)
    assert one.messages == [("t/now", b"new")]


async def test_cancelling_leaves_nothing_behind(client, open_broker):
    connecting = asyncio.ensure_future(client(open_broker.url).connect())
    for _ in range(3):
        await asyncio.sleep(0)
    connecting.cancel()
    await asyncio.gather(connecting, return_exceptions=True)
    assert connecting.cancelled()


async def test_mosquitto_keeps_nothing_for_a_client_that_is_gone(client, open_broker):
    one = await client(open_broker.url, "leaver").connect()
    one.broker.leave(PeerLost("pulled out"))
    two = await client(open_broker.url, "writer").connect()
    two.broker.publish("t/x", b"for nobody")
    await two.broker.drain()
    again = await client(open_broker.url, "leaver").connect()
    again.broker.publish("t/y", b"now")
    await again.until(lambda: again.messages)
    assert again.messages == [("t/y", b"now")]


async def test_a_broker_of_version_3_1_1(client, broker, monkeypatch):
    """It names no limits and no reasons; what it refuses shows in an answer that does not come."""
    monkeypatch.setattr(mqtt, "_NEW", aiomqtt.ProtocolVersion.V311)
    met = broker(users={"alice": "x"}, rules=["pattern readwrite t/#"])
    alice = await client(met.url, access=BrokerAccess(met.url, "alice", "x")).connect()
    assert "p2, c1" in met.log  # MQTT 3.1.1, a clean session
    alice.broker.publish("t/x", b"in the old way")
    await alice.until(lambda: alice.messages)
    with pytest.raises(Unreachable, match="refuses this user"):
        await client(met.url, "b").connect()


async def test_a_proxy_leads_to_the_broker_and_looks_up_its_name(client, open_broker, monkeypatch):
    def forbidden(*arguments, **_):
        raise AssertionError(f"getaddrinfo{arguments}")

    monkeypatch.setattr(socket, "getaddrinfo", forbidden)
    with SocksServer({"broker.invalid": "127.0.0.1"}) as proxy:
        url = f"mqtt://broker.invalid:{open_broker.port}"
        one = await client(url, proxy=Proxy.parse(proxy.address)).connect()
        one.broker.publish("t/x", b"around")
        await one.until(lambda: one.messages)
        assert proxy.requests == [("broker.invalid", open_broker.port)]
        await one.close()
