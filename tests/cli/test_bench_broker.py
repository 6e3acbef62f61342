"""`bench --link mqtt`: a broker of its own, which is gone afterwards."""

import socket
from pathlib import Path

import pytest
from mosquitto import needs_mosquitto

from ostraka.cli import bench_broker


@needs_mosquitto
def test_a_sum_through_a_broker(cli):
    options = "--parties", 3, "--size", 1000, "--link", "mqtt", "--runs", 2, "--output", "json"
    found = cli("bench", "sum", *options).json
    assert (found["link"], len(found["seconds_all"])) == ("mqtt", 2)


@needs_mosquitto
def test_the_broker_is_gone_afterwards(tmp_path):
    with bench_broker.running_broker(tmp_path) as place:
        port = int(place["mqtt"].rpartition(":")[2])
        socket.create_connection(("127.0.0.1", port)).close()
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port))


def test_without_mosquitto_it_says_what_to_install(cli, monkeypatch):
    monkeypatch.setattr(bench_broker.shutil, "which", lambda name, path=None: None)
    ended = cli("bench", "sum", "--link", "mqtt")
    assert ended.code == 2
    assert "there is no mosquitto on this machine" in ended.err
    assert "apt install mosquitto" in ended.err
    assert not list(Path(".").glob("*.conf"))
