"""What brokers refuse, in words: each says what happened and what to do next."""

import aiomqtt
import pytest
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.reasoncodes import ReasonCode

from ostraka.errors import PeerLost, Unreachable
from ostraka.record.own_brokers import BrokerAccess
from ostraka.transport.mqtt_refusals import code_of, lost, not_connected, refused_topic

URL = "mqtts://b:1"
ALICE = BrokerAccess(URL, "alice", "s3cret")


def refusal(code):
    return aiomqtt.MqttCodeError(ReasonCode(PacketTypes.CONNACK, identifier=code))


@pytest.mark.parametrize(
    ("error", "words", "hint"),
    [
        (refusal(0x86), "it refuses the user name or the password (we are alice)", "[mqtt]"),
        (refusal(0x87), "it refuses this user (we are alice)", "[mqtt]"),
        (refusal(0x88), "it is not available", "try again later"),
        (refusal(0x83), "it refuses the connection", "ask the one who runs"),
        (aiomqtt.MqttCodeError(5), "it refuses this user", "[mqtt]"),
        (aiomqtt.MqttCodeError(4), "it refuses the user name or the password", "[mqtt]"),
        (aiomqtt.MqttError("closed before it answered"), "closed the connection", "certificate"),
        (OSError(0, "[SSL: X] certificate verify failed: self-signed (_ssl.c:1)"),
         "its certificate is not accepted: self-signed", "ca in [mqtt]"),
        (aiomqtt.MqttError("Operation timed out"), "Operation timed out", "ask the one"),
    ],
)  # fmt: skip
def test_a_connection_that_was_not_made(error, words, hint):
    found = not_connected(URL, ALICE, error)
    assert isinstance(found, Unreachable)
    assert f"{URL}: " in found.message
    assert words in found.message
    assert hint in found.hint
    assert "s3cret" not in found.message + found.hint


def test_a_connection_that_was_lost():
    assert lost(URL, OSError("reset\n by peer")).message == "reset by peer"
    assert isinstance(lost(URL, OSError("reset")), PeerLost)
    assert "too large" in lost(URL, aiomqtt.MqttCodeError(0x82)).message


def test_a_topic():
    assert "refuses us writing a/b" in refused_topic(URL, "a/b", 0x87).message


def test_codes_of_both_versions():
    assert code_of(ReasonCode(PacketTypes.PUBACK, identifier=0x87)) == 0x87
    assert (code_of(128), code_of("?")) == (128, 128)
