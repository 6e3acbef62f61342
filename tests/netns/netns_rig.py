"""Several hosts on one machine: network namespaces, joined by a hub that routes between them.

Host number i has the addresses 10.77.i.2 and fd77:i::2, and its own /etc/hosts and resolv.conf.
Needs root, and `ip` of iproute2.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

BOOT = "/proc/sys/kernel/random/boot_id"


def possible():
    """Whether this machine lets us make namespaces."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    name = f"ost{os.getpid()}x"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False)
    if made.returncode == 0:
        ip("netns", "del", name)
    return made.returncode == 0


def ip(*words):
    subprocess.run(["ip", *map(str, words)], check=True, capture_output=True)


class Rig:
    """The hub, and the hosts that were made; used as a context."""

    def __init__(self):
        self.prefix = f"ost{os.getpid()}"
        self.hub = self.prefix + "-"
        self.hosts = {}
        self._stack = ExitStack()

    def __enter__(self):
        self._namespace(self.hub)
        for key in ("net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"):
            self.inside(self.hub, "sysctl", "-qw", f"{key}=1")
        return self

    def __exit__(self, *_):
        self._stack.close()

    def _namespace(self, name):
        self._stack.callback(ip, "netns", "del", name)
        self.boot(name)

    def boot(self, name):
        """Make a namespace, which has no connections."""
        ip("netns", "add", name)
        self.inside(name, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0")
        self.inside(name, "sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0")
        ip("-n", name, "link", "set", "lo", "up")

    def host(self, name):
        """Make a host; return it."""
        made = Host(self, name, len(self.hosts) + 1)
        self._namespace(made.netns)
        files = Path("/etc/netns") / made.netns
        files.mkdir(parents=True)
        self._stack.callback(shutil.rmtree, files)
        made.files = files
        self._stack.callback(files.with_name(f"{made.netns}.boot").unlink, missing_ok=True)
        made.names()
        made.connect()
        self._stack.callback(made.end)
        self.hosts[name] = made
        return made

    def inside(self, netns, *command, **options):
        return subprocess.run(
            ["ip", "netns", "exec", netns, *command], check=True, capture_output=True, **options
        )


class Host:
    """One host of a rig, and the processes that run on it."""

    def __init__(self, rig, name, number):
        self.rig, self.name, self.number = rig, name, number
        self.netns = rig.prefix + name
        self.v4, self.v6 = f"10.77.{number}.2", f"fd77:{number}::2"
        self._processes, self.boots = [], 0

    def connect(self, last=2):
        """Plug the host in, with addresses that end in `last`."""
        number, inner, outer = self.number, "eth0", f"v{self.number}"
        self.v4, self.v6 = f"10.77.{number}.{last}", f"fd77:{number}::{last:x}"
        ip("link", "add", outer, "netns", self.rig.hub, "type", "veth",
           "peer", "name", inner, "netns", self.netns)  # fmt: skip
        for netns, device, end in ((self.rig.hub, outer, 1), (self.netns, inner, last)):
            ip("-n", netns, "addr", "add", f"10.77.{number}.{end}/24", "dev", device)
            ip("-n", netns, "addr", "add", f"fd77:{number}::{end:x}/64", "dev", device, "nodad")
            ip("-n", netns, "link", "set", device, "up")
        ip("-n", self.netns, "route", "add", "default", "via", f"10.77.{number}.1")
        ip("-n", self.netns, "-6", "route", "add", "default", "via", f"fd77:{number}::1")

    def unplug(self):
        """Take the host off the net: no FIN leaves it."""
        ip("-n", self.rig.hub, "link", "del", f"v{self.number}")

    def power_cycle(self):
        """Switch the host off and on again: no FIN leaves it, and it knows nothing of before."""
        self.unplug()
        for process in self._processes:
            process.kill()
            process.wait()
        ip("netns", "del", self.netns)
        self.rig.boot(self.netns)
        self.boots += 1
        self.connect()

    def drop(self, *rule):
        """Drop packets that leave this host by an iptables rule; return what undoes it."""
        return self._rule(self.netns, "OUTPUT", *rule, "-j", "DROP")

    def reset(self, *rule):
        """Answer packets that leave this host with RST; return what undoes it."""
        return self._rule(
            self.netns, "OUTPUT", "-p", "tcp", *rule, "-j", "REJECT", "--reject-with", "tcp-reset"
        )

    def masquerade(self):
        """Put the host behind the hub's own addresses: no other host can open connections to it."""
        hub, mine = self.rig.hub, f"10.77.{self.number}.0/24"
        self._rule(hub, "POSTROUTING", "-t", "nat", "-s", mine, "-j", "MASQUERADE")
        states = ("-m", "conntrack", "--ctstate", "NEW")
        self._rule(hub, "FORWARD", "-d", mine, *states, "-j", "DROP")

    def _rule(self, netns, chain, *rule):
        self.rig.inside(netns, "iptables", "-w", "-I", chain, *rule)
        return lambda: self.rig.inside(netns, "iptables", "-w", "-D", chain, *rule)

    def hole(self, last):
        """Make an address of this host's own wire a black hole; return it."""
        address = f"10.77.{self.number}.{last}"
        ip("-n", self.netns, "neigh", "replace", address, "lladdr", "02:00:00:00:00:63",
           "dev", "eth0", "nud", "permanent")  # fmt: skip
        return address

    def names(self, server="127.0.0.1", **addresses):
        """Write /etc/hosts, where `_` in a name stands for a dot, and the name server to ask."""
        lines = ["127.0.0.1 localhost", "::1 localhost"]
        for name, found in addresses.items():
            each = [found] if isinstance(found, str) else found
            lines += [f"{address} {name.replace('_', '.')}" for address in each]
        (self.files / "hosts").write_text("\n".join(lines) + "\n")
        (self.files / "resolv.conf").write_text(f"nameserver {server}\n")

    def start(
        self, *arguments, entry=("-m", "ostraka.cli.main"), stdin=subprocess.DEVNULL, out=None
    ):
        """Start `ostraka ARGUMENTS` on this host, under a boot id of this start of it.

        out: files for stdout and stderr; pipes otherwise.
        """
        stdout, stderr = out or (subprocess.PIPE, subprocess.PIPE)
        boot = self.files.with_name(f"{self.netns}.boot")
        boot.write_text(f"{self.name} {self.boots}\n")
        script = f'mount --bind {boot} {BOOT} && exec "$@"'
        command = ["ip", "netns", "exec", self.netns, "sh", "-c", script, "sh"]
        process = subprocess.Popen(
            [*command, sys.executable, *map(str, (*entry, *arguments))],
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
            text=True,
        )
        self._processes.append(process)
        return process

    def end(self):
        for process in self._processes:
            if process.poll() is None:
                process.kill()
            process.communicate()
