"""Serving the studio on this machine, until it is told to end."""

from __future__ import annotations

import socket

from starlette.applications import Starlette

from llmi_schema import ConfigurationError


def serve(app: Starlette, listening: socket.socket, *, log_level: str = "warning") -> None:
    """Serve on a socket of `bound` until Ctrl-C or SIGTERM; documents that are being written end with it."""
    import uvicorn

    config = uvicorn.Config(app, log_level=log_level, timeout_graceful_shutdown=1, server_header=False)
    uvicorn.Server(config).run(sockets=[listening])


def bound(port: int) -> socket.socket:
    """A socket on loopback; port 0 takes a free one.

    The studio has no login, so it is on this machine only; from elsewhere it is reached through `ssh -L`. Raises
    `ConfigurationError` when the port is taken.
    """
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind(("127.0.0.1", port))
    except OSError as error:
        listening.close()
        raise ConfigurationError(
            f"port {port} cannot be used ({error.strerror}): choose another with --port"
        ) from error
    return listening
