"""A port for a server that a test starts as a program, which opens it only later."""

from __future__ import annotations

import secrets
import socket

PORTS = range(10_000, 20_000)  # a kernel gives none of these to the other connections of tests that run beside


def free_port() -> int:
    for _ in range(100):
        port = secrets.choice(PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise OSError(f"found no free port from {PORTS.start} to {PORTS.stop - 1}")
