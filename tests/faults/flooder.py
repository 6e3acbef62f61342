"""A program that floods a listener from one host: silent connections, and some that drip.

    python flooder.py ADDRESS SILENT DRIPPING [PREAMBLE]

A connection that is closed is made again at once. Prints "up" once all have been made, then goes on
until it is ended. Dripping ones send a preamble, a byte at a time; PREAMBLE, in hex, is sent whole.
"""

from __future__ import annotations

import resource
import select
import socket
import sys
import time

MAGIC = b"OSTRAKA\x01\x00\x10"


def connect(address):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(address)
    return sock


def main():
    host, _, port = sys.argv[1].rpartition(":")
    address, silent, dripping = (host, int(port)), int(sys.argv[2]), int(sys.argv[3])
    shown = bytes.fromhex(sys.argv[4]) if len(sys.argv) > 4 else b""
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    poll, drips, socks = select.epoll(), {}, {}

    def add(drip):
        sock = connect(address)
        socks[sock.fileno()] = sock
        if drip:
            drips[sock.fileno()] = 0
        poll.register(sock, select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR)

    for number in range(silent + dripping):
        add(number >= silent)
        if number % 50 == 0:
            time.sleep(0.001)
    print("up", flush=True)
    while True:
        for fileno, _ in poll.poll(0.05):
            try:
                over = not socks[fileno].recv(65536)
            except BlockingIOError:
                over = False
            except OSError:
                over = True
            if over:
                poll.unregister(fileno)
                socks.pop(fileno).close()
                add(drips.pop(fileno, None) is not None)
        for fileno, sent in list(drips.items()):
            data = shown if shown and not sent else (MAGIC + bytes(4096))[sent : sent + 1]
            try:
                socks[fileno].send(data)
                drips[fileno] = sent + 1
            except OSError:
                pass


main()
