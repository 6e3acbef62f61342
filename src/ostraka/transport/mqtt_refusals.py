"""Refusals of MQTT brokers in words: what happened, whose fault it is, and what to do."""

from __future__ import annotations

from typing import Final

import aiomqtt

from ostraka.errors import OstrakaError, PeerLost, Unreachable
from ostraka.limits import BROKER_MESSAGE
from ostraka.record.own_brokers import BrokerAccess

ASK: Final = "ask the one who runs the broker"

_REFUSALS: Final = {
    0x04: ("it refuses the user name or the password", "credentials"),
    0x05: ("it refuses this user", "credentials"),
    0x86: ("it refuses the user name or the password", "credentials"),
    0x87: ("it refuses this user", "credentials"),
    0x8C: ("it asks for another kind of login", "credentials"),
    0x85: ("it refuses the client's name", "rules"),
    0x8A: ("it has banned this client", "rules"),
    0x88: ("it is not available", "later"),
    0x89: ("it is busy", "later"),
    0x97: ("a quota of its is used up", "later"),
    0x9F: ("it has had too many connections", "later"),
}
"""Reasons of a broker that refuses a connection, by their code, and the kind of the hint."""

_HINTS: Final = {
    "credentials": "check user and password_file, or certificate and key, in [mqtt] of NAME.toml "
    "with the one who runs the broker; or OSTRAKA_MQTT",
    "rules": ASK,
    "later": "try again later",
}


def code_of(reason: object) -> int:
    """Return the number of a reason code of MQTT 5, or of a return code of 3.1.1."""
    found = getattr(reason, "value", reason)
    return found if isinstance(found, int) else 0x80


def refused_topic(url: str, topic: str, reason: object, what: str = "writing") -> Unreachable:
    """Return the error for a topic that this party may not use."""
    return Unreachable(
        f"{url}: the broker refuses us {what} {topic} ({reason})",
        hint="its access rules must allow it: see docs/guides/mqtt.md",
    )


def not_connected(url: str, access: BrokerAccess, error: BaseException) -> Unreachable:
    """Return the error for a broker that could not be connected to, in words."""
    if isinstance(error, aiomqtt.MqttCodeError):
        code = code_of(error.rc)
        why, kind = _REFUSALS.get(code, (f"it refuses the connection ({error})", "rules"))
        user = f" (we are {access.user})" if access.user else " (we gave no user)"
        hint = _HINTS[kind]
        return Unreachable(
            f"{url}: {why}{user if kind == 'credentials' else ''}", hint=hint, data_left=False
        )
    text = text_of(error)
    if "certificate verify failed" in text.lower():
        why = text.partition("certificate verify failed: ")[2].partition(" (_ssl")[0] or text
        return Unreachable(
            f"{url}: its certificate is not accepted: {why}",
            hint="name the file of its authority: ca in [mqtt] of NAME.toml",
            data_left=False,
        )
    if "closed before it answered" in text or "alert" in text.lower():
        return Unreachable(
            f"{url}: the broker closed the connection before it answered ({text})",
            hint="perhaps it speaks TLS where we do not, or asks for a client certificate: "
            "certificate and key in [mqtt] of NAME.toml",
            data_left=False,
        )
    return Unreachable(f"{url}: {text}", hint=ASK, data_left=False)


def lost(url: str, error: BaseException) -> OstrakaError:
    """Return the error for a connection that ended."""
    if isinstance(error, aiomqtt.MqttCodeError) and code_of(error.rc) in (0x82, 0x95):
        # So paho takes the answer of Mosquitto to a message above its message_size_limit, too.
        return Unreachable(
            f"{url}: the broker refused a message, perhaps as it is too large",
            hint=f"messages have up to {BROKER_MESSAGE // 1024} KiB: ask the one who runs the "
            "broker for a message_size_limit of as much",
        )
    return PeerLost(text_of(error))


def text_of(error: BaseException) -> str:
    """Return the words of an error of aiomqtt on one line."""
    return " ".join(str(error).split()) or type(error).__name__
