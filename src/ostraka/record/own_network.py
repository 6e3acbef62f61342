"""A party's own way to the network, of NAME.toml beside its key: `[network]` and `[mqtt]`.

It is no part of the manifest: other parties neither see it nor agree to it.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ostraka.addresses import Proxy, host_port
from ostraka.errors import UsageError
from ostraka.files import loose_modes, read_text
from ostraka.manifest import suggest
from ostraka.record.own_brokers import BrokerAccess, read_brokers, with_environment

_KEYS = ("listen", "proxy")


@dataclass(frozen=True, slots=True)
class OwnNetwork:
    """Way of one party to the network.

    Attributes:
        listen: the address of this machine to listen on, "host:port"; None: the manifest's.
        proxy: connects to all others in this party's place; None: connections are direct.
        brokers: how this party is known at MQTT brokers.
    """

    listen: str | None = None
    proxy: Proxy | None = None
    brokers: tuple[BrokerAccess, ...] = ()

    def changed(
        self,
        listen: str | None,
        proxy: str | None,
        environment: str | None,
        broker: str | None = None,
    ) -> OwnNetwork:
        """Return this with what a command's options and its environment say instead.

        Args:
            listen: "host:port".
            proxy: "host:port"; credentials stay those of the file or the environment, if they are
                for that address.
            environment: the value of OSTRAKA_PROXY.
            broker: the value of OSTRAKA_MQTT.

        Raises:
            UsageError: one of them is not valid, or `proxy` has credentials.
        """
        known = self.proxy
        if environment:
            known = _valid("OSTRAKA_PROXY", Proxy.parse, environment)
        if proxy is not None:
            if "@" in proxy:
                raise UsageError(
                    "--proxy takes no password: other users of this machine could read it",
                    hint="put it into OSTRAKA_PROXY, or [network] proxy in NAME.toml",
                    data_left=False,
                )
            asked = _valid("--proxy", Proxy.parse, proxy)
            known = known if known is not None and known.address == asked.address else asked
        if listen is not None:
            _valid("--listen", _any_port, listen)
        brokers = with_environment(self.brokers, broker)
        return replace(self, listen=listen or self.listen, proxy=known, brokers=brokers)


def load_network(name: str, keys: Path) -> OwnNetwork:
    """Read `[network]` and `[mqtt]` of NAME.toml beside the party's key; without a file, nothing is
    set.

    Raises:
        UsageError: the file is unreadable or not valid, others may write to it, or it has a
            password and others may read it.
    """
    path = keys / f"{name}.toml"
    if not (path.exists() or path.is_symlink()):
        return OwnNetwork()
    if problem := loose_modes(path, 0o644):
        raise UsageError(f"{problem}: others could lead your connections astray", data_left=False)
    try:
        table = tomllib.loads(read_text(path))
        found = _network(table.get("network", {}))
        found = replace(found, brokers=read_brokers(table.get("mqtt", []), keys))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path}: {error}", data_left=False) from None
    if found.proxy is not None and found.proxy.user and (problem := loose_modes(path, 0o600)):
        raise UsageError(f"{problem}: others could read your proxy's password", data_left=False)
    return found


def _network(table: Any) -> OwnNetwork:
    if not isinstance(table, dict):
        raise ValueError("network is a table: [network]")
    for key in table:
        if key not in _KEYS:
            raise ValueError(f'unknown key "{key}" in [network]' + suggest(key, _KEYS))
    listen, proxy = table.get("listen"), table.get("proxy")
    if listen is not None:
        _in_file("listen", _any_port, listen)
    return OwnNetwork(listen, None if proxy is None else _in_file("proxy", Proxy.parse, proxy))


def _any_port(text: object) -> tuple[str, int]:
    return host_port(text, lowest_port=0)


def _in_file(name: str, parse: Any, value: object) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise ValueError(f"[network] {name} {error}") from None


def _valid(name: str, parse: Any, value: str) -> Any:
    try:
        return parse(value)
    except ValueError as error:
        raise UsageError(f"{name} {error}", data_left=False) from None
