"""Broker: all that a meeting place asks of a publish/subscribe service.

The system's own implementation is in `mqtt`; `Network.broker` connects. A simulation brings one in
memory.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

from ostraka.errors import OstrakaError

OnMessage = Callable[[str, bytes], None]
"""Function that is given the topic and the payload of each message that arrives."""


@dataclass(frozen=True)
class Visit:
    """Wishes of a client that connects to a broker.

    Attributes:
        url: "mqtts://host:port", or "mqtt://host:port".
        client: name of the connection, which no other connection has.
        topics: filters of the topics to read.
        will: topic and payload of what the broker is to publish when the connection breaks.
        on_message: is called for each message from the moment the topics are subscribed to.
        on_room: is called when the broker has acknowledged messages.
        on_ended: is called once, when the connection that was made is over.
    """

    url: str
    client: str
    topics: tuple[str, ...]
    will: tuple[str, bytes]
    on_message: OnMessage
    on_room: Callable[[], None]
    on_ended: Callable[[OstrakaError], None]


class Broker(ABC):
    """Connection to a broker, for as long as it lasts: a new one never goes on where it ended.

    Attributes:
        heard: number that changes whenever the broker says something.
        limit: bytes that one message's topic and payload may have together.
        failed: why it is over; None while it lasts.
    """

    heard: int
    limit: int
    failed: OstrakaError | None

    @property
    @abstractmethod
    def backlog(self) -> int:
        """Bytes published that the broker has not acknowledged yet."""

    @abstractmethod
    def publish(self, topic: str, payload: bytes) -> None:
        """Publish a message, after all that were published to that topic before. Never blocks.

        The broker may lose it all the same. Ignored once the connection is over.
        """

    @abstractmethod
    def leave(self, error: OstrakaError) -> None:
        """Give the connection up at once; the broker publishes the will. Idempotent."""

    @abstractmethod
    async def drain(self) -> None:
        """Wait until the broker has acknowledged all that was published, or is gone."""

    @abstractmethod
    async def close(self) -> None:
        """Disconnect once all is acknowledged, without the will. Takes a bounded time."""
