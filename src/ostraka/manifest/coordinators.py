"""Coordinators of a manifest: relays and MQTT brokers, at any of which two parties may meet."""

from collections.abc import Iterator
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Discriminator, Field, PlainSerializer, Tag

from ostraka import limits
from ostraka.addresses import broker_host_port
from ostraka.manifest.fields import Address, Fingerprint, Problem, Section, matching

RELAY: Final = "<relay>"
BROKER: Final = "<broker>"
"""Marks of the two kinds in the paths of pydantic's findings; see `without_marks`."""


class Keyed(Section):
    """Table that names a certificate by its fingerprint.

    Attributes:
        key: SHA-256 of the certificate, as `ostraka keygen` prints it.
    """

    key: Fingerprint

    @property
    def pin(self) -> bytes:
        """32 bytes: SHA-256 of the certificate's DER."""
        return bytes.fromhex(self.key[7:])


class CoordinatorSpec(Keyed):
    """Relay of a session: where it listens and which certificate it must show.

    Attributes:
        address: host and port at which parties reach it.
    """

    address: Address

    @property
    def in_words(self) -> str:
        """The relay with its address, for people."""
        return f"the coordinator at {self.address}"


def _broker_address(value: object) -> str:
    broker_host_port(value)
    return str(value)


class BrokerSpec(Section):
    """MQTT broker of a session. It is trusted with nothing, so no key of it is agreed on.

    Attributes:
        mqtt: "mqtts://host:port", or "mqtt://host:port" without TLS to the broker.
        topic: levels below which the parties' topics are.
    """

    mqtt: Annotated[str, BeforeValidator(_broker_address)]
    topic: Annotated[
        str,
        matching(
            r"(?=.{1,128}\Z)[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*",
            'levels of letters, digits, ".", "_" or "-", such as "company/ostraka"',
        ),
    ]

    @property
    def address(self) -> str:
        """Place of the broker, as the manifest has it: with its scheme."""
        return self.mqtt

    @property
    def secured(self) -> bool:
        """Whether parties speak TLS with the broker."""
        return self.mqtt.startswith("mqtts://")

    @property
    def in_words(self) -> str:
        """The broker with its address, for people."""
        return f"the broker at {self.mqtt}"


def _kind(value: Any) -> str:
    if isinstance(value, BrokerSpec):
        return BROKER
    return BROKER if isinstance(value, dict) and {"mqtt", "topic"} & value.keys() else RELAY


Place = Annotated[
    Annotated[CoordinatorSpec, Tag(RELAY)] | Annotated[BrokerSpec, Tag(BROKER)],
    Discriminator(_kind),
]


def _as_a_list(value: Any) -> Any:
    return () if value is None else value if isinstance(value, list | tuple) else (value,)


def _as_written(places: tuple[CoordinatorSpec | BrokerSpec, ...]) -> Any:
    """Return coordinators as the canonical bytes have them: one is not written as a list."""
    found = [place.model_dump(mode="python") for place in places]
    return found if len(found) > 1 else found[0] if found else None


Coordinators = Annotated[
    tuple[Place, ...],
    Field(max_length=limits.COORDINATORS),
    BeforeValidator(_as_a_list),
    PlainSerializer(_as_written),
]
"""Coordinators, written as one table or as a list: a pair of parties may meet at any of them."""


def without_marks(path: tuple[str | int, ...]) -> tuple[str | int, ...]:
    """Return the path of a finding as it is in the manifest: without the kind of coordinator."""
    return tuple(step for step in path if step not in (RELAY, BROKER))


def problems(places: tuple[CoordinatorSpec | BrokerSpec, ...], keys: set[str]) -> Iterator[Problem]:
    """Yield what is wrong with the coordinators of a manifest whose parties have these keys."""
    if {place.key for place in places if isinstance(place, CoordinatorSpec)} & keys:
        yield ("session", "coordinator"), "key: is also a party's; the coordinator needs its own"
    if len({place.address for place in places}) < len(places):
        yield ("session", "coordinator"), "address: is listed twice"
