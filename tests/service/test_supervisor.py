"""A supervisor is told how a service is."""

import socket

from ostraka.service.supervisor import notify


def test_a_supervisor_is_told(monkeypatch, tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "s"))
        monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "s"))
        notify("READY=1")
        assert supervisor.recv(100) == b"READY=1"
    notify("READY=1")  # a supervisor that is gone changes nothing
