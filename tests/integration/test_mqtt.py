"""Sessions of real processes through a real broker."""

import asyncio
import re
import shutil

import pytest
from mosquitto import EXAMPLE, Authority, Mosquitto, needs_mosquitto

from ostraka import home, manifest
from ostraka.transport.mqtt import MqttBroker

pytestmark = needs_mosquitto
INPUTS = {"alice": 1, "bob": 2, "carlos": 4}


@pytest.fixture
def broker(tmp_path_factory):
    started = []

    def start(*settings, **options):
        started.append(Mosquitto(tmp_path_factory.mktemp("broker"), *settings, **options))
        return started[-1].start()

    yield start
    for each in started:
        each.kill()


def grant(broker, keys, name, **more):
    """Write what a party's NAME.toml says of a broker."""
    text = broker.access(name, **more)
    shutil.copy(broker.directory / f"{name}.password", keys)
    (keys / f"{name}.toml").write_text(text)
    (keys / f"{name}.toml").chmod(0o600)


def test_the_example_of_configs_is_valid(tmp_path):
    agreed = manifest.parse((EXAMPLE / "session.toml").read_text())
    (place,) = agreed.session.brokers
    own = tmp_path / "alice.toml"
    own.write_text((EXAMPLE / "alice.toml").read_text())
    (tmp_path / "alice.password").write_text("s3cret\n")
    for file in tmp_path.iterdir():
        file.chmod(0o600)
    (access,) = home.own_network("alice", tmp_path, environ={}).brokers
    assert (access.broker, access.user, access.password) == (place.mqtt, "alice", "s3cret")


def test_a_sum_through_a_broker_with_passwords_rules_and_tls(fleet, broker, tmp_path):
    """Each party may write as itself and read what is sent to it, and nothing else."""
    keys = tmp_path / "keys"
    shutil.copytree(fleet.keys, keys)
    authority = Authority(tmp_path)
    met = broker(users={name: f"secret of {name}" for name in INPUTS}, authority=authority)
    for name in INPUTS:
        grant(met, keys, name, ca=authority.path)
    session = fleet.manifest(tuple(INPUTS), met.url)
    parties = {name: fleet.run(session, name, value, keys=keys) for name, value in INPUTS.items()}
    for party in fleet.finish(parties).values():
        assert party.values["sum"] == "7", party.err
    assert "Denied" not in met.log


def test_a_wrong_password_is_told_within_moments_and_ends_with_10_at_the_deadline(
    fleet, broker, tmp_path
):
    keys = tmp_path / "keys"
    shutil.copytree(fleet.keys, keys)
    met = broker(users={"alice": "right"})
    grant(met, keys, "alice")
    (keys / "alice.password").write_text("wrong")
    alice = fleet.run(fleet.manifest(tuple(INPUTS), met.url, deadline="4s"), "alice", 1, keys=keys)
    assert alice.code == 10
    assert re.search(r"waiting for the broker at mqtt://\S+: it refuses .*we are alice", alice.err)
    assert "no way through the broker at" in alice.err
    assert "password_file" in alice.err
    assert "nothing of yours has left this machine" in alice.err


async def test_a_vote_through_a_broker(office, broker):
    met = broker()
    roles = {"alice": "1", "bob": "1", "carlos": "1", "david": "0", "erin": "2"}
    words = ['"contributor"', '"contributor", "compute"', '"recipient"']
    tables = office.tables({name: words[int(kind)] for name, kind in roles.items()})
    found = await office.run(
        manifest.parse(
            '[session]\ntitle = "Shall we?"\nprotocol = "threshold-vote"\ndeadline = "20s"\n'
            f'coordinator = {{ mqtt = "{met.url}", topic = "ostraka" }}\n'
            f"{re.sub('address = .*', '', tables)}"
            '[input]\ntype = "bool"\n[outputs]\npass_at = "1/2"\n'
            '[sharing]\nscheme = "shamir"\nthreshold = 1\n'
        ),
        {"alice": True, "bob": False, "carlos": False, "david": True},
        within=60,
    )
    assert found["erin"]["outputs"] == [{"name": "outcome", "value": "YES"}], found


@pytest.mark.parametrize(
    "length", [pytest.param(10**5, id="short"), pytest.param(10**6, marks=pytest.mark.slow)]
)
async def test_a_broker_that_is_killed_and_started_again_in_mid_vector(
    office, broker, monkeypatch, caplog, length
):
    """Mosquitto has acknowledged messages by then that it never delivers."""
    met, published, again = broker(), [], []
    publish = MqttBroker.publish

    def counting(self, topic, payload):
        publish(self, topic, payload)
        published.append(len(payload))
        if sum(published) > 8 * length and not again:
            met.kill()
            again.append(asyncio.ensure_future(asyncio.to_thread(met.start)))

    monkeypatch.setattr(MqttBroker, "publish", counting)
    agreed = office.manifest(tuple(INPUTS), relay=met.url, length=length, deadline=30, timeout=30)
    inputs = {name: [value] * length for name, value in INPUTS.items()}
    found = await office.run(agreed, inputs, within=200)
    await again[0]
    for outcome in found.values():
        assert not isinstance(outcome, Exception), outcome
        (total,) = outcome["outputs"]
        assert total["value"] == [7] * length
    assert met.log.count(" starting") == 2
    assert [record for record in caplog.records if record.name == "asyncio"] == []
