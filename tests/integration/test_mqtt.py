"""Sessions of real processes through a real broker."""

import shutil

import pytest
from mosquitto import Authority, Mosquitto, needs_mosquitto

pytestmark = needs_mosquitto
INPUTS = {"alice": 1, "bob": 2, "carlos": 4}
WORDS = ("contributor", "compute", "recipient")


@pytest.fixture
def broker(tmp_path_factory):
    started = []

    def start(*settings, **options):
        broker = Mosquitto(tmp_path_factory.mktemp("broker"), *settings, **options)
        started.append(broker)
        return broker.start()

    yield start
    for broker in started:
        broker.kill()


def through(fleet, broker, **options):
    """A session whose parties meet at a broker."""
    session = fleet.manifest(tuple(INPUTS), "h:1", **options)
    text = session.path.read_text()
    relay = next(line for line in text.splitlines() if line.startswith("coordinator"))
    place = f'coordinator = {{ mqtt = "{broker.url}", topic = "ostraka" }}'
    session.path.write_text(text.replace(relay, place))
    return session


def test_a_sum_through_a_broker_with_passwords_rules_and_tls(fleet, broker, tmp_path):
    """Each party may write as itself and read what is sent to it, and nothing else."""
    keys = tmp_path / "keys"
    shutil.copytree(fleet.keys, keys)
    authority = Authority(tmp_path)
    met = broker(users={name: f"secret of {name}" for name in INPUTS}, authority=authority)
    for name in INPUTS:
        (keys / f"{name}.toml").write_text(met.access(name, ca=authority.path))
        shutil.copy(met.directory / f"{name}.password", keys)
        (keys / f"{name}.toml").chmod(0o600)
    session = through(fleet, met)
    parties = {name: fleet.run(session, name, value, keys=keys) for name, value in INPUTS.items()}
    for party in fleet.finish(parties).values():
        assert party.values["sum"] == "7", party.err
    assert "Denied" not in met.log
