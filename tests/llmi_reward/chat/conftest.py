"""Makes the faulty server importable, and lends one with a client that asks it."""

from __future__ import annotations

import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from faulty_server import FaultyServer

from llmi_reward.chat import ChatClient, Endpoint, Retries

QUICK = Retries(first_seconds=0.01)


@asynccontextmanager
async def asking(script=lambda call: "ok", server=None, **settings):
    """A server that follows the script, and a client for it that does not wait long."""
    options = {"retries": QUICK, "deadline_seconds": 5.0, "attempt_seconds": 1.0} | settings
    async with (
        FaultyServer(script, **(server or {})) as running,
        ChatClient(Endpoint(running.url, "judge", api_key="secret"), **options) as client,
    ):
        yield running, client


@pytest.fixture(scope="session")
def ask():
    return asking
