"""Debian's mosquitto as a broker of tests, on a free port of this machine, and an authority."""

import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

# Debian keeps it where only root's shells look.
PROGRAM = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
PASSWD = shutil.which("mosquitto_passwd")

needs_mosquitto = pytest.mark.skipif(
    PROGRAM is None, reason="no mosquitto here: apt-get install mosquitto"
)

EXAMPLE = Path(__file__).resolve().parents[2] / "configs" / "mqtt"
RULES = [line for line in (EXAMPLE / "acl").read_text().splitlines() if line[:1] not in ("", "#")]
"""A party writes only as itself, and reads only what is sent to it."""


class Mosquitto:
    """One broker, which can be killed and started again.

    `settings`: further lines of its file. `users`: passwords by name; without any, all may come in
    and use every topic. `rules`: lines of the access list. `authority`: for TLS.
    """

    def __init__(self, directory, *settings, users=None, rules=RULES, authority=None):
        self.directory, self._child = Path(directory), None
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.scheme = "mqtts" if authority else "mqtt"
        self.users = users or {}
        lines = ["user root", f"listener {self.port} 127.0.0.1", "set_tcp_nodelay true"]
        if authority:
            certificate, key = authority.issue("localhost", self.directory)
            lines += [f"certfile {certificate}", f"keyfile {key}"]
        if users:
            lines += ["allow_anonymous false", f"password_file {self._passwords()}"]
            acl = self._file("acl", "\n".join(rules) + "\n")
            lines.append(f"acl_file {acl}")
        else:
            lines.append("allow_anonymous true")
        self._settings = self._file("mosquitto.conf", "\n".join([*lines, *settings]) + "\n")

    def _file(self, name, text):
        path = self.directory / name
        path.write_text(text)
        path.chmod(0o600)
        return path

    def _passwords(self):
        path = self._file("passwords", "".join(f"{u}:{p}\n" for u, p in self.users.items()))
        subprocess.run([PASSWD, "-U", path], check=True, capture_output=True)
        return path

    @property
    def url(self):
        return f"{self.scheme}://localhost:{self.port}"

    def start(self):
        log = (self.directory / "mosquitto.log").open("ab")
        with log:
            self._child = subprocess.Popen(
                [PROGRAM, "-v", "-c", self._settings], stdout=log, stderr=log
            )
        until = time.monotonic() + 30
        while time.monotonic() < until:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return self
            except OSError:
                assert self._child.poll() is None, self.log
                time.sleep(0.02)
        raise AssertionError(self.log)

    @property
    def log(self):
        return (self.directory / "mosquitto.log").read_text(errors="replace")

    def kill(self):
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None

    def access(self, name, **more):
        """What a party's NAME.toml says of this broker."""
        self._file(f"{name}.password", self.users[name] + "\n")
        told = {"broker": self.url, "user": name, "password_file": f"{name}.password", **more}
        return "[mqtt]\n" + "".join(f'{key} = "{value}"\n' for key, value in told.items())


class Authority:
    """Signs certificates of brokers and of their clients."""

    def __init__(self, directory, name="authority"):
        from cryptography.hazmat.primitives.asymmetric import ec

        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name
        self.path = Path(directory) / f"{name}.pem"
        self._certificate = self._sign(name, self.key.public_key(), lasting=True)
        self.path.write_bytes(_pem(self._certificate))

    def issue(self, name, directory):
        """Files of a certificate for `name`, and of its key."""
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec

        key = ec.generate_private_key(ec.SECP256R1())
        files = Path(directory) / f"{name}.tls.pem", Path(directory) / f"{name}.tls.key"
        files[0].write_bytes(_pem(self._sign(name, key.public_key())))
        files[1].write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        files[1].chmod(0o600)
        return files

    def _sign(self, name, public, lasting=False):
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes

        now = datetime.now(UTC)
        names = [
            x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, n)]) for n in (name, self.name)
        ]
        made = (
            x509.CertificateBuilder()
            .subject_name(names[0])
            .issuer_name(names[1])
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=30))
            .add_extension(x509.BasicConstraints(ca=lasting, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(self.key.public_key())
                if lasting
                else x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key()),
                critical=False,
            )
        )
        return made.sign(self.key, hashes.SHA256())


def _pem(certificate):
    from cryptography.hazmat.primitives import serialization

    return certificate.public_bytes(serialization.Encoding.PEM)
