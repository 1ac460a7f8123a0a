"""`flow` under Ctrl-C."""

import os
import signal

import pytest

from llmi_data.errors import StoppedError
from llmi_data.operation.flow import flow


async def test_ctrl_c_is_heard_between_rows_that_wait_for_nothing():
    done = []

    async def work(item):
        done.append(item)
        if item == 3:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(StoppedError, match="Ctrl-C"):
        await flow(range(10_000), work, lambda item, error: None, concurrency=1)
    assert len(done) < 10
